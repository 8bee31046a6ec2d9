//! Exact counts.

use belvedere_core::tokens::TokenCounter;

use super::Encoding;
use super::merge;
use super::split::pieces;
use super::vocabulary::Vocabulary;

/// Counts as OpenAI's tiktoken does: the same number on every text, but without its limits. Markers such as
/// `<|endoftext|>` are plain text, hostile texts take linear time, and none of them panics.
///
/// The first count of an encoding loads its vocabulary, which takes about half a second and stays in memory: see
/// [`load`](Tiktoken::load).
///
/// ```
/// use belvedere_core::tokens::TokenCounter;
/// use belvedere_middleware::tokens::{Encoding, Tiktoken};
///
/// let counter = Tiktoken::new(Encoding::O200kBase);
/// assert_eq!(counter.text("antidisestablishmentarianism"), 6);
/// assert_eq!(counter.text("<|endoftext|>"), 7, "no marker");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiktoken {
    encoding: Encoding,
}

impl Tiktoken {
    /// A counter by an encoding.
    pub const fn new(encoding: Encoding) -> Self {
        Tiktoken { encoding }
    }

    /// Loads the vocabulary now, so that no call has to wait for it. Call it at the start, off the threads that serve.
    pub fn load(self) -> Self {
        Vocabulary::of(self.encoding);
        self
    }
}

impl TokenCounter for Tiktoken {
    fn text(&self, text: &str) -> u64 {
        let vocabulary = Vocabulary::of(self.encoding);
        let count = |piece: &str| match vocabulary.rank(piece.as_bytes()) {
            Some(_) => 1,
            None => merge::tokens(piece.as_bytes(), |bytes| vocabulary.rank(bytes)),
        };
        pieces(self.encoding, text).map(count).sum()
    }
}

#[cfg(test)]
#[path = "tiktoken_tests.rs"]
mod tests;
