//! The settings of a route.

use std::time::Duration;

use belvedere_core::SmolStr;
use belvedere_core::config::{LayerDocument, ProviderDocument};
use belvedere_core::duration;
use belvedere_core::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::Condition;
use super::target::Target;
use crate::prices::Overrides;

/// Answers by one of several targets, each a provider with layers of its own. The settings of a
/// [`Route`](super::Route): in a document its targets are documents, too; in code they are [`Target`]s.
///
/// What stands inside the route is its first target, named `primary`; the `targets` follow. A configuration whose
/// route names all its targets needs no `provider`. When a target fails before its first content, the next one is
/// asked, for streams and whole answers alike. A guard's verdict and a cancel are final.
///
/// Place it outside of `repair`, `retry`, `breaker` and `timeout`, which belong to a target each, and inside of
/// everything that is about the whole call.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, bound = "T: Serialize + serde::de::DeserializeOwned")]
#[non_exhaustive]
pub struct RouteConfig<T = TargetConfig> {
    /// Which target is asked first. Default: `priority`.
    pub strategy: Strategy,
    /// Whose calls go to the same target while it is healthy, whatever the strategy. Default: nobody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// A second attempt beside one that is slow. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge: Option<Hedge>,
    /// Leaves a target out for a while that fails more than its peers. Default: none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejection: Option<Ejection>,
    /// Prices that go before those of the shipped table, for `cost`. Default: none.
    pub prices: Overrides,
    /// The name of what stands inside the route, its first target, where there is one. Default: `primary`.
    #[schemars(with = "String")]
    pub primary: SmolStr,
    /// The other targets, in order.
    pub targets: Vec<T>,
}

/// The document of a target.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TargetConfig {
    /// Its name; none has two. Default: `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub name: Option<SmolStr>,
    /// Who answers there.
    #[schemars(with = "ProviderDocument")]
    pub provider: Value,
    /// Its own layers, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<LayerDocument>")]
    pub layers: Vec<Value>,
    /// Its share where shares are drawn: by `weighted` and `sticky`. 0: only a fallback. Default: 1.
    #[serde(default = "one")]
    pub weight: u32,
    /// Makes it a fallback only, asked after these kinds of error. Default: asked in its turn, and after all errors
    /// that another target may not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Vec<Condition>>,
}

fn one() -> u32 {
    1
}

/// Which target is asked first. The others follow as fallbacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// In the order they are listed.
    #[default]
    Priority,
    /// Drawn by `weight`; then as listed.
    Weighted,
    /// The better one of two that are drawn, by the time to the first content and the calls under way; then the
    /// quickest.
    LeastLatency,
    /// The cheapest for this request, by estimated tokens and the prices of the models; those without a known price
    /// last.
    Cost,
}

/// Whose calls go to the same target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sticky {
    /// Those with the same `session` in their scope: what the provider has cached of a conversation is at one target.
    Session,
}

/// When a second attempt is begun beside one that is slow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Hedge {
    /// The part of a target's calls that had their first content sooner than what counts as slow. Default: 0.95.
    #[schemars(range(min = 0.5, max = 0.999))]
    pub quantile: f64,
    /// Second attempts to answered calls, at most. Default: 0.05.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max: f64,
    /// How many answers of a target are seen before its calls are hedged. Default: 20.
    pub min_samples: u32,
}

impl Default for Hedge {
    fn default() -> Self {
        Hedge { quantile: 0.95, max: 0.05, min_samples: 20 }
    }
}

/// When and for how long a target is left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Ejection {
    /// This many failures in a row. Default: 5.
    #[schemars(range(min = 1))]
    pub consecutive: u32,
    /// This part of its last 64 calls failed, and twice that of its peers. Default: 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub failure_rate: f64,
    /// How many calls are seen before `failure_rate` counts, at most 64. Default: 20.
    #[schemars(range(min = 1, max = 64))]
    pub min_calls: u32,
    /// How long the first time; the second time twice as long, and so on. Default: `30s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub base: Duration,
    /// How long at most. Default: `5m`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max: Duration,
    /// The part of the targets that is left out at most. One always stays. Default: 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
}

impl Default for Ejection {
    fn default() -> Self {
        // As Envoy's outlier detection has it, but for the share: it keeps nine of ten hosts, and routes have few
        // targets. https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto
        Ejection {
            consecutive: 5,
            failure_rate: 0.5,
            min_calls: 20,
            base: Duration::from_secs(30),
            max: Duration::from_secs(300),
            share: 0.5,
        }
    }
}

impl<T> Default for RouteConfig<T> {
    fn default() -> Self {
        RouteConfig {
            strategy: Strategy::default(),
            sticky: None,
            hedge: None,
            ejection: None,
            prices: Overrides::default(),
            primary: "primary".into(),
            targets: Vec::new(),
        }
    }
}

impl<T> RouteConfig<T> {
    /// The same with other targets.
    pub(super) fn with_targets<U>(self, targets: Vec<U>) -> RouteConfig<U> {
        let RouteConfig { strategy, sticky, hedge, ejection, prices, primary, .. } = self;
        RouteConfig { strategy, sticky, hedge, ejection, prices, primary, targets }
    }
}

impl RouteConfig<Target> {
    /// Holds the settings to what is allowed.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists all that is wrong.
    pub(super) fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        if let Some(hedge) = &self.hedge {
            let within = (0.5..=0.999).contains(&hedge.quantile);
            faults.extend((!within).then(|| "hedge.quantile: must be between 0.5 and 0.999".to_owned()));
            faults.extend(share("hedge.max", hedge.max));
        }
        if let Some(ejection) = &self.ejection {
            faults.extend(share("ejection.share", ejection.share));
            faults.extend(share("ejection.failure_rate", ejection.failure_rate));
            if ejection.max < ejection.base {
                faults.push("ejection.max: must be at least ejection.base".into());
            }
        }
        let mut seen = vec![(self.primary.as_str(), "primary".to_owned())];
        for (i, target) in self.targets.iter().enumerate() {
            let at = format!("targets[{i}]");
            if target.when.as_ref().is_some_and(Vec::is_empty) {
                faults.push(format!(
                    "{at}.when: must name a kind of error; leave it out to allow all that fit"
                ));
            }
            match seen.iter().find(|(name, _)| *name == target.name) {
                Some((name, first)) => {
                    faults.push(format!("{at}.name: `{name}` is the name of {first}; give each its own"));
                }
                None => seen.push((&target.name, at)),
            }
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::ConfigInvalid, faults.join("; "))),
        }
    }
}

fn share(field: &str, value: f64) -> Option<String> {
    (!(0.0..=1.0).contains(&value)).then(|| format!("{field}: must be between 0 and 1"))
}
