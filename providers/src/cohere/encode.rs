//! The bodies of requests.

use belvedere_core::error::Result;
use belvedere_core::message::extra_of;
use belvedere_core::request::{Effort, Function, Parameters, Request, ResponseFormat, Tool, ToolChoice};
use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::message::{self, Sent};
use super::{Cohere, WIRE};
use crate::outgoing::{self, BodyFields, invalid};

/// The body of a chat.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming what the wire cannot express.
pub(super) fn chat(provider: &Cohere, request: &Request) -> Result<Bytes> {
    refuse_unwritable(request)?;
    let messages = message::all(&request.messages)?;
    outgoing::json(request, &Chat { model: provider.model(request)?, request, messages })
}

/// The body of an embedding.
///
/// # Errors
/// As [`chat`].
pub(super) fn embed(provider: &Cohere, request: &Request) -> Result<Bytes> {
    outgoing::json(request, &Embed { model: provider.model(request)?, request })
}

/// Refuses what has no form on the wire; what the wire lacks altogether was fitted before.
fn refuse_unwritable(request: &Request) -> Result<()> {
    if request.seed.is_some_and(|seed| seed < 0) {
        return Err(invalid("seed", "must not be negative"));
    }
    match &request.response_format {
        Some(ResponseFormat::JsonSchema { json_schema }) if json_schema.schema.is_none() => {
            Err(invalid("response_format.json_schema.schema", "is missing"))
        }
        _ => Ok(()),
    }
}

struct Chat<'a> {
    model: &'a str,
    request: &'a Request,
    messages: Vec<Sent<'a>>,
}

impl Serialize for Chat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request: &Parameters = self.request;
        let mut body = BodyFields::new(serializer.serialize_map(None)?, &request.extra, WIRE);
        body.put("model", self.model)?;
        body.put("messages", &self.messages)?;
        if !request.tools.is_empty() {
            body.put("tools", request.tools.iter().map(Definition).collect::<Vec<_>>())?;
        }
        let is_strict = |tool: &Tool| matches!(tool, Tool::Function(Function { strict: Some(true), .. }));
        body.put_some("strict_tools", request.tools.iter().any(is_strict).then_some(true))?;
        body.put_some("tool_choice", choice(request))?;
        body.put_some("max_tokens", request.max_tokens)?;
        body.put_some("temperature", request.temperature)?;
        body.put_some("p", request.top_p)?;
        body.put_some("k", request.top_k)?;
        body.put_some("stop_sequences", Some(&request.stop).filter(|stop| !stop.is_empty()))?;
        body.put_some("seed", request.seed)?;
        body.put_some("frequency_penalty", request.frequency_penalty)?;
        body.put_some("presence_penalty", request.presence_penalty)?;
        body.put_some("logprobs", request.logprobs)?;
        body.put_some("response_format", request.response_format.as_ref().map(format))?;
        body.join("thinking", thinking(request))?;
        body.put_some("stream", request.stream.then_some(true))?;
        body.end()
    }
}

/// The wire leaves the choice to the model unless it is told.
fn choice(request: &Parameters) -> Option<&'static str> {
    match request.tool_choice.as_ref()? {
        ToolChoice::Required => Some("REQUIRED"),
        ToolChoice::None => Some("NONE"),
        _ => None,
    }
}

/// <https://docs.cohere.com/docs/structured-outputs>: a schema has no name there, and is always held to.
fn format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { json_schema } => {
            json!({"type": "json_object", "json_schema": json_schema.schema})
        }
        _ => json!({"type": "text"}),
    }
}

/// <https://docs.cohere.com/docs/reasoning>: models that can think do, unless they are told not to.
fn thinking(request: &Parameters) -> Map<String, Value> {
    let Some(reasoning) = &request.reasoning else { return Map::new() };
    let (kind, budget) = match (reasoning.max_tokens, reasoning.effort) {
        (Some(0), _) | (None, Some(Effort::None)) => ("disabled", None),
        (budget, _) => ("enabled", budget),
    };
    let kind = ("type".to_owned(), kind.into());
    let budget = budget.map(|tokens| ("token_budget".to_owned(), tokens.into()));
    [kind].into_iter().chain(budget).collect()
}

struct Embed<'a> {
    model: &'a str,
    request: &'a Request,
}

impl Serialize for Embed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request: &Parameters = self.request;
        let mut body = BodyFields::new(serializer.serialize_map(None)?, &request.extra, WIRE);
        body.put("model", self.model)?;
        body.put_some("texts", Some(&*request.input).filter(|texts| !texts.is_empty()))?;
        body.put("input_type", super::INPUT_TYPE)?;
        body.put("embedding_types", super::EMBEDDING_TYPES)?;
        body.put_some("output_dimension", request.dimensions)?;
        body.end()
    }
}

/// A tool; the wire asks for its parameters.
struct Definition<'a>(&'a Tool);

impl Serialize for Definition<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Tool::Function(function) = self.0 else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", "function")?;
        map.serialize_entry("function", &Described(function))?;
        map.end()
    }
}

struct Described<'a>(&'a Function);

impl Serialize for Described<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Function { name, description, parameters, extra, .. } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        if let Some(description) = description {
            map.serialize_entry("description", description)?;
        }
        let none = json!({"type": "object", "properties": {}});
        map.serialize_entry("parameters", parameters.as_ref().unwrap_or(&none))?;
        for (name, value) in extra_of(extra, WIRE) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
