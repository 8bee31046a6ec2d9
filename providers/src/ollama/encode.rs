//! The bodies of requests.

use belvedere_core::error::Result;
use belvedere_core::message::{Part, Role, extra_of};
use belvedere_core::request::{
    Effort, Function, Parameters, Reasoning, Request, ResponseFormat, Tool, ToolChoice,
};
use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::message::{self, Content, Sent};
use super::{GENERATE, Ollama};
use crate::endpoint::invalid;
use crate::outgoing::{self, BodyFields, unsupported};

/// The body of a chat.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming what the wire cannot express.
pub(super) fn chat(provider: &Ollama, request: &Request) -> Result<Bytes> {
    refuse_unwritable(request)?;
    let asked = Asked::Chat(message::all(request)?);
    outgoing::json(request, &Body { model: provider.model(request)?, provider, request, asked })
}

/// The body of a generated answer: one prompt.
///
/// # Errors
/// As [`chat`]; messages that have no place are named.
pub(super) fn generate(provider: &Ollama, request: &Request) -> Result<Bytes> {
    refuse_unwritable(request)?;
    if !request.tools.is_empty() {
        return Err(unsupported("tools", "generating takes no tools; chat does"));
    }
    let asked = Asked::Prompt(Prompt::of(request)?);
    outgoing::json(request, &Body { model: provider.model(request)?, provider, request, asked })
}

/// The body of an embedding.
///
/// # Errors
/// `InvalidRequest` when no model is named.
pub(super) fn embed(provider: &Ollama, request: &Request) -> Result<Bytes> {
    outgoing::json(
        request,
        &Body { model: provider.model(request)?, provider, request, asked: Asked::Vectors },
    )
}

/// Refuses what has no form on the wire; what the wire lacks altogether was fitted before.
fn refuse_unwritable(request: &Request) -> Result<()> {
    match &request.response_format {
        Some(ResponseFormat::JsonSchema { json_schema }) if json_schema.schema.is_none() => {
            Err(invalid("response_format.json_schema.schema", "is missing"))
        }
        _ => Ok(()),
    }
}

/// What is asked.
enum Asked<'a> {
    Chat(Vec<Sent<'a>>),
    Prompt(Prompt<'a>),
    Vectors,
}

struct Body<'a> {
    model: &'a str,
    provider: &'a Ollama,
    request: &'a Request,
    asked: Asked<'a>,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request: &Parameters = self.request;
        let mut body =
            BodyFields::new(serializer.serialize_map(None)?, &request.extra, self.provider.api.wire());
        body.put("model", self.model)?;
        match &self.asked {
            Asked::Chat(messages) => {
                body.put("messages", messages)?;
                let is_forbidden = request.tool_choice == Some(ToolChoice::None);
                if !request.tools.is_empty() && !is_forbidden {
                    body.put("tools", request.tools.iter().map(Definition).collect::<Vec<_>>())?;
                }
            }
            Asked::Prompt(prompt) => prompt.put(&mut body)?,
            Asked::Vectors => {
                body.put("input", &*request.input)?;
                body.put_some("dimensions", request.dimensions)?;
            }
        }
        if !matches!(self.asked, Asked::Vectors) {
            // The wire streams unless it is told not to.
            body.put("stream", request.stream)?;
            body.put_some("format", format(request))?;
            body.put_some("think", request.reasoning.as_ref().map(think))?;
            body.put_some("logprobs", request.logprobs)?;
            body.put_some("top_logprobs", request.top_logprobs)?;
            body.join("options", options(request))?;
        }
        body.put_some("keep_alive", self.provider.keep_alive.as_deref().map(keep_alive))?;
        body.end()
    }
}

/// The parameters that Ollama keeps among the options of a model (`api/types.go`, `Options`).
fn options(request: &Parameters) -> Map<String, Value> {
    let stop = (!request.stop.is_empty()).then(|| json!(request.stop));
    let all = [
        ("num_predict", request.max_tokens.map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("top_k", request.top_k.map(Value::from)),
        ("stop", stop),
        ("seed", request.seed.map(Value::from)),
        ("presence_penalty", request.presence_penalty.map(Value::from)),
        ("frequency_penalty", request.frequency_penalty.map(Value::from)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn format(request: &Parameters) -> Option<Value> {
    match request.response_format.as_ref()? {
        ResponseFormat::JsonObject => Some("json".into()),
        ResponseFormat::JsonSchema { json_schema } => json_schema.schema.clone(),
        _ => None,
    }
}

/// `true`, `false`, or a level of the wire's own (`api/types.go`, `ThinkValue`).
fn think(reasoning: &Reasoning) -> Value {
    match (reasoning.effort, reasoning.max_tokens) {
        (Some(Effort::None), _) | (_, Some(0)) => false.into(),
        (None, _) => true.into(),
        (Some(Effort::Minimal | Effort::Low), _) => "low".into(),
        (Some(Effort::Xhigh), _) => "max".into(),
        (Some(effort), _) => effort.as_str().into(),
    }
}

/// A number is in seconds; anything else is a text with units.
fn keep_alive(setting: &str) -> Value {
    setting.parse::<i64>().map_or_else(|_| setting.into(), Value::from)
}

/// A tool, as OpenAI's chat has them.
struct Definition<'a>(&'a Tool);

impl Serialize for Definition<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Tool::Function(function) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("type", "function")?;
                map.serialize_entry("function", &Described(function))?;
                map.end()
            }
            other => other.serialize(serializer),
        }
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
        for (name, value) in extra_of(extra, super::CHAT) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A conversation as far as it is one prompt.
struct Prompt<'a> {
    system: Option<String>,
    prompt: Content<'a>,
    /// The tokens of the turns before.
    context: Option<&'a Value>,
}

impl<'a> Prompt<'a> {
    /// # Errors
    /// `Unsupported` naming the first message that has no place.
    fn of(request: &'a Request) -> Result<Self> {
        const HISTORY: &str = "generating takes one prompt; earlier turns have no place";
        let is_system = |role| matches!(role, Role::System | Role::Developer);
        let context =
            request.messages.iter().enumerate().rev().find_map(|(i, m)| Some((i, context(&m.parts)?)));
        let covered = context.map(|(i, _)| i);
        let last = request.messages.iter().rposition(|message| !is_system(message.role));
        let mut system: Vec<String> = Vec::new();
        let mut prompt = Content::default();
        for (i, message) in request.messages.iter().enumerate() {
            let path = format!("messages[{i}]");
            let parts = message.parts.iter().enumerate();
            match message.role {
                role if is_system(role) => system.push(Content::of(parts, &path)?.text.into_owned()),
                _ if covered.is_some_and(|last| i <= last) => {}
                Role::User if Some(i) == last => prompt = Content::of(parts, &path)?,
                _ => return Err(unsupported(&path, HISTORY)),
            }
        }
        let system = (!system.is_empty()).then(|| system.join("\n\n"));
        let context = context.map(|(_, tokens)| tokens);
        Ok(Prompt { system, prompt, context })
    }

    fn put<M: SerializeMap>(&self, body: &mut BodyFields<'_, M>) -> Result<(), M::Error> {
        body.put("prompt", &self.prompt.text)?;
        body.put_some("system", self.system.as_ref())?;
        if !self.prompt.images.is_empty() {
            body.put("images", &self.prompt.images)?;
        }
        body.put_some("context", self.context)
    }
}

/// What an earlier answer brought to be sent with the next prompt.
fn context(parts: &[Part]) -> Option<&Value> {
    parts.iter().find_map(|part| match part {
        Part::Text { extra, .. } => extra.get(GENERATE)?.get("context"),
        _ => None,
    })
}
