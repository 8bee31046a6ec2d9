//! The elements of one JSON array, as they arrive.

use memchr::memchr2;

use super::Each;
use super::held::Held;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Frame;

/// Cuts a JSON array into its elements. A body that is one object instead, as errors are, is one frame.
///
/// Brackets are counted, not matched: an element that is not JSON is a frame, and its decoder says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Array {
    /// What earlier pieces brought of the open element.
    pub(super) held: Held,
    state: State,
    /// The body is one object: nothing follows it.
    lone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the array.
    Start,
    /// After `[`: an element or `]`.
    First,
    /// After `,`: an element.
    Next,
    /// After an element: `,` or `]`.
    After,
    /// In a number or a word, which ends before whitespace, `,` or `]`.
    Plain,
    /// In brackets this deep, not in a string.
    Nested(usize),
    /// In a string in brackets this deep.
    Quoted(usize),
    /// In such a string, after a backslash.
    Escaped(usize),
    /// After the array.
    End,
}

impl State {
    fn in_element(self) -> bool {
        matches!(self, State::Plain | State::Nested(_) | State::Quoted(_) | State::Escaped(_))
    }
}

impl Array {
    pub(super) fn new(limit: usize) -> Self {
        Array { held: Held::new(limit), state: State::Start, lone: false }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], each: Each<'_>) -> Result<()> {
        let mut rest = chunk;
        while !rest.is_empty() {
            if !self.state.in_element() {
                rest = self.between(rest)?;
                continue;
            }
            let (part, tail) = rest.split_at_checked(self.scan(rest)).unwrap_or((rest, b""));
            rest = tail;
            if self.state.in_element() {
                return self.held.append(part);
            }
            if self.held.is_empty() {
                self.held.admit(part.len())?;
                each(Frame { name: None, data: part })?;
            } else {
                self.held.append(part)?;
                each(Frame { name: None, data: self.held.bytes() })?;
                self.held.clear();
            }
        }
        Ok(())
    }

    /// Takes whitespace and one mark between elements; an element's first byte changes the state only.
    fn between<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let bytes = bytes.trim_ascii_start();
        let Some((first, tail)) = bytes.split_first() else {
            return Ok(bytes);
        };
        let (state, rest) = match (self.state, first) {
            (State::Start, b'[') => (State::First, tail),
            (State::Start, b'{') => {
                self.lone = true;
                (State::Nested(0), bytes)
            }
            (State::First | State::After, b']') => (State::End, tail),
            (State::After, b',') => (State::Next, tail),
            (State::First | State::Next, b'[' | b'{' | b'"') => (State::Nested(0), bytes),
            (State::First | State::Next, byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
                (State::Plain, bytes)
            }
            (State::Start, _) => return Err(malformed("the answer is neither a JSON array nor an object")),
            (State::End, _) => return Err(malformed("something follows the end of the answer")),
            _ => return Err(malformed("the answer is not a JSON array")),
        };
        self.state = state;
        Ok(rest)
    }

    /// How many bytes of `bytes` belong to the open element. The state tells whether it ended there.
    fn scan(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Plain => {
                    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']');
                    let end = rest.iter().position(ends);
                    if end.is_some() {
                        self.state = State::After;
                    }
                    return at + end.unwrap_or(rest.len());
                }
                State::Nested(depth) => at += self.nested(depth, rest),
                State::Quoted(depth) => match memchr2(b'"', b'\\', rest) {
                    Some(end) => {
                        at += end + 1;
                        let escape = rest.get(end) == Some(&b'\\');
                        self.state = if escape { State::Escaped(depth) } else { self.closed(depth) };
                    }
                    None => return bytes.len(),
                },
                State::Escaped(depth) => {
                    at += 1;
                    self.state = State::Quoted(depth);
                }
                State::Start | State::First | State::Next | State::After | State::End => return at,
            }
        }
        at
    }

    /// Reads up to the next bracket or quote, and takes it.
    fn nested(&mut self, depth: usize, bytes: &[u8]) -> usize {
        let mark = |byte: &u8| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}');
        let Some((at, byte)) = bytes.iter().enumerate().find(|(_, byte)| mark(byte)) else {
            return bytes.len();
        };
        self.state = match byte {
            b'"' => State::Quoted(depth),
            b'[' | b'{' => State::Nested(depth + 1),
            _ => self.closed(depth.saturating_sub(1)),
        };
        at + 1
    }

    /// A string or a bracket was closed, which leaves brackets this deep.
    fn closed(&self, depth: usize) -> State {
        match depth {
            0 if self.lone => State::End,
            0 => State::After,
            _ => State::Nested(depth),
        }
    }
}

fn malformed(message: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, message)
}
