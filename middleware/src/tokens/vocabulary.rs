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

static O200K: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::load(include_bytes!("../../data/o200k_base.deflate")));
static CL100K: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::load(include_bytes!("../../data/cl100k_base.deflate")));

/// How many tokens are a single byte.
const BYTES: usize = 256;

impl Vocabulary {
    /// The vocabulary of an encoding. The first use of each loads it.
    pub(super) fn of(encoding: Encoding) -> &'static Self {
        match encoding {
            Encoding::O200kBase => &O200K,
            Encoding::Cl100kBase => &CL100K,
        }
    }

    /// Unpacks what `belvedere-codegen vocabularies` packed: the bytes by rank, and for each further token the ranks of the
    /// two it is merged from, in three columns each.
    fn load(packed: &[u8]) -> Self {
        // It is compiled in, so it can't be broken. An empty one would count bytes.
        let unpacked = miniz_oxide::inflate::decompress_to_vec(packed).unwrap_or_default();
        let Some((bytes, columns)) = unpacked.split_at_checked(BYTES) else { return Vocabulary::default() };
        let count = columns.len() / 6;
        let mut tokens: Vec<Box<[u8]>> = Vec::with_capacity(BYTES + count);
        tokens.extend(bytes.iter().map(|byte| Box::from([*byte])));
        let columns: Vec<&[u8]> = columns.chunks(count.max(1)).collect();
        for at in 0..count {
            let half = |first: usize| {
                let digits = columns.get(first..first + 3)?.iter().rev();
                let rank = digits
                    .map_while(|column| column.get(at))
                    .fold(0, |rank, digit| rank << 8 | usize::from(*digit));
                tokens.get(rank)
            };
            let (Some(first), Some(second)) = (half(0), half(3)) else { break };
            tokens.push([&first[..], &second[..]].concat().into());
        }
        let longest = tokens.iter().map(|token| token.len()).max().unwrap_or(0);
        Vocabulary { ranks: tokens.into_iter().zip(0..).collect(), longest }
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
