//! Randomness from the system, a block at a time.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use belvedere_core::entropy::Entropy;

/// How many bytes the system is asked for at once: enough for the ids of some dozens of calls.
const BLOCK: usize = 1024;

/// The system's randomness.
///
/// The system is asked for blocks, as a system call for each id is what a short call would notice. Each byte is
/// handed out once and wiped. A process that forks (fork(2)) does not share what is left with its child: the child
/// asks anew.
#[derive(Default)]
pub struct OsEntropy(Mutex<Block>);

impl OsEntropy {
    /// A source that has asked for nothing yet.
    pub fn new() -> Self {
        OsEntropy::default()
    }
}

impl fmt::Debug for OsEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OsEntropy")
    }
}

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // A block is never left half changed, so a panic elsewhere cannot have spoiled it.
        let mut block = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        block.fill(bytes, std::process::id());
    }
}

/// Bytes that were asked for. Those that were handed out are zero.
struct Block {
    /// The process that asked for them.
    process: u32,
    bytes: [u8; BLOCK],
    /// How many were not handed out yet.
    left: usize,
}

impl Default for Block {
    fn default() -> Self {
        Block { process: 0, bytes: [0; BLOCK], left: 0 }
    }
}

impl Block {
    fn fill(&mut self, bytes: &mut [u8], process: u32) {
        if self.process != process {
            *self = Block { process, ..Block::default() };
        }
        for byte in bytes {
            if self.left == 0 {
                ask(&mut self.bytes);
                self.left = BLOCK;
            }
            self.left -= 1;
            if let Some(random) = self.bytes.get_mut(self.left) {
                *byte = std::mem::take(random);
            }
        }
    }
}

/// Asks the system.
fn ask(bytes: &mut [u8]) {
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_handed_out_twice() {
        let entropy = OsEntropy::new();
        let mut seen = HashSet::new();
        // Not a divisor of a block: some fills take the end of one and the beginning of the next.
        for _ in 0..10 * BLOCK / 24 {
            let mut bytes = [0; 24];
            entropy.fill(&mut bytes);
            assert!(seen.insert(bytes));
        }
        let mut long = vec![0; 3 * BLOCK];
        entropy.fill(&mut long);
        let zeros = long.split(|byte| *byte != 0).map(<[u8]>::len).max();
        assert!(zeros < Some(8), "all of it is filled");
    }

    #[test]
    fn bytes_are_wiped_once_they_are_handed_out() {
        let mut block = Block { process: 1, bytes: [7; BLOCK], left: BLOCK };
        let mut bytes = [0; 24];
        block.fill(&mut bytes, 1);
        assert_eq!(bytes, [7; 24]);
        let (left, handed_out) = block.bytes.split_at(BLOCK - 24);
        assert_eq!((left, handed_out), (&[7; BLOCK - 24][..], &[0; 24][..]));
        assert_eq!(block.left, BLOCK - 24);
    }

    #[test]
    fn a_forked_child_asks_anew() {
        let mut child = Block { process: 1, bytes: [7; BLOCK], left: BLOCK };
        let mut bytes = [0; 32];
        child.fill(&mut bytes, 2);
        assert_ne!(bytes, [7; 32]);
        assert_eq!((child.process, child.left), (2, BLOCK - 32));
        assert!(!child.bytes.ends_with(&[7; 64]), "nothing of its parent is left");
    }

    #[test]
    fn one_source_serves_many_threads() {
        let entropy = OsEntropy::new();
        let many = |_| (0..200).map(|_| entropy.next_u64()).collect::<Vec<_>>();
        let all: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || many(n))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
