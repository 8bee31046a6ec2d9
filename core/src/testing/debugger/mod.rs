//! The debugger: what one call did on the wire and in events, with times, bounded, exportable.
//!
//! A [`DebuggerLayer`] keeps the last calls of a client. Each is a [`Recording`]: a readable timeline (`Display`) and
//! a [cassette](super::cassette) that can be replayed. Calls that still run are there, too: a stream that hangs is
//! looked at while it hangs.

mod dump;
mod layer;
mod recording;
#[cfg(test)]
mod tests;
mod timeline;

pub use layer::DebuggerLayer;
pub use recording::{Entry, Lane, Recording};
