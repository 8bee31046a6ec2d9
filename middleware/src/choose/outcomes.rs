//! How the arms of an experiment fare.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belvedere_core::clock::Instant;
use belvedere_core::context::{Attempt, Context};
use belvedere_core::error::{Category, Error, ErrorKind};
use belvedere_core::event::{Event, Notice};
use belvedere_core::events::{Closing, End, Observer};
use smol_str::SmolStr;

use super::experiment::Experiment;
use super::report::{ArmReport, Report};
use super::sequential::Sample;
use crate::prices::PriceTable;

/// How the arms of an experiment fare; shared by the layer, its services, and who holds a clone of the layer.
#[derive(Clone, Default)]
pub(super) struct Outcomes(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    experiment: SmolStr,
    arms: Vec<Tally>,
}

/// What is counted of an arm.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) model: SmolStr,
    pub(super) calls: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) latency: Sample,
    pub(super) cost: Sample,
    pub(super) score: Sample,
}

impl Outcomes {
    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes ready to count for an experiment. What was counted for this very one stays.
    pub(super) fn prepare(&self, experiment: &Experiment) {
        if self.are_of(experiment) {
            return;
        }
        let tally = |model: &SmolStr| Tally { model: model.clone(), ..Tally::default() };
        let arms = experiment.arms.iter().map(|arm| tally(&arm.model)).collect();
        *self.lock() = Book { experiment: experiment.name.clone(), arms };
    }

    /// Whether they are of this experiment: its name, and its models in their order.
    pub(super) fn are_of(&self, experiment: &Experiment) -> bool {
        let book = self.lock();
        let models = book.arms.iter().map(|arm| &arm.model);
        book.experiment == experiment.name && models.eq(experiment.arms.iter().map(|arm| &arm.model))
    }

    fn edit(&self, arm: usize, change: impl FnOnce(&mut Tally)) -> bool {
        self.lock().arms.get_mut(arm).map(change).is_some()
    }

    /// Adds a score to an arm; false where there is no such arm.
    pub(super) fn score(&self, arm: usize, score: f64) -> bool {
        self.edit(arm, |tally| tally.score.add(score))
    }

    /// Begins to watch a call of an arm.
    pub(super) fn begin(&self, arm: usize, cx: &Context) -> Outcome {
        self.edit(arm, |tally| tally.calls += 1);
        let began = cx.lent.clock.now();
        Outcome { outcomes: self.clone(), arm, cx: cx.clone(), began, degraded: false }
    }

    pub(super) fn report(&self) -> Report {
        let book = self.lock();
        let arms = ArmReport::all(&book.arms);
        Report { experiment: book.experiment.clone(), arms }
    }
}

/// What is counted is read by a report.
impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}

/// A call of an arm, until its end.
pub(super) struct Outcome {
    outcomes: Outcomes,
    arm: usize,
    cx: Context,
    began: Instant,
    degraded: bool,
}

impl Observer for Outcome {
    fn event(&mut self, event: &Event) {
        if let Event::Notice(Notice::Degraded { .. }) = event {
            self.degraded = true;
        }
    }

    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        // A last resort is no answer of the model.
        let succeeded = matches!(end, End::Finished) && !self.degraded;
        let failed = self.degraded || end.error().is_some_and(is_of_the_model);
        let cost = cost(&self.cx.call.attempts());
        let latency = self.cx.lent.clock.now().since(self.began);
        self.outcomes.edit(self.arm, |tally| {
            tally.succeeded += u64::from(succeeded);
            tally.failed += u64::from(failed);
            if succeeded {
                tally.latency.add(latency.as_secs_f64());
            }
            if let Some(cost) = cost {
                tally.cost.add(cost);
            }
        });
        Closing::Done
    }
}

/// Whether an error says something about the model that was asked: not that a request was wrong, that a guard or a
/// budget of ours refused it, or that its owner went away.
fn is_of_the_model(error: &Error) -> bool {
    use ErrorKind::{Blocked, BudgetExceeded, Cancelled, Store};
    error.category() != Category::Validation
        && !matches!(error.kind(), Blocked | BudgetExceeded | Cancelled | Store)
}

/// What the attempts of a call cost in dollars, as the shipped table has it; `None` when that is not known of each
/// that used something.
fn cost(attempts: &[Attempt]) -> Option<f64> {
    let of = |attempt: &Attempt| {
        let price = PriceTable::shipped().price(&attempt.provider, attempt.model.as_deref()?)?;
        price.cost(attempt.usage.as_deref()?)
    };
    let mut used = attempts.iter().filter(|attempt| attempt.usage.is_some()).peekable();
    used.peek()?;
    used.map(|attempt| Some(of(attempt)?.nanos() as f64 / 1e9)).sum()
}
