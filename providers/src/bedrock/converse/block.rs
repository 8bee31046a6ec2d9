//! Content blocks, written straight from the parts they borrow. Requests and answers have the same.

use std::borrow::Cow;

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy, extra_of};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{WIRE, format};
use crate::outgoing::Base64;

/// One block: an object with one field, whose name is the block's kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Block<'a> {
    Text(&'a str),
    Image(Medium<'a>),
    Video(Medium<'a>),
    Audio(Medium<'a>),
    Document(Medium<'a>),
    ToolUse(ToolUse<'a>),
    ToolResult(ToolResult<'a>),
    ReasoningContent(Reasoning<'a>),
    CitationsContent(Citations<'a>),
    CachePoint(CachePoint<'a>),
    #[serde(untagged)]
    Opaque(Cow<'a, Value>),
}

/// An image, video, audio or document.
#[derive(Debug, Serialize)]
pub(super) struct Medium<'a> {
    format: &'a str,
    /// A document has to have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    source: Source<'a>,
    #[serde(flatten)]
    further: Further<'a>,
}

/// Where the bytes of a medium are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Source<'a> {
    Bytes(Base64<'a>),
    S3Location {
        uri: &'a str,
        #[serde(rename = "bucketOwner", skip_serializing_if = "Option::is_none")]
        bucket_owner: Option<&'a Value>,
    },
}

/// A call of a tool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse<'a> {
    tool_use_id: &'a str,
    name: &'a str,
    input: &'a RawValue,
    /// `server_tool_use` for a tool that Bedrock runs; the only word the wire has here.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
}

/// What a tool returned.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    tool_use_id: &'a str,
    content: Vec<Block<'a>>,
    /// Only some models take it, and success goes without saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

/// The model's thinking.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reasoning<'a> {
    reasoning_text: ReasoningText<'a>,
}

#[derive(Debug, Serialize)]
struct ReasoningText<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
}

/// Text with what it cites.
#[derive(Debug, Serialize)]
pub(super) struct Citations<'a> {
    content: [Cited<'a>; 1],
    citations: &'a Value,
}

#[derive(Debug, Serialize)]
struct Cited<'a> {
    text: &'a str,
}

/// The end of a prefix that is cached, for five minutes unless it says otherwise.
#[derive(Debug, Serialize)]
pub(super) struct CachePoint<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a Value>,
}

impl<'a> CachePoint<'a> {
    /// What stands for a `cache_control`.
    pub(super) fn of(cache_control: &'a Value) -> Self {
        CachePoint { r#type: "default", ttl: cache_control.get("ttl") }
    }
}

/// Further fields of a block, those it knows.
#[derive(Debug, Default)]
struct Further<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Further<'a> {
    fn of(extra: &'a Map<String, Value>, known: &[&str]) -> Self {
        Further(extra_of(extra, WIRE).filter(|(key, _)| known.contains(key)).collect())
    }
}

impl Serialize for Further<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// A further field of a part.
fn field<'a>(extra: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    extra_of(extra, WIRE).filter(|(key, _)| *key == name).last().map(|(_, value)| value)
}

/// True when what only one wire can read is this wire's, as far as it is known.
fn is_ours(wire: &str) -> bool {
    wire.is_empty() || wire == WIRE
}

/// The cache mark of a part.
fn cache_control(part: &Part) -> Option<&Value> {
    let extra = match part {
        Part::Text { extra, .. } | Part::ToolCall { extra, .. } | Part::ToolResult { extra, .. } => extra,
        Part::Media(media) => &media.extra,
        _ => return None,
    };
    field(extra, "cache_control").filter(|mark| mark.is_object())
}

impl<'a> Block<'a> {
    /// The block for a part; `None` for what the wire takes no block of. `path` names the part in errors, and
    /// `unsigned` says whether thinking without a signature may be sent.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported` naming the path.
    pub(super) fn of(part: &'a Part, path: &str, unsigned: bool) -> Result<Option<Self>> {
        Ok(Some(match part {
            Part::Text { text, .. } | Part::Refusal { text } if text.is_empty() => return Ok(None),
            Part::Text { text, extra } => match field(extra, "citations").filter(|list| list.is_array()) {
                Some(citations) => {
                    Block::CitationsContent(Citations { content: [Cited { text }], citations })
                }
                None => Block::Text(text),
            },
            Part::Refusal { text } => Block::Text(text),
            Part::Reasoning { text, signature, wire, .. } => {
                let signature = signature.as_deref();
                if !(is_ours(wire) && (signature.is_some() || unsigned && !text.is_empty())) {
                    return Ok(None);
                }
                Block::ReasoningContent(Reasoning { reasoning_text: ReasoningText { text, signature } })
            }
            Part::ToolCall { id, name, input, by, .. } => Block::ToolUse(ToolUse {
                tool_use_id: call_id(id, path)?,
                name,
                input: arguments(input, path)?,
                r#type: (*by == ToolBy::Provider).then_some("server_tool_use"),
            }),
            Part::ToolResult { id, content, is_error, .. } => Block::ToolResult(ToolResult {
                tool_use_id: call_id(id, path)?,
                content: Block::all(content, &format!("{path}.content"), unsigned)?,
                status: is_error.then_some("error"),
            }),
            Part::Media(media) => Block::media(media, path)?,
            Part::Opaque { data, wire, .. } if is_ours(wire) && data.is_object() => {
                Block::Opaque(Cow::Borrowed(data))
            }
            Part::Opaque { .. } => return Err(unsupported(path, "is a part of another provider's wire")),
            _ => return Err(unsupported(path, "is a part that Converse lacks")),
        }))
    }

    /// The blocks for some parts, each with the cache mark that follows it.
    ///
    /// # Errors
    /// As [`Block::of`].
    pub(super) fn all(parts: &'a [Part], path: &str, unsigned: bool) -> Result<Vec<Self>> {
        let mut blocks = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            let block = Block::of(part, &format!("{path}[{i}]"), unsigned)?;
            let mark = cache_control(part).filter(|_| block.is_some());
            blocks.extend(block);
            blocks.extend(mark.map(|mark| Block::CachePoint(CachePoint::of(mark))));
        }
        Ok(blocks)
    }

    /// True for thinking, in words or encrypted.
    pub(super) fn is_thinking(&self) -> bool {
        match self {
            Block::ReasoningContent(_) => true,
            Block::Opaque(block) => block.get("reasoningContent").is_some(),
            _ => false,
        }
    }

    fn media(media: &'a Media, path: &str) -> Result<Self> {
        let own = field(&media.extra, "format").and_then(Value::as_str);
        let (found, source) = match &media.source {
            MediaSource::Data { mime, data } => {
                (format::word_of(media.kind, mime), Source::Bytes(Base64(data)))
            }
            MediaSource::Url(uri) if uri.starts_with("s3://") => {
                let bucket_owner = field(&media.extra, "bucketOwner");
                (format::word_of_address(media.kind, uri), Source::S3Location { uri, bucket_owner })
            }
            _ => return Err(unsupported(path, "Converse takes media as bytes or from s3:// only")),
        };
        let format = own.or(found).ok_or_else(|| {
            unsupported(path, "is of a media type that Converse does not know; a field `format` can name it")
        })?;
        let known: &[&str] = if media.kind == MediaKind::File { &["citations", "context"] } else { &[] };
        let further = Further::of(&media.extra, known);
        let named = |name| Medium { format, name, source, further };
        Ok(match media.kind {
            MediaKind::Image => Block::Image(named(None)),
            MediaKind::Video => Block::Video(named(None)),
            MediaKind::Audio => Block::Audio(named(None)),
            MediaKind::File => Block::Document(named(Some(document_name(media.name.as_deref(), path)))),
        })
    }
}

/// Names may have letters, digits, blanks, hyphens and brackets. One that is missing is made of the place, which no
/// other document has.
fn document_name<'a>(name: Option<&'a str>, path: &str) -> Cow<'a, str> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '(' | ')' | '[' | ']');
    match name.filter(|name| !name.trim().is_empty()) {
        Some(name) if name.chars().all(allowed) => Cow::Borrowed(name),
        Some(name) => Cow::Owned(name.replace(|c| !allowed(c), "-")),
        None => Cow::Owned(format!("document {}", path.replace('.', " "))),
    }
}

/// The wire pairs calls and results by id, and has no other way.
fn call_id<'a>(id: &'a str, path: &str) -> Result<&'a str> {
    match id {
        "" => Err(invalid(&format!("{path}.id"), "is empty; Converse pairs calls and results by id")),
        id => Ok(id),
    }
}

/// A call's arguments as they were received; empty text is `{}`.
fn arguments<'a>(input: &'a str, path: &str) -> Result<&'a RawValue> {
    let text = if input.trim().is_empty() { "{}" } else { input };
    serde_json::from_str(text).map_err(|e| {
        let what = format!("is not JSON, at line {} column {}", e.line(), e.column());
        invalid(&format!("{path}.input"), &what)
    })
}

pub(super) fn invalid(path: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("{path}: {what}"))
}

pub(super) fn unsupported(path: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{path}: {what}"))
}
