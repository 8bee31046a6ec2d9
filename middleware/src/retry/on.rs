//! What is retried.

use belvedere_core::ErrorKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of error that is retried. Kinds that are not here fail again however often they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryOn {
    /// The connection could not be made, or broke.
    Network,
    /// The provider is overloaded or failed on its side.
    Overloaded,
    /// Too many requests or tokens.
    RateLimited,
    /// A time limit of the attempt ran out, whichever.
    Timeout,
    /// The answer ended before its first content.
    Truncated,
    /// What came is not what the wire's protocol allows: the page of a proxy, for one.
    Malformed,
    /// The breaker refused the attempt.
    CircuitOpen,
}

impl RetryOn {
    /// What is retried where nothing else is said.
    pub(super) const DEFAULT: [RetryOn; 6] = [
        RetryOn::Network,
        RetryOn::Overloaded,
        RetryOn::RateLimited,
        RetryOn::Timeout,
        RetryOn::Truncated,
        RetryOn::Malformed,
    ];

    pub(super) fn is_of(self, kind: ErrorKind) -> bool {
        match self {
            RetryOn::Network => kind == ErrorKind::Network,
            RetryOn::Overloaded => kind == ErrorKind::Overloaded,
            RetryOn::RateLimited => kind == ErrorKind::RateLimited,
            RetryOn::Timeout => matches!(kind, ErrorKind::Timeout(_)),
            RetryOn::Truncated => kind == ErrorKind::Truncated,
            RetryOn::Malformed => kind == ErrorKind::Malformed,
            RetryOn::CircuitOpen => kind == ErrorKind::CircuitOpen,
        }
    }
}
