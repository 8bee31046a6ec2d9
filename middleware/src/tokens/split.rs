//! Cutting text into the pieces that tokens can't cross.

use std::sync::LazyLock;

use regex::Regex;

use super::Encoding;

/// The patterns of OpenAI's tiktoken (`tiktoken_ext/openai_public.py`), but for `\s+(?!\S)`: white space leaves its last
/// character to the word behind it. [`Pieces`] does that, and so the matcher runs in linear time on any text.
const O200K: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+",
);
const CL100K: &str = concat!(
    r"(?i:'s|'d|'m|'t|'ll|'ve|'re)|[^\r\n\p{L}\p{N}]?\p{L}+|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]+|\s+",
);

// Tests hold that the patterns are well formed.
static O200K_PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(O200K).ok());
static CL100K_PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(CL100K).ok());

/// The pieces of a text, in order.
pub(super) fn pieces(encoding: Encoding, text: &str) -> Pieces<'_> {
    let pattern = match encoding {
        Encoding::O200kBase => &O200K_PATTERN,
        Encoding::Cl100kBase => &CL100K_PATTERN,
    };
    Pieces { pattern: pattern.as_ref(), text, at: 0 }
}

#[derive(Debug)]
pub(super) struct Pieces<'a> {
    pattern: Option<&'static Regex>,
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        // Every character is in some alternative, so a match begins where the last one ended.
        let piece = self
            .pattern
            .and_then(|pattern| pattern.find_at(self.text, self.at))
            .map_or(rest, |piece| piece.as_str());
        let piece = if piece.len() < rest.len() { without_last_space(piece) } else { piece };
        self.at += piece.len();
        Some(piece)
    }
}

/// White space without its last character, which belongs to the word behind it. A single one and a line's end stay.
fn without_last_space(piece: &str) -> &str {
    // Only white space ends with white space, line ends apart.
    match piece.char_indices().next_back() {
        Some((at, last)) if at > 0 && last.is_whitespace() && !matches!(last, '\r' | '\n') => {
            piece.get(..at).unwrap_or(piece)
        }
        _ => piece,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(encoding: Encoding, text: &str) -> Vec<&str> {
        pieces(encoding, text).collect()
    }

    #[test]
    fn words_take_the_space_before_them() {
        for encoding in [Encoding::O200kBase, Encoding::Cl100kBase] {
            assert_eq!(
                cut(encoding, "it's  12345 (ok)\n\n  x \t"),
                match encoding {
                    Encoding::O200kBase =>
                        vec!["it's", " ", " ", "123", "45", " (", "ok", ")\n\n", " ", " x", " \t"],
                    Encoding::Cl100kBase =>
                        vec!["it", "'s", " ", " ", "123", "45", " (", "ok", ")\n\n", " ", " x", " \t"],
                }
            );
            assert_eq!(cut(encoding, "a\n \n b"), ["a", "\n \n", " b"]);
            assert_eq!(cut(encoding, ""), [""; 0]);
        }
        assert_eq!(cut(Encoding::O200kBase, "a\n  "), ["a", "\n", "  "]);
        assert_eq!(cut(Encoding::Cl100kBase, "a\n  "), ["a", "\n  "]);
    }

    #[test]
    fn every_character_is_in_one_piece() {
        let text: String = (0..=0x2_ffff).step_by(41).filter_map(char::from_u32).collect();
        for encoding in [Encoding::O200kBase, Encoding::Cl100kBase] {
            assert!(pieces(encoding, &text).all(|piece| !piece.is_empty()));
            assert_eq!(pieces(encoding, &text).collect::<String>(), text);
            assert!(pieces(encoding, &text).count() > 200, "letters of one script stay together");
        }
    }

    #[test]
    fn x5_no_length_of_text_panics() {
        // On a million spaces tiktoken's own matcher runs out of its stack, and panics.
        let text = " ".repeat(2_000_000) + "x";
        for encoding in [Encoding::O200kBase, Encoding::Cl100kBase] {
            let lengths: Vec<usize> = pieces(encoding, &text).map(str::len).collect();
            assert_eq!(lengths, [1_999_999, 2]);
        }
    }
}
