//! The shapes of the wire, as far as they are read. Every field may be absent, null or of another type.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub(super) use crate::incoming::read;
use crate::lax::{Int, Object, Text};

/// A JSON value left as it came.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// One event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Incoming<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) index: Int,
    pub(super) message: Object<Message<'a>>,
    pub(super) content_block: Raw<'a>,
    pub(super) delta: Object<Delta<'a>>,
    pub(super) usage: Object<Map<String, Value>>,
    pub(super) error: Raw<'a>,
}

/// What is new: of a block, or of the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Delta<'a> {
    pub(super) text: Option<Text<'a>>,
    pub(super) thinking: Option<Text<'a>>,
    pub(super) signature: Option<Text<'a>>,
    pub(super) partial_json: Option<Text<'a>>,
    pub(super) citation: Raw<'a>,
    pub(super) stop_reason: Option<Text<'a>>,
    pub(super) stop_sequence: Text<'a>,
}

/// A message: whole, or the frame of one in `message_start`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Message<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) id: Text<'a>,
    pub(super) model: Text<'a>,
    pub(super) content: Raw<'a>,
    pub(super) stop_reason: Option<Text<'a>>,
    pub(super) stop_sequence: Text<'a>,
    pub(super) usage: Object<Map<String, Value>>,
    pub(super) error: Raw<'a>,
}

/// A content block, whole or as it begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Block<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) text: Option<Text<'a>>,
    pub(super) thinking: Option<Text<'a>>,
    pub(super) signature: Option<Text<'a>>,
    pub(super) id: Text<'a>,
    pub(super) name: Option<Text<'a>>,
    pub(super) input: Raw<'a>,
    /// Who called: the model itself, or the code it runs.
    pub(super) caller: Raw<'a>,
    /// The set of tools that the called one is a member of.
    pub(super) toolset_name: Raw<'a>,
    pub(super) citations: Raw<'a>,
}

impl Block<'_> {
    /// The block's type; where a server leaves it out, its fields tell.
    pub(super) fn kind(&self) -> &str {
        match self.kind.get() {
            Some(kind) => kind,
            None if self.text.is_some() => "text",
            None if self.thinking.is_some() => "thinking",
            None if self.name.is_some() => "tool_use",
            None => "",
        }
    }
}

/// The items of a list, as they came; none when it is no list.
pub(super) fn list(raw: Raw<'_>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}
