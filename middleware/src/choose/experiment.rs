//! Experiments: which arm a call is in.

use std::num::NonZeroU32;

use belvedere_core::context::Call;
use belvedere_core::request::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

/// An experiment: calls are split among several models, and how they fare is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Experiment {
    /// Its name. Another name splits anew, and begins a new count.
    #[schemars(with = "String", length(min = 1))]
    pub name: SmolStr,
    /// The models. The others are compared with the first.
    #[schemars(length(min = 2))]
    pub arms: Vec<Arm>,
    /// What is always in the same arm. Default `user`.
    #[serde(default)]
    pub by: By,
    /// The task it is for, as in a rule. Default `null`: all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub task: Option<SmolStr>,
}

/// A model of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Arm {
    /// The model to ask.
    #[schemars(with = "String", length(min = 1))]
    pub model: SmolStr,
    /// Its share of the calls, in proportion to the weights of the others. Default 1.
    #[serde(default = "one")]
    pub weight: NonZeroU32,
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// What is always in the same arm. A call whose scope does not name it is split by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum By {
    /// Each call by itself.
    Call,
    /// A session.
    Session,
    /// A user.
    #[default]
    User,
    /// A tenant.
    Tenant,
}

impl Experiment {
    /// An experiment over these models, in equal shares.
    pub fn new<M: Into<SmolStr>>(name: impl Into<SmolStr>, models: impl IntoIterator<Item = M>) -> Self {
        let arms = models.into_iter().map(|model| Arm { model: model.into(), weight: one() }).collect();
        Experiment { name: name.into(), arms, by: By::default(), task: None }
    }

    /// Says what is always in the same arm.
    pub fn with_by(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    /// The index of the arm that a call is in.
    pub(super) fn arm_of(&self, call: &Call) -> Option<usize> {
        self.arm_of_scope(&call.scope).or_else(|| self.arm(&[&call.id.to_string()]))
    }

    /// The index of the arm that all calls of a scope are in; `None` where each call is split by itself.
    pub(super) fn arm_of_scope(&self, scope: &Scope) -> Option<usize> {
        let tenant = scope.tenant.as_deref().unwrap_or_default();
        // A user is one of a tenant's: two tenants may have one of the same name.
        match self.by {
            By::Call => None,
            By::Session => self.arm(&[tenant, scope.session.as_deref()?]),
            By::User => self.arm(&[tenant, scope.user.as_deref()?]),
            By::Tenant => self.arm(&[scope.tenant.as_deref()?]),
        }
    }

    /// The arm of a unit: the same in every process, for ever. The hash makes a number that is spread evenly over the
    /// weights. The name is in it, so that the units of one experiment are not together in the next.
    fn arm(&self, unit: &[&str]) -> Option<usize> {
        let mut hash = Sha256::new();
        for part in std::iter::once(self.name.as_str()).chain(unit.iter().copied()) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let bytes = hash.finalize().first_chunk().copied().unwrap_or_default();
        let total: u64 = self.arms.iter().map(|arm| u64::from(arm.weight.get())).sum();
        let drawn = (u128::from(u64::from_le_bytes(bytes)) * u128::from(total)) >> 64;
        let mut end = 0;
        self.arms.iter().position(|arm| {
            end += u128::from(arm.weight.get());
            drawn < end
        })
    }
}
