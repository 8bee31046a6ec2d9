//! One call to a target, as far as it tells how the target is doing.

use std::sync::Arc;

use belvedere_core::clock::Instant;
use belvedere_core::context::Lent;
use belvedere_core::error::ErrorKind;
use belvedere_core::events::{Closing, End, Observer};

use super::config::Strategy;
use super::roster::Roster;

/// A call under way. Dropped before its end it was cancelled, which says nothing about the target.
pub(super) struct Flight {
    roster: Arc<Roster>,
    index: usize,
    is_stream: bool,
    lent: Arc<Lent>,
    began: Instant,
}

impl Flight {
    pub(super) fn begin(roster: &Arc<Roster>, index: usize, is_stream: bool, lent: &Arc<Lent>) -> Self {
        let began = lent.clock.now();
        if roster.strategy == Strategy::LeastLatency
            && let Some(state) = roster.state(index)
        {
            state.lock().peak.begin();
        }
        Flight { roster: roster.clone(), index, is_stream, lent: lent.clone(), began }
    }

    /// The first content is there.
    pub(super) fn content(&self) {
        let now = self.lent.clock.now();
        let took = now.since(self.began);
        self.roster.took(self.index, took, self.is_stream, now);
        if self.roster.strategy == Strategy::LeastLatency
            && let Some(state) = self.roster.state(self.index)
        {
            state.lock().peak.record(took, now);
        }
    }

    /// It failed.
    pub(super) fn failed(&self, kind: ErrorKind) {
        self.roster.failed(self.index, kind, &self.lent);
    }
}

impl Observer for Flight {
    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        match end {
            End::Failed(error) | End::Truncated(error) => self.failed(error.kind()),
            End::Finished if self.roster.ejection.is_some() => {
                if let Some(state) = self.roster.state(self.index) {
                    state.lock().health.succeeded();
                }
            }
            End::Finished | End::Cancelled => {}
        }
        Closing::Done
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.roster.strategy == Strategy::LeastLatency
            && let Some(state) = self.roster.state(self.index)
        {
            state.lock().peak.end();
        }
    }
}
