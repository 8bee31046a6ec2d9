//! The body of a request.

use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part, Role, extra_of};
use belvedere_core::request::{Effort, Request, ResponseFormat, Tool, ToolChoice};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::WIRE;
use super::content::further;
use super::input::{Item, Items};
use crate::outgoing::{json as text_of, refuse};

/// What is included in the answer when reasoning has to be carried back without the server's memory.
pub(super) const ENCRYPTED: &str = "reasoning.encrypted_content";
/// What is included when log probabilities are asked for.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

#[derive(Debug, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Vec<Item<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Definition<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    /// Small settings: derived ones and the request's own `extra`.
    #[serde(flatten)]
    settings: Map<String, Value>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Definition<'a> {
    Function {
        r#type: &'static str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        parameters: Option<&'a Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(flatten)]
        further: std::collections::BTreeMap<&'a str, &'a Value>,
    },
    Own(&'a Tool),
}

/// The body of a request, as JSON.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming what the wire cannot express.
pub(super) fn body(model: &str, request: &Request) -> Result<Bytes> {
    refuse_lacking(request)?;
    let mut settings = settings(request);
    let (instructions, messages) = instructions(request);
    if let (Some(text), false) = (instructions, settings.contains_key("instructions")) {
        settings.insert("instructions".into(), text.into());
    }
    let mut items = Items::new(&request.tools);
    let skipped = request.messages.len() - messages.len();
    for (i, message) in messages.iter().enumerate() {
        items.message(message, &format!("messages[{}]", i + skipped))?;
    }
    // What `extra` says wins, the fields beside it included.
    let without = |name: &str| !settings.contains_key(name);
    let stream = request.stream && without("stream");
    let tools =
        if without("tools") { request.tools.iter().map(Definition::of).collect() } else { Vec::new() };
    let model = Some(model).filter(|_| without("model"));
    let input = Some(items.into_inner()).filter(|_| without("input"));
    text_of(request, &Body { model, input, tools, stream, settings })
}

/// Refuses what the wire lacks. What asks for no more than the wire gives anyway is fine.
fn refuse_lacking(request: &Request) -> Result<()> {
    let budget = request.reasoning.as_ref().is_some_and(|r| r.max_tokens.is_some());
    let lacking = [
        ("n", request.n.is_some_and(|n| n != 1)),
        ("seed", request.seed.is_some()),
        ("stop", !request.stop.is_empty()),
        ("top_k", request.top_k.is_some()),
        ("presence_penalty", request.presence_penalty.is_some_and(|p| p != 0.0)),
        ("frequency_penalty", request.frequency_penalty.is_some_and(|p| p != 0.0)),
        ("reasoning.max_tokens", budget),
        ("dimensions", request.dimensions.is_some()),
    ];
    refuse(lacking, "the Responses wire has no such parameter")
}

/// The text of `instructions`, and the messages behind it. It is a first system message that says in its extra of
/// this wire that it stood there.
fn instructions(request: &Request) -> (Option<&str>, &[Message]) {
    let messages = request.messages.as_slice();
    let Some((first, others)) = messages.split_first() else { return (None, messages) };
    let marked = extra_of(&first.extra, WIRE).any(|(name, mark)| name == "instructions" && *mark == true);
    match first.parts.as_slice() {
        [Part::Text { text, .. }] if marked && first.role == Role::System => (Some(text), others),
        _ => (None, messages),
    }
}

impl<'a> Definition<'a> {
    fn of(tool: &'a Tool) -> Self {
        match tool {
            Tool::Function(function) => Definition::Function {
                r#type: "function",
                name: &function.name,
                description: function.description.as_deref(),
                parameters: function.parameters.as_ref(),
                strict: function.strict,
                further: further(&function.extra, &["defer_loading"]).into_iter().collect(),
            },
            other => Definition::Own(other),
        }
    }
}

/// The small settings. What stands in `extra` wins; objects and lists are joined.
fn settings(request: &Request) -> Map<String, Value> {
    let own = extra_of(&request.extra, WIRE).map(|(name, value)| (name.to_owned(), value.clone()));
    let mut settings: Map<String, Value> = own.collect();
    let is_stateless = is_stateless(request, &settings);
    let mut put = |name: &str, value: Value| match (settings.get_mut(name), value) {
        (Some(Value::Object(own)), Value::Object(derived)) => {
            for (name, value) in derived {
                own.entry(name).or_insert(value);
            }
        }
        (Some(Value::Array(own)), Value::Array(derived)) => {
            let new: Vec<Value> = derived.into_iter().filter(|item| !own.contains(item)).collect();
            own.extend(new);
        }
        (Some(_), _) => {}
        (None, value) => drop(settings.insert(name.into(), value)),
    };
    let mut put_some = |name: &str, value: Option<Value>| value.into_iter().for_each(|v| put(name, v));
    put_some("max_output_tokens", request.max_tokens.map(Into::into));
    put_some("temperature", request.temperature.map(Into::into));
    put_some("top_p", request.top_p.map(Into::into));
    put_some("top_logprobs", request.top_logprobs.map(Into::into));
    put_some("parallel_tool_calls", request.parallel_tool_calls.map(Into::into));
    put_some("tool_choice", request.tool_choice.as_ref().map(tool_choice));
    put_some("user", request.user.as_deref().map(Into::into));
    put_some("text", request.response_format.as_ref().map(|format| json!({ "format": form(format) })));
    let effort = request.reasoning.as_ref().and_then(|reasoning| reasoning.effort);
    put_some("reasoning", effort.map(|effort| json!({ "effort": effort.as_str() })));
    if request.logprobs == Some(true) {
        put_some("include", Some(json!([LOGPROBS])));
    }
    if is_stateless {
        put_some("include", Some(json!([ENCRYPTED])));
        put_some("store", Some(false.into()));
    }
    settings
}

/// True for a request that asks for reasoning and does not say how the server keeps state.
pub(super) fn is_stateless(request: &Request, settings: &Map<String, Value>) -> bool {
    const STATE: [&str; 4] = ["store", "previous_response_id", "conversation", "background"];
    let effort = request.reasoning.as_ref().and_then(|reasoning| reasoning.effort);
    let included = settings.get("include").and_then(Value::as_array).into_iter().flatten();
    effort.is_some_and(|effort| effort != Effort::None)
        && !STATE.iter().any(|name| settings.contains_key(*name))
        && !included.into_iter().any(|item| item == ENCRYPTED)
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Function { name } => json!({ "type": "function", "name": name }),
        _ => json!("auto"),
    }
}

/// The form of the answer, in which a schema's fields stand beside its type.
fn form(format: &ResponseFormat) -> Value {
    let mut form = match serde_json::to_value(format) {
        Ok(Value::Object(form)) => form,
        _ => Map::new(),
    };
    if let Some(Value::Object(schema)) = form.remove("json_schema") {
        form.extend(schema);
    }
    Value::Object(form)
}
