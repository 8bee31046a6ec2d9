//! Choices from a seed.

use std::time::Duration;

use belvedere::entropy::Entropy;
use belvedere::testing::SeededEntropy;

/// Makes choices, the same ones for the same seed and purpose.
#[derive(Debug)]
pub(super) struct Dice(SeededEntropy);

impl Dice {
    /// The dice of a seed for one purpose: what is drawn for another does not move these.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        // Mixed by drawing once: seeds in a row must not give sequences that are shifts of each other.
        let mixed = SeededEntropy::new(seed.rotate_left(32) ^ purpose.wrapping_mul(0x2545_f491_4f6c_dd1d));
        Dice(SeededEntropy::new(mixed.next_u64()))
    }

    /// Any number.
    pub(super) fn number(&self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn within(&self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// An index of a list of this length.
    pub(super) fn index(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// True once in so many times.
    pub(super) fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of a list that is not empty.
    pub(super) fn pick<T: Copy, const N: usize>(&self, list: [T; N]) -> T {
        const { assert!(N > 0, "nothing to choose from") };
        #[expect(clippy::indexing_slicing, reason = "an index of the list, which is not empty")]
        list[self.index(N)]
    }

    /// A time from `first` to `last` milliseconds.
    pub(super) fn millis(&self, first: u64, last: u64) -> Duration {
        Duration::from_millis(self.within(first, last))
    }
}
