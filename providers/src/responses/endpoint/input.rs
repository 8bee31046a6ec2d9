//! Reads input items into messages.
//!
//! What the model made in a row (texts, reasoning, calls, items of its own tools) is one message; everything else is
//! a message an item. A text that would run into the one before it, because neither has an id, begins a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::content::OF_TEXT;
use super::super::item::take_image;
use super::super::{IMAGE, WIRE};
use crate::endpoint::{Fields, invalid};

/// The messages so far.
#[derive(Debug, Default)]
pub(super) struct Messages(Vec<Message>);

impl Messages {
    pub(super) fn into_inner(self) -> Vec<Message> {
        self.0
    }

    /// Adds `instructions`.
    pub(super) fn instructions(&mut self, text: String) {
        let mut message = Message::system(text);
        message.extra = own(json!({ "instructions": true }));
        self.0.push(message);
    }

    /// Adds the text of a user.
    pub(super) fn said(&mut self, text: String) {
        self.0.push(Message::user(text));
    }

    /// Adds an item.
    ///
    /// # Errors
    /// `InvalidRequest` naming the path below `path` and what is allowed there.
    pub(super) fn item(&mut self, value: Value, path: &str) -> Result<()> {
        let kind = match value.get("type") {
            None | Some(Value::Null) => None,
            Some(Value::String(kind)) => Some(kind.clone()),
            Some(_) => return Err(invalid(&format!("{path}.type"), "must be a string")),
        };
        let item = |value| {
            let mut item = Fields::of(value, path)?;
            item.value("type");
            Ok(item)
        };
        match kind.as_deref() {
            None | Some("message") => self.message(item(value)?)?,
            Some("reasoning") => self.reasoning(item(value)?)?,
            Some(kind @ ("function_call" | "custom_tool_call")) => {
                self.add(vec![call(item(value)?, kind == "custom_tool_call")?], false);
            }
            Some(kind @ ("function_call_output" | "custom_tool_call_output")) => {
                let part = result(item(value)?, kind == "custom_tool_call_output")?;
                self.0.push(Message::new(Role::Tool, vec![part]));
            }
            Some(kind) => self.opaque(kind, value),
        }
        Ok(())
    }

    /// Adds parts to the model's message that is being read, unless they begin one.
    fn add(&mut self, mut parts: Vec<Part>, begins: bool) {
        match self.0.last_mut() {
            Some(message) if message.role == Role::Assistant && !begins => message.parts.append(&mut parts),
            _ => self.0.push(Message::new(Role::Assistant, parts)),
        }
    }

    /// The parts of the model's message that is being read.
    fn last(&self) -> &[Part] {
        let last = self.0.last().filter(|message| message.role == Role::Assistant);
        last.map(|message| message.parts.as_slice()).unwrap_or_default()
    }

    fn message(&mut self, mut item: Fields) -> Result<()> {
        let role = match item.need_text("role")?.as_str() {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return Err(item.fault("role", "unknown role; known: system, developer, user, assistant")),
        };
        let mut parts = content(&mut item, "content", role == Role::Assistant)?;
        let rest = item.rest();
        if role != Role::Assistant {
            let mut message = Message::new(role, parts);
            message.extra = own_or_none(rest);
            self.0.push(message);
            return Ok(());
        }
        for part in &mut parts {
            if let Part::Text { extra, .. } = part {
                join(extra, &rest);
            }
        }
        // A refusal is of the item that is open, whatever its id.
        let said = self.last().iter().rev().map_while(|part| match part {
            Part::Text { .. } => Some(Some(id_of(part))),
            Part::Refusal { .. } => Some(None),
            _ => None,
        });
        let said: Vec<Option<Option<&str>>> = said.collect();
        let open = said.iter().flatten().next().copied().flatten();
        let begins = !said.is_empty()
            && match parts.first() {
                Some(Part::Refusal { .. }) => true,
                Some(first) => id_of(first) == open,
                None => false,
            };
        self.add(parts, begins);
        Ok(())
    }

