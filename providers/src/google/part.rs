//! Parts of a request, written straight from the parts they borrow.

use belvedere_core::error::Result;
use belvedere_core::message::{self, Media, MediaSource, ToolBy, extra_of};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::results::FunctionResponse;
use super::{EXECUTABLE_CODE, WIRE, media};
use crate::outgoing::{Base64, arguments, invalid, unsupported};

/// One part: what it holds, and the fields beside it.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) data: Payload<'a>,
    pub(super) thought: bool,
    pub(super) signature: Option<&'a str>,
    pub(super) further: Further<'a>,
}

/// What a part holds.
#[derive(Debug)]
pub(super) enum Payload<'a> {
    Text(&'a str),
    Inline(Blob<'a>),
    File(FileData<'a>),
    FunctionCall(FunctionCall<'a>),
    FunctionResponse(FunctionResponse<'a>),
    ExecutableCode(&'a RawValue),
    ToolCall(ToolCall<'a>),
    Opaque(&'a Map<String, Value>),
}

/// Bytes, written as base64 without a copy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    mime_type: &'a str,
    data: Base64<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
}

/// Bytes at an address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    file_uri: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
}

/// A call of a function.
#[derive(Debug, Serialize)]
pub(super) struct FunctionCall<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
}

/// A call of one of the provider's own tools.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolCall<'a> {
    tool_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<&'a RawValue>,
}

/// Further fields of an object.
#[derive(Debug, Default)]
pub(super) struct Further<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Further<'a> {
    /// The fields of this wire's own, and those of `known` that are meant for every wire.
    pub(super) fn of(extra: &'a Map<String, Value>, known: &[&str]) -> Self {
        let mut fields: Vec<(&str, &Value)> = Vec::new();
        let ours = |name: &str| known.contains(&name) || !extra.contains_key(name);
        for (name, value) in extra_of(extra, WIRE).filter(|(name, _)| ours(name)) {
            fields.retain(|(earlier, _)| *earlier != name);
            fields.push((name, value));
        }
        Further(fields)
    }

    /// Takes the fields out that `belongs` picks.
    pub(super) fn split(self, belongs: impl Fn(&str) -> bool) -> (Self, Self) {
        let (picked, rest) = self.0.into_iter().partition(|(name, _)| belongs(name));
        (Further(picked), Further(rest))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| *key == name)?.1.as_str()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the fields into a map.
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> std::result::Result<(), M::Error> {
        self.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}

/// The fields that a part has beside what it holds.
const BESIDE: &[&str] = &["thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"];

/// Those of a thought, whose signature has a place of its own.
const BESIDE_THOUGHT: &[&str] = &["mediaResolution", "partMetadata"];

impl<'a> Part<'a> {
    pub(super) fn new(data: Payload<'a>, further: Further<'a>) -> Self {
        Part { data, thought: false, signature: None, further }
    }

    /// True for a text that says nothing and carries nothing.
    pub(super) fn is_empty(&self) -> bool {
        let bare = self.signature.is_none() && self.further.is_empty();
        matches!(self.data, Payload::Text(text) if text.is_empty()) && bare
    }

    /// True for the result of a function.
    pub(super) fn is_result(&self) -> bool {
        matches!(self.data, Payload::FunctionResponse(_))
    }

    /// The part for one of ours that needs nothing else to be written; `None` for one that says nothing here.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported` naming the path.
    pub(super) fn of(part: &'a message::Part, names: bool, path: &str) -> Result<Option<Self>> {
        Ok(Some(match part {
            message::Part::Text { text, extra } => Part::new(Payload::Text(text), Further::of(extra, BESIDE)),
            message::Part::Refusal { text } => Part::new(Payload::Text(text), Further::default()),
            message::Part::Reasoning { text, signature, wire, extra } => {
                // Another wire's signature is left out: the thought goes without one.
                let signature = signature.as_deref().filter(|_| is_ours(wire));
                if text.is_empty() && signature.is_none() {
                    return Ok(None);
                }
                Part {
                    thought: true,
                    signature,
                    ..Part::new(Payload::Text(text), Further::of(extra, BESIDE_THOUGHT))
                }
            }
            message::Part::ToolCall { id, name, input, by, extra } => {
                let args = (!input.trim().is_empty()).then(|| arguments(input, path)).transpose()?;
                let data = match by {
                    ToolBy::Client => Payload::FunctionCall(FunctionCall { name, args, id }),
                    ToolBy::Provider if name == EXECUTABLE_CODE => match args {
                        Some(code) => Payload::ExecutableCode(code),
                        None => return Err(invalid(&format!("{path}.input"), "is missing; it is the code")),
                    },
                    ToolBy::Provider if is_tool_type(name) => {
                        Payload::ToolCall(ToolCall { tool_type: name, id, args })
                    }
                    ToolBy::Provider => {
                        return Err(unsupported(path, "is a call of another provider's tool"));
                    }
                };
                Part::new(data, Further::of(extra, BESIDE))
            }
            message::Part::Media(media) => Part::media(media, names, path)?,
            message::Part::Opaque { data: Value::Object(data), wire, .. } if is_ours(wire) => {
                Part::new(Payload::Opaque(data), Further::default())
            }
            message::Part::Opaque { .. } => {
                return Err(unsupported(path, "is a part of another provider's wire"));
            }
            _ => return Err(unsupported(path, "is a part that Google's wire lacks here")),
        }))
    }

    /// The part for a medium. `names`: the server takes names of files.
    ///
    /// # Errors
    /// `InvalidRequest` naming the path.
    pub(super) fn media(media: &'a Media, names: bool, path: &str) -> Result<Self> {
        let display_name = media.name.as_deref().filter(|_| names);
        let (own, further) = Further::of(&media.extra, BESIDE).split(|name| name == "mimeType");
        let at = |file_uri: std::borrow::Cow<'a, str>| {
            let mime_type = own.text("mimeType").or_else(|| media::mime_of(&file_uri));
            Payload::File(FileData { mime_type, file_uri, display_name })
        };
        let data = match &media.source {
            MediaSource::Data { mime, .. } if mime.is_empty() => {
                return Err(invalid(path, "the media type is missing"));
            }
            MediaSource::Data { mime, data } => {
                Payload::Inline(Blob { mime_type: mime, data: Base64(data), display_name })
            }
            MediaSource::Url(url) => at(url.into()),
            MediaSource::Id(id) => at(media::address(id).into()),
        };
        Ok(Part::new(data, further))
    }
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.data {
            Payload::Text(text) => map.serialize_entry("text", text)?,
            Payload::Inline(blob) => map.serialize_entry("inlineData", blob)?,
            Payload::File(file) => map.serialize_entry("fileData", file)?,
            Payload::FunctionCall(call) => map.serialize_entry("functionCall", call)?,
            Payload::FunctionResponse(response) => map.serialize_entry("functionResponse", response)?,
            Payload::ExecutableCode(code) => map.serialize_entry("executableCode", code)?,
            Payload::ToolCall(call) => map.serialize_entry("toolCall", call)?,
            Payload::Opaque(fields) => fields.iter().try_for_each(|(k, v)| map.serialize_entry(k, v))?,
        }
        if self.thought {
            map.serialize_entry("thought", &true)?;
        }
        if let Some(signature) = self.signature {
            map.serialize_entry("thoughtSignature", signature)?;
        }
        self.further.write(&mut map)?;
        map.end()
    }
}

/// True when what only one wire can read is this wire's, as far as it is known.
fn is_ours(wire: &str) -> bool {
    wire.is_empty() || wire == WIRE
}

/// True for a word of the enumeration of the provider's tools, such as `FILE_SEARCH`.
fn is_tool_type(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
