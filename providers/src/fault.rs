//! Error answers of all wires, read by one classifier: gateways mix the shapes.

use belvedere_core::error::{Error, ErrorKind, RetryAfter};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use serde_json::Value;

/// What the head of a response says about an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<RetryAfter>,
    pub(crate) request_id: Option<String>,
}

impl Head {
    pub(crate) fn of(parts: &http::response::Parts) -> Self {
        Head { status: Some(parts.status.as_u16()), ..Head::default() }
    }
}

/// The error that a body stands for, whatever its shape.
pub(crate) fn of_body(_head: &Head, _body: &[u8]) -> Error {
    Error::new(ErrorKind::Unexpected, "")
}

/// The error inside a 200 or a stream frame; `None` when the value is none.
pub(crate) fn of_value(_head: &Head, _value: &Value) -> Option<Error> {
    None
}

/// Reads the body of an error status.
pub(crate) struct FaultDecoder(pub(crate) Head);

impl Decoder for FaultDecoder {
    fn frame(&mut self, frame: Frame<'_>, _: &mut Vec<Event>) -> Result<(), Error> {
        Err(of_body(&self.0, frame.data))
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<(), Error> {
        Err(of_body(&self.0, b""))
    }
}