    fn reasoning(&mut self, mut item: Fields) -> Result<()> {
        let mut texts = Vec::new();
        for (list, is_thought) in [("summary", false), ("content", true)] {
            for (path, text) in item.list(list)? {
                texts.push((Fields::of(text, path)?.need_text("text")?, is_thought));
            }
        }
        let mut signature = item.text("encrypted_content")?;
        let rest = item.rest();
        if texts.is_empty() {
            texts.push((String::new(), false));
        }
        let count = texts.len();
        let mut parts = Vec::with_capacity(count);
        for (i, (text, is_thought)) in texts.into_iter().enumerate() {
            let mut fields = rest.clone();
            if is_thought {
                fields.insert("type".into(), "reasoning_text".into());
            }
            let is_marked = !fields.is_empty() || signature.is_none() || i + 1 < count;
            let extra = if is_marked { own(Value::Object(fields)) } else { Map::new() };
            let signature = if i + 1 == count { signature.take() } else { None };
            let wire = if signature.is_some() { SmolStr::new_static(WIRE) } else { SmolStr::default() };
            parts.push(Part::Reasoning { text, signature, wire, extra });
        }
        let unsigned = |last: &&Part| matches!(last, Part::Reasoning { signature: None, .. });
        let last = self.last().last().filter(unsigned);
        let begins = last.zip(parts.first()).is_some_and(|(last, first)| id_of(last) == id_of(first));
        self.add(parts, begins);
        Ok(())
    }

    /// Adds an item in the wire's own words. The image that it made becomes a medium.
    fn opaque(&mut self, kind: &str, mut data: Value) {
        let image = if kind == IMAGE { take_image(&mut data) } else { None };
        let item = Part::opaque(SmolStr::new_static(WIRE), kind, data);
        self.add([item].into_iter().chain(image.map(Part::Media)).collect(), false);
    }
}

fn own(fields: Value) -> Map<String, Value> {
    Map::from_iter([(WIRE.to_owned(), fields)])
}

fn own_or_none(fields: Map<String, Value>) -> Map<String, Value> {
    if fields.is_empty() { Map::new() } else { own(Value::Object(fields)) }
}

/// Adds an item's fields to those of its part, of which annotations and the like are the part's own.
fn join(extra: &mut Map<String, Value>, rest: &Map<String, Value>) {
    if rest.is_empty() {
        return;
    }
    match extra.get_mut(WIRE) {
        Some(Value::Object(fields)) => {
            fields.retain(|name, _| OF_TEXT.contains(&name.as_str()));
            fields.extend(rest.clone());
        }
        _ => *extra = own(Value::Object(rest.clone())),
    }
}

/// The id of the item that a part was part of.
fn id_of(part: &Part) -> Option<&str> {
    let (Part::Text { extra, .. } | Part::Reasoning { extra, .. }) = part else { return None };
    extra.get(WIRE)?.get("id")?.as_str()
}

fn call(mut item: Fields, is_custom: bool) -> Result<Part> {
    let id = item.need_text("call_id")?;
    let name = item.need_text("name")?;
    let input = match (is_custom, item.value("arguments")) {
        (true, _) => item.text("input")?.unwrap_or_default(),
        (false, Some(Value::String(text))) => text,
        // Some clients send the value that the text stands for.
        (false, Some(value @ Value::Object(_))) => value.to_string(),
        (false, _) => return Err(item.fault("arguments", "is missing; a string of JSON is needed")),
    };
    let mut rest = item.rest();
    if is_custom {
        rest.insert("type".into(), "custom_tool_call".into());
    }
    Ok(Part::ToolCall {
        id: id.into(),
        name: name.into(),
        input,
        by: ToolBy::Client,
        extra: own_or_none(rest),
    })
}

fn result(mut item: Fields, is_custom: bool) -> Result<Part> {
    let id = item.need_text("call_id")?;
    let content = content(&mut item, "output", false)?;
    let mut rest = item.rest();
    if is_custom {
        rest.insert("type".into(), "custom_tool_call_output".into());
    }
    let extra = own_or_none(rest);
    Ok(Part::ToolResult { id: id.into(), name: None, content, is_error: false, extra })
}

