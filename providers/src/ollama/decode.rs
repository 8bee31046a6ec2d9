//! Reads answers: streamed as lines, or whole.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde_json::value::RawValue;

use super::answer::Answer;
use super::wire::{self, Chunk};
use crate::fault::{self, Head};

/// Reads the lines of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    head: Head,
    answer: Answer,
}

impl Stream {
    pub(super) fn new(head: Head) -> Self {
        Stream { head, answer: Answer::default() }
    }
}

impl Decoder for Stream {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let Some(chunk) = wire::read(&text)? else {
            return Err(Error::new(ErrorKind::Malformed, "a line is not an object"));
        };
        self.head.begun = self.answer.has_begun();
        refuse_fault(&self.head, &chunk, &text)?;
        if chunk.is_answer() {
            self.answer.take(&chunk, out);
        }
        if chunk.is_done() == Some(true) {
            self.answer.finish(&chunk, &text, out);
        }
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the stream ended before the answer was done"))
    }
}

/// Reads a whole answer. A stream that was called JSON is one, too: its pieces follow one another.
#[derive(Debug)]
pub(super) struct Whole {
    head: Head,
    answer: Answer,
}

impl Whole {
    pub(super) fn new(head: Head) -> Self {
        Whole { head, answer: Answer::default() }
    }

    fn piece(&mut self, text: &str, out: &mut Vec<Event>) -> Result<Option<bool>> {
        let chunk = wire::read(text)?.unwrap_or_default();
        self.head.begun = self.answer.has_begun();
        refuse_fault(&self.head, &chunk, text)?;
        if !chunk.is_answer() {
            return Err(Error::new(ErrorKind::Malformed, "the answer has no message"));
        }
        self.answer.take(&chunk, out);
        let done = chunk.is_done();
        // Servers that send one body only may leave `done` out.
        if done != Some(false) {
            self.answer.finish(&chunk, text, out);
        }
        Ok(done)
    }
}

impl Decoder for Whole {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        for piece in serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>() {
            let piece = piece.map_err(|e| wire::broken(&text, &e))?;
            if self.piece(piece.get(), out)? != Some(false) {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::Truncated, "the body ended before the answer was done"))
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body is empty"))
    }
}

/// # Errors
/// The error that an object stands for, in Ollama's shape or, where it is no piece of an answer, in any other.
fn refuse_fault(head: &Head, chunk: &Chunk<'_>, text: &str) -> Result<()> {
    let said = chunk.error.is_some_and(|error| !matches!(error.get(), "null" | "\"\"" | "{}" | "false"));
    if said {
        return Err(fault::of_body(head, text.as_bytes()));
    }
    let other = (!chunk.is_answer()).then(|| serde_json::from_str(text).ok()).flatten();
    other.and_then(|value| fault::of_value(head, &value)).map_or(Ok(()), Err)
}
