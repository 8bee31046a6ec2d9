//! What pieces leave unfinished.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// The bytes of an unfinished frame: one buffer that never passes its limit.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Held {
    bytes: Vec<u8>,
    limit: usize,
}

impl Held {
    pub(super) fn new(limit: usize) -> Self {
        Held { bytes: Vec::new(), limit }
    }

    /// Whether `more` bytes still fit.
    pub(super) fn admit(&self, more: usize) -> Result<()> {
        if more <= self.limit.saturating_sub(self.bytes.len()) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Malformed, "a frame of the answer is longer than the limit")
            .with("limit_bytes", self.limit.to_string()))
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.admit(bytes.len())?;
        let need = self.bytes.len() + bytes.len();
        if need > self.bytes.capacity() {
            // Doubling keeps the copying linear; the limit keeps the last doubling from passing it.
            let target = self.bytes.capacity().saturating_mul(2).min(self.limit).max(need);
            self.bytes.reserve_exact(target - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes `count` bytes at `at` out.
    pub(super) fn remove(&mut self, at: usize, count: usize) {
        self.bytes.drain(at..at + count);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Sizes only: the bytes are an answer's.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("len", &self.bytes.len()).field("limit", &self.limit).finish()
    }
}
