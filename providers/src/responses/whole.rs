//! An answer that comes as one JSON object.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde_json::Value;

use super::answer::Answer;
use super::wire::Response;
use crate::fault::{self, Head};
use crate::lax::{self, Object};
use crate::openai::answer::{broken_body, filled};

/// Reads a whole response.
#[derive(Debug)]
pub(super) struct Whole {
    head: Head,
    over: bool,
}

impl Whole {
    pub(super) fn new(head: Head) -> Self {
        Whole { head, over: false }
    }

    fn read(&self, data: &[u8], out: &mut Vec<Event>) -> Result<()> {
        let text = lax::text_of(data);
        let response: Response<'_> = match serde_json::from_str(&text) {
            Ok(Object(Some(response))) => response,
            Ok(Object(None)) => return Err(self.unknown(data)),
            Err(error) => return Err(broken_body(&error)),
        };
        if filled(response.error).is_some() || response.status.get() == Some("failed") {
            return Err(fault::of_body(&self.head, data));
        }
        if response.object.get() != Some("response") && response.output.is_none() {
            return Err(self.unknown(data));
        }
        Answer::default().end(&response, out)
    }

    /// The error of a body that is no response: the one it tells of, if it does.
    fn unknown(&self, data: &[u8]) -> Error {
        let value = serde_json::from_slice::<Value>(data).ok();
        value
            .and_then(|value| fault::of_value(&self.head, &value))
            .unwrap_or_else(|| Error::new(ErrorKind::Malformed, "the answer is not a response"))
    }
}

impl Decoder for Whole {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        if self.over || data.is_empty() {
            return Ok(());
        }
        self.over = true;
        self.read(data, out)
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        match self.over {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Truncated, "the body is empty")),
        }
    }
}
