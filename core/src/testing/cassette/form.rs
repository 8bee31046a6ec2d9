//! The form of a cassette file. `docs/cassettes.md` describes it for people.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::text;

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exchange {
    /// What was sent.
    pub request: Sent,
    /// What was answered; absent when no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Answered>,
    /// How it ended.
    pub end: Ending,
    /// The whole answer that the wire must read from it, for [`verify`](super::verify); absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
}

/// A request as it was sent, without what is secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sent {
    /// The method, such as `POST`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers, by name in lower case; values of one name are joined by `, `.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body; absent: none.
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub body: Content,
}

/// The head of an answer and the pieces its body came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Answered {
    /// When the head came, in microseconds since the request was sent.
    pub at_us: u64,
    /// The status.
    pub status: u16,
    /// The headers, as in [`Sent`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, chunk by chunk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunks: Vec<Chunk>,
}

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Chunk {
    /// When it came, in microseconds since the request was sent.
    pub at_us: u64,
    /// Its bytes.
    pub body: Content,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Ending {
    /// When, in microseconds since the request was sent.
    pub at_us: u64,
    /// How.
    pub how: How,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// The body ended.
    Eof,
    /// Our side closed the connection.
    Dropped,
    /// The connection failed, with these words of the transport.
    Broken(String),
}

/// Bytes: text where they are UTF-8, base64 elsewhere.
///
/// In a file, text is one string, or a list of strings that are joined with nothing between: one for each line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content(pub Bytes);

impl Content {
    /// True when there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_text() {
            Some(text) => match text::lines(text).as_slice() {
                [] => serializer.serialize_str(""),
                [line] => serializer.serialize_str(line),
                lines => serializer.collect_seq(lines),
            },
            None => Base64 { base64: self.0.clone() }.serialize(serializer),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Base64 {
    #[serde(with = "crate::message::base64_bytes")]
    base64: Bytes,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a body is a string, a list of strings, or {base64: ...}")]
        enum Written {
            Line(String),
            Lines(Vec<String>),
            Binary(Base64),
        }
        Ok(Content(match Written::deserialize(deserializer)? {
            Written::Line(line) => line.into(),
            Written::Lines(lines) => lines.concat().into(),
            Written::Binary(binary) => binary.base64,
        }))
    }
}
