//! The failures that a last resort may stand in for.

use belvedere_core::error::ErrorKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A failure that a last resort may stand in for: the kinds of errors but those that must reach the caller. `blocked`,
/// `cancelled`, `budget_exceeded` and all that is wrong with the request itself are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The connection could not be made, was reset, or broke.
    Network,
    /// The provider is overloaded or failed on its side.
    Overloaded,
    /// A time limit ran out.
    Timeout,
    /// The wire ended before the answer.
    Truncated,
    /// The provider sent what its protocol does not allow.
    Malformed,
    /// A circuit breaker refused the call.
    CircuitOpen,
    /// A store failed.
    Store,
    /// Too many requests or tokens.
    RateLimited,
    /// The account's quota or credit is used up.
    QuotaExhausted,
    /// The model does not exist or is not open to this account.
    ModelNotFound,
    /// The credentials are missing or wrong.
    Unauthorized,
    /// The credentials do not allow this.
    Forbidden,
    /// The provider's content filter refused the request or the answer.
    ContentFiltered,
    /// What none of the others says.
    Unexpected,
}

impl Reason {
    /// What passes by itself, or what nobody but the provider can change.
    pub const USUAL: [Reason; 9] = [
        Reason::Network,
        Reason::Overloaded,
        Reason::Timeout,
        Reason::Truncated,
        Reason::Malformed,
        Reason::CircuitOpen,
        Reason::Store,
        Reason::RateLimited,
        Reason::QuotaExhausted,
    ];

    /// The reason of an error; `None` for one that must reach the caller.
    pub fn of(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::Network => Some(Reason::Network),
            ErrorKind::Overloaded => Some(Reason::Overloaded),
            ErrorKind::Timeout(_) => Some(Reason::Timeout),
            ErrorKind::Truncated => Some(Reason::Truncated),
            ErrorKind::Malformed => Some(Reason::Malformed),
            ErrorKind::CircuitOpen => Some(Reason::CircuitOpen),
            ErrorKind::Store => Some(Reason::Store),
            ErrorKind::RateLimited => Some(Reason::RateLimited),
            ErrorKind::QuotaExhausted => Some(Reason::QuotaExhausted),
            ErrorKind::ModelNotFound => Some(Reason::ModelNotFound),
            ErrorKind::Unauthorized => Some(Reason::Unauthorized),
            ErrorKind::Forbidden => Some(Reason::Forbidden),
            ErrorKind::ContentFiltered => Some(Reason::ContentFiltered),
            ErrorKind::Unexpected => Some(Reason::Unexpected),
            // A kind of a later version reaches the caller, too.
            _ => None,
        }
    }
}
