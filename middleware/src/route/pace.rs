//! How soon a target gives its first content: a live quantile, and whether all of it has become slow.

use std::time::Duration;

use belvedere_core::clock::Instant;

/// Buckets for each doubling: a quantile is at most 9% too high.
const STEPS: f64 = 8.0;

/// From one millisecond to an hour.
const BUCKETS: usize = 177;

/// Buckets of which the sum is kept, so that a quantile is found by a look at each group and at the buckets of one.
const GROUP: usize = 16;

/// What a sample weighs after the next one came. The sum of all weights goes towards 128: after a step up, seven
/// samples are 5% of it, and the 95th percentile has followed.
const KEPT: f32 = 1.0 - 1.0 / 128.0;

/// Over how long the present is averaged, and at least how many samples.
const RECENT: (Duration, f64) = (Duration::from_secs(5), 8.0);

/// The same for what is usual.
const USUAL: (Duration, f64) = (Duration::from_secs(300), 64.0);

/// The natural logarithm of 1.5: at so many times what is usual, not a few calls are slow but all.
const SLOW: f64 = 0.405_465_108_108_164_4;

/// A sample counts as at most so far off an average, here four times: one very slow call is not yet a slow time, three
/// in a row are.
const FAR: f64 = 2.0 * std::f64::consts::LN_2;

/// So many samples in the beginning count in full.
const FEW: f64 = 8.0;

/// Times to the first content, as a histogram of equal ratios whose old samples fade. Its size is fixed.
#[derive(Debug)]
pub(super) struct Pace {
    weights: Box<[f32]>,
    /// The sums of the weights of each group.
    groups: [f32; BUCKETS.div_ceil(GROUP)],
    total: f32,
    samples: u32,
    /// Logarithms of milliseconds.
    recent: f64,
    usual: f64,
    at: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        let weights = vec![0.0; BUCKETS].into_boxed_slice();
        let groups = [0.0; BUCKETS.div_ceil(GROUP)];
        Pace { weights, groups, total: 0.0, samples: 0, recent: 0.0, usual: 0.0, at: Instant::default() }
    }
}

impl Pace {
    /// Takes a sample.
    pub(super) fn record(&mut self, took: Duration, now: Instant) {
        let millis = (took.as_secs_f64() * 1e3).max(1.0);
        self.weights.iter_mut().for_each(|weight| *weight *= KEPT);
        self.groups.iter_mut().for_each(|sum| *sum *= KEPT);
        let bucket = ((millis.log2() * STEPS).ceil() as usize).min(BUCKETS - 1);
        if let (Some(weight), Some(sum)) = (self.weights.get_mut(bucket), self.groups.get_mut(bucket / GROUP))
        {
            *weight += 1.0;
            *sum += 1.0;
        }
        self.total = self.total * KEPT + 1.0;
        self.samples = self.samples.saturating_add(1);
        let passed = now.since(std::mem::replace(&mut self.at, now));
        self.recent = self.averaged(self.recent, millis.ln(), passed, RECENT);
        self.usual = self.averaged(self.usual, millis.ln(), passed, USUAL);
    }

    /// An average with the newest sample: by the time since the sample before, and a plain mean of all as long as that
    /// moves it more.
    fn averaged(&self, average: f64, sample: f64, passed: Duration, (over, least): (Duration, f64)) -> f64 {
        let samples = f64::from(self.samples);
        let share = 1.0 - (-passed.as_secs_f64() / over.as_secs_f64()).exp();
        let off = match samples > FEW {
            true => (sample - average).clamp(-FAR, FAR),
            false => sample - average,
        };
        average + off * share.min(least.recip()).max(samples.recip())
    }

    /// How long a call is waited for before it counts as slow: a quantile of the samples. `None` while there are too
    /// few, and while all calls have become slow: then a second attempt is as slow as the first, and makes it worse.
    pub(super) fn patience(&self, quantile: f64, min_samples: u32) -> Option<Duration> {
        if self.samples < min_samples.max(1) || self.recent - self.usual > SLOW {
            return None;
        }
        let exponent = f64::from(u32::try_from(self.quantile(quantile)).unwrap_or(0)) / STEPS;
        Some(Duration::from_secs_f64(exponent.exp2() / 1e3))
    }

