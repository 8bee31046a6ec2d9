//! Rates by GCRA, in exact arithmetic.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Instant;

/// So many units in so much time, with bursts.
///
/// It never lets through more than `burst + units * elapsed / per` in any stretch of time, to the unit: the generic
/// cell rate algorithm (ATM Forum TM 4.1, section 4.4.2; ITU-T I.371, annex A) in whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// How many units come back in `per`.
    pub units: NonZeroU64,
    /// The time in which they come back. Zero: there is no limit but `burst`, at every moment.
    #[serde(with = "crate::duration")]
    pub per: Duration,
    /// How many units can be taken at once after a rest.
    pub burst: u64,
}

impl Rate {
    /// `units` in `per`, all of which can be taken at once.
    pub const fn new(units: NonZeroU64, per: Duration) -> Self {
        Rate { units, per, burst: units.get() }
    }

    /// Sets how many units can be taken at once.
    pub const fn with_burst(mut self, burst: u64) -> Self {
        self.burst = burst;
        self
    }
}

/// What became of a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a refusal is no error"]
pub enum Take {
    /// The units were taken.
    Taken(Level),
    /// Nothing was taken; the same take works after this long, if nobody else takes. Never longer than
    /// `per * units taken / units of the rate`.
    Wait(Duration, Level),
    /// More was asked for than `burst`: no wait helps.
    Never,
}

/// How a rate stands, from the same state that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// How many units can be taken now.
    pub remaining: u64,
    /// When all of `burst` can be taken again.
    pub full_after: Duration,
}

/// The state of one rate: its theoretical arrival time (TAT).
///
/// Counted in ticks of `1 ns / units`, in which every figure of the algorithm is whole. Public for stores outside
/// this crate: they load it, ask it, and save it in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    tat: u128,
    /// The units of the rate by which `tat` is counted; 0 for a bucket that was never asked.
    units: u64,
}

impl Bucket {
    /// Takes units at `now`, which must not go back from one call to the next.
    pub fn take(&mut self, now: Instant, rate: Rate, units: u64) -> Take {
        if units > rate.burst {
            return Take::Never;
        }
        let scale = Scale::new(now, rate);
        let tat = self.tat_at(&scale);
        let after = tat.saturating_add(scale.cost(units));
        let limit = scale.now.saturating_add(scale.cost(rate.burst));
        if after > limit {
            return Take::Wait(scale.duration(after - limit), scale.level(tat));
        }
        *self = Bucket { tat: after, units: rate.units.get() };
        Take::Taken(scale.level(after))
    }

    /// Gives units back at `now`. The bucket never holds more than its burst.
    pub fn give(&mut self, now: Instant, rate: Rate, units: u64) {
        let scale = Scale::new(now, rate);
        let tat = self.tat_at(&scale).saturating_sub(scale.cost(units)).max(scale.now);
        *self = Bucket { tat, units: rate.units.get() };
    }

    /// When the bucket is full: from then on it may be forgotten.
    pub fn full_at(&self) -> Instant {
        let nanos = self.tat.div_ceil(u128::from(self.units).max(1));
        Instant::from_origin(nanos_to_duration(nanos))
    }

    /// The TAT on this scale, neither in the past nor further ahead than a full burst: a rate that was changed
    /// lets nobody wait longer than itself would.
    fn tat_at(&self, scale: &Scale) -> u128 {
        let tat = match self.units {
            0 => scale.now,
            units if units == scale.units => self.tat,
            // Rounded up: a change of rate gives nothing away.
            units => self.tat.div_ceil(u128::from(units)).saturating_mul(u128::from(scale.units)),
        };
        tat.clamp(scale.now, scale.now.saturating_add(scale.cost(scale.rate.burst)))
    }
}

/// A rate at a moment, in ticks.
struct Scale {
    rate: Rate,
    units: u64,
    now: u128,
}

impl Scale {
    fn new(now: Instant, rate: Rate) -> Self {
        let units = rate.units.get();
        Scale { rate, units, now: now.since_origin().as_nanos().saturating_mul(u128::from(units)) }
    }

    /// One unit costs `per / units` nanoseconds, so `per` in ticks.
    fn cost(&self, units: u64) -> u128 {
        self.rate.per.as_nanos().saturating_mul(u128::from(units))
    }

    /// Ticks as time, rounded up: who waits that long is let through.
    fn duration(&self, ticks: u128) -> Duration {
        nanos_to_duration(ticks.div_ceil(u128::from(self.units)))
    }

    fn level(&self, tat: u128) -> Level {
        let ahead = tat.saturating_sub(self.now);
        let free = self.cost(self.rate.burst).saturating_sub(ahead);
        let remaining = match free.checked_div(self.rate.per.as_nanos()) {
            Some(units) => u64::try_from(units).unwrap_or(u64::MAX),
            None => self.rate.burst,
        };
        Level { remaining, full_after: self.duration(ahead) }
    }
}

