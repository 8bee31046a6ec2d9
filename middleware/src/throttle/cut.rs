//! Where a text may be cut: behind a word, behind a line, or between any two characters as people see them.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// A word longer than this, in bytes, is handed out in pieces: base64 and the like have no end of a word.
const LONGEST: usize = 256;

/// What a segment is to the cutting of words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Space,
    Word,
    Sign,
}

impl Segment {
    fn of(text: &str) -> Self {
        if text.chars().all(char::is_whitespace) {
            Segment::Space
        } else if text.chars().any(char::is_alphanumeric) {
            Segment::Word
        } else {
            Segment::Sign
        }
    }
}

/// Where the scripts that set no spaces between words begin: all behind it are East Asian (Unicode block
/// "CJK Radicals Supplement") or signs.
const EAST_ASIAN: char = '\u{2e80}';

/// How many bytes the first word takes, with the signs and spaces behind it. `None`: its end has not come yet.
///
/// A word ends before what follows a space, and between two words that stand together, as they do in Chinese
/// (boundaries: Unicode Standard Annex 29, section 4). It never ends inside a grapheme cluster (section 3).
pub(super) fn word(text: &str) -> Option<usize> {
    plain_word(text).or_else(|| any_word(text))
}

/// The same where it is easy: in ASCII a word ends behind its spaces, before anything else. `None`: look closer.
fn plain_word(text: &str) -> Option<usize> {
    let mut is_spaced = false;
    for (at, byte) in text.bytes().take(LONGEST).enumerate() {
        match byte {
            b'\t'..=b'\r' | b' ' => is_spaced = true,
            // A mark may stand on the space before it.
            0x80.. => return None,
            _ if is_spaced => return Some(at),
            _ => {}
        }
    }
    None
}

fn any_word(text: &str) -> Option<usize> {
    let seen = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text);
    let (mut before, mut words) = (Segment::Sign, 0);
    for (at, segment) in seen.split_word_bound_indices() {
        let here = Segment::of(segment);
        let ends = match before {
            Segment::Space => here != Segment::Space,
            Segment::Word => here == Segment::Word,
            Segment::Sign => here == Segment::Word && words > 0 && segment.starts_with(|c| c >= EAST_ASIAN),
        };
        if at > 0 && ends && is_boundary(text, at) {
            return Some(at);
        }
        words += usize::from(here == Segment::Word);
        before = here;
    }
    if seen.len() < text.len() {
        return Some(whole(text, seen));
    }
    // A line feed may follow a carriage return, and is one character with it.
    (before == Segment::Space && !text.ends_with('\r')).then_some(text.len())
}

/// How many bytes the first line takes. `None`: its end has not come yet.
pub(super) fn line(text: &str) -> Option<usize> {
    text.find('\n').map(|at| at + 1)
}

/// How many pieces a text is cut into, the unfinished one included.
pub(super) fn count(text: &str, cut: fn(&str) -> Option<usize>) -> u64 {
    let (mut rest, mut pieces) = (text, 0);
    while !rest.is_empty() {
        let taken = cut(rest).unwrap_or(rest.len());
        rest = rest.get(taken..).unwrap_or_default();
        pieces += 1;
    }
    pieces
}

/// How many bytes the first characters take that `enough` asks for, at least one. It is told each character.
pub(super) fn characters(text: &str, mut enough: impl FnMut(&str) -> bool) -> usize {
    let mut taken = 0;
    for character in text.graphemes(true) {
        taken += character.len();
        if enough(character) {
            break;
        }
    }
    taken
}

fn is_boundary(text: &str, at: usize) -> bool {
    // Without the whole text at hand it could be unsure; it is at hand.
    GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0).unwrap_or(true)
}

/// The bytes of `seen`, the beginning of `text`, without a character that goes on behind it.
fn whole(text: &str, seen: &str) -> usize {
    if is_boundary(text, seen.len()) {
        return seen.len();
    }
    match seen.grapheme_indices(true).next_back() {
        Some((last, _)) if last > 0 => last,
        _ => text.graphemes(true).next().map_or(text.len(), str::len),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, cut: fn(&str) -> Option<usize>) -> Vec<&str> {
        let (mut rest, mut pieces) = (text, Vec::new());
        while let Some((piece, tail)) =
            cut(rest).and_then(|at| rest.split_at_checked(at)).filter(|_| !rest.is_empty())
        {
            pieces.push(piece);
            rest = tail;
        }
        pieces.push(rest);
        pieces
    }

    #[test]
    fn words_end_behind_their_signs_and_spaces() {
        assert_eq!(all("Hello, world! It's 3.14", word), ["Hello, ", "world! ", "It's ", "3.14"]);
        assert_eq!(all("Hello  ", word), ["Hello  ", ""]);
        assert_eq!(all(" world", word), [" ", "world"]);
        assert_eq!(all("a\r", word), ["a\r"], "a line feed may follow");
        assert_eq!(all("a\r\nb", word), ["a\r\n", "b"]);
    }

    #[test]
    fn plain_words_end_where_all_others_do() {
        let signs = ["a", "B", "1", " ", "\t", "\r", "\n", ".", ",", "'", "_", "-", ":", "\u{301}", "你"];
        for number in 0..signs.len().pow(4) {
            let text: String =
                (0..4).map(|place| signs[number / signs.len().pow(place) % signs.len()]).collect();
            if let Some(at) = plain_word(&text) {
                assert_eq!(any_word(&text), Some(at), "{text:?}");
            }
        }
        for spaces in 250..260 {
            let text = format!("a{}b", " ".repeat(spaces));
            assert_eq!(word(&text), any_word(&text), "{spaces}");
        }
    }

    #[test]
    fn words_without_spaces_end_between_each_other() {
        assert_eq!(all("你好，世界", word), ["你", "好，", "世", "界"]);
        assert_eq!(all("👩‍👩‍👧 x", word), ["👩‍👩‍👧 ", "x"]);
        assert_eq!(
            all("e\u{301}e\u{301} \u{301}x", word),
            ["e\u{301}e\u{301} \u{301}x"],
            "a mark on a space"
        );
    }

    #[test]
    fn a_word_without_an_end_is_cut_between_characters() {
        let long = "x".repeat(600);
        assert_eq!(all(&long, word).iter().map(|piece| piece.len()).collect::<Vec<_>>(), [256, 256, 88]);
        let family = "👩‍👩‍👧".repeat(40);
        assert!(all(&family, word).iter().all(|piece| piece.len() % 18 == 0), "{:?}", all(&family, word));
        let marks = format!("e{}", "\u{301}".repeat(400));
        assert_eq!(all(&marks, word), [marks.as_str(), ""], "one character, as long as it is");
    }

    #[test]
    fn lines_end_behind_their_feed_and_are_counted() {
        assert_eq!(all("a\r\n\nb", line), ["a\r\n", "\n", "b"]);
        assert_eq!((count("a\nb\nc", line), count("a b ", word), count("", word)), (3, 2, 0));
        let mut seen = 0;
        let two = characters("e\u{301}你x", |_| {
            seen += 1;
            seen == 2
        });
        assert_eq!(two, "e\u{301}你".len());
    }
}
