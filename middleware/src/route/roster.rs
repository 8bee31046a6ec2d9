//! The targets of a route as they have been doing, and who is left out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use belvedere_core::SmolStr;
use belvedere_core::clock::Instant;
use belvedere_core::context::Lent;
use belvedere_core::error::ErrorKind;
use belvedere_core::hooks::Signal;

use super::config::{Ejection, Hedge, Strategy};
use super::health::{Health, Suspicion};
use super::pace::Pace;
use super::peak::Peak;
use crate::prices::PriceTable;

/// How one target has been doing. It outlives a reload.
#[derive(Debug, Default)]
pub(super) struct State(Mutex<Vitals>);

#[derive(Debug, Default)]
pub(super) struct Vitals {
    pub(super) peak: Peak,
    pub(super) health: Health,
    /// Of whole answers, and of streams: they differ by far.
    paces: [Option<Pace>; 2],
}

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vitals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vitals {
    pub(super) fn pace(&mut self, is_stream: bool) -> &mut Pace {
        let [whole, stream] = &mut self.paces;
        let pace = if is_stream { stream } else { whole };
        pace.get_or_insert_default()
    }
}

/// All targets of a route, in order.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) members: Vec<(SmolStr, Arc<State>)>,
    pub(super) strategy: Strategy,
    pub(super) hedge: Option<Hedge>,
    pub(super) ejection: Option<Ejection>,
    /// What models cost, where that decides.
    pub(super) prices: Option<PriceTable>,
    /// Held while one is left out, so that two are not at once.
    pub(super) gate: Arc<Mutex<()>>,
}

impl Roster {
    /// Whether the ends of calls matter.
    pub(super) fn watches_ends(&self) -> bool {
        self.ejection.is_some() || self.strategy == Strategy::LeastLatency
    }

    pub(super) fn state(&self, index: usize) -> Option<&Arc<State>> {
        self.members.get(index).map(|(_, state)| state)
    }

    /// What a target failed with when it was left out, while it is.
    pub(super) fn is_out(&self, index: usize, lent: &Lent) -> Option<ErrorKind> {
        self.ejection?;
        let vitals = self.state(index)?.lock();
        // Most are not left out: then no time is asked for.
        vitals.health.was_out().then(|| vitals.health.is_out(lent.clock.boot())).flatten()
    }

    /// How long a call of a target is waited for before there is a second attempt.
    pub(super) fn patience(&self, index: usize, is_stream: bool) -> Option<Duration> {
        let hedge = self.hedge?;
        self.state(index)?.lock().pace(is_stream).patience(hedge.quantile, hedge.min_samples)
    }

    /// A target gave its first content, or nothing, after this long.
    pub(super) fn took(&self, index: usize, took: Duration, is_stream: bool, now: Instant) {
        let (Some(_), Some(state)) = (self.hedge, self.state(index)) else { return };
        state.lock().pace(is_stream).record(took, now);
    }

    /// A call of a target went well.
    pub(super) fn succeeded(&self, index: usize) {
        if let (Some(_), Some(state)) = (&self.ejection, self.state(index)) {
            state.lock().health.succeeded();
        }
    }

    /// A call of a target failed.
    pub(super) fn failed(&self, index: usize, kind: ErrorKind, lent: &Lent) {
        let Some(state) = self.state(index) else { return };
        let mut vitals = state.lock();
        if self.strategy == Strategy::LeastLatency && (is_fault(kind) || kind == ErrorKind::CircuitOpen) {
            vitals.peak.failed(lent.clock.now());
        }
        let Some(rules) = self.ejection.as_ref().filter(|_| is_fault(kind)) else { return };
        let suspicion = vitals.health.failed(lent.clock.boot(), rules);
        drop(vitals);
        if let Some(suspicion) = suspicion
            && let Some(lasts) = self.eject(index, kind, suspicion, lent, rules)
            && let Some((name, _)) = self.members.get(index)
        {
            lent.hooks.emit(|| Signal::Ejected { target: name.clone(), lasts });
        }
    }

    /// Leaves a target out, if enough others stay and are better.
    fn eject(
        &self,
        index: usize,
        kind: ErrorKind,
        suspicion: Suspicion,
        lent: &Lent,
        rules: &Ejection,
    ) -> Option<Duration> {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let now = lent.clock.boot();
        let (mut out, mut rates) = (0, Vec::new());
        for (_, state) in
            self.members.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, member)| member)
        {
            let vitals = state.lock();
            out += usize::from(vitals.health.is_out(now).is_some());
            rates.extend(vitals.health.rate());
        }
        let share = (self.members.len() as f64 * rules.share).floor() as usize;
        if out >= share.min(self.members.len().saturating_sub(1)) {
            return None;
        }
        let peers = rates.iter().sum::<f64>() / (rates.len().max(1)) as f64;
        if matches!(suspicion, Suspicion::Rate(rate) if rate < 2.0 * peers) {
            return None;
        }
        Some(self.state(index)?.lock().health.eject(now, kind, rules))
    }
}

/// Whether a failure is the target's: not the request's, and not one of our own that never reached it.
fn is_fault(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    matches!(
        kind,
        Network
            | Overloaded
            | Timeout(_)
            | Truncated
            | Malformed
            | RateLimited
            | Unauthorized
            | Forbidden
            | ModelNotFound
            | QuotaExhausted
            | Unexpected
    )
}
