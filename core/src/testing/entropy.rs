//! Randomness from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::entropy::Entropy;

/// Randomness that is the same for the same seed: SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom
/// Number Generators", OOPSLA 2014; constants as in <https://prng.di.unimi.it/splitmix64.c>). Not for secrets.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

/// The odd integer closest to 2^64 divided by the golden ratio.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SeededEntropy {
    /// Randomness of this seed.
    pub const fn new(seed: u64) -> Self {
        SeededEntropy(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
            for (byte, random) in chunk.iter_mut().zip(mix(state).to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_published_sequence_of_a_seed() {
        let entropy = SeededEntropy::new(1_234_567);
        let first: Vec<u64> = (0..5).map(|_| entropy.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn every_byte_of_an_odd_length_is_filled() {
        let mut bytes = [0; 11];
        SeededEntropy::new(1_234_567).fill(&mut bytes);
        let expected =
            [6_457_827_717_110_365_317_u64.to_le_bytes(), 3_203_168_211_198_807_973_u64.to_le_bytes()];
        assert_eq!(bytes.as_slice(), expected.concat().get(..11).unwrap());
    }
}
