//! Reads requests.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part, Role, ToolBy};
use belvedere_core::request::{
    Effort, Function, Operation, Parameters, Reasoning, Request, ResponseFormat, Schema, Tool,
};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::super::{CHAT, picture};
use crate::endpoint::{Fields, invalid, is_begun};

/// Reads a chat.
///
/// # Errors
/// `InvalidRequest` naming the field and what is allowed there.
pub(super) fn chat(request: &http::Request<Bytes>) -> Result<Request> {
    let mut body = Fields::of_body(request)?;
    let mut read = Parameters::default();
    let messages = body.list("messages")?.map(|(path, value)| message(Fields::of(value, path)?));
    read.messages = Arc::new(messages.collect::<Result<_>>()?);
    read.continue_final_message = is_begun(&read.messages);
    let tools = body.list("tools")?.map(|(path, value)| tool(Fields::of(value, path)?));
    read.tools = Arc::new(tools.collect::<Result<_>>()?);
    settings(&mut body, &mut read)?;
    read.extra = body.rest();
    Ok(read.into())
}

/// Reads a prompt.
///
/// # Errors
/// As [`chat`].
pub(super) fn generate(request: &http::Request<Bytes>) -> Result<Request> {
    let mut body = Fields::of_body(request)?;
    let mut read = Parameters::default();
    let system = body.text("system")?.filter(|text| !text.is_empty());
    let mut parts = Vec::new();
    parts.extend(body.text("prompt")?.map(Part::text));
    parts.extend(images(&mut body)?);
    let mut messages: Vec<Message> = system.map(Message::system).into_iter().collect();
    messages.push(Message::new(Role::User, parts));
    read.messages = Arc::new(messages);
    settings(&mut body, &mut read)?;
    read.extra = body.rest();
    Ok(read.into())
}

/// Reads a request for embeddings.
///
/// # Errors
/// As [`chat`].
pub(super) fn embed(request: &http::Request<Bytes>) -> Result<Request> {
    let mut body = Fields::of_body(request)?;
    let mut read = Parameters::default();
    read.operation = Operation::Embed;
    read.model = body.text("model")?.map(SmolStr::from);
    read.dimensions = body.take("dimensions", "a whole number")?;
    let input = match body.value("input") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.into_iter().map(text).collect::<Result<_>>()?,
        _ => return Err(body.fault("input", "must be a string or an array of them")),
    };
    read.input = Arc::new(input);
    read.extra = body.rest();
    Ok(read.into())
}

fn text(value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(invalid("input", "must be a string or an array of them")),
    }
}

/// What chats and prompts have in common.
fn settings(body: &mut Fields, read: &mut Parameters) -> Result<()> {
    read.model = body.text("model")?.map(SmolStr::from);
    read.stream = body.take("stream", "a boolean")?.unwrap_or(true);
    read.logprobs = body.take("logprobs", "a boolean")?;
    read.top_logprobs = body.take("top_logprobs", "a whole number")?;
    read.reasoning = body.value("think").map(|value| reasoning(&value)).transpose()?;
    read.response_format = match body.value("format") {
        None => None,
        Some(Value::String(word)) if word.is_empty() => None,
        Some(Value::String(word)) if word == "json" => Some(ResponseFormat::JsonObject),
        Some(schema @ Value::Object(_)) => {
            Some(ResponseFormat::JsonSchema { json_schema: Schema::new("answer", schema) })
        }
        Some(_) => return Err(body.fault("format", "must be \"json\" or a JSON schema")),
    };
    let Some(mut options) = body.object("options")? else { return Ok(()) };
    read.max_tokens = tokens(&mut options)?;
    read.temperature = options.take("temperature", "a number")?;
    read.top_p = options.take("top_p", "a number")?;
    read.top_k = options.take("top_k", "a whole number")?;
    read.seed = options.take("seed", "a whole number")?;
    read.presence_penalty = options.take("presence_penalty", "a number")?;
    read.frequency_penalty = options.take("frequency_penalty", "a number")?;
    read.stop = match options.value("stop") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(many) => serde_json::from_value(many)
            .map_err(|_| options.fault("stop", "must be a string or an array of them"))?,
    };
    let rest = options.rest();
    if !rest.is_empty() {
        body.put("options", Value::Object(rest));
    }
    Ok(())
}

