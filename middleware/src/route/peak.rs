//! What a call to a target is likely to cost in time.

use std::time::Duration;

use belvedere_core::clock::Instant;

/// Over how long a peak is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// What a failure counts as, and a call to a target that nothing is known of while another one is under way: seconds.
const PENALTY: f64 = 10.0;

/// An average of times to the first content that follows a rise at once and falls slowly, multiplied by the calls
/// under way. As Finagle's `PeakEwma`:
/// <https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/loadbalancer/PeakEwma.scala>
#[derive(Debug, Default)]
pub(super) struct Peak {
    /// Seconds.
    cost: f64,
    at: Instant,
    flights: u32,
}

impl Peak {
    /// A call begins.
    pub(super) fn begin(&mut self) {
        self.flights = self.flights.saturating_add(1);
    }

    /// A call is over.
    pub(super) fn end(&mut self) {
        self.flights = self.flights.saturating_sub(1);
    }

    /// The first content came after this long.
    pub(super) fn record(&mut self, took: Duration, now: Instant) {
        self.observe(took.as_secs_f64(), now);
    }

    /// A call failed. That is soon done, and must not look quick.
    pub(super) fn failed(&mut self, now: Instant) {
        self.observe(PENALTY, now);
    }

    fn observe(&mut self, seconds: f64, now: Instant) {
        let kept = self.kept(now);
        self.at = now;
        self.cost = match seconds > self.cost {
            true => seconds,
            false => self.cost * kept + seconds * (1.0 - kept),
        };
    }

    fn kept(&self, now: Instant) -> f64 {
        (-now.since(self.at).as_secs_f64() / FORGOTTEN.as_secs_f64()).exp()
    }

    /// What one more call is likely to cost. A target that was not asked for long becomes cheap, so that it is tried.
    pub(super) fn load(&self, now: Instant) -> f64 {
        let cost = self.cost * self.kept(now);
        match (cost > 0.0, self.flights) {
            (false, 0) => 0.0,
            (false, flights) => PENALTY * f64::from(flights),
            (true, flights) => cost * (f64::from(flights) + 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn it_follows_a_peak_at_once_and_forgets_it_slowly() {
        let mut peak = Peak::default();
        assert_eq!(peak.load(at(0)), 0.0);
        peak.record(Duration::from_secs(1), at(0));
        assert_eq!(peak.load(at(0)), 1.0);
        peak.record(Duration::from_secs(4), at(0));
        assert_eq!(peak.load(at(0)), 4.0, "at once");
        peak.record(Duration::from_secs(1), at(10));
        assert!(
            (peak.load(at(10)) - (4.0 / std::f64::consts::E + 1.0 - 1.0 / std::f64::consts::E)).abs() < 1e-9
        );
        assert!(peak.load(at(200)) < 1e-6, "who is not asked becomes cheap");
    }

    #[test]
    fn each_call_under_way_costs_as_much_again_and_a_failure_looks_slow() {
        let mut peak = Peak::default();
        peak.begin();
        assert_eq!(peak.load(at(0)), PENALTY, "nothing is known, and one is under way already");
        peak.record(Duration::from_secs(1), at(0));
        assert_eq!(peak.load(at(0)), 2.0);
        peak.end();
        peak.failed(at(0));
        assert_eq!(peak.load(at(0)), PENALTY);
    }
}
