//! Byte-pair encoding of one piece.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Longer pieces are cut, so that the memory for one is bounded: to 32 MB, and the time to linear. No words are so long.
const LONGEST: usize = 1 << 20;

/// How many tokens a piece has: the pair with the lowest rank is merged, the leftmost of several, until no pair is a token
/// (Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units"). Pairs wait in a heap, so that a piece
/// of n bytes takes O(n log n) and at most 3 n looks at the vocabulary.
pub(super) fn tokens(piece: &[u8], rank: impl Fn(&[u8]) -> Option<u32>) -> u64 {
    piece.chunks(LONGEST).map(|piece| Merging::new(piece, &rank).run()).sum()
}

/// What a part of the piece is: the bytes from its own place to its end.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Where the part before it begins.
    before: usize,
    /// Where it ends; 0 once it belongs to the part before it.
    end: usize,
    /// The rank of the token that it makes with the next part.
    rank: Option<u32>,
}

struct Merging<'a, R> {
    piece: &'a [u8],
    rank: R,
    /// By the place where they begin.
    parts: Vec<Part>,
    /// Rank and place; the lowest first. An entry whose part has another rank by now is void.
    waiting: BinaryHeap<Reverse<(u32, usize)>>,
    count: u64,
}

impl<'a, R: Fn(&[u8]) -> Option<u32>> Merging<'a, R> {
    /// Each byte is a part.
    fn new(piece: &'a [u8], rank: R) -> Self {
        let part = |at: usize| Part { before: at.saturating_sub(1), end: at + 1, rank: None };
        let mut merging = Merging {
            piece,
            rank,
            parts: (0..piece.len()).map(part).collect(),
            waiting: BinaryHeap::with_capacity(piece.len()),
            count: piece.len() as u64,
        };
        for at in 0..piece.len() {
            merging.look(at);
        }
        merging
    }

    fn run(mut self) -> u64 {
        while let Some(Reverse((rank, at))) = self.waiting.pop() {
            if self.part(at).is_some_and(|part| part.rank == Some(rank)) {
                self.merge(at);
            }
        }
        self.count
    }

    fn part(&self, at: usize) -> Option<Part> {
        self.parts.get(at).copied()
    }

    /// Where the part that begins at `at` ends.
    fn end(&self, at: usize) -> Option<usize> {
        self.part(at).map(|part| part.end)
    }

    /// Sees what the part makes with the next one.
    fn look(&mut self, at: usize) {
        let pair = self.end(at).and_then(|next| self.piece.get(at..self.end(next)?));
        let rank = pair.and_then(&self.rank);
        if let Some(part) = self.parts.get_mut(at) {
            part.rank = rank;
        }
        self.waiting.extend(rank.map(|rank| Reverse((rank, at))));
    }

    /// Merges the part with the next one.
    fn merge(&mut self, at: usize) {
        let Some(next) = self.end(at) else { return };
        let Some(end) = self.end(next) else { return };
        if let Some(part) = self.parts.get_mut(next) {
            part.rank = None;
        }
        if let Some(part) = self.parts.get_mut(at) {
            part.end = end;
        }
        if let Some(part) = self.parts.get_mut(end) {
            part.before = at;
        }
        self.count -= 1;
        self.look(at);
        if let Some(before) = self.part(at).map(|part| part.before).filter(|_| at > 0) {
            self.look(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// `aa` before `ab` before `aaa`.
    fn small(bytes: &[u8]) -> Option<u32> {
        [b"aa".as_slice(), b"ab", b"aaa", b"aaaa"]
            .iter()
            .position(|token| *token == bytes)
            .map(|at| at as u32)
    }

    #[test]
    fn the_lowest_rank_goes_first_and_the_leftmost_of_equals() {
        for (piece, count) in [
            ("", 0),
            ("a", 1),
            ("ab", 1),
            ("aab", 2),
            ("aaab", 2),
            ("aaa", 1),
            ("aaaa", 1),
            ("aaaaa", 2),
            ("xyz", 3),
        ] {
            assert_eq!(tokens(piece.as_bytes(), small), count, "{piece}");
        }
    }

    #[test]
    fn x4_a_long_piece_takes_linear_looks() {
        for length in [1_000, 100_000, LONGEST + 1_000] {
            let looks = Cell::new(0_usize);
            let count = tokens(&vec![b'a'; length], |bytes| {
                looks.set(looks.get() + 1);
                small(bytes)
            });
            assert_eq!(count, (length / 4) as u64);
            assert!(looks.get() <= 3 * length, "{length}: {}", looks.get());
        }
    }
}
