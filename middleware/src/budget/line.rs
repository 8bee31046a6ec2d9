//! What the ledger says of a call.

use std::sync::Arc;

use belvedere_core::context::Attempt;
use belvedere_core::events::EndKind;
use belvedere_core::usage::{Money, Usage};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What the ledger says of a call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Entry {
    /// How much was reserved for it, in the unit of the budget: nano-dollars or tokens.
    pub reserved: i64,
    /// How much it was charged; `None` while that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<i64>,
    /// Until when it is taken to run, while it is open: milliseconds of the Unix epoch.
    pub until: u64,
    /// Its attempts; none while it is open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
}

/// One attempt of a call, or the answer of a call that made none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Line {
    /// What it was.
    pub why: Why,
    /// Its number in the call; the first is 1.
    pub attempt: u32,
    /// The provider that was asked.
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    pub provider: SmolStr,
    /// The model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<SmolStr>,
    /// The target of a route that it went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<SmolStr>,
    /// What it used. Only its classes are kept.
    #[serde(default, with = "classes", skip_serializing_if = "is_unused")]
    pub usage: Arc<Usage>,
    /// What that costs; `None` is unknown, which is not nothing.
    pub cost: Option<Money>,
    /// What the budget was charged for it, in its unit. For an unknown cost that is what had been reserved, or nothing,
    /// as the budget is told.
    pub charged: i64,
    /// Whether usage or price are an estimate, because they were not told.
    pub estimated: bool,
}

impl Line {
    /// The line of a call that no provider was asked for.
    pub(super) fn unasked() -> Self {
        Line {
            why: Why::Unasked,
            attempt: 0,
            provider: SmolStr::default(),
            model: None,
            target: None,
            usage: Arc::default(),
            cost: Some(Money::ZERO),
            charged: 0,
            estimated: false,
        }
    }
}

fn is_unused(usage: &Usage) -> bool {
    usage.classes.is_empty()
}

/// A usage as its classes.
mod classes {
    use std::sync::Arc;

    use belvedere_core::usage::Usage;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(usage: &Usage, s: S) -> Result<S::Ok, S::Error> {
        usage.classes.serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Arc<Usage>, D::Error> {
        let mut usage = Usage::default();
        usage.classes = Deserialize::deserialize(d)?;
        Ok(Arc::new(usage))
    }
}

/// What an attempt was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// It is the answer.
    Answer,
    /// It failed; another one may have followed.
    Failed,
    /// It lost to another attempt that was made beside it.
    Lost,
    /// The call was cancelled.
    Cancelled,
    /// No provider was asked: a cache or a last resort answered, or a layer further in refused.
    Unasked,
}

impl Why {
    /// What an attempt of a call was that ended so.
    pub(super) fn of(attempt: &Attempt, call: EndKind) -> Why {
        match attempt.end {
            Some(EndKind::Finished) => Why::Answer,
            Some(EndKind::Failed | EndKind::Truncated) => Why::Failed,
            Some(EndKind::Cancelled) | None if call == EndKind::Finished => Why::Lost,
            Some(EndKind::Cancelled) | None => Why::Cancelled,
        }
    }
}