fn nanos_to_duration(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    match u64::try_from(nanos / SECOND) {
        Ok(seconds) => Duration::new(seconds, u32::try_from(nanos % SECOND).unwrap_or_default()),
        Err(_) => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn rate(units: u64, per: Duration, burst: u64) -> Rate {
        Rate::new(NonZeroU64::new(units).unwrap(), per).with_burst(burst)
    }

    fn at(nanos: u64) -> Instant {
        Instant::from_origin(Duration::from_nanos(nanos))
    }

    fn taken(take: Take) -> bool {
        matches!(take, Take::Taken(_))
    }

    #[test]
    fn q10_no_extra_unit_after_a_rest_and_none_lost_to_rounding() {
        // Three a second is 333,333,333.3 ns a unit: no whole number of nanoseconds.
        let rate = rate(3, Duration::from_secs(1), 3);
        let mut bucket = Bucket::default();
        let day = 86_400_000_000_000;
        let burst = (0..4).map(|_| taken(bucket.take(at(day), rate, 1))).collect::<Vec<_>>();
        assert_eq!(burst, [true, true, true, false]);
        assert!(!taken(bucket.take(at(day + 333_333_333), rate, 1)));
        assert!(taken(bucket.take(at(day + 333_333_334), rate, 1)));
        let mut through = 0;
        for tenth in 1..=10_000 {
            through += u64::from(taken(bucket.take(at(day + 1_000_000_000 + tenth * 100_000_000), rate, 1)));
        }
        assert_eq!(
            through,
            2 + 3_000,
            "what came back in the first second, then three a second, to the unit"
        );
    }

    #[test]
    fn q11_q12_the_level_and_the_wait_are_exact() {
        let rate = rate(10, Duration::from_secs(1), 5);
        let mut bucket = Bucket::default();
        let ms = Duration::from_millis;
        let level = |remaining, full| Level { remaining, full_after: ms(full) };
        assert_eq!(bucket.take(at(0), rate, 3), Take::Taken(level(2, 300)));
        assert_eq!(bucket.take(at(0), rate, 4), Take::Wait(ms(200), level(2, 300)));
        assert_eq!(bucket.take(at(0), rate, 6), Take::Never, "q14: larger than the limit");
        assert_eq!(bucket.take(at(200_000_000), rate, 4), Take::Taken(level(0, 500)));
        bucket.give(at(200_000_000), rate, 100);
        assert_eq!(bucket.take(at(200_000_000), rate, 0), Take::Taken(level(5, 0)), "never above the burst");
    }

    #[test]
    fn a_changed_rate_lets_nobody_wait_longer_than_itself_would() {
        let slow = rate(1, Duration::from_secs(86_400), 10);
        let fast = rate(10, Duration::from_secs(1), 10);
        let mut bucket = Bucket::default();
        assert!(taken(bucket.take(at(0), slow, 10)));
        let empty = Level { remaining: 0, full_after: Duration::from_secs(1) };
        assert_eq!(bucket.take(at(0), fast, 1), Take::Wait(Duration::from_millis(100), empty));
    }

    #[test]
    fn the_largest_figures_do_not_overflow() {
        let rate = rate(u64::MAX, Duration::MAX, u64::MAX);
        let mut bucket = Bucket::default();
        let end = Instant::from_origin(Duration::MAX);
        let _ = bucket.take(end, rate, u64::MAX);
        bucket.give(end, rate, u64::MAX);
        assert!(bucket.full_at() <= end);
        let nothing = Rate { per: Duration::ZERO, ..rate };
        assert!(taken(Bucket::default().take(at(1), nothing, u64::MAX)));
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Units left as a fraction over `per` in nanoseconds: the textbook bucket that refills all the time.
    struct Model {
        rate: Rate,
        left: u128,
        at: u64,
    }

    impl Model {
        fn new(rate: Rate, at: u64) -> Self {
            Model { rate, left: u128::from(rate.burst) * rate.per.as_nanos(), at }
        }

        fn take(&mut self, now: u64, units: u64) -> bool {
            let (per, full) =
                (self.rate.per.as_nanos(), u128::from(self.rate.burst) * self.rate.per.as_nanos());
            let refill = u128::from(now - self.at) * u128::from(self.rate.units.get());
            self.left = (self.left + refill).min(full);
            self.at = now;
            let cost = u128::from(units) * per;
            let takes = cost <= self.left;
            if takes {
                self.left -= cost;
            }
            takes
        }
    }

    proptest! {
        #[test]
        fn q10_a_bucket_does_what_the_model_does(
            units in 1_u64..50, per in 1_u64..5_000, burst in 0_u64..60,
            steps in prop::collection::vec((0_u64..3_000, 0_u64..70), 1..200),
        ) {
            let rate = Rate::new(NonZeroU64::new(units).unwrap(), Duration::from_nanos(per)).with_burst(burst);
            let (mut bucket, mut now, mut through) = (Bucket::default(), 7, 0_u128);
            let mut model = Model::new(rate, now);
            for (pause, asked) in steps {
                now += pause;
                let at = Instant::from_origin(Duration::from_nanos(now));
                let mut again = bucket;
                let take = bucket.take(at, rate, asked);
                prop_assert_eq!(matches!(take, Take::Taken(_)), model.take(now, asked));
                match take {
                    Take::Taken(level) => {
                        through += u128::from(asked);
                        prop_assert_eq!(u128::from(level.remaining), model.left / u128::from(per));
                    }
                    Take::Wait(wait, _) => {
                        // Q12: exact to the nanosecond, and bounded.
                        let wait = u64::try_from(wait.as_nanos()).unwrap();
                        prop_assert!(u128::from(wait) <= (u128::from(asked) * u128::from(per)).div_ceil(u128::from(units)));
                        let later = |d| Instant::from_origin(Duration::from_nanos(now + d));
                        prop_assert!(!matches!(again.take(later(wait - 1), rate, asked), Take::Taken(_)));
                        prop_assert!(matches!(again.take(later(wait), rate, asked), Take::Taken(_)));
                    }
                    Take::Never => prop_assert!(asked > burst),
                }
                let most = u128::from(burst) + u128::from(now - 7) * u128::from(units) / u128::from(per);
                prop_assert!(through <= most);
            }
        }
    }
}
