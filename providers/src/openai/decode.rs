//! Reads answers: streams of chunks, and whole bodies.

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde_json::Value;

use super::answer::{Answer, broken_body, broken_frame, has_error};
use super::choice::Form;
use super::wire::Chunk;
use crate::fault;
use crate::lax::{self, Object};

/// Reads a stream of chunks.
///
/// The terminal signal is a finish reason of every choice that has begun. `Finish` is held back until `[DONE]` or
/// the end of the body, because usage comes after it.
pub(crate) struct Chunks {
    head: fault::Head,
    answer: Answer,
    /// What the server's `[DONE]` means.
    done: Done,
    over: bool,
}

/// What `[DONE]` means without a finish reason before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Nothing: the answer was cut off.
    Sentinel,
    /// The end: the server gives no finish reasons.
    End,
}

impl Chunks {
    pub(crate) fn new(head: fault::Head, mime: SmolStr, done: Done) -> Self {
        Chunks { head, answer: Answer::new(mime), done, over: false }
    }

    fn end(&mut self, lenient: bool, out: &mut Vec<Event>) -> Result<()> {
        self.over = true;
        if self.answer.is_finished() || (lenient && !self.answer.is_empty()) {
            self.answer.end(out);
            return Ok(());
        }
        Err(Error::new(ErrorKind::Truncated, "the stream ended without a finish reason"))
    }
}

impl Decoder for Chunks {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        if self.over || data.is_empty() {
            return Ok(());
        }
        self.head.begun = !self.answer.is_empty();
        if data == b"[DONE]" {
            return self.end(self.done == Done::End, out);
        }
        if frame.name == Some("error") {
            self.over = true;
            return Err(fault::of_body(&self.head, data));
        }
        let answer = &mut self.answer;
        with_chunk(&self.head, data, broken_frame, &mut |chunk| answer.take(chunk, Form::Pieces, out))
    }

    fn eof(&mut self, out: &mut Vec<Event>) -> Result<()> {
        if self.over {
            return Ok(());
        }
        self.end(false, out)
    }
}

/// The events of a plain answer: its start, a text and its end, usage, and the finish.
const EVENTS: usize = 5;

/// Reads a whole answer, which is one frame. It is complete also without a finish reason.
pub(crate) struct Whole {
    head: fault::Head,
    answer: Answer,
    over: bool,
}

impl Whole {
    pub(crate) fn new(head: fault::Head, mime: SmolStr) -> Self {
        Whole { head, answer: Answer::new(mime), over: false }
    }
}

impl Decoder for Whole {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        if self.over || data.is_empty() {
            return Ok(());
        }
        self.over = true;
        out.reserve(EVENTS);
        let answer = &mut self.answer;
        with_chunk(&self.head, data, broken_body, &mut |chunk| answer.take(chunk, Form::Whole, out))?;
        if self.answer.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "the answer has no choices"));
        }
        self.answer.end(out);
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        match self.over {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Truncated, "the body is empty")),
        }
    }
}

/// Reads a chunk and gives it to `each`, unless it is an error: that is looked for first.
fn with_chunk(
    head: &fault::Head,
    data: &[u8],
    broken: fn(&serde_json::Error) -> Error,
    each: &mut dyn FnMut(&Chunk<'_>) -> Result<()>,
) -> Result<()> {
    let text = lax::text_of(data);
    match serde_json::from_str::<Object<Chunk<'_>>>(&text) {
        Ok(Object(Some(chunk))) => {
            if has_error(&chunk) {
                return Err(fault::of_body(head, data));
            }
            if chunk.choices.is_none()
                && let Some(error) = fault_of(head, data, &chunk)
            {
                return Err(error);
            }
            each(&chunk)
        }
        Ok(Object(None)) if data == b"null" => Ok(()),
        Ok(Object(None)) => Err(Error::new(ErrorKind::Malformed, "a frame is not an object")),
        Err(error) => Err(broken(&error)),
    }
}

/// The error that a chunk without choices is. Errors have other shapes, too: `{"object": "error", ...}`, and bare
/// ones that say what is wrong beside nothing of an answer: `{"message": ...}`, `{"detail": ...}`.
fn fault_of(head: &fault::Head, data: &[u8], chunk: &Chunk<'_>) -> Option<Error> {
    let value = serde_json::from_slice::<Value>(data).ok()?;
    let says = |key: &str| match value.get(key) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    };
    let is_bare = chunk.id.get().is_none() && !says("object") && !says("usage");
    let complains = is_bare && ["message", "detail", "errors"].into_iter().any(says);
    fault::of_value(head, &value).or_else(|| complains.then(|| fault::of_body(head, data)))
}
