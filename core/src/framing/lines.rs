//! Newline-delimited JSON.

use memchr::memchr;

use super::Each;
use super::held::Held;
use crate::error::Result;
use crate::provider::Frame;

/// Cuts at line feeds. A carriage return before one belongs to it, and blank lines are no frames
/// (NDJSON 1.0, sections 2.2 and 3.1: <https://github.com/ndjson/ndjson-spec>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) held: Held,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Lines { held: Held::new(limit) }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], each: Each<'_>) -> Result<()> {
        let mut rest = chunk;
        while let Some((line, tail)) = memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
            rest = tail.strip_prefix(b"\n").unwrap_or(tail);
            if self.held.is_empty() {
                self.held.admit(line.len())?;
                give(line, each)?;
            } else {
                self.held.append(line)?;
                give(self.held.bytes(), each)?;
                self.held.clear();
            }
        }
        self.held.append(rest)
    }

    /// The last line may lack its line feed.
    pub(super) fn eof(&mut self, each: Each<'_>) -> Result<()> {
        give(self.held.bytes(), each)
    }
}

fn give(line: &[u8], each: Each<'_>) -> Result<()> {
    let data = line.strip_suffix(b"\r").unwrap_or(line);
    if data.trim_ascii().is_empty() {
        return Ok(());
    }
    each(Frame { name: None, data })
}
