//! One call to a target, as far as it tells how the target is doing.

use std::sync::Arc;

use belvedere_core::clock::Instant;
use belvedere_core::context::Lent;
use belvedere_core::event::Event;
use belvedere_core::events::{Closing, End, Observer};

use super::config::Strategy;
use super::peak::Peak;
use super::roster::Roster;

/// A call under way. One that is cancelled says nothing about the target.
pub(super) struct Flight {
    roster: Arc<Roster>,
    index: usize,
    lent: Arc<Lent>,
    began: Instant,
    has_content: bool,
}

impl Flight {
    pub(super) fn begin(roster: &Arc<Roster>, index: usize, lent: &Arc<Lent>, began: Instant) -> Self {
        let flight = Flight { roster: roster.clone(), index, lent: lent.clone(), began, has_content: false };
        flight.balance(Peak::begin);
        flight
    }

    /// Tells the average that calls are balanced by, where they are.
    fn balance(&self, tell: impl FnOnce(&mut Peak)) {
        if self.roster.strategy == Strategy::LeastLatency
            && let Some(state) = self.roster.state(self.index)
        {
            tell(&mut state.lock().peak);
        }
    }
}

impl Observer for Flight {
    fn event(&mut self, event: &Event) {
        if !self.has_content && event.is_content() {
            self.has_content = true;
            let now = self.lent.clock.now();
            self.balance(|peak| peak.record(now.since(self.began), now));
        }
    }

    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        match end {
            End::Failed(error) | End::Truncated(error) => {
                self.roster.failed(self.index, error.kind(), &self.lent);
            }
            End::Finished => self.roster.succeeded(self.index),
            End::Cancelled => {}
        }
        Closing::Done
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.balance(Peak::end);
    }
}
