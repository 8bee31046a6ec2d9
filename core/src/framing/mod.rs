//! Cutting a body into frames, whatever pieces it arrives in.
//!
//! Bytes go in, frames come out; nothing is decoded here, so a cut inside a character is harmless. Each byte is
//! looked at once. A frame that lies within one piece is a slice of that piece; only what a piece leaves
//! unfinished is copied, into one buffer that never passes the limit.

mod array;
mod aws;
mod aws_message;
mod held;
mod json;
mod lines;
mod sse;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::error::Result;
use crate::provider::{Frame, Framing};
use array::Array;
use aws::AwsEvents;
pub use aws_message::aws_message;
use json::Json;
use lines::Lines;
use sse::Sse;

/// What takes the frames.
pub(crate) type Each<'e> = &'e mut dyn FnMut(Frame<'_>) -> Result<()>;

/// The byte order mark in UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Cuts a body into frames. For any cutting of the input the frames are the same (law W1).
///
/// One byte order mark at the very start is taken away: WHATWG HTML 9.2.6 says so for server-sent events, and
/// RFC 8259, section 8.1, allows it for JSON; a binary framing has none. After an error the framer is not used again.
/// Two framers are equal when they go on in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framer {
    /// How many bytes of the mark have come; `None` once it is decided.
    mark: Option<usize>,
    cutter: Cutter,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cutter {
    Sse(Sse),
    Lines(Lines),
    Json(Json),
    Array(Array),
    Aws(AwsEvents),
}

impl Framer {
    /// A framer that holds at most `limit` bytes of an unfinished frame.
    ///
    /// The limit counts what has to be kept until the end of the frame is seen: for server-sent events a line with
    /// its field name, and the data of the lines before it; for Amazon's event stream a whole message. It holds for frames that arrive in one piece, too.
    pub fn new(framing: Framing, limit: usize) -> Self {
        let cutter = match framing {
            Framing::Sse => Cutter::Sse(Sse::new(limit)),
            Framing::Lines => Cutter::Lines(Lines::new(limit)),
            Framing::Json => Cutter::Json(Json::new(limit)),
            Framing::JsonArray => Cutter::Array(Array::new(limit)),
            Framing::AwsEventStream => Cutter::Aws(AwsEvents::new(limit)),
        };
        let is_text = !matches!(cutter, Cutter::Aws(_));
        Framer { mark: is_text.then_some(0), cutter }
    }

    /// Discards a last server-sent event that lacks its blank line, as WHATWG HTML 9.2.6 says. By default it is
    /// given when its data is whole: servers do forget the blank line. Other framings stay as they are.
    pub fn strict(mut self) -> Self {
        if let Cutter::Sse(sse) = &mut self.cutter {
            sse.strict = true;
        }
        self
    }

    /// Takes a piece of the body in and gives each frame that it completes to `each`.
    ///
    /// # Errors
    /// `Malformed` when an unfinished frame passes the limit, a JSON array is none, or a message's checksum
    /// is wrong; errors of `each`, at once.
    pub fn feed(&mut self, chunk: &[u8], each: &mut dyn FnMut(Frame<'_>) -> Result<()>) -> Result<()> {
        match self.mark {
            None => self.cutter.feed(chunk, each),
            Some(seen) => self.feed_start(seen, chunk, each),
        }
    }

    /// The same for a piece that is shared: a body that is one frame in one piece is not copied.
    ///
    /// # Errors
    /// As [`Framer::feed`].
    pub(crate) fn feed_shared(&mut self, chunk: &Bytes, each: Each<'_>) -> Result<()> {
        let is_plain = chunk.first().is_some_and(|first| !BOM.starts_with(&[*first]));
        match &mut self.cutter {
            Cutter::Json(json) if json.is_empty() && self.mark == Some(0) && is_plain => {
                self.mark = None;
                json.begin(chunk.clone())
            }
            _ => self.feed(chunk, each),
        }
    }

    /// The body ended: gives the last frame, if it is whole. True when it is a server-sent event that lacked its
    /// blank line and whose data was complete JSON or `[DONE]` all the same; see [`Framer::strict`].
    ///
    /// What is left of an unfinished frame is dropped: the decoder knows whether the answer is complete.
    ///
    /// # Errors
    /// As [`Framer::feed`].
    pub fn eof(&mut self, each: &mut dyn FnMut(Frame<'_>) -> Result<()>) -> Result<bool> {
        if let Some(seen) = self.mark.take() {
            self.cutter.feed(BOM.get(..seen).unwrap_or_default(), each)?;
        }
        match &mut self.cutter {
            Cutter::Sse(sse) => sse.eof(each),
            Cutter::Lines(lines) => lines.eof(each).map(|()| false),
            Cutter::Json(json) => json.eof(each).map(|()| false),
            Cutter::Array(_) | Cutter::Aws(_) => Ok(false),
        }
    }

    /// The first bytes of the body, of which `seen` were those of a byte order mark.
    fn feed_start(&mut self, seen: usize, chunk: &[u8], each: Each<'_>) -> Result<()> {
        let (come, missing) = BOM.split_at_checked(seen).unwrap_or((BOM, b""));
        if chunk.len() < missing.len() && missing.starts_with(chunk) {
            self.mark = Some(seen + chunk.len());
            return Ok(());
        }
        self.mark = None;
        match chunk.strip_prefix(missing) {
            Some(rest) => self.cutter.feed(rest, each),
            None => {
                self.cutter.feed(come, each)?;
                self.cutter.feed(chunk, each)
            }
        }
    }
}

impl Cutter {
    fn feed(&mut self, chunk: &[u8], each: Each<'_>) -> Result<()> {
        match self {
            Cutter::Sse(sse) => sse.feed(chunk, each),
            Cutter::Lines(lines) => lines.feed(chunk, each),
            Cutter::Json(json) => json.feed(chunk),
            Cutter::Array(array) => array.feed(chunk, each),
            Cutter::Aws(events) => events.feed(chunk, each),
        }
    }
}
