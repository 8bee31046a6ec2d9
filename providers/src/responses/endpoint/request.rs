//! Reads a request.

use std::sync::Arc;

use belvedere_core::error::Result;
use belvedere_core::request::{Effort, Reasoning, Request, ResponseFormat, Tool, ToolChoice};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::encode::{ENCRYPTED, LOGPROBS, is_stateless};
use super::input::Messages;
use crate::endpoint::{Fields, invalid};

const COUNT: &str = "a whole number that is not negative";
const NUMBER: &str = "a number";
const SWITCH: &str = "true or false";

/// The request in a body.
///
/// # Errors
/// `InvalidRequest` naming the field and what is allowed there.
pub(super) fn read(request: &http::Request<Bytes>) -> Result<Request> {
    let mut body = Fields::of_body(request)?;
    let mut out = Request::default();
    out.model = body.text("model")?.map(Into::into);
    out.messages = Arc::new(messages(&mut body)?);
    out.tools = Arc::new(body.list("tools")?.map(|(path, value)| tool(value, &path)).collect::<Result<_>>()?);
    out.tool_choice = tool_choice(&mut body)?;
    out.parallel_tool_calls = body.take("parallel_tool_calls", SWITCH)?;
    out.max_tokens = body.take("max_output_tokens", COUNT)?;
    out.temperature = body.take("temperature", NUMBER)?;
    out.top_p = body.take("top_p", NUMBER)?;
    out.top_logprobs = body.take("top_logprobs", COUNT)?;
    out.user = body.text("user")?.map(Into::into);
    out.stream = body.take("stream", SWITCH)?.unwrap_or_default();
    out.response_format = response_format(&mut body)?;
    out.reasoning = reasoning(&mut body)?;
    include(&mut body, &mut out)?;
    out.extra = body.rest();
    Ok(out)
}

fn messages(body: &mut Fields) -> Result<Vec<belvedere_core::message::Message>> {
    let mut messages = Messages::default();
    if let Some(text) = body.text("instructions")? {
        messages.instructions(text);
    }
    match body.get("input") {
        Some(Value::String(_)) => messages.said(body.need_text("input")?),
        Some(_) => {
            for (path, item) in body.list("input")? {
                messages.item(item, &path)?;
            }
        }
        // The server has the rest of the conversation, or the prompt.
        None if ["previous_response_id", "conversation", "prompt"].iter().any(|n| body.get(n).is_some()) => {}
        None => return Err(body.fault("input", "is missing; a string or an array of items is needed")),
    }
    Ok(messages.into_inner())
}

fn tool(value: Value, path: &str) -> Result<Tool> {
    serde_json::from_value(value)
        .map_err(|_| invalid(path, "is neither a function with a name nor a tool of a type of its own"))
}

/// `auto`, `none`, `required` or one function. Other objects, such as `allowed_tools`, stay as they are.
fn tool_choice(body: &mut Fields) -> Result<Option<ToolChoice>> {
    const WORDS: &str = "must be auto, none, required, or an object that names a tool";
    let Some(value) = body.value("tool_choice") else { return Ok(None) };
    match &value {
        Value::String(word) => match word.as_str() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" => Ok(Some(ToolChoice::Required)),
            _ => Err(body.fault("tool_choice", WORDS)),
        },
        Value::Object(map) => match map.get("name").and_then(Value::as_str) {
            Some(name) if value == json!({"type": "function", "name": name}) => {
                Ok(Some(ToolChoice::Function { name: name.into() }))
            }
            _ => {
                body.put("tool_choice", value);
                Ok(None)
            }
        },
        _ => Err(body.fault("tool_choice", WORDS)),
    }
}

/// `text.format`. What else stands in `text`, and a form we can't say all of, is left.
fn response_format(body: &mut Fields) -> Result<Option<ResponseFormat>> {
    let Some(mut text) = body.object("text")? else { return Ok(None) };
    let format = text.object("format")?.map(Fields::rest).unwrap_or_default();
    let own = match format.get("type").and_then(Value::as_str) {
        Some("json_schema") => {
            let mut schema = format.clone();
            schema.remove("type");
            json!({ "type": "json_schema", "json_schema": schema })
        }
        _ => Value::Object(format.clone()),
    };
    let read = serde_json::from_value::<ResponseFormat>(own.clone()).ok();
    let read = read.filter(|read| serde_json::to_value(read).is_ok_and(|again| again == own));
    if read.is_none() && !format.is_empty() {
        text.put("format", Value::Object(format));
    }
    if !text.is_empty() {
        body.put("text", Value::Object(text.rest()));
    }
    Ok(read)
}

/// `reasoning.effort`. What else stands in `reasoning` is left.
fn reasoning(body: &mut Fields) -> Result<Option<Reasoning>> {
    let Some(mut fields) = body.object("reasoning")? else { return Ok(None) };
    let effort = fields.take_if_whole::<Effort>("effort");
    if !fields.is_empty() {
        body.put("reasoning", Value::Object(fields.rest()));
    }
    Ok(effort.map(|effort| {
        let mut reasoning = Reasoning::default();
        reasoning.effort = Some(effort);
        reasoning
    }))
}

/// What the encoder itself asks for is taken out of `include`, with the `store` that belongs to it.
fn include(body: &mut Fields, out: &mut Request) -> Result<()> {
    let Some(mut included) = body.take::<Vec<Value>>("include", "an array of strings")? else {
        return Ok(());
    };
    let before = included.len();
    if included.iter().any(|item| item == LOGPROBS) {
        out.logprobs = Some(true);
        included.retain(|item| item != LOGPROBS);
    }
    let is_stateless = {
        let state = ["previous_response_id", "conversation", "background"];
        let kept: serde_json::Map<_, _> =
            state.iter().filter_map(|name| Some(((*name).to_owned(), body.get(name)?.clone()))).collect();
        is_stateless(out, &kept) && body.get("store") == Some(&Value::Bool(false))
    };
    if is_stateless && included.iter().any(|item| item == ENCRYPTED) {
        included.retain(|item| item != ENCRYPTED);
        body.value("store");
    }
    if !included.is_empty() || before == 0 {
        body.put("include", Value::Array(included));
    }
    Ok(())
}
