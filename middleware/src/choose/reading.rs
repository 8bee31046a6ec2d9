//! What a text is made of, counted in one pass.

/// At most this many characters of a turn are read. Every count is past its half by then.
const MOST: usize = 32_000;

/// What a text is made of.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Its length, also of what was not read.
    pub(super) characters: usize,
    /// Numbers; `3.5` is one.
    pub(super) numbers: usize,
    /// Signs of formulas.
    pub(super) formulas: usize,
    /// Signs of code.
    pub(super) code: usize,
    /// Sentences, questions and lines that say something.
    pub(super) steps: usize,
    /// Words that were there before.
    pub(super) repeated: usize,
    fenced: bool,
    read: usize,
    seen: Seen,
}

/// A set of words that forgets which: one bit for each, by its hash. Two of a bit count as one, which matters only
/// once there are so many that another repeated one says nothing more.
#[derive(Debug, Default)]
struct Seen([u64; 32]);

impl Seen {
    /// Adds a word; true when it was there before.
    fn insert(&mut self, hash: u64) -> bool {
        // FNV leaves the upper bits of short words alike: a multiplication by 2^64 divided by the golden ratio mixes them.
        let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (word, bit) = ((mixed >> 59) as usize, 1 << ((mixed >> 53) & 63));
        self.0.get_mut(word).is_some_and(|bits| {
            let known = *bits & bit != 0;
            *bits |= bit;
            known
        })
    }
}

/// FNV-1a, a character a step: <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>.
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

fn hashed(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c.to_ascii_lowercase()))).wrapping_mul(FNV_PRIME)
}

/// What the pass stands in.
#[derive(Clone, Copy, PartialEq)]
enum In {
    Nothing,
    Word(u64),
    Number,
}

impl Reading {
    /// Counts a further text of the turn.
    pub(super) fn read(&mut self, text: &str) {
        self.fenced |= text.contains("```");
        let mut within = In::Nothing;
        let mut said_something = false;
        let mut rest = text;
        while self.read < MOST && !rest.is_empty() {
            // Most of most texts: letters that need no table of Unicode.
            let run = rest.bytes().take(MOST - self.read).take_while(u8::is_ascii_alphabetic).count();
            if run > 0 {
                let (letters, after) = rest.split_at_checked(run).unwrap_or_default();
                let start = if let In::Word(hash) = within { hash } else { FNV_START };
                within = In::Word(letters.bytes().fold(start, |hash, letter| hashed(hash, letter.into())));
                self.read += run;
                self.characters += run;
                said_something = true;
                rest = after;
                continue;
            }
            let mut chars = rest.chars();
            let Some(c) = chars.next() else { break };
            rest = chars.as_str();
            let next = chars.next();
            self.read += 1;
            self.characters += 1;
            within = self.step(c, next, within);
            said_something |= c.is_alphanumeric();
            if ends_step(c, next) && std::mem::take(&mut said_something) {
                self.steps += 1;
            }
        }
        self.characters += rest.len();
        self.close(within);
        self.steps += usize::from(said_something);
    }

    /// Takes one character: what the pass stands in after it.
    fn step(&mut self, c: char, next: Option<char>, within: In) -> In {
        let digit_follows = next.is_some_and(|next| next.is_ascii_digit());
        match within {
            In::Number if c.is_numeric() || (matches!(c, '.' | ',') && digit_follows) => return In::Number,
            In::Word(hash) if is_letter(c) && !is_ideograph(c) => return In::Word(hashed(hash, c)),
            _ => self.close(within),
        }
        if c.is_numeric() {
            self.numbers += 1;
            return In::Number;
        }
        if is_letter(c) {
            let hash = hashed(FNV_START, c);
            if is_ideograph(c) {
                // Where words have no spaces between them, each sign stands for one.
                self.close(In::Word(hash));
                return In::Nothing;
            }
            return In::Word(hash);
        }
        self.formulas += usize::from(is_formula(c));
        self.code += usize::from(is_code(c) || (c == '(' && matches!(within, In::Word(_))));
        In::Nothing
    }

    fn close(&mut self, within: In) {
        if let In::Word(hash) = within
            && self.seen.insert(hash)
        {
            self.repeated += 1;
        }
    }

    /// What its looks say it is. Both need a share of the text, too: a brace in a letter makes no program.
    pub(super) fn task(&self) -> Option<&'static str> {
        let shows = |signs: usize, least: usize, share: usize| signs >= least && signs * share >= self.read;
        match () {
            () if self.fenced || shows(self.code, 8, 33) => Some("code"),
            () if shows(self.formulas, 3, 50) => Some("math"),
            () => None,
        }
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether it is of a script that is written without spaces between words: the planes of CJK.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_formula(c: char) -> bool {
    matches!(c, '+' | '=' | '^' | '*' | '/' | '\\' | '%' | '$' | '<' | '>' | '~' | '±' | '×' | '÷' | '·' | '¬')
        // Super- and subscripts, arrows, operators and their supplements.
        || matches!(c, '\u{2070}'..='\u{209f}' | '\u{2190}'..='\u{22ff}' | '\u{27c0}'..='\u{2aff}')
}

fn is_code(c: char) -> bool {
    matches!(c, '{' | '}' | '[' | ']' | ';' | '`' | '#' | '&' | '|')
}

/// Whether a sentence, a question or a line ends here.
fn ends_step(c: char, next: Option<char>) -> bool {
    match c {
        '\n' | '。' | '！' | '？' | '؟' | '।' => true,
        '.' | '!' | '?' | ':' | ';' => next.is_some_and(char::is_whitespace),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reading {
        let mut reading = Reading::default();
        reading.read(text);
        reading
    }

    #[test]
    fn numbers_steps_and_repeated_words_are_counted() {
        let reading = read("Ann has 3.5 kg, Bob has 1,200 g. Who has more? Ann or Bob");
        assert_eq!((reading.numbers, reading.steps, reading.repeated), (2, 3, 4));
        assert_eq!((reading.formulas, reading.code, reading.task()), (0, 0, None));
    }

    #[test]
    fn every_script_has_sentences_and_words() {
        let reading = read("天空是蓝色的。为什么天空是蓝色的？");
        assert_eq!((reading.steps, reading.repeated), (2, 6), "the sky is blue, twice; between them: why");
        assert_eq!(read("السماء زرقاء. لماذا؟").steps, 2);
        assert_eq!(read("आसमान नीला है। क्यों?").steps, 2);
    }

    #[test]
    fn code_and_formulas_show() {
        assert_eq!(read("for (int i = 0; i < n; i++) { sum += a[i]; print(sum); }").task(), Some("code"));
        assert_eq!(read("```\nx\n```").task(), Some("code"));
        assert_eq!(read("Solve x^2 + 3x = 10").task(), Some("math"));
        assert_eq!(read("Löse ∫ x² dx ≤ ∑ aₙ").task(), Some("math"));
        assert_eq!(read("Write to me (soon); see #12 and [3] of {it}.").task(), None);
    }

    #[test]
    fn a_word_goes_on_through_letters_of_any_kind_and_a_number_ends_at_one() {
        let reading = read("naïve_1 naïve naive NaïVE 3a5 a");
        assert_eq!((reading.repeated, reading.numbers), (2, 3), "naïve comes again, and a");
    }

    #[test]
    fn a_long_text_is_measured_and_not_read_to_its_end() {
        let reading = read(&"ab 1 ".repeat(20_000));
        assert_eq!((reading.read, reading.characters), (MOST, 100_000));
    }
}
