//! What happened within the last stretch of time.

use std::time::Duration;

use belvedere_core::clock::Instant;

/// How many slots a window has: what is older than it is forgotten one tenth of it at a time.
const SLOTS: u64 = 10;

/// Counts of calls within a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

/// Counts calls by the time of their end.
#[derive(Debug, Default)]
pub(super) struct Window {
    slots: [Counts; SLOTS as usize],
    /// How long a slot is, in nanoseconds.
    width: u64,
    /// The number of the newest slot, counted from the beginning of the clock.
    newest: u64,
}

impl Window {
    /// Counts a call that ended now, and gives the sums of the window.
    pub(super) fn add(&mut self, call: Counts, now: Instant, length: Duration) -> Counts {
        self.turn(now, length);
        if let Some(slot) = self.slots.get_mut((self.newest % SLOTS) as usize) {
            *slot = sum(*slot, call);
        }
        self.slots.into_iter().fold(Counts::default(), sum)
    }

    /// Forgets what is older than the window. A clock that runs backwards, or a window of another length, begins
    /// anew: nothing is counted for longer than it should be.
    fn turn(&mut self, now: Instant, length: Duration) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let width = (nanos(length) / SLOTS).max(1);
        let number = nanos(now.since_origin()) / width;
        if width != self.width || number < self.newest {
            *self = Window { width, newest: number, ..Window::default() };
        }
        for _ in 0..(number - self.newest).min(SLOTS) {
            self.newest += 1;
            if let Some(slot) = self.slots.get_mut((self.newest % SLOTS) as usize) {
                *slot = Counts::default();
            }
        }
        self.newest = number;
    }
}

fn sum(a: Counts, b: Counts) -> Counts {
    Counts {
        calls: a.calls.saturating_add(b.calls),
        failed: a.failed.saturating_add(b.failed),
        slow: a.slow.saturating_add(b.slow),
    }
}
