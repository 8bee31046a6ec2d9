//! Reads a chat request.

use std::sync::Arc;

use belvedere_core::error::Result;
use belvedere_core::message::{Message, Role};
use belvedere_core::request::{Reasoning, Request, Tool, ToolChoice};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{OWN, message};
use crate::endpoint::{Fields, as_extra, invalid};

const COUNT: &str = "a whole number that is not negative";
const NUMBER: &str = "a number";
const SWITCH: &str = "true or false";

/// The request in a body.
///
/// # Errors
/// `InvalidRequest` naming the field and what is allowed there.
pub(super) fn chat(request: &http::Request<Bytes>) -> Result<Request> {
    let mut body = Fields::of_body(request)?;
    let mut out = Request::default();
    out.model = body.text("model")?.map(Into::into);
    if body.get("messages").is_none() {
        return Err(body.fault("messages", "is missing; an array of messages is needed"));
    }
    let messages = body.list("messages")?.map(|(path, value)| message::read(value, &path));
    let mut messages: Vec<Message> = messages.collect::<Result<_>>()?;
    out.continue_final_message = continues(&mut body, &mut messages)?;
    out.messages = Arc::new(messages);
    out.tools = Arc::new(body.list("tools")?.map(|(path, value)| tool(value, &path)).collect::<Result<_>>()?);
    out.tool_choice = tool_choice(&mut body)?;
    out.parallel_tool_calls = body.take("parallel_tool_calls", SWITCH)?;
    // The older name is left where it is when both are given: some servers want it so.
    out.max_tokens = match body.take("max_completion_tokens", COUNT)? {
        None => body.take("max_tokens", COUNT)?,
        newer => newer,
    };
    out.temperature = body.take("temperature", NUMBER)?;
    out.top_p = body.take("top_p", NUMBER)?;
    out.top_k = body.take("top_k", COUNT)?;
    out.stop = stop(&mut body)?;
    // `random_seed` is Mistral's name.
    out.seed = match body.take("seed", "a whole number")? {
        None => body.take("random_seed", "a whole number")?,
        seed => seed,
    };
    out.n = body.take("n", COUNT)?;
    out.presence_penalty = body.take("presence_penalty", NUMBER)?;
    out.frequency_penalty = body.take("frequency_penalty", NUMBER)?;
    out.logprobs = body.take("logprobs", SWITCH)?;
    out.top_logprobs = body.take("top_logprobs", COUNT)?;
    out.response_format = body.take_if_whole("response_format");
    out.reasoning = reasoning(&mut body);
    out.user = body.text("user")?.map(Into::into);
    out.stream = body.take("stream", SWITCH)?.unwrap_or_default();
    let declined = out.stream && !wants_usage(&mut body)?;
    out.extra = body.rest();
    if declined {
        out.extra.insert(OWN.to_owned(), json!({ "include_usage": false }));
    }
    Ok(out)
}

/// Whether the last message is the beginning of the answer: by the switches of vLLM and others, or by the mark that it
/// bears at Mistral and DeepSeek (`prefix`), Moonshot and Alibaba (`partial`). What they say then is said.
fn continues(body: &mut Fields, messages: &mut [Message]) -> Result<bool> {
    let switched = body.take("continue_final_message", SWITCH)?.unwrap_or_default();
    // The servers that have both refuse them together.
    if switched && body.take("add_generation_prompt", SWITCH)? == Some(true) {
        return Err(body.fault("add_generation_prompt", "must be false beside continue_final_message"));
    }
    let mut marked = false;
    for message in messages.iter_mut().filter(|message| message.role == Role::Assistant) {
        // The clients of Mistral say of every message whether it is one.
        message.extra.retain(|name, mark| !is_mark(name) || *mark != false);
    }
    if let Some(last) = messages.last_mut().filter(|message| message.role == Role::Assistant) {
        last.extra.retain(|name, mark| {
            let is_set = is_mark(name) && *mark == true;
            marked |= is_set;
            !is_set
        });
    }
    Ok(switched || marked)
}

fn is_mark(name: &str) -> bool {
    matches!(name, "prefix" | "partial")
}

fn tool(value: Value, path: &str) -> Result<Tool> {
    let mut tool: Tool = serde_json::from_value(value)
        .map_err(|_| invalid(path, "is neither a function with a name nor a tool of a type of its own"))?;
    if let Tool::Function(function) = &mut tool {
        as_extra(&mut function.extra);
        // These stand beside the function on the wire, and the function there is this one.
        function.extra.retain(|name, _| !matches!(name.as_str(), "type" | "function"));
    }
    Ok(tool)
}

/// `auto`, `none`, `required` (Mistral: `any`) or one function. Other objects, such as `allowed_tools`, stay as
/// they are.
fn tool_choice(body: &mut Fields) -> Result<Option<ToolChoice>> {
    const WORDS: &str = "must be auto, none, required, or an object that names a tool";
    let Some(value) = body.value("tool_choice") else { return Ok(None) };
    let name = value.get("function").and_then(|function| function.get("name")).and_then(Value::as_str);
    match (&value, name) {
        (Value::String(word), _) => match word.as_str() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" | "any" => Ok(Some(ToolChoice::Required)),
            _ => Err(body.fault("tool_choice", WORDS)),
        },
        (_, Some(name)) if value == json!({"type": "function", "function": {"name": name}}) => {
            Ok(Some(ToolChoice::Function { name: name.into() }))
        }
        (Value::Object(_), _) => {
            body.put("tool_choice", value);
            Ok(None)
        }
        _ => Err(body.fault("tool_choice", WORDS)),
    }
}

/// A text or several.
fn stop(body: &mut Fields) -> Result<Vec<String>> {
    match body.get("stop") {
        Some(Value::String(_)) => Ok(body.text("stop")?.into_iter().collect()),
        _ => Ok(body.take("stop", "a string or an array of strings")?.unwrap_or_default()),
    }
}

/// `reasoning_effort` (OpenAI) or `reasoning` (OpenRouter). What has no place in ours stays as it is.
fn reasoning(body: &mut Fields) -> Option<Reasoning> {
    if let Some(reasoning) = body.take_if_whole("reasoning") {
        return Some(reasoning);
    }
    let mut reasoning = Reasoning::default();
    reasoning.effort = Some(body.take_if_whole("reasoning_effort")?);
    Some(reasoning)
}

/// True when the client asks for the usage of a stream. Upstream is always asked for it, because ledgers stand on
/// it: that the client did not is noted for the answer.
fn wants_usage(body: &mut Fields) -> Result<bool> {
    let Some(mut options) = body.object("stream_options")? else { return Ok(false) };
    let wanted = options.take("include_usage", SWITCH)? == Some(true);
    if !options.is_empty() {
        options.put("include_usage", true.into());
        body.put("stream_options", options.rest().into());
    }
    Ok(wanted)
}
