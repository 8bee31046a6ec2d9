//! Input items, written straight from the messages they borrow.

use belvedere_core::error::Result;
use belvedere_core::message::{MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::request::Tool;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::content::{Content, Further, OF_TEXT, Piece, Texts, further, write};
use super::{IMAGE, WIRE, is_ours};
use crate::endpoint::invalid;
use crate::outgoing::{Base64, unsupported};

/// One item.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: Content<'a>,
        further: Further<'a>,
    },
    Reasoning {
        summary: Texts<'a>,
        thoughts: Texts<'a>,
        encrypted: Option<&'a str>,
        further: Further<'a>,
    },
    Call {
        is_custom: bool,
        id: &'a str,
        name: &'a str,
        input: &'a str,
        further: Further<'a>,
    },
    Output {
        is_custom: bool,
        id: &'a str,
        content: Content<'a>,
        further: Further<'a>,
    },
    /// An item in the wire's own words; the image that it made, where it stands apart.
    Opaque(&'a Value, Option<&'a [u8]>),
}

/// The items of messages, in the making.
#[derive(Debug)]
pub(super) struct Items<'a> {
    items: Vec<Item<'a>>,
    tools: &'a [Tool],
    custom: Vec<&'a str>,
    /// Reasoning of other wires is shown, too.
    shows_all: bool,
    /// The last item is open for further parts of its kind, under this id.
    open: Option<Option<&'a str>>,
}

impl<'a> Items<'a> {
    /// No items yet; custom tools are known by these definitions, or by the extra of their calls.
    pub(super) fn new(tools: &'a [Tool]) -> Self {
        Items { items: Vec::new(), tools, custom: Vec::new(), shows_all: false, open: None }
    }

    /// The items of an answer, for a client that shows it. What the wire has no place for is left out.
    pub(super) fn of_answer(parts: impl Iterator<Item = &'a Part>, tools: &'a [Tool]) -> Self {
        let mut items = Items { shows_all: true, ..Items::new(tools) };
        for part in parts {
            // What this refuses is what the wire lacks.
            let _ = items.answered(None, part, "");
        }
        items
    }

