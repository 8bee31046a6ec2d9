//! Comparing two arms of an experiment at any time, as often as one likes.
//!
//! A test of fixed size (a z-test, Welch's t-test) is wrong when its result is looked at while data comes in: looked at
//! often enough, it finds a difference where none is. These p-values hold at every look. They come from an asymptotic
//! confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: "Time-uniform central limit theory and asymptotic
//! confidence sequences", Annals of Statistics 2024, <https://arxiv.org/abs/2103.06476>, theorem 2.2), solved for the
//! level at which it no longer covers 0. For a difference that is `z` standard errors wide after `n` observations:
//!
//! `p = sqrt(1 + n r) * exp(-z²/2 * n r / (1 + n r))`, at most 1.

use serde::Serialize;

/// The level at which the sequence is narrowest, and the number of observations it is narrowest at.
const LEVEL: f64 = 0.05;
const NARROWEST_AT: f64 = 1_000.0;

/// Below this many observations an arm says nothing: its mean is not normal, and its variance is not known.
const LEAST: u64 = 30;

/// How many there were, their mean, and how far they spread.
///
/// By Welford's method, which loses no digits: <https://doi.org/10.1080/00401706.1962.10490022>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sample {
    /// How many there were.
    pub count: u64,
    /// Their mean; 0 while there are none.
    pub mean: f64,
    /// The sum of the squares of their distances from the mean.
    #[serde(skip)]
    squares: f64,
}

impl Sample {
    /// Adds one.
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// The variance; `None` for fewer than two.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / (self.count - 1) as f64)
    }
}

/// Whether two means differ: the p-value, valid at every look. `None` while too little is known.
pub(super) fn means(a: &Sample, b: &Sample) -> Option<f64> {
    let spread = a.variance()? / a.count as f64 + b.variance()? / b.count as f64;
    p_value(a.mean - b.mean, spread, (a.count, b.count))
}

/// Whether two shares differ: so many of so many. `None` while too little is known.
pub(super) fn shares(a: (u64, u64), b: (u64, u64)) -> Option<f64> {
    let (n, m) = (a.1 as f64, b.1 as f64);
    // As if there were no difference: that is what is put to the test.
    let pooled = (a.0 + b.0) as f64 / (n + m);
    let spread = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    p_value(a.0 as f64 / n - b.0 as f64 / m, spread, (a.1, b.1))
}

fn p_value(difference: f64, spread: f64, (n, m): (u64, u64)) -> Option<f64> {
    if n < LEAST || m < LEAST {
        return None;
    }
    if spread == 0.0 {
        // All are the same. Two arms of one value each that differ have no spread to measure the difference by.
        return (difference == 0.0).then_some(1.0);
    }
    // The choice of `r` that makes the sequence narrowest at the wanted size: the paper's appendix B.2.
    let r = (-2.0 * LEVEL.ln() + (1.0 - 2.0 * LEVEL.ln()).ln()) / NARROWEST_AT;
    let nr = (n + m) as f64 * r;
    let z2 = difference * difference / spread;
    Some(((1.0 + nr).sqrt() * (-z2 / 2.0 * nr / (1.0 + nr)).exp()).min(1.0))
}

#[cfg(test)]
mod tests {
    use belvedere_core::entropy::Entropy;
    use belvedere_core::testing::SeededEntropy;

    use super::*;

    #[test]
    fn a_sample_knows_mean_and_variance() {
        let mut sample = Sample::default();
        assert_eq!(sample.variance(), None);
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            sample.add(value);
        }
        assert_eq!((sample.count, sample.mean), (8, 5.0));
        assert!((sample.variance().unwrap() - 32.0 / 7.0).abs() < 1e-12);
    }

    /// The half-width of the sequence as theorem 2.2 has it, for a mean of variance `v` after `n` observations.
    fn half_width(v: f64, n: f64, r: f64, level: f64) -> f64 {
        (v * 2.0 * (n * r + 1.0) / (n * n * r) * ((n * r + 1.0).sqrt() / level).ln()).sqrt()
    }

    #[test]
    fn the_p_value_is_the_level_whose_sequence_ends_at_zero() {
        let r = (5.991_464_547_107_982 + 6.991_464_547_107_982_f64.ln()) / 1_000.0;
        for (a, b) in [((450, 500), (400, 500)), ((900, 1_000), (860, 1_000)), ((300, 400), (330, 400))] {
            let p = shares(a, b).unwrap();
            let (n, m) = (a.1 as f64, b.1 as f64);
            let pooled = (a.0 + b.0) as f64 / (n + m);
            // The variance of the difference, as that of a mean of n + m observations.
            let v = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m) * (n + m);
            let difference = (a.0 as f64 / n - b.0 as f64 / m).abs();
            assert!(p < 1.0 && (half_width(v, n + m, r, p) - difference).abs() < 1e-9, "{a:?} {b:?} {p}");
        }
        // 90% against 80% of 500 each: z² = 19.608 (the two-proportion z-test, p = 1e-5), n r = 7.936.
        assert!((shares((450, 500), (400, 500)).unwrap() - 0.000494600).abs() < 1e-9);
    }

    #[test]
    fn too_little_says_nothing_and_equal_arms_say_one() {
        assert_eq!(shares((29, 29), (0, 29)), None);
        assert_eq!(shares((0, 0), (0, 0)), None);
        assert_eq!(shares((100, 100), (100, 100)), Some(1.0));
        assert_eq!(means(&Sample::default(), &Sample::default()), None);
        let mut same = Sample::default();
        (0..50).for_each(|_| same.add(2.0));
        assert_eq!(means(&same, &same), Some(1.0));
    }

    fn uniform(entropy: &SeededEntropy) -> f64 {
        (entropy.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many of `runs` experiments ever find a difference, looked at after each of `size` calls.
    fn found(runs: u64, size: u64, rates: [f64; 2]) -> usize {
        let finds = |seed: &u64| {
            let entropy = SeededEntropy::new(*seed);
            let mut arms = [(0, 0); 2];
            (0..size).any(|_| {
                let arm = (entropy.next_u64() & 1) as usize;
                arms[arm].1 += 1;
                arms[arm].0 += u64::from(uniform(&entropy) < rates[arm]);
                shares(arms[0], arms[1]).is_some_and(|p| p < LEVEL)
            })
        };
        (0..runs).filter(finds).count()
    }

    #[test]
    fn looked_at_after_every_call_a_difference_that_is_not_there_is_seldom_found() {
        for rate in [0.5, 0.9, 0.98] {
            let wrong = found(400, 2_000, [rate; 2]);
            assert!(wrong <= 20, "{wrong} of 400 at {rate}: more than 5%");
        }
    }

    #[test]
    fn a_difference_that_is_there_is_found() {
        let right = found(100, 2_000, [0.80, 0.90]);
        assert!(right >= 95, "{right} of 100");
    }
}
