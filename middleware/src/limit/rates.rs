//! The rates of a limit, and how they stand.

use std::num::NonZeroU32;
use std::time::Duration;

use belvedere_core::store::{Level, Rate};

/// The rates of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) requests: Option<Rate>,
    pub(super) tokens: Option<Rate>,
}

impl Rates {
    /// One of so many equal shares. The shares together are no more than the whole, except that each lets at least one
    /// unit through.
    pub(super) fn share(&self, of: NonZeroU32) -> Rates {
        let share = |rate: Rate| Rate {
            units: rate.units,
            per: rate.per.saturating_mul(of.get()),
            burst: (rate.burst / u64::from(of.get())).max(1),
        };
        Rates { requests: self.requests.map(share), tokens: self.tokens.map(share) }
    }
}

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    /// What it has the model read, by estimate.
    pub(super) input: u64,
    /// The tokens it reserves, `input` included.
    pub(super) tokens: u64,
}

/// How the quotas of a key stand; absent where there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Levels {
    /// Requests.
    pub requests: Option<Level>,
    /// Tokens, those reserved by calls in flight taken off.
    pub tokens: Option<Level>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Requests,
    Tokens,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Unit::Requests => "requests",
            Unit::Tokens => "tokens",
        }
    }
}

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// It is there after this long.
    Until { unit: Unit, rate: Rate, wait: Duration, level: Level },
    /// It is never there.
    Never { unit: Unit, rate: Rate, asked: u64 },
}

/// How long `units` take to come back.
pub(super) fn time_of(rate: Rate, units: u64) -> Duration {
    let nanos = rate.per.as_nanos().saturating_mul(u128::from(units)).div_ceil(u128::from(rate.units.get()));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
