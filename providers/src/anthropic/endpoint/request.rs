//! Reads a chat request.

use std::sync::Arc;

use belvedere_core::error::Result;
use belvedere_core::request::{Function, Request, Tool};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{message, settings};
use crate::endpoint::{Fields, invalid, is_begun};

const COUNT: &str = "a whole number that is not negative";
const NUMBER: &str = "a number";

/// The request in a body.
///
/// # Errors
/// `InvalidRequest` naming the field and what is allowed there.
pub(super) fn chat(request: &http::Request<Bytes>) -> Result<Request> {
    let mut body = Fields::of_body(request)?;
    let mut out = Request::default();
    out.model = body.text("model")?.map(Into::into);
    out.messages = Arc::new(message::all(&mut body, request.body())?);
    out.continue_final_message = is_begun(&out.messages);
    out.tools = Arc::new(body.list("tools")?.map(|(path, value)| tool(value, &path)).collect::<Result<_>>()?);
    out.max_tokens = body.take("max_tokens", COUNT)?;
    out.temperature = body.take("temperature", NUMBER)?;
    out.top_p = body.take("top_p", NUMBER)?;
    out.top_k = body.take("top_k", COUNT)?;
    out.stop = body.take("stop_sequences", "an array of strings")?.unwrap_or_default();
    out.stream = body.take("stream", "true or false")?.unwrap_or_default();
    settings::tool_choice(&mut body, &mut out)?;
    settings::output(&mut body, &mut out)?;
    settings::thinking(&mut body, &mut out)?;
    settings::user(&mut body, &mut out)?;
    out.extra = body.rest();
    Ok(out)
}

/// A function of the client, or a tool of the provider: that one has a type of its own.
fn tool(value: Value, path: &str) -> Result<Tool> {
    let mut tool = Fields::of(value, path)?;
    match tool.get("type") {
        None => {}
        Some(Value::String(kind)) if kind == "custom" => drop(tool.value("type")),
        Some(Value::String(_)) => return Ok(Tool::Provider(tool.rest())),
        Some(_) => return Err(tool.fault("type", "must be a string")),
    }
    let name = tool.need_text("name")?;
    let mut function = Function::new(name, "", Value::Null);
    function.description = tool.text("description")?;
    function.parameters = tool.value("input_schema");
    function.strict = tool.take("strict", "true or false")?;
    if function.parameters.as_ref().is_some_and(|schema| !schema.is_object()) {
        return Err(invalid(&format!("{path}.input_schema"), "must be an object"));
    }
    function.extra = tool.rest();
    Ok(Tool::Function(function))
}

/// True when an object has these fields and no others.
pub(super) fn has_only(map: &Map<String, Value>, names: &[&str]) -> bool {
    map.len() == names.len() && names.iter().all(|name| map.contains_key(*name))
}
