//! What went wrong, in three grains: kind, category, and whether waiting can help.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, finer than [`Category`]. The wire's decoder decides it: it alone knows the protocol.
///
/// In JSON it is its [`name`](ErrorKind::name). Where more is told of an error, the `phase` of a timeout stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The connection could not be made, was reset, or broke.
    Network,
    /// The provider is overloaded or failed on its side (5xx, 529, `overloaded_error`).
    Overloaded,
    /// A timer ran out; [`TimeoutPhase`] says which.
    Timeout(TimeoutPhase),
    /// The wire ended without the provider's terminal signal.
    Truncated,
    /// The provider sent what its protocol does not allow, or more than is accepted.
    Malformed,
    /// A circuit breaker refused the call.
    CircuitOpen,
    /// A store failed.
    Store,
    /// Too many requests or tokens; see [`Error::retry_after`](super::Error::retry_after).
    RateLimited,
    /// The credentials are missing or wrong.
    Unauthorized,
    /// The credentials are right and do not allow this.
    Forbidden,
    /// The request is not acceptable as it is.
    InvalidRequest,
    /// The request does not fit the model's context.
    ContextTooLong,
    /// The target or this build lacks what was asked for.
    Unsupported,
    /// The configuration is wrong; the message lists every finding with its path.
    ConfigInvalid,
    /// The model does not exist or is not open to this account.
    ModelNotFound,
    /// The provider's content filter refused the request or the answer.
    ContentFiltered,
    /// The account's quota or credit is used up.
    QuotaExhausted,
    /// A budget of ours is used up.
    BudgetExceeded,
    /// A guard's verdict. Never absorbed by retry, repair, route or degrade.
    Blocked,
    /// The call was cancelled by its owner.
    Cancelled,
    /// What none of the others says.
    Unexpected,
}

/// Which of the timers ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutPhase {
    /// Until a connection is at hand.
    Connect,
    /// Until the first event of the answer.
    FirstEvent,
    /// Between two signs of life on the wire.
    Idle,
    /// The whole call, or its deadline.
    Total,
}

/// The public face of [`ErrorKind`]: what a caller does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The same call may work a moment later.
    Transient,
    /// The same call works once the limit allows it.
    RateLimit,
    /// Credentials have to change.
    Auth,
    /// The request or the configuration has to change.
    Validation,
    /// Trying again does not help.
    Permanent,
}

/// Whether waiting can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The same call fails again.
    Permanent,
    /// The same call may work later.
    Temporary,
    /// It was temporary, and whoever owns retries has given up.
    Persistent,
}

impl ErrorKind {
    /// Every kind, in the order of the error table (one row per [`TimeoutPhase`]).
    pub const ALL: [ErrorKind; 24] = [
        ErrorKind::Network,
        ErrorKind::Overloaded,
        ErrorKind::Timeout(TimeoutPhase::Connect),
        ErrorKind::Timeout(TimeoutPhase::FirstEvent),
        ErrorKind::Timeout(TimeoutPhase::Idle),
        ErrorKind::Timeout(TimeoutPhase::Total),
        ErrorKind::Truncated,
        ErrorKind::Malformed,
        ErrorKind::CircuitOpen,
        ErrorKind::Store,
        ErrorKind::RateLimited,
        ErrorKind::Unauthorized,
        ErrorKind::Forbidden,
        ErrorKind::InvalidRequest,
        ErrorKind::ContextTooLong,
        ErrorKind::Unsupported,
        ErrorKind::ConfigInvalid,
        ErrorKind::ModelNotFound,
        ErrorKind::ContentFiltered,
        ErrorKind::QuotaExhausted,
        ErrorKind::BudgetExceeded,
        ErrorKind::Blocked,
        ErrorKind::Cancelled,
        ErrorKind::Unexpected,
    ];

    /// The category this kind belongs to.
    pub fn category(self) -> Category {
        use ErrorKind::*;
        match self {
            Network | Overloaded | Timeout(_) | Truncated | Malformed | CircuitOpen | Store => {
                Category::Transient
            }
            RateLimited => Category::RateLimit,
            Unauthorized | Forbidden => Category::Auth,
            InvalidRequest | ContextTooLong | Unsupported | ConfigInvalid => Category::Validation,
            ModelNotFound | ContentFiltered | QuotaExhausted | BudgetExceeded | Blocked | Cancelled
            | Unexpected => Category::Permanent,
        }
    }

    /// The status an error of this kind starts with.
    pub fn status(self) -> Status {
        match self.category() {
            Category::Transient | Category::RateLimit => Status::Temporary,
            Category::Auth | Category::Validation | Category::Permanent => Status::Permanent,
        }
    }

    /// The name in JSON, metrics and other languages: snake case, without the timeout's phase.
    pub fn name(self) -> &'static str {
        use ErrorKind::*;
        match self {
            Network => "network",
            Overloaded => "overloaded",
            Timeout(_) => "timeout",
            Truncated => "truncated",
            Malformed => "malformed",
            CircuitOpen => "circuit_open",
            Store => "store",
            RateLimited => "rate_limited",
            Unauthorized => "unauthorized",
            Forbidden => "forbidden",
            InvalidRequest => "invalid_request",
            ContextTooLong => "context_too_long",
            Unsupported => "unsupported",
            ConfigInvalid => "config_invalid",
            ModelNotFound => "model_not_found",
            ContentFiltered => "content_filtered",
            QuotaExhausted => "quota_exhausted",
            BudgetExceeded => "budget_exceeded",
            Blocked => "blocked",
            Cancelled => "cancelled",
            Unexpected => "unexpected",
        }
    }

    /// Which limit ran out; `None` of what is no timeout.
    pub fn phase(self) -> Option<TimeoutPhase> {
        match self {
            ErrorKind::Timeout(phase) => Some(phase),
            _ => None,
        }
    }

    /// The kind of this name. A timeout without a phase is that of the whole call; other kinds have none.
    pub fn named(name: &str, phase: Option<TimeoutPhase>) -> Option<Self> {
        let phase = phase.unwrap_or(TimeoutPhase::Total);
        let is_meant = |kind: &ErrorKind| kind.phase().is_none_or(|of| of == phase) && kind.name() == name;
        ErrorKind::ALL.into_iter().find(is_meant)
    }
}

impl TimeoutPhase {
    /// The name in JSON and metrics.
    pub fn name(self) -> &'static str {
        match self {
            TimeoutPhase::Connect => "connect",
            TimeoutPhase::FirstEvent => "first_event",
            TimeoutPhase::Idle => "idle",
            TimeoutPhase::Total => "total",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Timeout(phase) => write!(f, "timeout ({})", phase.name()),
            other => f.write_str(&other.name().replace('_', " ")),
        }
    }
}

impl Category {
    /// The name in JSON, metrics and other languages.
    pub fn name(self) -> &'static str {
        match self {
            Category::Transient => "transient",
            Category::RateLimit => "rate_limit",
            Category::Auth => "auth",
            Category::Validation => "validation",
            Category::Permanent => "permanent",
        }
    }
}
