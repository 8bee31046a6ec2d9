//! What a limit is told.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use belvedere_core::duration;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::store::Rate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::Speed;
use super::rates::Rates;
use crate::quota::Per;

/// Holds calls to so many requests, so many tokens, or both, in a time, for each key. The settings of a
/// [`Limit`](super::Limit); at least one of `requests` and `tokens` is needed.
///
/// A call that finds the quota used up waits for its turn, at most `wait`; then it is refused as `RateLimited`, and the
/// error says when to come back. Tokens are reserved by estimate, and settled when the answer tells how many there were.
///
/// Place it inside `budget` and outside of `cache`: a hit uses a request, too.
///
/// ```
/// use belvedere_middleware::limit::Config;
///
/// let config: Config = serde_json::from_str(r#"{"requests": "10/min", "per": ["user"], "wait": "5s"}"#)?;
/// assert_eq!(config.name, "limit", "the default");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The store that keeps it, by its name in the document's `stores`. Default: none, the limit is of this process.
    #[schemars(with = "Option<String>")]
    pub store: Option<SmolStr>,
    /// What it is called in the store: limits of one name count together. Default `limit`.
    #[schemars(with = "String")]
    pub name: SmolStr,
    /// Whose calls are counted together: those that agree in all of these. Default: all calls.
    pub per: Vec<Per>,
    /// How many requests in how much time, such as `10/min`. Default: no limit.
    pub requests: Option<Speed>,
    /// How many tokens in how much time, such as `100000/day`. Default: no limit.
    pub tokens: Option<Speed>,
    /// How many requests may come at once after a rest. Default: as many as `requests` has.
    pub burst: Option<NonZeroU64>,
    /// How long a call waits for its turn before it is refused. Default `0s`: it does not.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub wait: Duration,
    /// How many tokens are reserved for the answer of a request without `max_tokens`. Default 1024.
    pub output: u64,
    /// What holds when the store fails. Default `degraded`.
    pub on_store_failure: OnStoreFailure,
    /// How many processes share the store: each has this part of the limit when the store fails. Default 1.
    pub share: NonZeroU32,
    /// How long the store is waited for before it counts as failed. Default `1s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub store_timeout: Duration,
    /// How many keys are kept in this process; those beyond share one quota. Default 100,000.
    pub max_keys: NonZeroUsize,
}

/// What holds when the store of a limit fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// Nobody gets through.
    Closed,
    /// This process's share of the limit.
    #[default]
    Degraded,
    /// Everybody gets through.
    Open,
}

/// How many keys are kept, where nothing else is said: about 20 MB of them.
const KEYS: NonZeroUsize = match NonZeroUsize::new(100_000) {
    Some(keys) => keys,
    None => NonZeroUsize::MIN,
};

impl Default for Config {
    fn default() -> Self {
        Config {
            store: None,
            name: SmolStr::new_static("limit"),
            per: Vec::new(),
            requests: None,
            tokens: None,
            burst: None,
            wait: Duration::ZERO,
            // About the length of a long answer in a chat; what is not used is given back.
            output: 1024,
            on_store_failure: OnStoreFailure::default(),
            share: NonZeroU32::MIN,
            store_timeout: Duration::from_secs(1),
            max_keys: KEYS,
        }
    }
}

impl Config {
    /// The rates it asks for.
    ///
    /// # Errors
    /// `ConfigInvalid` that says what is missing.
    pub(super) fn rates(&self) -> Result<Rates> {
        let invalid = |what: &str| Err(Error::new(ErrorKind::ConfigInvalid, what));
        match (self.requests, self.tokens, self.burst) {
            (None, None, _) => {
                return invalid("requests: at least one of `requests` and `tokens` must be set");
            }
            (None, _, Some(_)) => return invalid("burst: is of `requests`, which is not set"),
            _ => {}
        }
        let rate = |speed: Speed| Rate::new(speed.units(), speed.per());
        let burst = |rate: Rate| self.burst.map_or(rate, |burst| rate.with_burst(burst.get()));
        Ok(Rates { requests: self.requests.map(rate).map(burst), tokens: self.tokens.map(rate) })
    }
}
