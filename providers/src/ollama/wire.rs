//! What comes over the wire: lines of a stream and whole answers, in one shape. Every field may be absent or odd.
//!
//! Fields: <https://docs.ollama.com/api/chat> and `/generate`, and `api/types.go` of Ollama.

use std::borrow::Cow;

use belvedere_core::error::{Error, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::incoming;
use crate::lax::{List, Object, Text};

/// A JSON value left as it came.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// One line of a stream, or a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Chunk<'a> {
    pub(super) model: Text<'a>,
    /// The message of a chat.
    pub(super) message: Option<Object<Spoken<'a>>>,
    /// The text of a generated answer; its other fields stand beside it.
    pub(super) response: Raw<'a>,
    pub(super) thinking: Text<'a>,
    /// The picture that a model of pictures made.
    pub(super) image: Text<'a>,
    pub(super) tool_calls: List<Call<'a>>,
    /// Tokens that stand for the conversation so far.
    pub(super) context: Raw<'a>,
    pub(super) done: Raw<'a>,
    pub(super) done_reason: Text<'a>,
    pub(super) logprobs: Raw<'a>,
    pub(super) error: Raw<'a>,
}

/// What is new of a message, or all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Spoken<'a> {
    pub(super) content: Text<'a>,
    pub(super) thinking: Text<'a>,
    pub(super) images: Raw<'a>,
    pub(super) tool_calls: List<Call<'a>>,
}

/// A tool call; always whole.
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
    pub(super) index: crate::lax::Int,
    pub(super) name: Text<'a>,
    pub(super) arguments: Raw<'a>,
}

impl Chunk<'_> {
    /// The last of an answer; `None` when it does not say.
    pub(super) fn is_done(&self) -> Option<bool> {
        match self.done?.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// True for an object that could be a piece of an answer.
    pub(super) fn is_answer(&self) -> bool {
        self.message.is_some() || self.response.is_some() || self.is_done().is_some()
    }
}

impl Function<'_> {
    /// The arguments as JSON text. Sloppy servers send that text as a string.
    pub(super) fn input(&self) -> Cow<'_, str> {
        let Some(raw) = self.arguments else { return Cow::Borrowed("") };
        match raw.get() {
            text if text.starts_with('"') => serde_json::from_str(text).unwrap_or_default(),
            text => Cow::Borrowed(text),
        }
    }
}

/// What is wrong with a JSON text. What it says stays out of the error.
///
/// A text that goes wrong at its very end is cut off: that is `Truncated`. Anything else is `Malformed`.
pub(super) fn broken(text: &str, error: &serde_json::Error) -> Error {
    let (lines, last) = text.split('\n').fold((0, 0), |(count, _), line| (count + 1, line.len()));
    let at_end = error.is_syntax() && (error.line(), error.column()) >= (lines, last);
    if at_end { incoming::truncated("the answer", error) } else { incoming::broken("the answer", error) }
}

/// Reads one line.
///
/// # Errors
/// As [`broken`].
pub(super) fn read<'a>(text: &'a str) -> Result<Option<Chunk<'a>>> {
    serde_json::from_str::<Object<Chunk<'a>>>(text).map(|object| object.0).map_err(|e| broken(text, &e))
}
