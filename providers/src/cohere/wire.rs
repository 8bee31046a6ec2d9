//! What comes over the wire. Every field may be absent or of another type.
//!
//! Fields: <https://docs.cohere.com/reference/chat> and `/chat-stream`.

use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) use crate::incoming::read;
use crate::lax::{Int, JsonText, List, Object, Text};

/// A JSON value left as it came.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// One event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Incoming<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) id: Text<'a>,
    pub(super) model: Text<'a>,
    pub(super) index: Int,
    pub(super) delta: Object<Delta<'a>>,
    pub(super) logprobs: Raw<'a>,
    /// The sentence of an error; no event has it.
    pub(super) message: Text<'a>,
    pub(super) error: Raw<'a>,
}

/// What is new.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Delta<'a> {
    pub(super) message: Object<Piece<'a>>,
    pub(super) finish_reason: Text<'a>,
    pub(super) usage: Raw<'a>,
    pub(super) error: Raw<'a>,
}

/// What is new of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Piece<'a> {
    pub(super) content: Object<Block<'a>>,
    pub(super) tool_plan: Text<'a>,
    pub(super) tool_calls: Object<Call<'a>>,
    pub(super) citations: Raw<'a>,
}

/// A block of content, or what is new of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Block<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) text: Text<'a>,
    pub(super) thinking: Text<'a>,
}

/// A tool call, or what is new of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Call<'a> {
    pub(super) id: Text<'a>,
    pub(super) function: Object<Function<'a>>,
}

/// What is called.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Function<'a> {
    pub(super) name: Text<'a>,
    pub(super) arguments: JsonText<'a>,
}

/// A whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Whole<'a> {
    pub(super) id: Text<'a>,
    pub(super) model: Text<'a>,
    /// An error has a sentence here.
    pub(super) message: Object<Message<'a>>,
    pub(super) finish_reason: Text<'a>,
    pub(super) usage: Raw<'a>,
    pub(super) logprobs: Raw<'a>,
    pub(super) error: Raw<'a>,
}

/// A whole message.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Message<'a> {
    pub(super) content: Raw<'a>,
    pub(super) tool_plan: Text<'a>,
    pub(super) tool_calls: List<Call<'a>>,
    pub(super) citations: Raw<'a>,
}

/// What a block of content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Thinking,
    /// Of a type that is not known here.
    Other,
}

impl Block<'_> {
    /// What it is; where its type is missing, its fields tell.
    pub(super) fn kind(&self) -> Kind {
        match self.kind.get() {
            Some("text") => Kind::Text,
            Some("thinking") => Kind::Thinking,
            Some(_) => Kind::Other,
            None if self.thinking.get().is_some() => Kind::Thinking,
            None => Kind::Text,
        }
    }

    /// Its words.
    pub(super) fn words(&self) -> &str {
        self.text.get().or_else(|| self.thinking.get()).unwrap_or_default()
    }
}

/// True for an error field that says something.
pub(super) fn is_fault(error: Raw<'_>) -> bool {
    error.is_some_and(|error| !matches!(error.get(), "null" | "\"\"" | "{}" | "false"))
}
