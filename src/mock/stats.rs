//! What the server has seen and done.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the server has seen and done since it was started, or since its counters were reset.
///
/// Requests to the server's own paths (`/stats`, `/script`) are not counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that came.
    pub requests: u64,
    /// Requests by wire.
    pub by_wire: BTreeMap<String, u64>,
    /// Requests by path.
    pub by_path: BTreeMap<String, u64>,
    /// Responses by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that have no end yet.
    pub in_flight: u64,
    /// How answers ended.
    pub answers: Answers,
    /// Connections.
    pub connections: Connections,
    /// Bytes written to connections.
    pub bytes_out: u64,
}

/// How answers ended, errors among them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Answers {
    /// Written to their end.
    pub finished: u64,
    /// Broken off by the script.
    pub cut: u64,
    /// Closed by the client before their end.
    pub closed_by_client: u64,
    /// Milliseconds from the last byte that was written until such a close was seen: the latest ones, at most 1000.
    pub close_seen_ms: Vec<f64>,
}

/// Connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Connections {
    /// Open now.
    pub open: u64,
    /// Accepted.
    pub total: u64,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Finished,
    Cut,
    /// This long after the last byte.
    ClosedByClient(Duration),
}

/// How many closes are remembered one by one.
const REMEMBERED: usize = 1000;

impl Stats {
    /// Counters at zero; what is open stays counted.
    pub(super) fn reset(&mut self) {
        let connections = Connections { open: self.connections.open, total: self.connections.open };
        *self = Stats { in_flight: self.in_flight, connections, ..Stats::default() };
    }

    pub(super) fn ended(&mut self, outcome: Outcome) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match outcome {
            Outcome::Finished => self.answers.finished += 1,
            Outcome::Cut => self.answers.cut += 1,
            Outcome::ClosedByClient(after) => {
                self.answers.closed_by_client += 1;
                let seen = &mut self.answers.close_seen_ms;
                if seen.len() == REMEMBERED {
                    seen.remove(0);
                }
                seen.push(after.as_secs_f64() * 1e3);
            }
        }
    }
}

/// One more of this name.
pub(super) fn count<K: Ord>(counters: &mut BTreeMap<K, u64>, name: K) {
    *counters.entry(name).or_default() += 1;
}
