//! The vocabularies, loaded once.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::Encoding;

/// The tokens of an encoding with their ranks: the lower, the earlier it is merged.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    ranks: FxHashMap<Box<[u8]>, u32>,
    longest: usize,
}

static O200K: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::load(tiktoken_rs::o200k_base()));
static CL100K: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::load(tiktoken_rs::cl100k_base()));

impl Vocabulary {
    /// The vocabulary of an encoding. The first use of each loads it.
    pub(super) fn of(encoding: Encoding) -> &'static Self {
        match encoding {
            Encoding::O200kBase => &O200K,
            Encoding::Cl100kBase => &CL100K,
        }
    }

    /// Takes the tokens out of tiktoken's own encoder, which is dropped then: its matcher fails on a million spaces, by a
    /// panic, and takes a stack step for each.
    fn load<E>(encoder: Result<tiktoken_rs::CoreBPE, E>) -> Self {
        // It is compiled in, so it can't be broken. An empty one would count bytes.
        let Ok(encoder) = encoder else { return Vocabulary::default() };
        let mut vocabulary = Vocabulary::default();
        // Ranks are counted from 0 without a gap; markers stand behind one.
        for rank in 0.. {
            let Ok(token) = encoder.decode_bytes(&[rank]) else { break };
            vocabulary.longest = vocabulary.longest.max(token.len());
            vocabulary.ranks.insert(token.into(), rank);
        }
        vocabulary
    }

    /// The rank of a token; `None` when these bytes are no token.
    pub(super) fn rank(&self, bytes: &[u8]) -> Option<u32> {
        // Hashing a piece of a megabyte only to find that no token is so long would cost more than all else.
        if bytes.len() > self.longest {
            return None;
        }
        self.ranks.get(bytes).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vocabularies_are_whole() {
        let o200k = Vocabulary::of(Encoding::O200kBase);
        assert_eq!((o200k.ranks.len(), o200k.longest), (199_998, 128));
        let cl100k = Vocabulary::of(Encoding::Cl100kBase);
        assert_eq!((cl100k.ranks.len(), cl100k.longest), (100_256, 128));
        // `hello world`, by Python's tiktoken.
        assert_eq!((o200k.rank(b"hello"), o200k.rank(b" world")), (Some(24912), Some(2375)));
        assert_eq!((cl100k.rank(b"hello"), cl100k.rank(b" world")), (Some(15339), Some(1917)));
        for byte in 0..=u8::MAX {
            assert!(o200k.rank(&[byte]).is_some() && cl100k.rank(&[byte]).is_some(), "every byte is a token");
        }
    }
}
