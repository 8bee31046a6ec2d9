//! Cutting a body into frames, whatever pieces it arrives in.

mod sse;

use crate::error::Result;
use crate::provider::{Frame, Framing};

/// Cuts a body into frames. For any cutting of the input the frames are the same (law W1).
#[derive(Debug)]
pub struct Framer;

impl Framer {
    /// A framer that holds at most `limit` bytes of an unfinished frame.
    pub fn new(_framing: Framing, _limit: usize) -> Self {
        Framer
    }

    /// Takes a piece of the body in and gives each frame that it completes to `each`.
    ///
    /// # Errors
    /// `Malformed` when an unfinished frame passes the limit; errors of `each`, at once.
    pub fn feed(&mut self, _chunk: &[u8], _each: &mut dyn FnMut(Frame<'_>) -> Result<()>) -> Result<()> {
        Ok(())
    }

    /// The body ended: gives the last frame, if there is one. True when that frame lacked its end and was complete
    /// all the same.
    ///
    /// # Errors
    /// `Truncated` when what is left is not a whole frame; errors of `each`.
    pub fn eof(&mut self, _each: &mut dyn FnMut(Frame<'_>) -> Result<()>) -> Result<bool> {
        Ok(false)
    }
}
