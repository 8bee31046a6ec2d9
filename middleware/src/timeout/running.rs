//! Time that stands still while the call is paused.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use belvedere_core::clock::{Clock, Instant};
use belvedere_core::context::Call;

/// The lent clock without the pauses of one call.
pub(super) struct Running {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) call: Arc<Call>,
    /// How long the call had been paused at the last look.
    spent: Duration,
}

impl Running {
    pub(super) fn new(clock: Arc<dyn Clock>, call: Arc<Call>) -> Self {
        Running { clock, call, spent: Duration::ZERO }
    }

    /// Now, on running time.
    pub(super) fn now(&self) -> Instant {
        let now = self.clock.now();
        before(now, self.call.pause.spent(now))
    }

    /// Now, and a moment of the lent clock not long ago, both on running time.
    ///
    /// Where pauses have passed since the last look, it is not known how much of them came before the moment. The
    /// latest that it can be is given, so that no timer fires too early.
    pub(super) fn look(&mut self, moment: Option<Instant>) -> (Instant, Option<Instant>) {
        let now = self.clock.now();
        let spent = self.call.pause.spent(now);
        let earlier = std::mem::replace(&mut self.spent, spent);
        let now = before(now, spent);
        (now, moment.map(|moment| before(moment, earlier).min(now)))
    }

    pub(super) fn is_paused(&self) -> bool {
        self.call.pause.is_paused()
    }

    /// Ready while the call is not paused; else the task is woken when it goes on.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.call.pause.poll_running(cx)
    }
}

fn before(moment: Instant, duration: Duration) -> Instant {
    Instant::from_origin(moment.since_origin().saturating_sub(duration))
}
