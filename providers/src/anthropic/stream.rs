//! A streamed answer, <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::wire::{self, Incoming};
use crate::fault::{self, Head};

/// Reads the events of one stream.
#[derive(Debug)]
pub(crate) struct Stream {
    head: Head,
    answer: Answer,
    /// `message_delta` came: `message_stop` after it ends the answer.
    closing: bool,
}

impl Stream {
    pub(crate) fn new(head: Head) -> Self {
        Stream { head, answer: Answer::default(), closing: false }
    }

    fn event(&mut self, kind: &str, incoming: Incoming<'_>, text: &str, out: &mut Vec<Event>) -> Result<()> {
        let Incoming { index, message, content_block, delta, usage, .. } = incoming;
        match kind {
            "message_start" => {
                self.answer.start(message.as_ref(), out);
                self.answer.usage(message.and_then(|m| m.usage), out);
            }
            "content_block_start" => {
                self.answer.start(None, out);
                if let Some(block) = content_block {
                    self.answer.open(index, block, out)?;
                }
            }
            "content_block_delta" => {
                self.answer.start(None, out);
                if let Some(delta) = delta {
                    self.answer.delta(index, &delta, || pieces(text), out)?;
                }
            }
            "content_block_stop" => self.answer.stop_block(index, out),
            "message_delta" => {
                self.answer.start(None, out);
                if let Some(delta) = delta {
                    self.answer.stop(delta.stop_reason.as_ref(), delta.stop_sequence.as_ref());
                }
                self.answer.usage(usage, out);
                self.closing = true;
            }
            "message_stop" if self.closing => self.answer.finish(out),
            // Gateways close a broken answer like this.
            "message_stop" => return Err(truncated()),
            // `ping`, and what is yet to be invented.
            _ => {}
        }
        Ok(())
    }
}

/// The piece of a block as an object.
fn pieces(text: &str) -> Result<Map<String, Value>> {
    #[derive(Deserialize)]
    struct Pieces {
        delta: Map<String, Value>,
    }
    wire::read(text, "an event").map(|Pieces { delta }| delta)
}

/// The event's type; the name of its frame where the type is missing.
fn kind_of<'k>(kind: Option<&'k str>, frame: Frame<'k>) -> &'k str {
    kind.filter(|kind| !kind.is_empty()).or(frame.name).unwrap_or_default()
}

/// True for an event whose type is none of the wire's.
fn is_unknown(text: &str, frame: Frame<'_>) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        r#type: Option<String>,
    }
    const KNOWN: [&str; 7] = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    ];
    serde_json::from_str::<Kind>(text)
        .is_ok_and(|kind| !KNOWN.contains(&kind_of(kind.r#type.as_deref(), frame)))
}

fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the stream ended without a stop_reason")
}

impl Decoder for Stream {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        if matches!(text.trim(), "" | "[DONE]") {
            return Ok(());
        }
        let named_error = frame.name == Some("error");
        let mut incoming: Incoming<'_> = match wire::read(&text, "an event") {
            Err(_) if named_error => return Err(self.fault(&text)),
            // An event yet to be invented may use the fields as it likes.
            Err(_) if is_unknown(&text, frame) => return Ok(()),
            read => read?,
        };
        let kind = incoming.kind.take();
        let kind = kind_of(kind.as_ref().map(wire::Text::get), frame);
        if named_error || kind == "error" || incoming.error.is_some() {
            return Err(self.fault(&text));
        }
        self.event(kind, incoming, &text, out)
    }

    fn eof(&mut self, out: &mut Vec<Event>) -> Result<()> {
        if !self.answer.has_stopped() {
            return Err(truncated());
        }
        self.answer.finish(out);
        Ok(())
    }
}

impl Stream {
    fn fault(&mut self, text: &str) -> Error {
        self.head.begun = self.answer.has_begun();
        fault::of_body(&self.head, text.as_bytes())
    }
}
