//! Writes request bodies, straight from the request into bytes.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::message::extra_of;
use belvedere_core::request::{Effort, Request, Tool, ToolChoice};
use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::WIRE;
use super::check;
use super::hosts::{Host, Prefill, Thinking, Vectors};
use super::messages::Messages;
use crate::outgoing::{BodyFields, json as json_of};

/// The body of a chat request.
///
/// # Errors
/// `Unsupported` for what the server has no field for; the parameter is named.
pub(crate) fn chat(host: &Host, model: &str, request: &Request) -> Result<Bytes> {
    check::chat(host, request)?;
    json_of(request, &Chat { host, model, request })
}

/// The body of an embedding request.
///
/// # Errors
/// `InvalidRequest` when there is nothing to embed.
pub(crate) fn embeddings(host: &Host, model: &str, request: &Request) -> Result<Bytes> {
    if request.input.is_empty() && !request.extra.contains_key("input") {
        return Err(Error::new(ErrorKind::InvalidRequest, "input: there is nothing to embed"));
    }
    json_of(request, &Embeddings { host, model, request })
}

struct Chat<'a> {
    host: &'a Host,
    model: &'a str,
    request: &'a Request,
}

impl Serialize for Chat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Chat { host, model, request } = *self;
        let mut body = BodyFields::new(serializer.serialize_map(None)?, &request.extra, WIRE);
        body.put("model", model)?;
        body.put("messages", Messages::new(host, request))?;
        if let (true, Prefill::Switches(switches)) = (request.continue_final_message, host.prefill) {
            switches.iter().try_for_each(|(name, on)| body.put(name, on))?;
        }
        if !request.tools.is_empty() {
            body.put("tools", Tools(&request.tools))?;
        }
        body.put_some("tool_choice", request.tool_choice.as_ref().map(|choice| tool_choice(host, choice)))?;
        body.put_some("parallel_tool_calls", request.parallel_tool_calls)?;
        body.put_some(host.max_tokens, request.max_tokens)?;
        body.put_some("temperature", request.temperature)?;
        body.put_some("top_p", request.top_p)?;
        body.put_some("top_k", request.top_k)?;
        body.put_some("stop", Some(&request.stop).filter(|stop| !stop.is_empty()))?;
        body.put_some(host.seed, request.seed)?;
        body.put_some("n", request.n)?;
        body.put_some("presence_penalty", request.presence_penalty)?;
        body.put_some("frequency_penalty", request.frequency_penalty)?;
        body.put_some("logprobs", request.logprobs)?;
        body.put_some("top_logprobs", request.top_logprobs)?;
        body.put_some("response_format", request.response_format.as_ref())?;
        thinking(host, request, &mut body)?;
        body.put_some("user", request.user.as_ref())?;
        if request.stream {
            body.put("stream", true)?;
            if host.stream_usage {
                body.put("stream_options", json!({ "include_usage": true }))?;
            }
        }
        body.end()
    }
}

fn thinking<M: SerializeMap>(
    host: &Host,
    request: &Request,
    body: &mut BodyFields<'_, M>,
) -> Result<(), M::Error> {
    let Some(reasoning) = &request.reasoning else { return Ok(()) };
    let on = reasoning.effort != Some(Effort::None);
    match host.thinking {
        Thinking::Effort => body.put_some("reasoning_effort", reasoning.effort.map(Effort::as_str)),
        Thinking::Object => body.put("reasoning", reasoning),
        Thinking::Switch => body.put("thinking", json!({ "type": if on { "enabled" } else { "disabled" } })),
        Thinking::Budget => {
            body.put("enable_thinking", on)?;
            body.put_some("thinking_budget", reasoning.max_tokens)
        }
    }
}

fn tool_choice(host: &Host, choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!(host.must_call),
        ToolChoice::Function { name } => json!({ "type": "function", "function": { "name": name } }),
        _ => json!("auto"),
    }
}

struct Tools<'a>(&'a [Tool]);

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(OneTool))
    }
}

struct OneTool<'a>(&'a Tool);

impl Serialize for OneTool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Tool::Function(function) = self.0 else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "function")?;
        map.serialize_entry("function", &Definition(function))?;
        // `cache_control` and the like stand beside `function`.
        for (name, value) in extra_of(&function.extra, WIRE) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct Definition<'a>(&'a belvedere_core::request::Function);

impl Serialize for Definition<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.0.name)?;
        if let Some(description) = &self.0.description {
            map.serialize_entry("description", description)?;
        }
        if let Some(parameters) = &self.0.parameters {
            map.serialize_entry("parameters", parameters)?;
        }
        if let Some(strict) = self.0.strict {
            map.serialize_entry("strict", &strict)?;
        }
        map.end()
    }
}

struct Embeddings<'a> {
    host: &'a Host,
    model: &'a str,
    request: &'a Request,
}

impl Serialize for Embeddings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut body = BodyFields::new(serializer.serialize_map(None)?, &request.extra, WIRE);
        body.put("model", self.model)?;
        body.put("input", &*request.input)?;
        if self.host.vectors == Vectors::Floats {
            body.put("encoding_format", "float")?;
        }
        body.put_some(self.host.dimensions, request.dimensions)?;
        body.put_some("user", request.user.as_ref())?;
        body.end()
    }
}
