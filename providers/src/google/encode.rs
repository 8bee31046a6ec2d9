//! The body of a chat request.

use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part as OurPart, Role};
use belvedere_core::request::Request;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::part::Part;
use super::results::{Calls, FunctionResponse};
use super::tools::{self, Entry};
use super::{Backend, Google, config};
use crate::outgoing::{json, unsupported};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<Vec<Content<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Instruction<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Entry<'a>>,
    /// Small settings: derived ones and the request's own `extra`.
    #[serde(flatten)]
    settings: Map<String, Value>,
}

/// One turn.
#[derive(Debug, Serialize)]
struct Content<'a> {
    role: &'static str,
    parts: Vec<Part<'a>>,
    /// It holds results of tools only: more of them may follow.
    #[serde(skip)]
    results: bool,
}

#[derive(Debug, Serialize)]
struct Instruction<'a> {
    parts: Vec<Part<'a>>,
}

/// The body of a chat request, as JSON.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming what the wire cannot express.
pub(super) fn body(provider: &Google, model: &str, request: &Request) -> Result<Bytes> {
    let mut settings = request.extra.clone();
    join(&mut settings, ["generationConfig", "generation_config"], config::of(model, request)?);
    if let Some(Value::Object(config)) = tools::config(request) {
        join(&mut settings, ["toolConfig", "tool_config"], config);
    }
    let given = |names: &[&str]| names.iter().any(|name| settings.contains_key(*name));
    let names = matches!(provider.backend, Backend::Vertex { .. });
    let (instruction, contents) = conversation(request, names)?;
    let system = !instruction.is_empty() && !given(&["systemInstruction", "system_instruction"]);
    let body = Body {
        contents: (!given(&["contents"])).then_some(contents),
        system_instruction: system.then_some(Instruction { parts: instruction }),
        tools: if given(&["tools"]) { Vec::new() } else { tools::entries(&request.tools)? },
        settings,
    };
    json(request, &body)
}

/// Joins derived settings with the request's own under either of the field's spellings; its own fields win.
fn join(settings: &mut Map<String, Value>, names: [&str; 2], derived: Map<String, Value>) {
    let name = names.into_iter().find(|name| settings.contains_key(*name)).unwrap_or("");
    match settings.get_mut(name) {
        Some(Value::Object(own)) => merge(own, derived),
        Some(_) => {}
        None if derived.is_empty() => {}
        None => {
            let [name, _] = names;
            settings.insert(name.into(), Value::Object(derived));
        }
    }
}

fn merge(own: &mut Map<String, Value>, derived: Map<String, Value>) {
    for (key, value) in derived {
        match (own.get_mut(&key), value) {
            (Some(Value::Object(own)), Value::Object(derived)) => merge(own, derived),
            (Some(_), _) => {}
            (None, value) => {
                own.insert(key, value);
            }
        }
    }
}

/// The instruction's parts, and the turns.
fn conversation(request: &Request, names: bool) -> Result<(Vec<Part<'_>>, Vec<Content<'_>>)> {
    let mut instruction = Vec::new();
    let mut contents: Vec<Content<'_>> = Vec::new();
    let mut calls = Calls::default();
    for (i, message) in request.messages.iter().enumerate() {
        let path = format!("messages[{i}].content");
        let parts = parts(message, &mut calls, names, &path)?;
        calls.note(message);
        let role = match message.role {
            Role::System | Role::Developer => {
                if !message.parts.iter().all(|part| matches!(part, OurPart::Text { .. })) {
                    return Err(unsupported(&path, "Google's wire takes text only as instruction"));
                }
                instruction.extend(parts);
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "model",
        };
        let results = !parts.is_empty() && parts.iter().all(Part::is_result);
        match contents.last_mut().filter(|last| results && last.results) {
            Some(last) => last.parts.extend(parts),
            None if parts.is_empty() => {}
            None => contents.push(Content { role, parts, results }),
        }
    }
    Ok((instruction, contents))
}

/// The parts of a message. An empty text goes only where nothing else does.
fn parts<'a>(message: &'a Message, calls: &mut Calls<'a>, names: bool, path: &str) -> Result<Vec<Part<'a>>> {
    let mut parts = Vec::with_capacity(message.parts.len());
    for (i, part) in message.parts.iter().enumerate() {
        let path = format!("{path}[{i}]");
        match FunctionResponse::of(part, calls, &path)? {
            Some(result) => parts.push(result),
            None => parts.extend(Part::of(part, names, &path)?),
        }
    }
    if parts.iter().any(|part| !part.is_empty()) {
        parts.retain(|part| !part.is_empty());
    } else {
        parts.truncate(1);
    }
    Ok(parts)
}
