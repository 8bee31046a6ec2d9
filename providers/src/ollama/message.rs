//! Messages of a chat, written straight from the parts they borrow.

use std::borrow::Cow;

use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, Role, ToolBy, extra_of};
use belvedere_core::request::Request;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::CHAT;
use crate::outgoing::{Base64, Further, arguments, unsupported};

/// One message.
#[derive(Debug, Serialize)]
pub(super) struct Sent<'a> {
    role: &'static str,
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    thinking: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Base64<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    tool_call_id: &'a str,
    #[serde(flatten)]
    further: Further<'a>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    function: Function<'a>,
    #[serde(flatten)]
    further: Further<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<&'a Value>,
    name: &'a str,
    arguments: &'a RawValue,
}

/// What the parts of a message come to.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) thinking: Cow<'a, str>,
    pub(super) images: Vec<Base64<'a>>,
    calls: Vec<Call<'a>>,
}

impl<'a> Content<'a> {
    /// Gathers parts. `path` names them in errors.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported` naming the part.
    pub(super) fn of(parts: impl Iterator<Item = (usize, &'a Part)>, path: &str) -> Result<Self> {
        let mut content = Content::default();
        for (i, part) in parts {
            let path = format!("{path}.content[{i}]");
            match part {
                Part::Text { text, .. } | Part::Refusal { text } => append(&mut content.text, text),
                Part::Reasoning { text, .. } => append(&mut content.thinking, text),
                Part::ToolCall { id, name, input, by: ToolBy::Client, extra } => {
                    let own = || extra_of(extra, CHAT);
                    let index = own().find(|(name, _)| *name == "index").map(|(_, index)| index);
                    let function = Function { index, name, arguments: arguments(input, &path)? };
                    let further = Further::beside(own(), &["id", "index", "function"]);
                    content.calls.push(Call { id, function, further });
                }
                Part::Media(media) => content.images.push(image(media, &path)?),
                Part::ToolResult { .. } => return Err(unsupported(&path, "has no place in a tool's result")),
                _ => return Err(unsupported(&path, "is a part that Ollama's wire lacks")),
            }
        }
        Ok(content)
    }
}

/// Adds a text, without a copy where it is the only one.
fn append<'a>(all: &mut Cow<'a, str>, text: &'a str) {
    match all.is_empty() {
        true => *all = Cow::Borrowed(text),
        false if text.is_empty() => {}
        false => all.to_mut().push_str(text),
    }
}

fn image<'a>(media: &'a Media, path: &str) -> Result<Base64<'a>> {
    match (media.kind, &media.source) {
        (MediaKind::Image, MediaSource::Data { data, .. }) => Ok(Base64(data)),
        (MediaKind::Image, _) => Err(unsupported(path, "Ollama's wire takes images as bytes only")),
        _ => Err(unsupported(path, "Ollama's wire takes images only")),
    }
}

/// The messages of a chat.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming the part that has no place.
pub(super) fn all(request: &Request) -> Result<Vec<Sent<'_>>> {
    let mut all = Vec::with_capacity(request.messages.len());
    for (i, message) in request.messages.iter().enumerate() {
        let path = format!("messages[{i}]");
        let parts = || message.parts.iter().enumerate();
        let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
        let only_results = !message.parts.is_empty() && message.parts.iter().all(is_result);
        for (at, part) in parts().filter(|(_, part)| is_result(part)) {
            let fields = only_results.then_some(&message.extra);
            all.extend(result(part, fields, request, &format!("{path}.content[{at}]"))?);
        }
        if !only_results {
            let content = Content::of(parts().filter(|(_, part)| !is_result(part)), &path)?;
            all.push(Sent::new(role(message.role), content, Some(&message.extra)));
        }
    }
    Ok(all)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    }
}

impl<'a> Sent<'a> {
    fn new(role: &'static str, content: Content<'a>, extra: Option<&'a Map<String, Value>>) -> Self {
        const OWN: [&str; 7] =
            ["role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"];
        let further = extra.map(|extra| Further::beside(extra_of(extra, CHAT), &OWN)).unwrap_or_default();
        let Content { text, thinking, images, calls } = content;
        let (tool_name, tool_call_id) = (None, "");
        Sent { role, content: text, thinking, images, tool_calls: calls, tool_name, tool_call_id, further }
    }
}

/// The message for a tool's result.
fn result<'a>(
    part: &'a Part,
    extra: Option<&'a Map<String, Value>>,
    request: &'a Request,
    path: &str,
) -> Result<Option<Sent<'a>>> {
    let Part::ToolResult { id, name, content, .. } = part else { return Ok(None) };
    let content = Content::of(content.iter().enumerate(), path)?;
    let mut sent = Sent::new("tool", content, extra);
    sent.tool_name = name.as_deref().or_else(|| name_of(id, request));
    sent.tool_call_id = id;
    Ok(Some(sent))
}

/// The name of the tool that the call with this id is for: templates of models ask for it.
fn name_of<'a>(wanted: &str, request: &'a Request) -> Option<&'a str> {
    let calls = request.messages.iter().rev().flat_map(|message| &message.parts);
    let mut names = calls.filter_map(|part| match part {
        Part::ToolCall { id, name, .. } if !id.is_empty() && id == wanted => Some(name.as_str()),
        _ => None,
    });
    names.next()
}