/// The limit of an answer. A negative one is the wire's word for none (`-1`) or for a filled context (`-2`).
fn tokens(options: &mut Fields) -> Result<Option<u64>> {
    match options.take::<i64>("num_predict", "a whole number")? {
        Some(limit) if limit < 0 => {
            options.put("num_predict", limit.into());
            Ok(None)
        }
        limit => Ok(limit.and_then(|limit| u64::try_from(limit).ok())),
    }
}

fn reasoning(think: &Value) -> Result<Reasoning> {
    let mut reasoning = Reasoning::default();
    reasoning.effort = match think {
        Value::Bool(true) => None,
        Value::Bool(false) => Some(Effort::None),
        Value::String(level) => Some(match level.as_str() {
            "low" => Effort::Low,
            "medium" => Effort::Medium,
            "high" => Effort::High,
            "max" => Effort::Xhigh,
            _ => return Err(invalid("think", "must be a boolean, low, medium, high or max")),
        }),
        _ => return Err(invalid("think", "must be a boolean, low, medium, high or max")),
    };
    Ok(reasoning)
}

fn message(mut fields: Fields) -> Result<Message> {
    let role = fields.need_text("role")?;
    let text = fields.text("content")?.filter(|text| !text.is_empty());
    let mut parts: Vec<Part> = Vec::new();
    parts.extend(fields.text("thinking")?.filter(|text| !text.is_empty()).map(Part::reasoning));
    parts.extend(text.map(Part::text));
    parts.extend(images(&mut fields)?);
    for (path, value) in fields.list("tool_calls")? {
        parts.push(call(Fields::of(value, path)?)?);
    }
    let role = match role.to_ascii_lowercase().as_str() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => {
            let id = fields.text("tool_call_id")?.unwrap_or_default().into();
            let name = fields.text("tool_name")?.map(SmolStr::from);
            let content = std::mem::take(&mut parts);
            parts.push(Part::ToolResult { id, name, content, is_error: false, extra: Map::new() });
            Role::Tool
        }
        _ => return Err(fields.fault("role", "must be system, user, assistant or tool")),
    };
    let mut message = Message::new(role, parts);
    message.extra = own(fields.rest());
    Ok(message)
}

fn images(fields: &mut Fields) -> Result<Vec<Part>> {
    let images = fields.list("images")?;
    let read = images.map(|(path, value)| {
        let data = value.as_str().and_then(|text| STANDARD.decode(text).ok());
        data.map(|data| picture::part(data.into()))
            .ok_or_else(|| invalid(&path, "must be base64 of an image"))
    });
    read.collect()
}

fn call(mut fields: Fields) -> Result<Part> {
    let id = fields.text("id")?.unwrap_or_default().into();
    let Some(mut function) = fields.object("function")? else {
        return Err(fields.fault("function", "is missing; an object is needed"));
    };
    let name = function.need_text("name")?.into();
    let input = match function.value("arguments") {
        None => String::new(),
        Some(arguments @ Value::Object(_)) => arguments.to_string(),
        Some(_) => return Err(function.fault("arguments", "must be an object")),
    };
    if let Some(index) = function.value("index") {
        fields.put("index", index);
    }
    Ok(Part::ToolCall { id, name, input, by: ToolBy::Client, extra: own(fields.rest()) })
}

/// Fields that no other wire is sent.
fn own(fields: Map<String, Value>) -> Map<String, Value> {
    match fields.is_empty() {
        true => fields,
        false => Map::from_iter([(CHAT.to_owned(), Value::Object(fields))]),
    }
}

fn tool(mut fields: Fields) -> Result<Tool> {
    let kind = fields.text("type")?;
    if kind.as_deref().is_some_and(|kind| kind != "function") {
        fields.put("type", kind.unwrap_or_default().into());
        return Ok(Tool::Provider(fields.rest()));
    }
    let Some(mut described) = fields.object("function")? else {
        return Err(fields.fault("function", "is missing; an object is needed"));
    };
    let name = described.need_text("name")?;
    let description = described.text("description")?;
    let mut function = Function::new(name, "", described.value("parameters").unwrap_or_default());
    function.description = description;
    function.parameters = function.parameters.filter(|schema| !schema.is_null());
    function.extra = own(described.rest());
    Ok(Tool::Function(function))
}
