//! One circuit: a state machine without a clock and without a lock.

use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::hooks::CircuitState;

use super::Breaker;
use super::outcome::Outcome;
use super::window::{Counts, Window};

/// One circuit. Time is [`Clock::boot`](belvedere_core::clock::Clock::boot) and is passed in.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    phase: Phase,
    /// Grows with each change of state: a result of an earlier state says nothing about this one.
    generation: u64,
    /// How many calls failed since one was answered.
    in_a_row: u32,
    window: Window,
    /// The sums of the window at the last result.
    counts: Counts,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        probes: Vec<Probe>,
        /// The number of the next probe.
        next: u64,
        passed: u32,
    },
}

/// A probe under way. Once its lease is over it does not stand in the way of another.
#[derive(Debug)]
struct Probe {
    number: u64,
    lease: Instant,
}

/// Lets one call through. Its result is told by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the result is told by it"]
pub(super) struct Pass {
    generation: u64,
    /// The number of the probe that it is.
    probe: Option<u64>,
}

/// Why a call is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is open, for so long still.
    Open(Duration),
    /// As many probes are under way as may be.
    Probing,
}

impl Circuit {
    pub(super) fn state(&self) -> CircuitState {
        match self.phase {
            Phase::Closed => CircuitState::Closed,
            Phase::Open { .. } => CircuitState::Open,
            Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// Until when it is open.
    pub(super) fn until(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open { until } => Some(until),
            Phase::Closed | Phase::HalfOpen { .. } => None,
        }
    }

    pub(super) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// Whether this pass is of the present state.
    pub(super) fn is_of(&self, pass: Pass) -> bool {
        pass.generation == self.generation
    }

    /// Lets a call through, or says why not. Once it was open for its time, calls go through as probes.
    pub(super) fn admit(&mut self, now: Instant, rules: &Breaker) -> Result<Pass, Refused> {
        if let Phase::Open { until } = &mut self.phase {
            // A clock that ran backwards must not keep it open for longer than it is ever open.
            *until = (*until).min(now + rules.open_for);
            if now < *until {
                return Err(Refused::Open(until.since(now)));
            }
            self.turn(Phase::HalfOpen { probes: Vec::new(), next: 0, passed: 0 });
        }
        let generation = self.generation;
        let Phase::HalfOpen { probes, next, .. } = &mut self.phase else {
            return Ok(Pass { generation, probe: None });
        };
        // Neither a clock that ran backwards nor a shorter lease of a reload lets one stand for longer than a lease.
        probes.iter_mut().for_each(|probe| probe.lease = probe.lease.min(now + rules.probe_lease));
        probes.retain(|probe| now < probe.lease);
        if probes.len() >= rules.probes.get() as usize {
            return Err(Refused::Probing);
        }
        let number = *next;
        *next += 1;
        probes.push(Probe { number, lease: now + rules.probe_lease });
        Ok(Pass { generation, probe: Some(number) })
    }

    /// Takes the result of a call in; `trips` says whether what is known now opens the circuit.
    pub(super) fn settle(
        &mut self,
        pass: Pass,
        outcome: Outcome,
        now: Instant,
        rules: &Breaker,
        trips: impl FnOnce(&Circuit) -> bool,
    ) {
        if !self.is_of(pass) {
            return;
        }
        match (&mut self.phase, outcome) {
            (Phase::Closed, Outcome::Neutral) | (Phase::Open { .. }, _) => {}
            (Phase::Closed, _) => {
                self.count(outcome, now, rules);
                if trips(self) {
                    self.open(now, rules);
                }
            }
            (Phase::HalfOpen { probes, passed, .. }, _) => {
                // The result of a probe whose lease is over counts all the same: a long answer is an answer.
                probes.retain(|probe| Some(probe.number) != pass.probe);
                match outcome {
                    Outcome::Neutral => {}
                    Outcome::Good => {
                        *passed += 1;
                        if *passed >= rules.probes.get() {
                            self.turn(Phase::Closed);
                        }
                    }
                    Outcome::Slow | Outcome::Bad => self.open(now, rules),
                }
            }
        }
    }

    fn count(&mut self, outcome: Outcome, now: Instant, rules: &Breaker) {
        self.in_a_row = if outcome == Outcome::Bad { self.in_a_row.saturating_add(1) } else { 0 };
        let call = Counts {
            calls: 1,
            failed: u32::from(outcome == Outcome::Bad),
            slow: u32::from(outcome == Outcome::Slow),
        };
        self.counts = self.window.add(call, now, rules.window);
    }

    /// Whether so many calls failed, or were slow, that it must open.
    pub(super) fn is_over(&self, rules: &Breaker) -> bool {
        let Counts { calls, failed, slow } = self.counts;
        let is_over = |count: u32, rate: f64| f64::from(count) >= rate * f64::from(calls) && count > 0;
        let by_rate = rules.rate.is_some_and(|rate| is_over(failed, rate));
        let by_slow = rules.slow.is_some_and(|rule| is_over(slow, rule.rate));
        self.is_run(rules) || (calls >= rules.min_calls.get() && (by_rate || by_slow))
    }

    /// Whether as many calls failed in a row as may.
    pub(super) fn is_run(&self, rules: &Breaker) -> bool {
        rules.failures.is_some_and(|failures| self.in_a_row >= failures.get())
    }

    fn open(&mut self, now: Instant, rules: &Breaker) {
        self.turn(Phase::Open { until: now + rules.open_for });
    }

    /// Changes the state. What was counted was counted in another.
    fn turn(&mut self, phase: Phase) {
        *self = Circuit { phase, generation: self.generation + 1, ..Circuit::default() };
    }
}

#[cfg(test)]
#[path = "circuit_tests.rs"]
mod tests;
