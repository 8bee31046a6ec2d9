//! What an experiment has shown so far.

use serde::Serialize;
use smol_str::SmolStr;

use super::outcomes::Tally;
use super::sequential::{self, Sample};

/// What an experiment has shown so far. It may be read at any time: its p-values hold at every look.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The experiment.
    pub experiment: SmolStr,
    /// Its arms, in their order.
    pub arms: Vec<ArmReport>,
}

/// What an experiment has shown of one arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArmReport {
    /// The model.
    pub model: SmolStr,
    /// The calls that were begun.
    pub calls: u64,
    /// Those that were answered to the end.
    pub succeeded: u64,
    /// Those that failed, or were answered by a last resort. Calls that were cancelled, or refused for a fault of
    /// their own, are neither.
    pub failed: u64,
    /// How long the answered ones took, in seconds.
    pub latency: Sample,
    /// What calls cost in US dollars, all attempts together, by the shipped prices; those with unknown prices are left
    /// out.
    pub cost: Sample,
    /// The scores they were given.
    pub score: Sample,
    /// How it compares with the first arm; absent for that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_first: Option<Comparison>,
}

/// The p-values of the differences between two arms: how often a difference this large would ever show if there were
/// none. Absent while there are fewer than 30 of a kind. Of more than two arms, they are corrected for the number of
/// comparisons (Bonferroni).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Of the share that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<f64>,
    /// Of the mean latency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
    /// Of the mean cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Of the mean score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

impl ArmReport {
    /// The share that succeeded, of those that succeeded or failed.
    pub fn success_rate(&self) -> Option<f64> {
        let ended = self.succeeded + self.failed;
        (ended > 0).then(|| self.succeeded as f64 / ended as f64)
    }

    pub(super) fn all(tallies: &[Tally]) -> Vec<ArmReport> {
        let comparisons = tallies.len().saturating_sub(1) as f64;
        let report = |(i, tally): (usize, &Tally)| {
            let first = tallies.first().filter(|_| i > 0);
            let Tally { model, calls, succeeded, failed, latency, cost, score } = tally.clone();
            let against_first = first.map(|first| compare(first, tally, comparisons));
            ArmReport { model, calls, succeeded, failed, latency, cost, score, against_first }
        };
        tallies.iter().enumerate().map(report).collect()
    }
}

fn compare(first: &Tally, other: &Tally, comparisons: f64) -> Comparison {
    let corrected = |p: Option<f64>| p.map(|p| (p * comparisons).min(1.0));
    let share = |tally: &Tally| (tally.succeeded, tally.succeeded + tally.failed);
    Comparison {
        success: corrected(sequential::shares(share(first), share(other))),
        latency: corrected(sequential::means(&first.latency, &other.latency)),
        cost: corrected(sequential::means(&first.cost, &other.cost)),
        score: corrected(sequential::means(&first.score, &other.score)),
    }
}
