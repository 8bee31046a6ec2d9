//! Reads the conversation: `system`, and the turns with their blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::WIRE;
use crate::endpoint::{Fields, invalid};

const ROLES: &str = "must be user or assistant";
const CONTENT: &str = "must be a string or an array of blocks";

/// Every message of a request. `text` is the whole body.
///
/// # Errors
/// `InvalidRequest` naming the path and what is allowed there.
pub(super) fn all(body: &mut Fields, text: &[u8]) -> Result<Vec<Message>> {
    if body.get("messages").is_none() {
        return Err(body.fault("messages", "is missing; an array of messages is needed"));
    }
    let mut messages = Vec::new();
    if let Some(system) = body.value("system") {
        let parts = content(system, "system", &[])?;
        messages.push(Message::new(Role::System, parts));
    }
    let inputs = Inputs::of(text);
    for (i, (path, value)) in body.list("messages")?.enumerate() {
        turn(value, &path, inputs.of_turn(i), &mut messages)?;
    }
    Ok(messages)
}

/// One turn. What tools returned is a message of its own.
fn turn(value: Value, path: &str, inputs: &[Option<String>], out: &mut Vec<Message>) -> Result<()> {
    let mut turn = Fields::of(value, path)?;
    let role = match turn.need_text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(turn.fault("role", ROLES)),
    };
    let at = turn.path("content");
    let blocks = turn.value("content").ok_or_else(|| invalid(&at, CONTENT))?;
    let parts = content(blocks, &at, inputs)?;
    let (results, parts): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| matches!(part, Part::ToolResult { .. }));
    let tail = results.is_empty() || !parts.is_empty();
    if !results.is_empty() {
        out.push(Message::new(Role::Tool, results));
    }
    if tail {
        out.push(Message::new(role, parts));
    }
    if let Some(last) = out.last_mut() {
        last.extra = turn.rest();
    }
    Ok(())
}

/// A text, or blocks.
fn content(value: Value, path: &str, inputs: &[Option<String>]) -> Result<Vec<Part>> {
    match value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(items) => {
            let input = |i: usize| inputs.get(i).cloned().flatten();
            let items = items.into_iter().enumerate();
            items.map(|(i, item)| block(item, &format!("{path}[{i}]"), input(i))).collect()
        }
        _ => Err(invalid(path, CONTENT)),
    }
}

/// One block. `input` is that of a tool call, as it was written.
fn block(value: Value, path: &str, input: Option<String>) -> Result<Part> {
    let kind = match value.get("type") {
        Some(Value::String(kind)) => SmolStr::from(kind),
        _ if value.is_object() => {
            return Err(invalid(&format!("{path}.type"), "is missing; a string is needed"));
        }
        _ => return Err(invalid(path, "must be an object")),
    };
    if !is_ours(&kind, &value) {
        return Ok(Part::opaque(SmolStr::new_static(WIRE), kind, value));
    }
    let mut block = Fields::of(value, path)?;
    block.value("type");
    Ok(match kind.as_str() {
        "text" => Part::Text { text: block.need_text("text")?, extra: block.rest() },
        "thinking" => {
            let text = block.text("thinking")?.unwrap_or_default();
            let signature = block.text("signature")?.filter(|signature| !signature.is_empty());
            let wire = if signature.is_some() { SmolStr::new_static(WIRE) } else { SmolStr::default() };
            Part::Reasoning { text, signature, wire, extra: block.rest() }
        }
        "tool_result" => Part::ToolResult {
            id: block.need_text("tool_use_id")?.into(),
            name: None,
            content: match block.value("content") {
                Some(value) => content(value, &block.path("content"), &[])?,
                None => Vec::new(),
            },
            is_error: block.take("is_error", "true or false")?.unwrap_or_default(),
            extra: block.rest(),
        },
        "image" => Part::Media(media(MediaKind::Image, block)?),
        "document" => Part::Media(media(MediaKind::File, block)?),
        kind => {
            let by = if kind == "tool_use" { ToolBy::Client } else { ToolBy::Provider };
            let written = block.value("input");
            let input = match (written, input) {
                // How this endpoint writes arguments that are not whole.
                (Some(Value::String(text)), _) => text,
                (Some(Value::Object(_)), Some(text)) => text,
                (None, _) => String::new(),
                (Some(_), _) => return Err(block.fault("input", "must be an object")),
            };
            let (id, name) = (block.need_text("id")?.into(), block.need_text("name")?.into());
            let mut extra = block.rest();
            let own = ["caller", "toolset_name"].into_iter();
            let own: Map<String, Value> = own.filter_map(|name| extra.remove_entry(name)).collect();
            if !own.is_empty() {
                extra.insert(WIRE.to_owned(), Value::Object(own));
            }
            Part::ToolCall { id, name, input, by, extra }
        }
    })
}

/// True for a block that has a part of ours; others are carried as they are.
fn is_ours(kind: &str, block: &Value) -> bool {
    let source = || block.get("source").and_then(|source| source.get("type")).and_then(Value::as_str);
    match kind {
        "text" | "thinking" | "tool_use" | "server_tool_use" | "tool_result" => true,
        "image" => matches!(source(), Some("base64" | "url" | "file")),
        "document" => matches!(source(), Some("base64" | "text" | "url" | "file")),
        _ => false,
    }
}

fn media(kind: MediaKind, mut block: Fields) -> Result<Media> {
    let mut source = block.object("source")?.ok_or_else(|| block.fault("source", "is missing"))?;
    let source = match source.need_text("type")?.as_str() {
        "url" => MediaSource::Url(source.need_text("url")?),
        "file" => MediaSource::Id(source.need_text("file_id")?),
        form => {
            let mime = source.need_text("media_type")?.into();
            let text = source.need_text("data")?;
            let data = match form {
                "text" => text.into_bytes(),
                _ => STANDARD.decode(text).map_err(|_| source.fault("data", "is not base64"))?,
            };
            MediaSource::Data { mime, data: data.into() }
        }
    };
    let mut media = Media::new(kind, source);
    if kind == MediaKind::File {
        media.name = block.text("title")?;
    }
    media.extra = block.rest();
    Ok(media)
}

/// The inputs of tool calls as they were written: a value that was read forgets the order of its fields, and
/// prompt caches match the text.
struct Inputs(Vec<Vec<Option<String>>>);

#[derive(Default, Deserialize)]
struct Turns<'a> {
    #[serde(borrow, default)]
    messages: Vec<Turn<'a>>,
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

impl Inputs {
    fn of(text: &[u8]) -> Self {
        let turns: Turns<'_> = serde_json::from_slice(text).unwrap_or_default();
        let of_turn = |turn: Turn<'_>| {
            let blocks = serde_json::from_str::<Vec<Input<'_>>>(turn.content?.get()).ok()?;
            Some(blocks.into_iter().map(|block| block.input.map(|input| input.get().to_owned())).collect())
        };
        Inputs(turns.messages.into_iter().map(|turn| of_turn(turn).unwrap_or_default()).collect())
    }

    fn of_turn(&self, i: usize) -> &[Option<String>] {
        self.0.get(i).map(Vec::as_slice).unwrap_or_default()
    }
}
