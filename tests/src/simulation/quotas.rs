//! Laws W7 and W8 by a reference of their own: what limits and circuits let through.

use std::collections::BTreeMap;
use std::time::Duration;

use belvedere::SmolStr;
use belvedere::hooks::CircuitState;

use super::promise::{Flow, Rules};

/// What came through a limit, of one tenant.
#[derive(Debug, Clone, Copy)]
struct Gauge {
    flow: Flow,
    level: f64,
    at: Duration,
}

impl Gauge {
    fn full(flow: Flow, now: Duration) -> Self {
        Gauge { flow, level: flow.burst, at: now }
    }

    fn pass(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.level = (self.level + passed * self.flow.per_second).min(self.flow.burst);
        self.at = self.at.max(now);
    }

    /// Takes units. False when there are not as many.
    fn take(&mut self, now: Duration, units: f64) -> bool {
        /// Less than a unit: sums of floats are not exact.
        const NEARLY: f64 = 1e-3;
        self.pass(now);
        self.level -= units;
        self.level >= -NEARLY
    }

    fn give(&mut self, now: Duration, units: f64) {
        self.pass(now);
        self.level = (self.level + units).min(self.flow.burst);
    }
}

/// What came through the limit of a run, by tenant: requests and tokens.
#[derive(Debug, Default)]
pub(super) struct Gauges(BTreeMap<SmolStr, (Option<Gauge>, Option<Gauge>)>);

/// More tokens than a simulated prompt is taken for.
const PROMPT: f64 = 200.0;

impl Gauges {
    /// A call came through, which has so many tokens reserved at least. What is wrong with that, if anything is.
    pub(super) fn admit(
        &mut self,
        tenant: &str,
        now: Duration,
        rules: &Rules,
        tokens: u64,
    ) -> Option<&'static str> {
        let full = |flow: Option<Flow>| flow.map(|flow| Gauge::full(flow, now));
        let fresh = || (full(rules.requests), full(rules.tokens));
        let (requests, of_tokens) = self.0.entry(tenant.into()).or_insert_with(fresh);
        if requests.as_mut().is_some_and(|gauge| !gauge.take(now, 1.0)) {
            return Some("more requests than the limit has");
        }
        let is_over = of_tokens.as_mut().is_some_and(|gauge| !gauge.take(now, tokens as f64));
        is_over.then_some("more tokens than the limit has")
    }

    /// A call ended: no more than its reservation comes back.
    pub(super) fn give_back(&mut self, tenant: &str, now: Duration, tokens: u64) {
        if let Some((_, Some(gauge))) = self.0.get_mut(tenant) {
            gauge.give(now, tokens as f64 + PROMPT);
        }
    }
}

/// The circuits of a run, as their signals tell; and the probes under way.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    states: BTreeMap<Name, (CircuitState, u64)>,
    probes: Vec<Probe>,
}

/// Provider and model; no model: all of them.
type Name = (SmolStr, Option<SmolStr>);

#[derive(Debug)]
struct Probe {
    line: u64,
    of: Name,
    generation: u64,
    since: Duration,
}

impl Circuits {
    pub(super) fn turn(&mut self, provider: &SmolStr, model: Option<&SmolStr>, to: CircuitState) {
        let (state, generation) = self.states.entry((provider.clone(), model.cloned())).or_default();
        (*state, *generation) = (to, *generation + 1);
    }

    /// A request goes out. What is wrong with that, if anything is.
    pub(super) fn sent(
        &mut self,
        provider: &SmolStr,
        model: Option<&SmolStr>,
        line: u64,
        now: Duration,
        rules: &Rules,
    ) -> Option<(&'static str, &'static str)> {
        let (most, lease) = rules.probes?;
        self.probes.retain(|probe| now.saturating_sub(probe.since) < lease);
        let names =
            [Some((provider.clone(), None)), model.map(|model| (provider.clone(), Some(model.clone())))];
        for of in names.into_iter().flatten() {
            let (state, generation) = self.states.get(&of).copied().unwrap_or_default();
            match state {
                CircuitState::Closed => {}
                CircuitState::Open => return Some(("B8", "a request went out while the circuit was open")),
                CircuitState::HalfOpen => {
                    let under_way = |probe: &&Probe| probe.of == of && probe.generation == generation;
                    if self.probes.iter().filter(under_way).count() >= most as usize {
                        return Some(("W7", "more probes are under way than may be"));
                    }
                    self.probes.push(Probe { line, of, generation, since: now });
                }
            }
        }
        None
    }

    /// A connection is closed.
    pub(super) fn closed(&mut self, line: u64) {
        self.probes.retain(|probe| probe.line != line);
    }
}
