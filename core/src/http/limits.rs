//! How much of a response is accepted.

use std::time::Duration;

/// How much of a response is accepted. All in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// One frame of a stream. Default 16 MiB.
    pub frame: usize,
    /// A body that is one frame. Default 64 MiB.
    pub body: usize,
    /// The body of an error status. Default 1 MiB.
    pub error_body: usize,
    /// What is read after the terminal signal before the connection is closed. Default 64 KiB.
    pub drain: usize,
    /// How long the end of the body is waited for after the terminal signal. Default 100 ms.
    pub drain_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            frame: 16 << 20,
            body: 64 << 20,
            error_body: 1 << 20,
            drain: 64 << 10,
            drain_for: Duration::from_millis(100),
        }
    }
}
