//! A body that is one frame.

use bytes::Bytes;

use super::Each;
use super::held::Held;
use crate::error::Result;
use crate::provider::Frame;

/// Collects the whole body. It is a frame when it is empty, too: the decoder says what that means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Json {
    /// The only piece so far, where it is shared: most bodies have no other, and then it is not copied.
    only: Bytes,
    pub(super) held: Held,
}

impl Json {
    pub(super) fn new(limit: usize) -> Self {
        Json { only: Bytes::new(), held: Held::new(limit) }
    }

    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.only.is_empty() && self.held.is_empty()
    }

    pub(super) fn begin(&mut self, chunk: Bytes) -> Result<()> {
        self.held.admit(chunk.len())?;
        self.only = chunk;
        Ok(())
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        let only = std::mem::take(&mut self.only);
        self.held.append(&only)?;
        self.held.append(chunk)
    }

    pub(super) fn eof(&mut self, each: Each<'_>) -> Result<()> {
        let data = if self.only.is_empty() { self.held.bytes() } else { &self.only };
        each(Frame { name: None, data })
    }
}
