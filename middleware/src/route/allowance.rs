//! How many second attempts there may be: a part of the calls that were answered.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many second attempts are saved up at most.
const SAVED: f64 = 10.0;

/// What there is for second attempts. It begins empty and is filled by answered calls only: when nothing is
/// answered, nothing is asked twice. An empty one stops new second attempts, never a call that is under way.
#[derive(Debug, Default)]
pub(super) struct Allowance(Mutex<f64>);

impl Allowance {
    fn lock(&self) -> MutexGuard<'_, f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was answered, and earned this part of a second attempt.
    pub(super) fn earn(&self, part: f64) {
        let mut saved = self.lock();
        *saved = (*saved + part).min(SAVED);
    }

    /// Takes what one second attempt costs, if it is there.
    pub(super) fn take(&self) -> bool {
        let mut saved = self.lock();
        // What is earned in twentieths does not add up to a whole to the last bit.
        let is_there = *saved > 1.0 - 1e-9;
        if is_there {
            *saved = (*saved - 1.0).max(0.0);
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_from_the_first_call_on() {
        let allowance = Allowance::default();
        let taken = (0..1000)
            .filter(|_| {
                allowance.earn(0.05);
                allowance.take()
            })
            .count();
        assert_eq!(taken, 50);
    }

    #[test]
    fn a_quiet_time_saves_up_ten() {
        let allowance = Allowance::default();
        (0..1000).for_each(|_| allowance.earn(0.05));
        assert_eq!((0..20).filter(|_| allowance.take()).count(), 10);
    }
}
