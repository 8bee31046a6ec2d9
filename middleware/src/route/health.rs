//! Whether a target is left out for a while.

use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::error::ErrorKind;

use super::config::Ejection;

/// How many outcomes are kept.
const KEPT: u32 = u64::BITS;

/// How the last calls of a target went. Its times are those of the clock that counts suspend.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Failures in a row.
    streak: u32,
    /// The last outcomes, the newest lowest; 1 is a failure.
    outcomes: u64,
    seen: u32,
    /// Until when it is left out, and after what.
    out: Option<(Instant, ErrorKind)>,
    /// How often it was left out, less what was forgiven since.
    times: u32,
}

/// Why a target may have to be left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Suspicion {
    /// It failed so often in a row.
    Streak,
    /// This part of its calls failed.
    Rate(f64),
}

impl Health {
    /// A call went well.
    pub(super) fn succeeded(&mut self) {
        self.note(false);
        self.streak = 0;
    }

    /// A call failed. Tells if that is reason to leave the target out.
    pub(super) fn failed(&mut self, now: Instant, rules: &Ejection) -> Option<Suspicion> {
        // Calls that were under way when it was left out say nothing new.
        if self.is_out(now).is_some() {
            return None;
        }
        self.note(true);
        self.streak = self.streak.saturating_add(1);
        if self.streak >= rules.consecutive {
            return Some(Suspicion::Streak);
        }
        let rate = self.rate()?;
        (self.seen >= rules.min_calls && rate >= rules.failure_rate).then_some(Suspicion::Rate(rate))
    }

    fn note(&mut self, failed: bool) {
        self.outcomes = self.outcomes << 1 | u64::from(failed);
        self.seen = (self.seen + 1).min(KEPT);
    }

    /// The part of its last calls that failed.
    pub(super) fn rate(&self) -> Option<f64> {
        (self.seen > 0).then(|| f64::from(self.outcomes.count_ones()) / f64::from(self.seen))
    }

    /// What it failed with when it was left out, while it is.
    pub(super) fn is_out(&self, now: Instant) -> Option<ErrorKind> {
        self.out.filter(|(until, _)| now < *until).map(|(_, reason)| reason)
    }

    /// Whether it has been left out since it was known.
    pub(super) fn was_out(&self) -> bool {
        self.out.is_some()
    }

    /// Leaves it out: longer each time, and less long again after it has been well for a time.
    pub(super) fn eject(&mut self, now: Instant, reason: ErrorKind, rules: &Ejection) -> Duration {
        if let Some((until, _)) = self.out {
            let well = now.since(until).as_nanos() / rules.base.as_nanos().max(1);
            self.times = self.times.saturating_sub(u32::try_from(well).unwrap_or(u32::MAX));
        }
        self.times = self.times.saturating_add(1);
        let lasts = rules.base.saturating_mul(self.times).min(rules.max);
        *self = Health { out: Some((now + lasts, reason)), times: self.times, ..Health::default() };
        lasts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn failures_in_a_row_and_a_high_rate_are_suspicious() {
        let rules = Ejection::default();
        let mut health = Health::default();
        let told: Vec<_> = (0..5).map(|_| health.failed(at(1), &rules)).collect();
        assert_eq!(told, [None, None, None, None, Some(Suspicion::Streak)]);
        let mut health = Health::default();
        for _ in 0..10 {
            health.succeeded();
            assert_eq!(health.failed(at(1), &rules).is_some(), health.seen >= 20);
        }
        assert_eq!(health.rate(), Some(0.5));
    }

    #[test]
    fn it_is_left_out_longer_each_time_and_forgiven_after_a_time() {
        let rules = Ejection::default();
        let mut health = Health::default();
        let eject = |health: &mut Health, now| health.eject(at(now), ErrorKind::Overloaded, &rules).as_secs();
        assert_eq!(eject(&mut health, 0), 30);
        assert_eq!((health.is_out(at(29)), health.is_out(at(30))), (Some(ErrorKind::Overloaded), None));
        assert_eq!(health.failed(at(29), &rules), None, "it is out already");
        assert_eq!(health.rate(), None, "afterwards it begins anew");
        assert_eq!((eject(&mut health, 31), eject(&mut health, 92)), (60, 90));
        assert_eq!(eject(&mut health, 92 + 90 + 60), 60, "well for two times 30 s");
        for i in 0..20 {
            eject(&mut health, 400 + i);
        }
        assert_eq!(eject(&mut health, 500), 300, "the longest");
    }
}
