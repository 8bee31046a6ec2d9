//! Messages of a chat, written straight from the parts they borrow.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy, extra_of};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{TOOL_PLAN, WIRE};
use crate::outgoing::{Further, arguments, invalid, unsupported};

/// One message.
#[derive(Debug, Serialize)]
pub(super) struct Sent<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    tool_plan: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(flatten)]
    further: Further<'a>,
}

/// One plain text is a string, anything else a list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: &'a str,
    },
    Thinking {
        thinking: &'a str,
    },
    ImageUrl {
        image_url: Image<'a>,
    },
    #[serde(untagged)]
    Opaque(&'a Value),
}

#[derive(Debug, Serialize)]
struct Image<'a> {
    url: Cow<'a, str>,
    #[serde(flatten)]
    further: Further<'a>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// The messages of a chat.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming the part that has no place.
pub(super) fn all(messages: &[Message]) -> Result<Vec<Sent<'_>>> {
    let mut all = Vec::with_capacity(messages.len());
    for (i, message) in messages.iter().enumerate() {
        let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
        let path = |at: usize| format!("messages[{i}].content[{at}]");
        for (at, part) in message.parts.iter().enumerate() {
            all.extend(result(part, &path(at))?);
        }
        if message.parts.is_empty() || !message.parts.iter().all(is_result) {
            let others = message.parts.iter().enumerate().filter(|(_, part)| !is_result(part));
            all.push(spoken(message, others.map(|(at, part)| (path(at), part)))?);
        }
    }
    Ok(all)
}

/// The message for a tool's result; `None` for another part.
fn result<'a>(part: &'a Part, path: &str) -> Result<Option<Sent<'a>>> {
    let Part::ToolResult { id, content, .. } = part else { return Ok(None) };
    let mut blocks = Vec::with_capacity(content.len());
    for (at, part) in content.iter().enumerate() {
        match part {
            Part::Text { text, .. } => blocks.push(Block::Text { text }),
            Part::Opaque { data, wire, .. } if is_ours(wire) => blocks.push(Block::Opaque(data)),
            _ => {
                let what = "Cohere's wire takes texts and documents only as a tool's result";
                return Err(unsupported(&format!("{path}.content[{at}]"), what));
            }
        }
    }
    Ok(Some(Sent {
        role: "tool",
        tool_call_id: Some(call_id(id, path)?),
        tool_plan: String::new(),
        content: Some(Content::of(blocks)),
        tool_calls: Vec::new(),
        further: Further::default(),
    }))
}

/// A message that is not the result of a tool.
fn spoken<'a>(message: &'a Message, parts: impl Iterator<Item = (String, &'a Part)>) -> Result<Sent<'a>> {
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    let (mut blocks, mut tool_calls, mut tool_plan) = (Vec::new(), Vec::new(), String::new());
    for (path, part) in parts {
        match part {
            Part::Reasoning { text, extra, .. } if is_plan(extra) => tool_plan.push_str(text),
            Part::ToolCall { id, name, input, by: ToolBy::Client, .. } => {
                arguments(input, &path)?;
                let input = if input.trim().is_empty() { "{}" } else { input.as_str() };
                let function = Function { name, arguments: input };
                tool_calls.push(Call { id: call_id(id, &path)?, r#type: "function", function });
            }
            _ => blocks.extend(Block::of(part, message.role, &path)?),
        }
    }
    let elsewhere = !tool_calls.is_empty() || !tool_plan.is_empty();
    let content = (!blocks.is_empty() || !elsewhere).then(|| Content::of(blocks));
    let known = extra_of(&message.extra, WIRE).filter(|(name, _)| *name == "citations");
    let further = Further(known.collect());
    Ok(Sent { role, tool_call_id: None, tool_plan, content, tool_calls, further })
}

/// True for the plan that Cohere's model made before it called tools.
fn is_plan(extra: &Map<String, Value>) -> bool {
    extra_of(extra, WIRE).any(|(name, value)| name == "type" && value == TOOL_PLAN)
}

/// True when what only one wire can read is this wire's, as far as it is known.
fn is_ours(wire: &str) -> bool {
    wire.is_empty() || wire == WIRE
}

impl<'a> Content<'a> {
    fn of(blocks: Vec<Block<'a>>) -> Self {
        match blocks.as_slice() {
            [] => Content::Text(""),
            [Block::Text { text }] => Content::Text(text),
            _ => Content::Blocks(blocks),
        }
    }
}

impl<'a> Block<'a> {
    /// The block for a part; `None` for one that says nothing.
    fn of(part: &'a Part, role: Role, path: &str) -> Result<Option<Self>> {
        Ok(Some(match part {
            Part::Text { text, .. } | Part::Refusal { text } if text.is_empty() => return Ok(None),
            Part::Text { text, .. } | Part::Refusal { text } => Block::Text { text },
            Part::Reasoning { text, .. } if text.is_empty() => return Ok(None),
            Part::Reasoning { text, .. } if role == Role::Assistant => Block::Thinking { thinking: text },
            Part::Media(media) if role == Role::User => Block::image(media, path)?,
            Part::Opaque { data, wire, .. } if is_ours(wire) => Block::Opaque(data),
            Part::Opaque { .. } => return Err(unsupported(path, "is a part of another provider's wire")),
            _ => {
                return Err(unsupported(
                    path,
                    "is a part that Cohere's wire lacks in a message of this role",
                ));
            }
        }))
    }

    fn image(media: &'a Media, path: &str) -> Result<Self> {
        let url = match (media.kind, &media.source) {
            (MediaKind::Image, MediaSource::Url(url)) => Cow::Borrowed(url.as_str()),
            (MediaKind::Image, MediaSource::Data { mime, .. }) if mime.is_empty() => {
                return Err(invalid(path, "the image's media type is missing"));
            }
            (MediaKind::Image, MediaSource::Data { mime, data }) => {
                Cow::Owned(format!("data:{mime};base64,{}", Base64Display::new(data, &STANDARD)))
            }
            (MediaKind::Image, MediaSource::Id(_)) => {
                return Err(unsupported(path, "Cohere's wire has no uploaded images"));
            }
            (MediaKind::File, _) => {
                return Err(unsupported(path, "Cohere's wire takes documents in the request's `documents`"));
            }
            _ => return Err(unsupported(path, "Cohere's wire takes neither audio nor video")),
        };
        let known = extra_of(&media.extra, WIRE).filter(|(name, _)| *name == "detail");
        Ok(Block::ImageUrl { image_url: Image { url, further: Further(known.collect()) } })
    }
}

/// Cohere pairs calls and results by id, and has no other way.
fn call_id<'a>(id: &'a str, path: &str) -> Result<&'a str> {
    match id {
        "" => Err(invalid(&format!("{path}.id"), "is empty; Cohere's wire pairs calls and results by id")),
        id => Ok(id),
    }
}
