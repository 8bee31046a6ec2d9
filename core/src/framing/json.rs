//! A body that is one frame.

use super::Each;
use super::held::Held;
use crate::error::Result;
use crate::provider::Frame;

/// Collects the whole body. It is a frame when it is empty, too: the decoder says what that means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Json {
    pub(super) held: Held,
}

impl Json {
    pub(super) fn new(limit: usize) -> Self {
        Json { held: Held::new(limit) }
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        self.held.append(chunk)
    }

    pub(super) fn eof(&mut self, each: Each<'_>) -> Result<()> {
        each(Frame { name: None, data: self.held.bytes() })
    }
}
