//! Content blocks of a request, written straight from the parts they borrow.

use std::borrow::Cow;

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy, extra_of};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::outgoing::Base64;

/// One block.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: &'a str,
        #[serde(flatten)]
        further: Further<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
        #[serde(flatten)]
        further: Further<'a>,
    },
    ServerToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
        #[serde(flatten)]
        further: Further<'a>,
    },
    ToolResult {
        tool_use_id: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(flatten)]
        further: Further<'a>,
    },
    Image {
        source: Source<'a>,
        #[serde(flatten)]
        further: Further<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(flatten)]
        further: Further<'a>,
    },
    #[serde(untagged)]
    Opaque(Cow<'a, Value>),
}

/// Where the bytes of a medium are.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'a str, data: Base64<'a> },
    Text { media_type: &'static str, data: &'a str },
    Url { url: &'a str },
    File { file_id: &'a str },
}

/// Further fields of a block, those it knows.
#[derive(Debug, Default)]
pub(super) struct Further<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Further<'a> {
    /// All of them.
    pub(super) fn all(extra: &'a Map<String, Value>) -> Self {
        Further(extra_of(extra, super::WIRE).collect())
    }

    pub(super) fn of(extra: &'a Map<String, Value>, known: &[&str]) -> Self {
        Further(extra_of(extra, super::WIRE).filter(|(key, _)| known.contains(key)).collect())
    }
}

impl Serialize for Further<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// True when what only one wire can read is this wire's, as far as it is known.
pub(super) fn is_ours(wire: &str) -> bool {
    wire.is_empty() || wire == super::WIRE
}

impl<'a> Block<'a> {
    /// The block for a part; `None` for what the wire takes no block of. `path` names the part in errors.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported` naming the path.
    pub(super) fn of(part: &'a Part, path: &str) -> Result<Option<Self>> {
        Ok(Some(match part {
            Part::Text { text, .. } | Part::Refusal { text } if text.is_empty() => return Ok(None),
            Part::Text { text, extra } => {
                Block::Text { text, further: Further::of(extra, &["cache_control", "citations"]) }
            }
            Part::Refusal { text } => Block::Text { text, further: Further::default() },
            Part::Reasoning { text, signature: Some(signature), wire, .. } if is_ours(wire) => {
                Block::Thinking { thinking: text, signature }
            }
            Part::Reasoning { .. } => return Ok(None),
            Part::ToolCall { id, name, input, by, extra } => {
                let (id, input) = (call_id(id, path)?, arguments(input, path)?);
                let further = Further::of(extra, &["cache_control", "caller", "toolset_name"]);
                match by {
                    ToolBy::Client => Block::ToolUse { id, name, input, further },
                    ToolBy::Provider => Block::ServerToolUse { id, name, input, further },
                }
            }
            Part::ToolResult { id, content, is_error, extra, .. } => Block::ToolResult {
                tool_use_id: call_id(id, path)?,
                content: Block::all(content, &format!("{path}.content"))?,
                is_error: *is_error,
                further: Further::of(extra, &["cache_control", "toolset_name"]),
            },
            Part::Media(media) => Block::media(media, path)?,
            Part::Opaque { data, wire, .. }
                if is_ours(wire) && data.get("type").is_some_and(Value::is_string) =>
            {
                Block::Opaque(Cow::Borrowed(data))
            }
            Part::Opaque { .. } => return Err(unsupported(path, "is a part of another provider's wire")),
            _ => return Err(unsupported(path, "is a part that Anthropic's wire lacks")),
        }))
    }

    /// The blocks for some parts.
    ///
    /// # Errors
    /// As [`Block::of`].
    pub(super) fn all(parts: &'a [Part], path: &str) -> Result<Vec<Self>> {
        let mut blocks = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            blocks.extend(Block::of(part, &format!("{path}[{i}]"))?);
        }
        Ok(blocks)
    }

    fn media(media: &'a Media, path: &str) -> Result<Self> {
        let extra = &media.extra;
        match (media.kind, &media.source) {
            (MediaKind::Image, MediaSource::Data { mime, .. }) if mime.is_empty() => {
                Err(invalid(path, "the image's media type is missing"))
            }
            (MediaKind::Image, source) => Ok(Block::Image {
                source: Source::of(source),
                further: Further::of(extra, &["cache_control"]),
            }),
            (MediaKind::File, source) => Ok(Block::Document {
                source: Source::of_document(source, path)?,
                title: media.name.as_deref(),
                further: Further::of(extra, &["cache_control", "citations", "context"]),
            }),
            (MediaKind::Audio | MediaKind::Video, _) => {
                Err(unsupported(path, "Anthropic's wire takes neither audio nor video"))
            }
        }
    }

    /// True for thinking, in words or encrypted.
    pub(super) fn is_thinking(&self) -> bool {
        match self {
            Block::Thinking { .. } => true,
            Block::Opaque(block) => block.get("type").is_some_and(|kind| kind == "redacted_thinking"),
            _ => false,
        }
    }

    /// Marks the end of a cached prefix, unless the block has a mark of its own or takes none.
    pub(super) fn mark_cached(&mut self, cache_control: &'a Value) {
        match self {
            Block::Text { further, .. }
            | Block::ToolUse { further, .. }
            | Block::ServerToolUse { further, .. }
            | Block::ToolResult { further, .. }
            | Block::Image { further, .. }
            | Block::Document { further, .. } => {
                if further.0.iter().all(|(key, _)| *key != "cache_control") {
                    further.0.push(("cache_control", cache_control));
                }
            }
            Block::Thinking { .. } | Block::Opaque(_) => {}
        }
    }
}

impl<'a> Source<'a> {
    fn of(source: &'a MediaSource) -> Self {
        match source {
            MediaSource::Data { mime, data } => Source::Base64 { media_type: mime, data: Base64(data) },
            MediaSource::Url(url) => Source::Url { url },
            MediaSource::Id(file_id) => Source::File { file_id },
        }
    }

    fn of_document(source: &'a MediaSource, path: &str) -> Result<Self> {
        match source {
            MediaSource::Data { mime, data } if mime.starts_with("text/") => {
                let data = std::str::from_utf8(data).map_err(|_| invalid(path, "the text is not UTF-8"))?;
                Ok(Source::Text { media_type: "text/plain", data })
            }
            MediaSource::Data { mime, .. } if mime != "application/pdf" => {
                Err(invalid(path, "a document's media type must be application/pdf or text/plain"))
            }
            source => Ok(Source::of(source)),
        }
    }
}

/// Anthropic pairs calls and results by id, and has no other way.
fn call_id<'a>(id: &'a str, path: &str) -> Result<&'a str> {
    match id {
        "" => Err(invalid(&format!("{path}.id"), "is empty; Anthropic's wire pairs calls and results by id")),
        id => Ok(id),
    }
}

/// A call's arguments as they were received; empty text is `{}`.
fn arguments<'a>(input: &'a str, path: &str) -> Result<&'a RawValue> {
    let text = if input.trim().is_empty() { "{}" } else { input };
    let fault = |what: String| Err(invalid(&format!("{path}.input"), &what));
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().starts_with('{') => Ok(raw),
        Ok(_) => fault("must be a JSON object".into()),
        Err(e) => fault(format!("is not JSON, at line {} column {}", e.line(), e.column())),
    }
}

pub(super) fn invalid(path: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("{path}: {what}"))
}

pub(super) fn unsupported(path: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{path}: {what}"))
}