/// A content: a text, or a list of pieces.
fn content(item: &mut Fields, name: &str, is_answer: bool) -> Result<Vec<Part>> {
    match item.get(name) {
        None => Err(item.fault(name, "is missing; a string or an array of parts is needed")),
        Some(Value::String(_)) => Ok(vec![Part::text(item.need_text(name)?)]),
        Some(_) => item.list(name)?.map(|(path, value)| piece(value, &path, is_answer)).collect(),
    }
}

fn piece(value: Value, path: &str, is_answer: bool) -> Result<Part> {
    const KNOWN: &str = "input_text, output_text, refusal, input_image, input_file, input_audio";
    let mut fields = Fields::of(value, path)?;
    let kind = fields.need_text("type")?;
    match kind.as_str() {
        "input_text" | "output_text" | "text" => {
            let text = fields.need_text("text")?;
            let mut rest = fields.rest();
            if is_answer {
                rest.retain(|name, _| OF_TEXT.contains(&name.as_str()));
            }
            Ok(Part::Text { text, extra: own_or_none(rest) })
        }
        "refusal" => Ok(Part::Refusal { text: fields.need_text("refusal")? }),
        "input_image" => image(fields),
        "input_file" => file(fields),
        "input_audio" => sound(fields, path),
        _ => Err(fields.fault("type", format_args!("unknown part; known: {KNOWN}"))),
    }
}

fn image(mut fields: Fields) -> Result<Part> {
    let source = match (fields.text("image_url")?, fields.text("file_id")?) {
        (Some(url), _) => data_of(&url).unwrap_or(MediaSource::Url(url)),
        (None, Some(id)) => MediaSource::Id(id),
        (None, None) => {
            return Err(fields.fault("image_url", "is missing; an address or a file_id is needed"));
        }
    };
    let mut media = Media::new(MediaKind::Image, source);
    let detail = fields.value("detail");
    media.extra = own_or_none(fields.rest());
    media.extra.extend(detail.map(|detail| ("detail".to_owned(), detail)));
    Ok(Part::Media(media))
}

fn file(mut fields: Fields) -> Result<Part> {
    let (data, url, id) = (fields.text("file_data")?, fields.text("file_url")?, fields.text("file_id")?);
    let source = match (data, url, id) {
        (Some(text), _, _) => match data_of(&text) {
            Some(source) => source,
            None => plain_base64(&fields, "file_data", SmolStr::default(), &text)?,
        },
        (None, Some(url), _) => MediaSource::Url(url),
        (None, None, Some(id)) => MediaSource::Id(id),
        (None, None, None) => {
            return Err(fields.fault("file_id", "is missing; a file_id, file_url or file_data is needed"));
        }
    };
    let mut media = Media::new(MediaKind::File, source);
    media.name = fields.text("filename")?;
    media.extra = own_or_none(fields.rest());
    Ok(Part::Media(media))
}

fn sound(mut fields: Fields, path: &str) -> Result<Part> {
    let Some(mut inner) = fields.object("input_audio")? else {
        return Err(invalid(
            &format!("{path}.input_audio"),
            "is missing; an object with data and format is needed",
        ));
    };
    let data = inner.need_text("data")?;
    let format = inner.text("format")?.unwrap_or_default();
    let mime = match format.as_str() {
        "" => SmolStr::default(),
        "mp3" => SmolStr::new_static("audio/mpeg"),
        other => SmolStr::from(format!("audio/{other}")),
    };
    let mut media = Media::new(MediaKind::Audio, plain_base64(&inner, "data", mime, &data)?);
    media.extra = own_or_none(fields.rest());
    Ok(Part::Media(media))
}

fn plain_base64(fields: &Fields, name: &str, mime: SmolStr, text: &str) -> Result<MediaSource> {
    match STANDARD.decode(text) {
        Ok(data) => Ok(MediaSource::Data { mime, data: data.into() }),
        Err(_) => Err(fields.fault(name, "is not base64")),
    }
}

/// The bytes in a data URL (RFC 2397) of base64; `None` when it is none.
fn data_of(url: &str) -> Option<MediaSource> {
    let (mime, text) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let data: Bytes = STANDARD.decode(text).ok()?.into();
    Some(MediaSource::Data { mime: mime.into(), data })
}
