//! A streamed answer, <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::fault;
use super::answer::Answer;
use super::wire::Incoming;
use crate::fault::Head;
use crate::incoming::read;

/// The names of the wire's events.
const EVENTS: [&str; 6] =
    ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];

/// Reads the events of one stream. `messageStop` is the terminal signal; `metadata` with the usage follows it.
#[derive(Debug)]
pub(super) struct Stream {
    head: Head,
    answer: Answer,
    /// `metadata` came: once the model has stopped, too, the answer is complete.
    counted: bool,
}

impl Stream {
    pub(super) fn new(head: Head) -> Self {
        Stream { head, answer: Answer::default(), counted: false }
    }

    fn event(&mut self, name: &str, incoming: Incoming<'_>, text: &str, out: &mut Vec<Event>) -> Result<()> {
        let index = incoming.content_block_index.0;
        self.answer.start(out);
        match name {
            "contentBlockStart" => match incoming.start {
                Some(start) if start.get().starts_with('{') => self.answer.open(index, start, out)?,
                _ => {}
            },
            "contentBlockDelta" => {
                if let Some(delta) = incoming.delta.0 {
                    self.answer.delta(index, &delta, || pieces(text), out)?;
                }
            }
            "contentBlockStop" => self.answer.stop_block(index, out),
            "messageStop" => {
                self.answer.stop(&incoming.stop_reason, &incoming.additional_model_response_fields);
            }
            "metadata" => {
                self.answer.usage(incoming.usage, out);
                self.counted = true;
            }
            _ => {}
        }
        if self.counted && self.answer.has_stopped() {
            self.answer.finish(out);
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
    read(text, "an event").map(|Pieces { delta }| delta)
}

impl Decoder for Stream {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        if let Some(error) = fault::of_frame(&self.head, frame, &EVENTS, self.answer.has_begun()) {
            return Err(error);
        }
        let name = frame.name.unwrap_or_default();
        if !EVENTS.contains(&name) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(frame.data);
        let incoming = read(&text, "an event")?;
        self.event(name, incoming, &text, out)
    }

    fn eof(&mut self, out: &mut Vec<Event>) -> Result<()> {
        if !self.answer.has_stopped() {
            return Err(Error::new(ErrorKind::Truncated, "the stream ended without a stopReason"));
        }
        self.answer.finish(out);
        Ok(())
    }
}
