//! Randomness from the system.

use std::hash::{BuildHasher, RandomState};

use belvedere_core::entropy::Entropy;

/// The system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the randomness that is lent")]
        let filled = getrandom::fill(bytes);
        if filled.is_err() {
            // A sandbox may forbid the system call. Ids and jitter need no secrecy: the standard library's seeds do.
            for (n, chunk) in bytes.chunks_mut(8).enumerate() {
                let random = RandomState::new().hash_one(n).to_le_bytes();
                for (byte, random) in chunk.iter_mut().zip(random) {
                    *byte = random;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        OsEntropy.fill(&mut a);
        OsEntropy.fill(&mut b);
        assert_ne!(a, b);
    }
}
