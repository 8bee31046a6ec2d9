//! Reads requests.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::request::{
    Effort, Function, Operation, Parameters, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::{EMBEDDING_TYPES, INPUT_TYPE, TOOL_PLAN, WIRE};
use crate::endpoint::{Fields, invalid};

/// Reads a chat.
///
/// # Errors
/// `InvalidRequest` naming the field and what is allowed there.
pub(super) fn chat(request: &http::Request<Bytes>) -> Result<Request> {
    let mut body = Fields::of_body(request)?;
    let mut read = Parameters::default();
    read.model = body.text("model")?.map(SmolStr::from);
    let messages = body.list("messages")?.map(|(path, value)| message(Fields::of(value, path)?));
    read.messages = Arc::new(messages.collect::<Result<_>>()?);
    read.tools = Arc::new(tools(&mut body)?);
    read.tool_choice = match body.text("tool_choice")? {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("required") => Some(ToolChoice::Required),
        Some(word) if word.eq_ignore_ascii_case("none") => Some(ToolChoice::None),
        Some(_) => return Err(body.fault("tool_choice", "must be REQUIRED or NONE")),
    };
    read.max_tokens = body.take("max_tokens", "a whole number")?;
    read.temperature = body.take("temperature", "a number")?;
    read.top_p = body.take("p", "a number")?;
    read.top_k = body.take("k", "a whole number")?;
    read.stop = body.take("stop_sequences", "an array of strings")?.unwrap_or_default();
    read.seed = body.take("seed", "a whole number")?;
    read.frequency_penalty = body.take("frequency_penalty", "a number")?;
    read.presence_penalty = body.take("presence_penalty", "a number")?;
    read.logprobs = body.take("logprobs", "a boolean")?;
    read.response_format = body.object("response_format")?.map(format).transpose()?;
    read.reasoning = body.object("thinking")?.map(thinking).transpose()?;
    read.stream = body.take("stream", "a boolean")?.unwrap_or_default();
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
    let mut texts: Vec<String> = body.take("texts", "an array of strings")?.unwrap_or_default();
    if let Some(alone) = body.get("inputs").and_then(texts_of).filter(|_| texts.is_empty()) {
        texts = alone;
        body.value("inputs");
    }
    read.input = Arc::new(texts);
    read.dimensions = body.take("output_dimension", "a whole number")?;
    read.extra = body.rest();
    // What is sent anyway need not be said.
    for (name, value) in [("input_type", json!(INPUT_TYPE)), ("embedding_types", json!(EMBEDDING_TYPES))] {
        if read.extra.get(name) == Some(&value) {
            read.extra.remove(name);
        }
    }
    Ok(read.into())
}

/// The texts of `inputs`, the form that takes pictures, too; `None` when one of them is more than a text.
fn texts_of(inputs: &Value) -> Option<Vec<String>> {
    let text = |input: &Value| match input.get("content")?.as_array()?.as_slice() {
        [one] => one.get("text")?.as_str().map(str::to_owned),
        _ => None,
    };
    inputs.as_array()?.iter().map(text).collect()
}

fn tools(body: &mut Fields) -> Result<Vec<Tool>> {
    let tools = body.list("tools")?.map(|(path, value)| tool(Fields::of(value, path)?));
    let mut tools: Vec<Tool> = tools.collect::<Result<_>>()?;
    match body.take("strict_tools", "a boolean")? {
        Some(true) if !tools.is_empty() => {
            for tool in &mut tools {
                if let Tool::Function(function) = tool {
                    function.strict = Some(true);
                }
            }
        }
        Some(strict) => body.put("strict_tools", strict.into()),
        None => {}
    }
    Ok(tools)
}

fn tool(mut fields: Fields) -> Result<Tool> {
    if fields.get("type").is_some_and(|kind| kind != "function") {
        return Ok(Tool::Provider(fields.rest()));
    }
    let Some(mut described) = fields.object("function")? else {
        return Err(fields.fault("function", "is missing; an object is needed"));
    };
    let mut function = Function::new(described.need_text("name")?, "", Value::Null);
    function.description = described.text("description")?;
    function.parameters = described.value("parameters");
    function.extra = own(described.rest());
    Ok(Tool::Function(function))
}

