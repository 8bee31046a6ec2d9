//! An answer that comes as one JSON object.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};

use super::answer::Answer;
use super::wire;
use crate::fault::{self, Head};
use crate::incoming::read;

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
}

impl Decoder for Whole {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let answer: wire::Answer<'_> = read(&text, "the answer")?;
        let says_nothing = answer.stop_reason.get().is_none() && answer.usage.0.is_none();
        let Some(output) = answer.output.or_else(|| (!says_nothing).then(Default::default)) else {
            return Err(fault::of_body(&self.head, frame.data));
        };
        self.answer.start(out);
        for block in output.0.and_then(|output| output.message.0).into_iter().flat_map(|m| m.content.0) {
            if block.get().starts_with('{') {
                self.answer.block(block, out)?;
            }
        }
        self.answer.usage(answer.usage, out);
        self.answer.stop(&answer.stop_reason, &answer.additional_model_response_fields);
        self.answer.finish(out);
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body ended before the answer was whole"))
    }
}