    /// The items.
    pub(super) fn into_inner(self) -> Vec<Item<'a>> {
        self.items
    }

    /// Adds the items of a message. `path` names it in errors.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported` naming the path.
    pub(super) fn message(&mut self, message: &'a Message, path: &str) -> Result<()> {
        self.open = None;
        if message.name.is_some() {
            let path = format!("{path}.name");
            return Err(unsupported(&path, "the Responses wire has no names").with("parameter", path));
        }
        for (i, part) in message.parts.iter().enumerate() {
            let path = format!("{path}.content[{i}]");
            match message.role {
                Role::Assistant => self.answered(Some(message), part, &path)?,
                _ => self.asked(message, part, &path)?,
            }
        }
        Ok(())
    }

    /// Adds a part of what is said to the model.
    fn asked(&mut self, message: &'a Message, part: &'a Part, path: &str) -> Result<()> {
        if let Part::ToolResult { .. } | Part::Opaque { .. } = part {
            return self.apart(part, path);
        }
        let piece = Piece::input(part, path)?;
        if let (Some(_), Some(Item::Message { content, .. })) = (self.open, self.items.last_mut()) {
            content.pieces.push(piece);
            return Ok(());
        }
        let role = match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            _ => "user",
        };
        let content = Content { pieces: vec![piece], is_list: false };
        self.items.push(Item::Message { role, content, further: further(&message.extra, &[]) });
        self.open = Some(None);
        Ok(())
    }

    /// Adds a part of what the model said.
    fn answered(&mut self, message: Option<&'a Message>, part: &'a Part, path: &str) -> Result<()> {
        match part {
            // An answer that was cut off begins with nothing, or has nothing more to say.
            Part::Text { text, .. } if text.is_empty() && message.is_some() => Ok(()),
            Part::Text { text, extra } => {
                let (own, of_item): (Further<'_>, Further<'_>) =
                    further(extra, &[]).into_iter().partition(|(name, _)| OF_TEXT.contains(name));
                self.say(message, Piece::Output(text, own), of_item, id_of(part));
                Ok(())
            }
            Part::Refusal { text } => {
                let id = self.open.flatten();
                self.say(message, Piece::Refusal(text), Vec::new(), id);
                Ok(())
            }
            Part::Reasoning { .. } => {
                self.reason(part);
                Ok(())
            }
            _ => self.apart(part, path),
        }
    }

    /// Adds a text to the message it belongs to: the open one with the same id.
    fn say(
        &mut self,
        message: Option<&'a Message>,
        piece: Piece<'a>,
        of_item: Further<'a>,
        id: Option<&'a str>,
    ) {
        if let (true, Some(Item::Message { content, .. })) = (self.open == Some(id), self.items.last_mut()) {
            content.pieces.push(piece);
            return;
        }
        let mut fields = message.map(|message| further(&message.extra, &[])).unwrap_or_default();
        fields.retain(|(name, _)| of_item.iter().all(|(own, _)| own != name));
        fields.extend(of_item);
        // An item with an id is one that the server gave: it has the server's form.
        let content = Content { pieces: vec![piece], is_list: id.is_some() };
        self.items.push(Item::Message { role: "assistant", content, further: fields });
        self.open = Some(id);
    }

    /// Adds reasoning of this wire to the item it belongs to. The signature is the last of an item.
    fn reason(&mut self, part: &'a Part) {
        let Part::Reasoning { text, signature, wire, extra } = part else { return };
        let signature = signature.as_deref().filter(|_| is_ours(wire));
        let is_shown = self.shows_all && !text.is_empty();
        if signature.is_none() && !extra.contains_key(WIRE) && !is_shown {
            return;
        }
        let mut fields = further(extra, &[]);
        let is_thought = fields.iter().any(|(name, kind)| *name == "type" && *kind == "reasoning_text");
        fields.retain(|(name, _)| *name != "type");
        let id = id_of(part);
        let last = self.items.last().filter(|item| matches!(item, Item::Reasoning { .. }));
        if self.open != Some(id) || last.is_none() {
            let (summary, thoughts) =
                (Texts("summary_text", Vec::new()), Texts("reasoning_text", Vec::new()));
            self.items.push(Item::Reasoning { summary, thoughts, encrypted: None, further: fields });
        }
        if let Some(Item::Reasoning { summary, thoughts, encrypted, .. }) = self.items.last_mut() {
            let texts = if is_thought { thoughts } else { summary };
            texts.1.extend(Some(text.as_str()).filter(|text| !text.is_empty()));
            *encrypted = signature;
        }
        self.open = signature.is_none().then_some(id);
    }

    /// Adds a part that is an item of its own.
    fn apart(&mut self, part: &'a Part, path: &str) -> Result<()> {
        self.open = None;
        let item = match part {
            Part::ToolCall { id, name, input, by: ToolBy::Client, extra } => {
                let mut fields = further(extra, &["namespace"]);
                let is_custom = is_custom(&fields) || defines_custom(self.tools, name);
                fields.retain(|(name, _)| *name != "type");
                if is_custom {
                    self.custom.push(id);
                }
                Item::Call { is_custom, id: call_id(id, path)?, name, input, further: fields }
            }
            Part::ToolResult { id, content, extra, .. } => {
                let mut fields = further(extra, &[]);
                let is_custom = is_custom(&fields) || self.custom.contains(&id.as_str());
                fields.retain(|(name, _)| *name != "type");
                let piece =
                    |(i, part): (usize, &'a Part)| Piece::input(part, &format!("{path}.content[{i}]"));
                let pieces = content.iter().enumerate().map(piece).collect::<Result<_>>()?;
                let content = Content { pieces, is_list: false };
                Item::Output { is_custom, id: call_id(id, path)?, content, further: fields }
            }
            Part::Opaque { data, wire, .. }
                if is_ours(wire) && data.get("type").is_some_and(Value::is_string) =>
            {
                Item::Opaque(data, None)
            }
            Part::Media(media) => match (self.items.last_mut(), &media.source) {
                (Some(Item::Opaque(item, image @ None)), MediaSource::Data { data, .. }) if made(item) => {
                    *image = Some(data);
                    return Ok(());
                }
                _ => {
                    return Err(lacking(
                        path,
                        "a message of the model can't hold media on the Responses wire",
                    ));
                }
            },
            Part::Opaque { .. } => return Err(lacking(path, "is a part of another provider's wire")),
            _ => return Err(lacking(path, "is a part that the Responses wire lacks")),
        };
        self.items.push(item);
        Ok(())
    }
}

