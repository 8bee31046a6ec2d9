//! A streamed answer, <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::wire::{self, Incoming};
use crate::fault::{self, Head};
use crate::lax::{self, Object};

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
                self.answer.start(message.0.as_ref(), out);
                self.answer.usage(message.0.and_then(|message| message.usage.0), out);
            }
            "content_block_start" => {
                self.answer.start(None, out);
                if let Some(block) = content_block.filter(|raw| raw.get().starts_with('{')) {
                    self.answer.open(index.0, block, out)?;
                }
            }
            "content_block_delta" => {
                self.answer.start(None, out);
                if let Some(delta) = delta.0 {
                    self.answer.delta(index.0, &delta, || pieces(text), out)?;
                }
            }
            "content_block_stop" => self.answer.stop_block(index.0, out),
            "message_delta" => {
                self.answer.start(None, out);
                if let Some(delta) = delta.0 {
                    self.answer.stop(delta.stop_reason.as_ref(), &delta.stop_sequence);
                }
                self.answer.usage(usage.0, out);
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

fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the stream ended without a stop_reason")
}

impl Decoder for Stream {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = lax::text_of(frame.data);
        if matches!(text.trim(), "" | "[DONE]") {
            return Ok(());
        }
        let named_error = frame.name == Some("error");
        let incoming: Incoming<'_> = match wire::read(&text, "an event") {
            Ok(Object(Some(incoming))) => incoming,
            _ if named_error => return Err(self.fault(&text)),
            Ok(Object(None)) => return Err(Error::new(ErrorKind::Malformed, "an event is not an object")),
            Err(error) => return Err(error),
        };
        let kind = incoming.kind.clone();
        let kind = kind.get().or(frame.name).unwrap_or_default();
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
