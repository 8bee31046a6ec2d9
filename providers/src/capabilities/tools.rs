//! Takes out the tools and the choices among them that a target lacks.

use std::sync::Arc;

use belvedere_core::provider::Lack;
use belvedere_core::request::{Request, ResponseFormat, Tool, ToolChoice};
use serde_json::{Map, Value};

use super::parameters::thinks;
use super::rule::{Field, Rule, Rules, matches};
use super::table;

/// Fits tools, their choice, and the form of the answer.
pub(super) fn fit(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    fit_tools(rules, request, lacks);
    fit_choice(rules, request, lacks);
    let field = match &request.response_format {
        Some(ResponseFormat::JsonObject) => Field::JsonObject,
        Some(ResponseFormat::JsonSchema { .. }) => Field::JsonSchema,
        _ => return,
    };
    if let Rule::Lacks(reason) = rules.get(field) {
        lacks.push(Lack::new(field.name(), *reason));
        request.response_format = None;
    }
}

fn fit_choice(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    let field = match &request.tool_choice {
        Some(ToolChoice::None) => Field::ChoiceNone,
        Some(ToolChoice::Required) => Field::ChoiceRequired,
        Some(ToolChoice::Function { .. }) => Field::ChoiceFunction,
        _ => return,
    };
    let reason = match rules.get(field) {
        Rule::Lacks(reason) => *reason,
        Rule::Quiet(when) if thinks(*when, request) => "a call can't be forced while the model thinks",
        _ => return,
    };
    // Without tools there is nothing to choose from, and `none` says so.
    if field != Field::ChoiceNone || !request.tools.is_empty() {
        lacks.push(Lack::new(field.name(), reason));
    }
    request.tool_choice = None;
}

fn fit_tools(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    if request.tools.iter().all(|tool| refused(rules, tool).is_none() && !strict_is_lost(rules, tool)) {
        return;
    }
    let mut place = 0..;
    Arc::make_mut(&mut request.tools).retain_mut(|tool| {
        let place = place.next().unwrap_or_default();
        if let Some(reason) = refused(rules, tool) {
            lacks.push(Lack::new(format!("tools[{place}]"), reason));
            return false;
        }
        if strict_is_lost(rules, tool)
            && let (Tool::Function(function), Rule::Lacks(reason)) =
                (&mut *tool, rules.get(Field::ToolStrict))
        {
            lacks.push(Lack::new(format!("tools[{place}].strict"), *reason));
            function.strict = None;
        }
        true
    });
}

/// Why a tool can't be sent.
fn refused(rules: &Rules, tool: &Tool) -> Option<String> {
    match (tool, rules.get(Field::Tools)) {
        (Tool::Function(_), Rule::Lacks(reason)) => Some((*reason).to_owned()),
        (Tool::Provider(own), _) => match rules.get(Field::ProviderTools) {
            Rule::Lacks(reason) => Some((*reason).to_owned()),
            Rule::Own(kinds) if !is_one_of(own, kinds) => {
                let (wire, _) = table::own_tools().find(|(_, kinds)| is_one_of(own, kinds))?;
                Some(match wire == rules.wire {
                    true => "this server does not run it".to_owned(),
                    false => format!("only servers of the wire {wire} run it"),
                })
            }
            _ => None,
        },
        _ => None,
    }
}

/// True when a tool is of one of these kinds, by its `type`, or by its only field where the wire has no types.
fn is_one_of(own: &Map<String, Value>, kinds: &[&str]) -> bool {
    let is = |name: &str| kinds.iter().any(|kind| matches(kind, name));
    match own.get("type").and_then(Value::as_str) {
        Some(kind) => is(kind),
        None => own.keys().any(|name| is(name)),
    }
}

/// A provider's tool without the `type` that tells it from a function, for wires where its one field does:
/// `{"type": "googleSearch"}` is `{"googleSearch": {}}`.
#[cfg(any(feature = "bedrock", feature = "google"))]
pub(crate) fn without_type(own: &Map<String, Value>) -> Map<String, Value> {
    let mut tool = own.clone();
    if let Some(Value::String(name)) = tool.remove("type")
        && tool.is_empty()
    {
        tool.insert(name, Value::Object(Map::new()));
    }
    tool
}

/// `false` and nothing at all ask for no more than what comes anyway.
fn strict_is_lost(rules: &Rules, tool: &Tool) -> bool {
    let Tool::Function(function) = tool else { return false };
    function.strict == Some(true) && matches!(rules.get(Field::ToolStrict), Rule::Lacks(_))
}
