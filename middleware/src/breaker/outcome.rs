//! What a result says about the upstream.

use belvedere_core::{Error, ErrorKind};

/// What the result of a call says about the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It answered.
    Good,
    /// It answered, and took too long to begin.
    Slow,
    /// It failed.
    Bad,
    /// Nothing: the caller left, or the request was at fault.
    Neutral,
}

impl Outcome {
    /// What an error says. Every kind has its row: none uses up a probe by being forgotten.
    pub(super) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Network
            | ErrorKind::Overloaded
            | ErrorKind::Timeout(_)
            | ErrorKind::Truncated
            | ErrorKind::Malformed => Outcome::Bad,
            // A rate limit is no failure of the upstream, and no proof of its health.
            ErrorKind::RateLimited => Outcome::Neutral,
            // The request, the key, the account or this side of the wire.
            ErrorKind::CircuitOpen
            | ErrorKind::Store
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::InvalidRequest
            | ErrorKind::ContextTooLong
            | ErrorKind::Unsupported
            | ErrorKind::ConfigInvalid
            | ErrorKind::ModelNotFound
            | ErrorKind::ContentFiltered
            | ErrorKind::QuotaExhausted
            | ErrorKind::BudgetExceeded
            | ErrorKind::Blocked
            | ErrorKind::Cancelled
            | ErrorKind::Unexpected => Outcome::Neutral,
            // Kinds that are still to come.
            _ => Outcome::Neutral,
        }
    }
}
