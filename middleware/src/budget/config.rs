//! What a budget is told.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use belvedere_core::duration;
use belvedere_core::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::dollars::Dollars;
use super::period::Every;
use crate::prices::{ModelPrice, Overrides};
use crate::quota::Per;

/// Holds calls to a budget: so much money, or so many tokens, in each period, for each key. The settings of a
/// [`Budget`](super::Budget); a `limit` is needed.
///
/// Before a call is made, the most that it can cost is reserved; when it ends, however it does, it is settled by what
/// its attempts used. So calls at once can't spend the same money. A call beyond the limit is refused with
/// `BudgetExceeded` before anything is sent; a stream that runs into it ends so, and the error has what came.
///
/// Place it outside of everything that makes attempts, and of `limit`, `choose` and `cache`.
///
/// ```
/// use belvedere_middleware::budget::Config;
///
/// let config: Config = serde_json::from_str(r#"{"limit": {"usd": 50, "every": "month"}, "per": ["tenant"]}"#)?;
/// assert_eq!(config.name, "budget", "the default");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The store that keeps its ledger, by its name in the document's `stores`. Default: `memory`.
    #[schemars(with = "Option<String>")]
    pub store: Option<SmolStr>,
    /// What it is called in the store: budgets of one name, unit and period count together. Default `budget`.
    #[schemars(with = "String")]
    pub name: SmolStr,
    /// Whose calls are counted together: those that agree in all of these. Default: all calls.
    pub per: Vec<Per>,
    /// How much there is.
    pub limit: Allowance,
    /// The share of the limit from which on a signal warns. Default `0.8`; `null`: none does.
    pub soft: Option<f64>,
    /// How many tokens of the answer are reserved at a time, for a stream without `max_tokens`. Default 512.
    pub top_up: NonZeroU64,
    /// How many tokens are reserved for an answer that does not come as a stream, where neither the request nor the table
    /// of prices says how many there can be. Default 4096.
    pub max_output: NonZeroU64,
    /// Prices that go before the shipped table.
    pub prices: Overrides,
    /// What becomes of a call whose price is unknown. Default `refuse`. A budget of tokens has no such calls.
    pub unknown_price: UnknownPrice,
    /// What holds when the store fails. Default `closed`.
    pub on_store_failure: OnStoreFailure,
    /// What becomes of an answer that its caller leaves. Default `close`.
    pub abandoned: Abandoned,
    /// How long an answer is read on under `drain`. Default `30s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub drain_for: Duration,
    /// How long a reservation is taken to be of a call that still runs; after that it counts as spent. Default `1h`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub lease: Duration,
    /// How long the lines of a call are kept. Default: 30 days in a store that survives the process, a minute in memory;
    /// `0s`: not at all.
    #[serde(with = "duration::option")]
    #[schemars(with = "Option<duration::Text>")]
    pub keep: Option<Duration>,
    /// How long the store is waited for before it counts as failed. Default `1s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub store_timeout: Duration,
    /// Of how many keys this process remembers how much they used. Default 100,000.
    pub max_keys: NonZeroUsize,
}

/// How much there is in each period: of money or of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Allowance {
    /// US dollars, with at most six decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<Dollars>,
    /// Tokens, read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// When it is there again: `1h`, `1d` and the like from the beginning of the Unix epoch on, which is UTC; `month`,
    /// by the calendar; or `never`. Default `never`.
    pub every: Every,
}

/// What becomes of a call whose price is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPrice {
    /// It is refused: a limit that does not know what it lets through is none.
    #[default]
    Refuse,
    /// It is let through and costs the budget nothing. Its line says that the cost is unknown.
    Allow,
    /// It has this price. Its line says that the cost is an estimate.
    Assume(Box<ModelPrice>),
}

/// What holds when the store of a budget fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// Nobody gets through.
    #[default]
    Closed,
    /// Everybody gets through, and the ledger does not know of it.
    Open,
}

/// What becomes of an answer that its caller leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Abandoned {
    /// Its connection is closed. What it cost is estimated by what came, where the provider did not tell.
    #[default]
    Close,
    /// It is read on in the background, so that the provider tells what it cost.
    Drain,
}

/// How many keys are remembered, where nothing else is said.
const KEYS: NonZeroUsize = match NonZeroUsize::new(100_000) {
    Some(keys) => keys,
    None => NonZeroUsize::MIN,
};

/// A number that is not zero.
const fn positive(number: u64) -> NonZeroU64 {
    match NonZeroU64::new(number) {
        Some(number) => number,
        None => NonZeroU64::MIN,
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            store: None,
            name: SmolStr::new_static("budget"),
            per: Vec::new(),
            limit: Allowance::default(),
            soft: Some(0.8),
            top_up: positive(512),
            max_output: positive(4096),
            prices: Overrides::default(),
            unknown_price: UnknownPrice::default(),
            on_store_failure: OnStoreFailure::default(),
            abandoned: Abandoned::default(),
            drain_for: Duration::from_secs(30),
            lease: Duration::from_secs(3600),
            keep: None,
            store_timeout: Duration::from_secs(1),
            max_keys: KEYS,
        }
    }
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unit {
    /// Nano-dollars.
    Usd,
    Tokens,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Unit::Usd => "usd",
            Unit::Tokens => "tokens",
        }
    }
}

impl Config {
    /// What it counts, and how much of that there is.
    ///
    /// # Errors
    /// `ConfigInvalid` that says what is missing or not allowed.
    pub(super) fn check(&self) -> Result<(Unit, i64)> {
        let invalid = |what: &str| Err(Error::new(ErrorKind::ConfigInvalid, what));
        if self.soft.is_some_and(|soft| !(0.0..=1.0).contains(&soft)) {
            return invalid("soft: must be from 0 to 1");
        }
        match (self.limit.usd, self.limit.tokens) {
            (Some(usd), None) => Ok((Unit::Usd, usd.money().nanos())),
            (None, Some(tokens)) => Ok((Unit::Tokens, i64::try_from(tokens).unwrap_or(i64::MAX))),
            (None, None) => invalid("limit: one of `usd` and `tokens` must be set"),
            (Some(_), Some(_)) => invalid("limit: only one of `usd` and `tokens` can be set"),
        }
    }
}
