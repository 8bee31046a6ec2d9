//! Rules: which model a request goes to.

use std::collections::BTreeMap;

use belvedere_core::request::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::Complexity;

/// The tag of a call's scope that names its task, such as `code` or `translation`.
pub const TASK: &str = "task";

/// Which model requests of a kind go to. Of several rules, the first that applies says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// The task it is for: that of the scope's tag [`TASK`] or, without one, what the request looks like
    /// ([`Complexity::task`]). Default `null`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub task: Option<SmolStr>,
    /// Tags that the call's scope must have, all of them. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub tags: BTreeMap<SmolStr, SmolStr>,
    /// From this score of [`Complexity`] on, `fallback` is asked. Default `null`: `preferred` is, at every score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub complexity_threshold: Option<f64>,
    /// The model to ask.
    #[schemars(with = "String", length(min = 1))]
    pub preferred: SmolStr,
    /// The model to ask from the threshold on, for what is too hard for the preferred one. Default `null`: the rule does
    /// not apply there, and the next is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub fallback: Option<SmolStr>,
}

impl Rule {
    /// A rule that sends every request to this model.
    pub fn new(preferred: impl Into<SmolStr>) -> Self {
        Rule {
            task: None,
            tags: BTreeMap::new(),
            complexity_threshold: None,
            preferred: preferred.into(),
            fallback: None,
        }
    }

    /// Sets the threshold, and the model to ask from it on.
    pub fn with_threshold(mut self, threshold: f64, fallback: Option<SmolStr>) -> Self {
        self.complexity_threshold = Some(threshold);
        self.fallback = fallback;
        self
    }

    /// The model it asks for; `None` where it does not apply. The request is analysed only if it must be.
    pub(super) fn model(&self, scope: &Scope, complexity: impl Fn() -> Complexity) -> Option<&SmolStr> {
        let has_tag = |(name, value)| scope.tags.get(name) == Some(value);
        if !is_task(self.task.as_ref(), scope, &complexity) || !self.tags.iter().all(has_tag) {
            return None;
        }
        match self.complexity_threshold {
            Some(threshold) if complexity().score >= threshold => self.fallback.as_ref(),
            _ => Some(&self.preferred),
        }
    }
}

/// Whether a call is of this task: the caller's word for it, or what the request looks like.
pub(super) fn is_task(wanted: Option<&SmolStr>, scope: &Scope, complexity: impl Fn() -> Complexity) -> bool {
    let Some(wanted) = wanted else { return true };
    match scope.tags.get(TASK) {
        Some(named) => named == wanted,
        None => complexity().task == Some(wanted),
    }
}
