//! The smallest wire there is: `text <words>` a line, then `done`.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, FinishReason};
use belvedere_core::provider::{Decoder, Frame, Framing, Provider};
use belvedere_core::request::Request;
use belvedere_core::service::Info;
use bytes::Bytes;

/// Speaks lines.
#[derive(Debug)]
pub(crate) struct LinesWire(http::Uri);

impl LinesWire {
    pub(crate) fn new(base: &str) -> Self {
        LinesWire(base.parse().unwrap())
    }
}

impl Provider for LinesWire {
    fn info(&self) -> Info {
        Info::new("lines", "lines")
    }

    fn base_url(&self) -> &http::Uri {
        &self.0
    }

    fn encode(&self, _: &Request) -> Result<http::Request<Bytes>> {
        Ok(http::Request::post(self.0.clone()).body(Bytes::from_static(b"ask")).unwrap())
    }

    fn decode(&self, _: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        match head.status.as_u16() {
            200 => Ok((Framing::Lines, Box::new(Answer { started: false }))),
            status => Ok((Framing::Json, Box::new(Refusal(status)))),
        }
    }
}

struct Answer {
    started: bool,
}

impl Decoder for Answer {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let line = std::str::from_utf8(frame.data).unwrap();
        if !self.started {
            self.started = true;
            out.push(Event::Start { id: None, model: None });
        }
        match line.split_once(' ') {
            Some(("text", words)) => out.push(Event::Text { choice: 0, part: 0, delta: words.into() }),
            _ => {
                out.push(Event::PartEnd { choice: 0, part: 0 });
                let finish = Finish { reason: Some(FinishReason::Stop), ..Finish::default() };
                out.push(Event::Finish { choice: 0, finish });
            }
        }
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "no done"))
    }
}

struct Refusal(u16);

impl Refusal {
    fn error(&self) -> Error {
        match self.0 {
            429 => Error::new(ErrorKind::RateLimited, "too many"),
            _ => Error::new(ErrorKind::Unexpected, "refused"),
        }
    }
}

impl Decoder for Refusal {
    fn frame(&mut self, _: Frame<'_>, _: &mut Vec<Event>) -> Result<()> {
        Err(self.error())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(self.error())
    }
}
