//! Server-sent events: WHATWG HTML, section 9.2
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::Each;
use super::held::Held;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Frame;

/// The longest event name, in bytes. It is kept beside the limited buffer, and real ones have some 30 bytes.
const NAME_LIMIT: usize = 4096;

/// Cuts at blank lines. `id` and `retry` are for clients that connect again by themselves; a provider is asked
/// once, so they are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sse {
    /// The data lines of the open event, each with a line feed, then the line that has no end yet.
    pub(super) held: Held,
    /// Where that line starts.
    line: usize,
    /// The name of the open event; empty when it has none.
    name: String,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_cr: bool,
    pub(super) strict: bool,
}

/// What a line says.
enum Line<'a> {
    Blank,
    Data(&'a [u8]),
    Name(&'a [u8]),
    /// A comment, `id`, `retry`, or a field the format does not know.
    Other,
}

impl<'a> Line<'a> {
    fn of(line: &'a [u8]) -> Self {
        if let Some(rest) = line.strip_prefix(b"data") {
            value(rest).map_or(Line::Other, Line::Data)
        } else if let Some(rest) = line.strip_prefix(b"event") {
            value(rest).map_or(Line::Other, Line::Name)
        } else if line.is_empty() {
            Line::Blank
        } else {
            Line::Other
        }
    }
}

/// The value in what follows a field's name: nothing, or a colon, one optional space, and the value.
fn value(rest: &[u8]) -> Option<&[u8]> {
    match rest.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None => rest.is_empty().then_some(rest),
    }
}

impl Sse {
    pub(super) fn new(limit: usize) -> Self {
        Sse { held: Held::new(limit), line: 0, name: String::new(), after_cr: false, strict: false }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], each: Each<'_>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let mut rest = chunk;
        if std::mem::take(&mut self.after_cr) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        if self.held.len() > self.line {
            let Some((line, tail)) = self.cut(rest) else {
                return self.held.append(rest);
            };
            self.held.append(line)?;
            self.held_line()?;
            rest = tail;
        }
        // The data of an event that has one data line so far, which lies in this chunk: it need not be copied.
        let mut lone: Option<&[u8]> = None;
        while let Some((line, tail)) = self.cut(rest) {
            rest = tail;
            self.held.admit(lone.map_or(0, |data| data.len() + 1) + line.len())?;
            match Line::of(line) {
                Line::Data(data) if lone.is_none() && self.held.is_empty() => lone = Some(data),
                Line::Data(data) => {
                    self.hold(lone.take())?;
                    self.hold(Some(data))?;
                }
                Line::Blank => self.dispatch(lone.take(), each)?,
                Line::Name(name) => set_name(&mut self.name, name)?,
                Line::Other => {}
            }
        }
        self.hold(lone)?;
        self.held.append(rest)
    }

    /// The last event may lack its blank line, and its last line its end.
    ///
    /// It is given when nothing more can belong to it: complete JSON, or the sentinel `[DONE]`. A bare number is
    /// neither, as it may have been longer.
    pub(super) fn eof(&mut self, each: Each<'_>) -> Result<bool> {
        if self.strict {
            return Ok(false);
        }
        let open = self.held.bytes().get(self.line..).unwrap_or_default();
        // Without its colon, what looks like a field may be the start of another one.
        if open.starts_with(b"data:") {
            self.held_line()?;
        }
        let data = self.held.bytes().get(..self.line).unwrap_or_default();
        if !is_whole(data) {
            return Ok(false);
        }
        self.dispatch(None, each).map(|()| true)
    }

    /// The first line of `bytes` without its end, and what follows; `None` when no line ends here.
    fn cut<'a>(&mut self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        // The line between two events: half of all lines, and not worth a search.
        if let Some(tail) = bytes.strip_prefix(b"\n") {
            return Some((b"", tail));
        }
        let (line, tail) = bytes.split_at_checked(line_end(bytes)?)?;
        if let Some(tail) = tail.strip_prefix(b"\n") {
            return Some((line, tail));
        }
        let tail = tail.strip_prefix(b"\r").unwrap_or(tail);
        self.after_cr = tail.is_empty();
        Some((line, tail.strip_prefix(b"\n").unwrap_or(tail)))
    }

    /// The held line is complete: only its data stays.
    fn held_line(&mut self) -> Result<()> {
        let line = self.held.bytes().get(self.line..).unwrap_or_default();
        match Line::of(line) {
            Line::Data(data) => {
                let field = line.len() - data.len();
                self.held.remove(self.line, field);
                self.held.append(b"\n")?;
                self.line = self.held.len();
                return Ok(());
            }
            Line::Name(name) => set_name(&mut self.name, name)?,
            Line::Other | Line::Blank => {}
        }
        self.held.truncate(self.line);
        Ok(())
    }

    /// Keeps the data of a complete line.
    fn hold(&mut self, data: Option<&[u8]>) -> Result<()> {
        if let Some(data) = data {
            self.held.append(data)?;
            self.held.append(b"\n")?;
            self.line = self.held.len();
        }
        Ok(())
    }

    /// Gives the open event, whose data is `lone` or held, and opens the next. An event without data is none.
    fn dispatch(&mut self, lone: Option<&[u8]>, each: Each<'_>) -> Result<()> {
        let held = self.held.bytes().get(..self.line).and_then(|lines| lines.strip_suffix(b"\n"));
        if let Some(data) = lone.or(held) {
            let name = (!self.name.is_empty()).then_some(self.name.as_str());
            each(Frame { name, data })?;
        }
        self.name.clear();
        self.held.clear();
        self.line = 0;
        Ok(())
    }
}

fn set_name(name: &mut String, value: &[u8]) -> Result<()> {
    if value.len() > NAME_LIMIT {
        return Err(Error::new(ErrorKind::Malformed, "an event name is longer than the limit")
            .with("limit_bytes", NAME_LIMIT.to_string()));
    }
    name.clear();
    match std::str::from_utf8(value) {
        Ok(value) => name.push_str(value),
        Err(_) => name.push_str(&String::from_utf8_lossy(value)),
    }
    Ok(())
}

/// Where the first line of `bytes` ends.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let end = memchr2(b'\n', b'\r', bytes);
    #[cfg(test)]
    super::tests::searched(end.map_or(bytes.len(), |at| at + 1));
    end
}

fn is_whole(data: &[u8]) -> bool {
    let data = data.trim_ascii();
    let number = data.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
    data == b"[DONE]" || !number && serde_json::from_slice::<IgnoredAny>(data).is_ok()
}