/// True when the tools have a custom one of this name: one whose calls carry free text.
pub(super) fn defines_custom(tools: &[Tool], name: &str) -> bool {
    tools.iter().any(|tool| match tool {
        Tool::Provider(own) => {
            own.get("type").is_some_and(|kind| kind == "custom") && own.get("name").is_some_and(|n| n == name)
        }
        _ => false,
    })
}

/// True for an item that makes an image and holds none.
fn made(item: &Value) -> bool {
    item.get("type").is_some_and(|kind| kind == IMAGE) && item.get("result").is_none()
}

/// True when the fields say that a call, or its result, is of a custom tool.
fn is_custom(fields: &Further<'_>) -> bool {
    fields.iter().any(|(name, kind)| {
        *name == "type" && matches!(kind.as_str(), Some("custom_tool_call" | "custom_tool_call_output"))
    })
}

/// The id of the item that a part was part of.
fn id_of(part: &Part) -> Option<&str> {
    let (Part::Text { extra, .. } | Part::Reasoning { extra, .. }) = part else { return None };
    extra.get(WIRE)?.get("id")?.as_str()
}

fn lacking(path: &str, what: &str) -> belvedere_core::error::Error {
    unsupported(path, what).with("parameter", path)
}

/// The wire pairs calls and results by id, and has no other way.
fn call_id<'a>(id: &'a str, path: &str) -> Result<&'a str> {
    match id {
        "" => {
            Err(invalid(&format!("{path}.id"), "is empty; the Responses wire pairs calls and results by id"))
        }
        id => Ok(id),
    }
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Item::Message { role, content, further } => {
                map.serialize_entry("type", "message")?;
                map.serialize_entry("role", role)?;
                map.serialize_entry("content", content)?;
                write(&mut map, further)?;
            }
            Item::Reasoning { summary, thoughts, encrypted, further } => {
                map.serialize_entry("type", "reasoning")?;
                map.serialize_entry("summary", summary)?;
                if !thoughts.1.is_empty() {
                    map.serialize_entry("content", thoughts)?;
                }
                if let Some(encrypted) = encrypted {
                    map.serialize_entry("encrypted_content", encrypted)?;
                }
                write(&mut map, further)?;
            }
            Item::Call { is_custom, id, name, input, further } => {
                map.serialize_entry("type", if *is_custom { "custom_tool_call" } else { "function_call" })?;
                map.serialize_entry("call_id", id)?;
                map.serialize_entry("name", name)?;
                if *is_custom {
                    map.serialize_entry("input", input)?;
                } else {
                    // Models call tools without parameters with no text at all; servers want JSON back.
                    let arguments = if input.trim().is_empty() { "{}" } else { input };
                    map.serialize_entry("arguments", arguments)?;
                }
                write(&mut map, further)?;
            }
            Item::Output { is_custom, id, content, further } => {
                let kind = if *is_custom { "custom_tool_call_output" } else { "function_call_output" };
                map.serialize_entry("type", kind)?;
                map.serialize_entry("call_id", id)?;
                map.serialize_entry("output", content)?;
                write(&mut map, further)?;
            }
            Item::Opaque(item, image) => {
                for (name, value) in item.as_object().into_iter().flatten() {
                    map.serialize_entry(name, value)?;
                }
                if let Some(image) = image {
                    map.serialize_entry("result", &Base64(image))?;
                }
            }
        }
        map.end()
    }
}