fn format(mut fields: Fields) -> Result<ResponseFormat> {
    match fields.need_text("type")?.as_str() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(match fields.value("json_schema").or_else(|| fields.value("schema")) {
            Some(schema) => ResponseFormat::JsonSchema { json_schema: Schema::new("answer", schema) },
            None => ResponseFormat::JsonObject,
        }),
        _ => Err(fields.fault("type", "must be text or json_object")),
    }
}

fn thinking(mut fields: Fields) -> Result<Reasoning> {
    let mut reasoning = Reasoning::default();
    match fields.need_text("type")?.as_str() {
        "enabled" => reasoning.max_tokens = fields.take("token_budget", "a whole number")?,
        "disabled" => reasoning.effort = Some(Effort::None),
        _ => return Err(fields.fault("type", "must be enabled or disabled")),
    }
    Ok(reasoning)
}

fn message(mut fields: Fields) -> Result<Message> {
    let role = fields.need_text("role")?;
    let mut parts = Vec::new();
    if let Some(plan) = fields.text("tool_plan")?.filter(|plan| !plan.is_empty()) {
        let extra = own(Map::from_iter([("type".to_owned(), TOOL_PLAN.into())]));
        let (signature, wire) = (None, SmolStr::default());
        parts.push(Part::Reasoning { text: plan, signature, wire, extra });
    }
    parts.extend(content(&mut fields)?);
    for (path, value) in fields.list("tool_calls")? {
        parts.push(call(Fields::of(value, path)?)?);
    }
    let role = match role.as_str() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => {
            let id = fields.need_text("tool_call_id")?.into();
            let content = std::mem::take(&mut parts);
            parts.push(Part::ToolResult { id, name: None, content, is_error: false, extra: Map::new() });
            Role::Tool
        }
        _ => return Err(fields.fault("role", "must be system, user, assistant or tool")),
    };
    let mut message = Message::new(role, parts);
    message.extra = own(fields.rest());
    Ok(message)
}

/// A text, or a list of blocks.
fn content(fields: &mut Fields) -> Result<Vec<Part>> {
    match fields.get("content") {
        Some(Value::String(_)) => {
            let text = fields.text("content")?.filter(|text| !text.is_empty());
            Ok(text.map(Part::text).into_iter().collect())
        }
        _ => fields.list("content")?.map(|(path, value)| block(value, path)).collect(),
    }
}

fn block(value: Value, path: String) -> Result<Part> {
    let mut fields = Fields::of(value.clone(), path)?;
    let kind = fields.need_text("type")?;
    match kind.as_str() {
        "text" => Ok(Part::text(fields.need_text("text")?)),
        "thinking" => Ok(Part::reasoning(fields.need_text("thinking")?)),
        "image_url" => image(&mut fields),
        _ => Ok(Part::opaque(SmolStr::new_static(WIRE), kind, value)),
    }
}

fn image(fields: &mut Fields) -> Result<Part> {
    let (url, further) = match fields.value("image_url") {
        Some(Value::String(url)) => (url, Map::new()),
        Some(value) => {
            let mut inner = Fields::of(value, fields.path("image_url"))?;
            (inner.need_text("url")?, inner.rest())
        }
        None => return Err(fields.fault("image_url", "is missing; an object is needed")),
    };
    let source = match url.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
        None => MediaSource::Url(url),
        Some((mime, data)) => {
            let data = STANDARD
                .decode(data)
                .map_err(|_| invalid(&fields.path("image_url.url"), "must be base64"))?;
            MediaSource::Data { mime: mime.into(), data: data.into() }
        }
    };
    let mut media = Media::new(MediaKind::Image, source);
    media.extra = own(further);
    Ok(Part::Media(media))
}

fn call(mut fields: Fields) -> Result<Part> {
    let id = fields.need_text("id")?.into();
    let Some(mut function) = fields.object("function")? else {
        return Err(fields.fault("function", "is missing; an object is needed"));
    };
    let name = function.need_text("name")?.into();
    let input = function.text("arguments")?.unwrap_or_default();
    Ok(Part::ToolCall { id, name, input, by: ToolBy::Client, extra: Map::new() })
}

/// Fields that no other wire is sent.
fn own(fields: Map<String, Value>) -> Map<String, Value> {
    match fields.is_empty() {
        true => fields,
        false => Map::from_iter([(WIRE.to_owned(), Value::Object(fields))]),
    }
}
