//! How a stream ended.

use crate::error::{Error, ErrorKind};

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// With the provider's terminal signal. A finish reason `length` is Finished, too.
    Finished,
    /// The wire ended without the provider's terminal signal.
    Truncated,
    /// With an error.
    Failed,
    /// By its owner, or because the stream was dropped.
    Cancelled,
}

/// How a stream ended, with the error where there is one.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// With the provider's terminal signal.
    Finished,
    /// The wire ended without the provider's terminal signal.
    Truncated(&'a Error),
    /// With an error.
    Failed(&'a Error),
    /// By its owner, or because the stream was dropped.
    Cancelled,
}

impl<'a> End<'a> {
    /// The end that `error` means.
    pub fn of(error: &'a Error) -> Self {
        match error.kind() {
            ErrorKind::Truncated => End::Truncated(error),
            ErrorKind::Cancelled => End::Cancelled,
            _ => End::Failed(error),
        }
    }

    /// The error, where there is one.
    pub fn error(&self) -> Option<&'a Error> {
        match self {
            End::Truncated(error) | End::Failed(error) => Some(error),
            End::Finished | End::Cancelled => None,
        }
    }

    /// Without the error.
    pub fn kind(&self) -> EndKind {
        match self {
            End::Finished => EndKind::Finished,
            End::Truncated(_) => EndKind::Truncated,
            End::Failed(_) => EndKind::Failed,
            End::Cancelled => EndKind::Cancelled,
        }
    }
}
