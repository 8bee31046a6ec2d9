//! Amazon's event stream, `application/vnd.amazon.eventstream`
//! (<https://smithy.io/2.0/aws/amazon-eventstream.html>).
//!
//! A message is a prelude (total length, length of the headers, CRC-32 of these eight bytes), headers, a payload
//! and a CRC-32 of all that stands before it. Numbers are big-endian.

use super::Each;
use super::held::Held;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Frame;

/// Both lengths and their checksum, in bytes.
pub(super) const PRELUDE: usize = 12;
/// What a message has besides headers and payload, in bytes: the prelude and the checksum at its end.
pub(super) const OVERHEAD: usize = PRELUDE + 4;

/// Cuts at the lengths that messages state. Both checksums are checked, and a length is held against the limit
/// before anything is kept for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AwsEvents {
    /// What earlier pieces brought of the open message.
    pub(super) held: Held,
    /// The length of that message, once its prelude is there.
    length: Option<usize>,
    limit: usize,
}

impl AwsEvents {
    pub(super) fn new(limit: usize) -> Self {
        AwsEvents { held: Held::new(limit), length: None, limit }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], each: Each<'_>) -> Result<()> {
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = match self.held.is_empty() {
                true => self.in_place(rest, each)?,
                false => self.held_on(rest, each)?,
            };
        }
        Ok(())
    }

    /// Takes one message that lies in `bytes`, without a copy; holds what is only its start.
    fn in_place<'a>(&mut self, bytes: &'a [u8], each: Each<'_>) -> Result<&'a [u8]> {
        let length = self.length_of(bytes)?;
        if let Some((message, tail)) = length.and_then(|length| bytes.split_at_checked(length)) {
            give(message, each)?;
            return Ok(tail);
        }
        self.length = length;
        self.held.append(bytes)?;
        Ok(b"")
    }

    /// Goes on with the held message, first to the end of its prelude, then to its own.
    fn held_on<'a>(&mut self, bytes: &'a [u8], each: Each<'_>) -> Result<&'a [u8]> {
        let missing = self.length.unwrap_or(PRELUDE).saturating_sub(self.held.len());
        let (part, tail) = bytes.split_at_checked(missing).unwrap_or((bytes, b""));
        self.held.append(part)?;
        match self.length {
            None => self.length = self.length_of(self.held.bytes())?,
            Some(length) if length == self.held.len() => {
                give(self.held.bytes(), each)?;
                self.held.clear();
                self.length = None;
            }
            Some(_) => {}
        }
        Ok(tail)
    }

    /// The length of the message that starts with `bytes`; `None` while its prelude is not whole.
    fn length_of(&self, bytes: &[u8]) -> Result<Option<usize>> {
        let Some(prelude) = bytes.first_chunk::<PRELUDE>() else { return Ok(None) };
        let [t0, t1, t2, t3, h0, h1, h2, h3, checksum @ ..] = *prelude;
        if crc32fast::hash(&[t0, t1, t2, t3, h0, h1, h2, h3]) != u32::from_be_bytes(checksum) {
            return Err(malformed("the checksum of a message's prelude is wrong"));
        }
        let total = size([t0, t1, t2, t3]);
        if size([h0, h1, h2, h3]).checked_add(OVERHEAD).is_none_or(|least| least > total) {
            return Err(malformed("the lengths of a message contradict each other"));
        }
        if total > self.limit {
            return Err(malformed("a frame of the answer is longer than the limit")
                .with("limit_bytes", self.limit.to_string()));
        }
        Ok(Some(total))
    }
}

/// Gives a message whose prelude was checked.
fn give(message: &[u8], each: Each<'_>) -> Result<()> {
    let short = || malformed("a message is shorter than its prelude says");
    let (body, checksum) = message.split_last_chunk::<4>().ok_or_else(short)?;
    if crc32fast::hash(body) != u32::from_be_bytes(*checksum) {
        return Err(malformed("the checksum of a message is wrong"));
    }
    let (prelude, body) = body.split_first_chunk::<PRELUDE>().ok_or_else(short)?;
    let [_, _, _, _, h0, h1, h2, h3, ..] = *prelude;
    let (headers, payload) = body.split_at_checked(size([h0, h1, h2, h3])).ok_or_else(short)?;
    let named = Named::of(headers)?;
    let data = if named.is_error && payload.is_empty() { named.message.as_bytes() } else { payload };
    each(Frame { name: named.name, data })
}

/// What the headers say of a message.
#[derive(Debug, Default)]
struct Named<'a> {
    /// The event's type, the exception's, or the error's code.
    name: Option<&'a str>,
    /// An error outside the protocol's model: its text stands in a header.
    is_error: bool,
    message: &'a str,
}

impl<'a> Named<'a> {
    fn of(mut headers: &'a [u8]) -> Result<Self> {
        let (mut event, mut exception, mut code) = (None, None, None);
        let mut named = Named::default();
        while let Some((header, rest)) = header(headers)? {
            headers = rest;
            match header {
                (b":event-type", Some(text)) => event = Some(text),
                (b":exception-type", Some(text)) => exception = Some(text),
                (b":error-code", Some(text)) => code = Some(text),
                (b":error-message", Some(text)) => named.message = text,
                (b":message-type", Some(text)) => named.is_error = text == "error",
                _ => {}
            }
        }
        named.name = if named.is_error { code.or(exception) } else { exception.or(event).or(code) };
        Ok(named)
    }
}

/// A header's name, and its value when that is text.
type Header<'a> = (&'a [u8], Option<&'a str>);

/// The first header of `bytes`, and what follows it.
fn header(bytes: &[u8]) -> Result<Option<(Header<'_>, &[u8])>> {
    let Some((&length, bytes)) = bytes.split_first() else { return Ok(None) };
    let cut = || malformed("a header of a message is cut off");
    let (name, bytes) = bytes.split_at_checked(usize::from(length)).ok_or_else(cut)?;
    let (&kind, bytes) = bytes.split_first().ok_or_else(cut)?;
    let (length, bytes) = match kind {
        // True and false, which have no value; a byte, a short, an integer, a long.
        0 | 1 => (0, bytes),
        2 => (1, bytes),
        3 => (2, bytes),
        4 => (4, bytes),
        // Bytes and text tell their length.
        6 | 7 => {
            let (length, bytes) = bytes.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_be_bytes(*length)), bytes)
        }
        // A long, a time in milliseconds, a UUID.
        5 | 8 => (8, bytes),
        9 => (16, bytes),
        _ => return Err(malformed("a header of a message has a value of an unknown type")),
    };
    let (value, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
    let text = match kind {
        7 => Some(std::str::from_utf8(value).map_err(|_| malformed("a header's text is not UTF-8"))?),
        _ => None,
    };
    Ok(Some(((name, text), rest)))
}

fn size(bytes: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX)
}

fn malformed(message: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, message)
}
