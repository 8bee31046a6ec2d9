//! The circuits of one upstream: one for each model, and one for all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::hooks::CircuitState;
use smol_str::SmolStr;

use super::Breaker;
use super::circuit::{Circuit, Pass, Refused};
use super::outcome::Outcome;

/// The circuits of one upstream, without a clock and without a lock.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    whole: Circuit,
    row: Row,
    models: BTreeMap<SmolStr, Model>,
}

/// Who failed since an answer came of any model, and how often.
#[derive(Debug, Default)]
struct Row(Vec<(SmolStr, u32)>);

impl Row {
    fn add(&mut self, model: &SmolStr) {
        match self.0.iter_mut().find(|(name, _)| name == model) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.0.push((model.clone(), 1)),
        }
    }

    /// Whether half of so many failures are not of the model that failed most.
    fn is_shared(&self, failures: u32) -> bool {
        let counts = || self.0.iter().map(|(_, count)| *count);
        let others = counts().fold(0, u32::saturating_add) - counts().max().unwrap_or_default();
        others >= failures.div_ceil(2)
    }
}

/// What is known of one model.
#[derive(Debug, Default)]
struct Model {
    circuit: Circuit,
    /// Until when the provider asked to be left alone.
    rests_until: Instant,
    used: Instant,
}

/// Lets one call to a model through both of its circuits.
#[derive(Debug, Clone, Copy)]
#[must_use = "the result is told by it"]
pub(super) struct Passes {
    whole: Pass,
    model: Pass,
}

/// Why a call to a model is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The model's circuit refuses.
    Model(Refused),
    /// That of the whole upstream does.
    Whole(Refused),
    /// The provider asked to be left alone, for so long still.
    Rests(Duration),
}

/// What is known of a circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The model; `None`: all of them.
    pub(super) model: Option<SmolStr>,
    pub(super) state: CircuitState,
    pub(super) until: Option<Instant>,
    pub(super) rests_until: Option<Instant>,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The model; `None`: all of them.
    pub(super) model: Option<SmolStr>,
    pub(super) from: CircuitState,
    pub(super) to: CircuitState,
}

/// The states of both circuits.
type States = (CircuitState, CircuitState);

impl Circuits {
    /// Lets a call to `model` through, or says why not; and tells what changed.
    pub(super) fn admit(
        &mut self,
        model: &SmolStr,
        now: Instant,
        rules: &Breaker,
    ) -> (Result<Passes, Refusal>, [Option<Change>; 2]) {
        self.make_room(model, rules);
        let before = self.states(model);
        let admitted = self.try_admit(model, now, rules);
        (admitted, self.changes(model, before))
    }

    fn try_admit(&mut self, model: &SmolStr, now: Instant, rules: &Breaker) -> Result<Passes, Refusal> {
        let whole = self.whole.admit(now, rules).map_err(Refusal::Whole)?;
        match self.model(model).admit(now, rules) {
            Ok(model) => Ok(Passes { whole, model }),
            Err(refusal) => {
                self.whole.settle(whole, Outcome::Neutral, now, rules, |_| false);
                Err(refusal)
            }
        }
    }

    /// Takes the result of a call in; `rest` is how long the provider asked to be left alone. Tells what changed.
    pub(super) fn settle(
        &mut self,
        model: &SmolStr,
        passes: Passes,
        outcome: Outcome,
        rest: Option<Duration>,
        now: Instant,
        rules: &Breaker,
    ) -> [Option<Change>; 2] {
        let before = self.states(model);
        if outcome == Outcome::Bad && self.whole.is_of(passes.whole) {
            self.row.add(model);
        }
        // One bad model does not open the whole: that takes failures of several, and no answer of any in between.
        let is_shared = rules.failures.is_some_and(|failures| self.row.is_shared(failures.get()));
        self.whole.settle(passes.whole, outcome, now, rules, |circuit| is_shared && circuit.is_run(rules));
        if self.whole.in_a_row() == 0 {
            self.row = Row::default();
        }
        // Forgotten meanwhile: then there was nothing worth knowing.
        if let Some(model) = self.models.get_mut(model) {
            model.circuit.settle(passes.model, outcome, now, rules, |circuit| circuit.is_over(rules));
            if let Some(rest) = rest {
                model.rests_until = model.rests_until.max(now + rest.min(rules.cooldown));
            }
        }
        self.changes(model, before)
    }

    /// All circuits: that of the whole first, then those of the models by name.
    pub(super) fn known(&self) -> Vec<Known> {
        let named = |name: &SmolStr| (!name.is_empty()).then(|| name.clone());
        let whole =
            Known { model: None, state: self.whole.state(), until: self.whole.until(), rests_until: None };
        let models = self.models.iter().map(|(name, model)| Known {
            model: named(name),
            state: model.circuit.state(),
            until: model.circuit.until(),
            rests_until: (model.rests_until > Instant::default()).then_some(model.rests_until),
        });
        std::iter::once(whole).chain(models).collect()
    }

    fn model(&mut self, name: &SmolStr) -> &mut Model {
        self.models.entry(name.clone()).or_default()
    }

    fn states(&self, model: &SmolStr) -> States {
        let of_model = self.models.get(model).map_or(CircuitState::Closed, |model| model.circuit.state());
        (self.whole.state(), of_model)
    }

    fn changes(&self, model: &SmolStr, before: States) -> [Option<Change>; 2] {
        let after = self.states(model);
        let name = || (!model.is_empty()).then(|| model.clone());
        [
            (before.0 != after.0).then_some(Change { model: None, from: before.0, to: after.0 }),
            (before.1 != after.1).then(|| Change { model: name(), from: before.1, to: after.1 }),
        ]
    }

    /// Forgets models when there are as many as may be and this one is new: a quarter of them, those first whose
    /// circuits are closed, and of those the ones that were not asked for the longest.
    fn make_room(&mut self, model: &SmolStr, rules: &Breaker) {
        let most = rules.models.get() as usize;
        if self.models.len() < most || self.models.contains_key(model) {
            return;
        }
        let worth = |model: &Model| (model.circuit.state() != CircuitState::Closed, model.used);
        let mut by_worth: Vec<_> =
            self.models.iter().map(|(name, model)| (worth(model), name.clone())).collect();
        by_worth.sort_unstable();
        for (_, name) in by_worth.iter().take(self.models.len() - most + most.div_ceil(4)) {
            self.models.remove(name);
        }
    }
}

impl Model {
    fn admit(&mut self, now: Instant, rules: &Breaker) -> Result<Pass, Refusal> {
        self.used = now;
        // A clock that ran backwards must not make it rest for longer than it ever rests.
        self.rests_until = self.rests_until.min(now + rules.cooldown);
        if now < self.rests_until {
            return Err(Refusal::Rests(self.rests_until.since(now)));
        }
        self.circuit.admit(now, rules).map_err(Refusal::Model)
    }
}

#[cfg(test)]
#[path = "circuits_tests.rs"]
mod tests;
