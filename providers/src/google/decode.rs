//! Answers: streamed and whole.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{self, Decoder};
use serde_json::value::RawValue;

use super::answer::Answer;
use super::choice::Form;
use super::wire::{self, Frame};
use crate::fault::{self, Head};

/// Reads the frames of a stream: events, or the elements of an array. A candidate's end may come before its last
/// frame, so the answer ends with the body.
#[derive(Debug)]
pub(super) struct Stream {
    head: Head,
    answer: Answer,
}

/// Reads an answer that is one frame.
#[derive(Debug)]
pub(super) struct Whole {
    head: Head,
    answer: Answer,
}

impl Stream {
    pub(super) fn new(head: Head) -> Self {
        Stream { head, answer: Answer::new(Form::Pieces) }
    }
}

impl Whole {
    pub(super) fn new(head: Head) -> Self {
        Whole { head, answer: Answer::new(Form::Whole) }
    }
}

/// Reads a frame that is none of the provider's errors.
///
/// # Errors
/// The error it stands for, or `Malformed`.
fn checked<'a>(answer: &Answer, head: &mut Head, text: &'a str) -> Result<Frame<'a>> {
    if !text.starts_with('{') {
        let value = wire::read(text, "a frame")?;
        let none = || Error::new(ErrorKind::Malformed, "a frame is not an object");
        return Err(fault::of_value(head, &value).unwrap_or_else(none));
    }
    let frame: Frame<'_> = wire::read(text, "a frame")?;
    if frame.error.is_some_and(|error| !matches!(error.get(), "null" | "{}" | "\"\"")) {
        head.begun = answer.has_begun();
        return Err(fault::of_body(head, text.as_bytes()));
    }
    Ok(frame)
}

impl Decoder for Stream {
    fn frame(&mut self, frame: provider::Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        match text.trim() {
            "" => Ok(()),
            // No word of this wire, but gateways end every stream with it.
            "[DONE]" => match self.answer.is_finished() {
                true => {
                    self.answer.end(out);
                    Ok(())
                }
                false => Err(truncated()),
            },
            text if frame.name == Some("error") => {
                self.head.begun = self.answer.has_begun();
                Err(fault::of_body(&self.head, text.as_bytes()))
            }
            text => {
                let frame = checked(&self.answer, &mut self.head, text)?;
                self.answer.take(&frame, text, out)
            }
        }
    }

    fn eof(&mut self, out: &mut Vec<Event>) -> Result<()> {
        if !self.answer.is_finished() {
            return Err(truncated());
        }
        self.answer.end(out);
        Ok(())
    }
}

impl Decoder for Whole {
    fn frame(&mut self, frame: provider::Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let text = text.trim();
        // A proxy may answer with the array that a stream would have been.
        let frames: Vec<&RawValue> = match text.starts_with('[') {
            true => wire::read(text, "the answer")?,
            false => vec![wire::read(text, "the answer")?],
        };
        for text in frames.iter().map(|frame| frame.get()) {
            let frame = checked(&self.answer, &mut self.head, text)?;
            if !frame.is_answer() {
                return Err(Error::new(ErrorKind::Malformed, "the answer is not one of this wire"));
            }
            self.answer.take(&frame, text, out)?;
        }
        self.answer.end(out);
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body ended before the answer was whole"))
    }
}

fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the stream ended without a finishReason")
}
