//! The right to make one call.

use std::fmt;
use std::sync::{Arc, PoisonError};

use belvedere_core::clock::Instant;
use belvedere_core::context::Lent;
use belvedere_core::error::{Error, ErrorKind, Result, RetryAfter};
use belvedere_core::hooks::Signal;
use smol_str::SmolStr;

use super::Breaker;
use super::circuit::Refused;
use super::circuits::{Change, Circuits, Known, Passes, Refusal};
use super::lock::Mutex;
use super::outcome::Outcome;

/// An upstream and its circuits.
pub(super) struct Upstream {
    pub(super) provider: SmolStr,
    pub(super) host: Option<SmolStr>,
    circuits: Mutex<Circuits>,
}

impl Upstream {
    pub(super) fn new(provider: SmolStr, host: Option<SmolStr>) -> Self {
        Upstream { provider, host, circuits: Mutex::new(Circuits::default()) }
    }

    pub(super) fn known(&self) -> Vec<Known> {
        self.with(|circuits| circuits.known())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Circuits) -> T) -> T {
        work(&mut self.circuits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, changes: [Option<Change>; 2], lent: &Lent) {
        for Change { model, from, to } in changes.into_iter().flatten() {
            let provider = self.provider.clone();
            lent.hooks.emit(|| Signal::StateChange { provider, model, from, to });
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("provider", &self.provider).field("host", &self.host).finish()
    }
}

/// What stands before an upstream.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) rules: Breaker,
    pub(super) upstream: Arc<Upstream>,
}

impl Gate {
    /// Takes the right to make a call to `model`.
    ///
    /// # Errors
    /// `CircuitOpen`, or `RateLimited` while the provider asked to be left alone; both say for how long, as far as it
    /// is known.
    pub(super) fn permit(self: &Arc<Self>, model: SmolStr, lent: &Arc<Lent>) -> Result<Permit> {
        let now = lent.clock.boot();
        let (admitted, changes) = self.upstream.with(|circuits| circuits.admit(&model, now, &self.rules));
        self.upstream.tell(changes, lent);
        match admitted {
            Err(refusal) => Err(self.refused(refusal, &model)),
            Ok(passes) => {
                let began = self.rules.slow.map(|_| lent.clock.now());
                Ok(Permit {
                    gate: self.clone(),
                    lent: lent.clone(),
                    model,
                    passes: Some(passes),
                    began,
                    is_slow: false,
                })
            }
        }
    }

    fn refused(&self, refusal: Refusal, model: &SmolStr) -> Error {
        let (kind, message, left) = match refusal {
            Refusal::Whole(refused) => {
                (ErrorKind::CircuitOpen, "calls to all models of this upstream failed", left(refused))
            }
            Refusal::Model(refused) => {
                (ErrorKind::CircuitOpen, "too many calls to this model failed, or were slow", left(refused))
            }
            Refusal::Rests(left) => {
                (ErrorKind::RateLimited, "the provider asked to be left alone for a while", Some(left))
            }
        };
        let error = Error::new(kind, message).with_operation("Breaker::call");
        let error = error.with("provider", self.upstream.provider.as_str());
        let error = if model.is_empty() { error } else { error.with("model", model.as_str()) };
        match left {
            Some(left) => error.with_retry_after(RetryAfter::after(left)),
            None => error,
        }
    }
}

fn left(refused: Refused) -> Option<std::time::Duration> {
    match refused {
        Refused::Open(left) => Some(left),
        Refused::Probing => None,
    }
}

/// The right to make one call. Dropped without a result, it says nothing about the upstream: its caller left.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    lent: Arc<Lent>,
    model: SmolStr,
    /// Gone once the result is told.
    passes: Option<Passes>,
    /// When the call began, where slow calls count.
    began: Option<Instant>,
    is_slow: bool,
}

impl Permit {
    /// Content came for the first time, or the end did.
    pub(super) fn begun(&mut self) {
        if let (Some(began), Some(slow)) = (self.began.take(), self.gate.rules.slow) {
            self.is_slow = self.lent.clock.now().since(began) >= slow.after;
        }
    }

    /// The call was answered.
    pub(super) fn answered(mut self) {
        self.begun();
        let outcome = if self.is_slow { Outcome::Slow } else { Outcome::Good };
        self.settle(outcome, None);
    }

    /// The call failed.
    pub(super) fn failed(mut self, error: &Error) {
        // A refusal that no attempt stands behind is our own, and no word of the provider; nor is a delay that
        // stands in a text only.
        let is_told = error.attempts() > 0 && !error.retry_after_is_hint();
        let rest = error.retry_after().filter(|_| error.kind() == ErrorKind::RateLimited && is_told);
        self.settle(Outcome::of(error), rest);
    }

    fn settle(&mut self, outcome: Outcome, rest: Option<std::time::Duration>) {
        let Some(passes) = self.passes.take() else { return };
        let Gate { rules, upstream } = &*self.gate;
        let now = self.lent.clock.boot();
        let changes =
            upstream.with(|circuits| circuits.settle(&self.model, passes, outcome, rest, now, rules));
        upstream.tell(changes, &self.lent);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle(Outcome::Neutral, None);
    }
}

#[cfg(test)]
#[path = "permit_tests.rs"]
mod tests;