    /// The bucket in which a quantile of the weights lies.
    fn quantile(&self, quantile: f64) -> usize {
        let mut above = self.total * (1.0 - quantile) as f32;
        for (group, sum) in self.groups.iter().enumerate().rev() {
            if above >= *sum {
                above -= sum;
                continue;
            }
            let first = group * GROUP;
            let weights = self.weights.get(first..).unwrap_or_default().iter().take(GROUP);
            let at = weights.rev().position(|weight| {
                above -= weight;
                above < 0.0
            });
            // Rounding may leave a rest: then it is the lowest of the group.
            let last = (first + GROUP).min(BUCKETS) - 1;
            return at.map_or(first, |at| last - at);
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(millis))
    }

    #[test]
    fn the_quantile_is_at_most_nine_percent_too_high() {
        let mut pace = Pace::default();
        // 1 to 100 ms, mixed: 37 and 101 have no common divisor.
        for i in 1..=1000_u64 {
            pace.record(Duration::from_millis(i * 37 % 101), at(i * 100));
        }
        for (quantile, exact) in [(0.5, 50.0), (0.9, 90.0), (0.95, 95.0)] {
            let ratio = pace.patience(quantile, 20).unwrap().as_secs_f64() * 1e3 / exact;
            assert!((0.97..1.13).contains(&ratio), "{quantile}: {ratio}");
        }
    }

    #[test]
    fn there_is_none_before_enough_was_seen() {
        let mut pace = Pace::default();
        for i in 0..20 {
            assert_eq!(pace.patience(0.95, 20), None, "{i}");
            pace.record(Duration::from_millis(100), at(i));
        }
        let millis = pace.patience(0.95, 20).unwrap().as_secs_f64() * 1e3;
        assert!((100.0..109.1).contains(&millis), "{millis}");
    }

    #[test]
    fn one_slow_call_changes_nothing_and_a_slow_time_does_until_it_is_usual() {
        let mut pace = Pace::default();
        let mut now = 0;
        let mut run = |pace: &mut Pace, millis: u64, seconds: u64| {
            for _ in 0..seconds * 10 {
                now += 100;
                pace.record(Duration::from_millis(millis), at(now));
            }
        };
        run(&mut pace, 100, 60);
        pace.record(Duration::from_secs(10), at(60_000));
        assert!(pace.patience(0.95, 20).is_some(), "one is not all");
        run(&mut pace, 300, 5);
        assert_eq!(pace.patience(0.95, 20), None);
        run(&mut pace, 300, 60);
        assert_eq!(pace.patience(0.95, 20), None, "still much slower than usual");
        run(&mut pace, 300, 600);
        let millis = pace.patience(0.95, 20).unwrap().as_secs_f64() * 1e3;
        assert!((300.0..327.1).contains(&millis), "now it is usual: {millis}");
    }

    #[test]
    fn a_slow_start_is_no_slow_time() {
        let mut pace = Pace::default();
        (0..8).for_each(|i| pace.record(Duration::from_millis(500), at(i)));
        (8..40).for_each(|i| pace.record(Duration::from_millis(20), at(i)));
        assert!(pace.patience(0.95, 20).is_some());
    }

    #[test]
    fn times_out_of_range_count_as_the_nearest() {
        let mut pace = Pace::default();
        (0..50).for_each(|i| pace.record(Duration::ZERO, at(i)));
        assert_eq!(pace.patience(0.95, 1), Some(Duration::from_millis(1)));
        let mut pace = Pace::default();
        (0..50).for_each(|i| pace.record(Duration::MAX, at(i)));
        assert!(pace.patience(0.95, 1).unwrap() > Duration::from_secs(3600));
    }
}
