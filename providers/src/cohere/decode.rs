//! Reads answers: a stream of events, or a whole one.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::wire::{self, Block, Delta, Incoming, Piece, is_fault};
use crate::fault::{self, Head};
use crate::lax::{Object, Text};

/// Reads the events of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    head: Head,
    answer: Answer,
}

impl Stream {
    pub(super) fn new(head: Head) -> Self {
        Stream { head, answer: Answer::default() }
    }

    fn event(&mut self, kind: &str, incoming: &Incoming<'_>, text: &str, out: &mut Vec<Event>) -> Result<()> {
        let index = incoming.index.0;
        let (nothing, no_piece) = (Delta::default(), Piece::default());
        let delta = incoming.delta.0.as_ref().unwrap_or(&nothing);
        let piece = delta.message.0.as_ref().unwrap_or(&no_piece);
        match kind {
            "message-start" | "content-start" | "content-delta" | "content-end" | "tool-plan-delta"
            | "tool-call-start" | "tool-call-delta" | "tool-call-end" | "citation-start" | "message-end" => {
                self.answer.start(&incoming.id, &incoming.model, out);
            }
            // `citation-end`, `debug`, and what is yet to be invented.
            _ => return Ok(()),
        }
        match (kind, &piece.content.0, &piece.tool_calls.0) {
            ("content-start", Some(block), _) => self.answer.open(index, block, || content_of(text), out),
            ("content-delta", Some(block), _) => self.answer.delta(index, block, out),
            ("content-end", ..) => self.answer.close_content(index, out),
            ("tool-plan-delta", ..) => {
                self.answer.plan(piece.tool_plan.get().unwrap_or_default(), out);
            }
            ("tool-call-start", _, Some(call)) => self.answer.open_call(index, call, out),
            ("tool-call-delta", _, Some(call)) => self.answer.call(index, call, out)?,
            ("tool-call-end", ..) => self.answer.close_call(index, out),
            ("citation-start", ..) => self.answer.cite(piece.citations, out),
            _ => {}
        }
        self.answer.logprobs(incoming.logprobs, out);
        self.answer.usage(delta.usage, out);
        match (kind, delta.finish_reason.get()) {
            ("message-end", None) => return Err(truncated()),
            ("message-end", Some(_)) => self.answer.finish(&delta.finish_reason, out),
            _ => {}
        }
        Ok(())
    }
}

impl Decoder for Stream {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        if matches!(text.trim(), "" | "[DONE]") {
            return Ok(());
        }
        self.head.begun = self.answer.has_begun();
        let is_error = frame.name == Some("error");
        let incoming = match wire::read::<Object<Incoming<'_>>>(&text, "an event") {
            Err(_) if is_error => return Err(fault::of_body(&self.head, text.as_bytes())),
            read => read?.0.unwrap_or_default(),
        };
        let kind = incoming.kind.get().or(frame.name).unwrap_or_default();
        // An error status has this body, too: a sentence, and no type.
        let is_sentence = incoming.kind.get().is_none() && incoming.message.get().is_some();
        if is_error || kind == "error" || is_sentence || is_fault(incoming.error) {
            return Err(fault::of_body(&self.head, text.as_bytes()));
        }
        if let Some(error) =
            incoming.delta.0.as_ref().and_then(|delta| delta.error).filter(|e| is_fault(Some(e)))
        {
            // What was generated is billed, though it is no whole answer.
            if let Some(delta) = incoming.delta.0.as_ref().filter(|_| self.answer.has_begun()) {
                self.answer.usage(delta.usage, out);
            }
            let body = format!(r#"{{"error":{}}}"#, error.get());
            return Err(fault::of_body(&self.head, body.as_bytes()));
        }
        self.event(kind, &incoming, &text, out)
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(truncated())
    }
}

fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the stream ended without a finish_reason")
}

/// The block of a `content-start`, as a value.
fn content_of(event: &str) -> Option<Value> {
    #[derive(Deserialize)]
    struct Outer {
        delta: Middle,
    }
    #[derive(Deserialize)]
    struct Middle {
        message: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        content: Value,
    }
    Some(serde_json::from_str::<Outer>(event).ok()?.delta.message.content)
}

/// Reads a whole answer.
#[derive(Debug)]
pub(super) struct Whole {
    head: Head,
    answer: Answer,
}

impl Whole {
    pub(super) fn new(head: Head) -> Self {
        Whole { head, answer: Answer::default() }
    }

    /// A list of blocks, or one text.
    fn content(&mut self, content: &RawValue, out: &mut Vec<Event>) {
        let Ok(blocks) = serde_json::from_str::<Vec<&RawValue>>(content.get()) else {
            let text = serde_json::from_str::<Text<'_>>(content.get()).unwrap_or_default();
            let block = Block { text, ..Block::default() };
            return self.answer.open(Some(0), &block, || None, out);
        };
        for (raw, index) in blocks.into_iter().zip(0u32..) {
            let Ok(Object(Some(block))) = serde_json::from_str::<Object<Block<'_>>>(raw.get()) else {
                continue;
            };
            self.answer.open(Some(index), &block, || serde_json::from_str(raw.get()).ok(), out);
            self.answer.close_content(Some(index), out);
        }
    }
}

impl Decoder for Whole {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let whole = wire::read::<Object<wire::Whole<'_>>>(&text, "the answer")?.0.unwrap_or_default();
        if is_fault(whole.error) {
            return Err(fault::of_body(&self.head, text.as_bytes()));
        }
        let Some(message) = &whole.message.0 else {
            let said = serde_json::from_str(&text).ok().and_then(|value| fault::of_value(&self.head, &value));
            let sentence = wire::read::<Incoming<'_>>(&text, "the answer").ok();
            return Err(match (said, sentence.is_some_and(|said| said.message.get().is_some())) {
                (Some(error), _) => error,
                (None, true) => fault::of_body(&self.head, text.as_bytes()),
                (None, false) => Error::new(ErrorKind::Malformed, "the answer has no message"),
            });
        };
        self.answer.start(&whole.id, &whole.model, out);
        self.answer.plan(message.tool_plan.get().unwrap_or_default(), out);
        if let Some(content) = message.content {
            self.content(content, out);
        }
        for (call, index) in message.tool_calls.0.iter().zip(0u32..) {
            self.answer.open_call(Some(index), call, out);
        }
        self.answer.close_all(out);
        self.answer.cite(message.citations, out);
        self.answer.logprobs(whole.logprobs, out);
        self.answer.usage(whole.usage, out);
        self.answer.finish(&whole.finish_reason, out);
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body is empty"))
    }
}
