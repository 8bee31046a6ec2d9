//! The seam of two texts: what the second repeats of the first.

use belvedere_core::event::ContinuedBy;

/// The least that counts as repeated when a target was asked to go on, in characters. Less may be chance.
const LEAST: usize = 8;

/// The same in bytes: of scripts that take more of them, fewer characters say as much.
const LEAST_BYTES: usize = 12;

/// How much of the end is looked for when a target was asked to go on, in bytes.
const WINDOW: usize = 2048;

/// Holds the beginning of a continued text back until it is clear what of it repeats what was sent.
///
/// A target that was given the beginning of its answer repeats all of it, all of its last text, or nothing; one that
/// was asked to go on may repeat the end. A text that repeats itself may also go on like that, and several ends of
/// it may fit: then nobody knows what was repeated.
#[derive(Debug)]
pub(super) struct Seam {
    /// What was sent.
    sent: String,
    /// The white space behind it that was handed out and not sent.
    space: String,
    /// Where in `sent` a repetition may begin that fits what has come.
    starts: Vec<usize>,
    held: String,
    by: ContinuedBy,
}

/// A text whose beginning was taken out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// How many bytes were taken out.
    pub(super) overlap: u64,
    /// The rest.
    pub(super) rest: String,
    /// Whether nobody knows what of it was repeated.
    pub(super) is_unclear: bool,
}

impl Seam {
    /// The seam behind `sent`, whose last text begins at `last`, and the white `space` that was not sent.
    pub(super) fn new(sent: &str, last: usize, space: &str, by: ContinuedBy) -> Self {
        let mut starts = vec![0];
        starts.extend(Some(last).filter(|last| *last > 0 && by == ContinuedBy::Prefix));
        if by == ContinuedBy::Request {
            let window = sent.len().saturating_sub(WINDOW);
            let least = sent.char_indices().rev().nth(LEAST - 1).map_or(0, |(at, _)| at);
            let least = least.max(sent.len().saturating_sub(LEAST_BYTES));
            let inside = |at: &usize| *at > 0 && *at >= window && *at <= least;
            starts.extend(sent.char_indices().map(|(at, _)| at).filter(inside));
        }
        Seam { sent: sent.to_owned(), space: space.to_owned(), starts, held: String::new(), by }
    }

    /// Takes more of the text in; the cut once it is clear.
    pub(super) fn push(&mut self, delta: &str) -> Option<Cut> {
        let come = self.held.len();
        self.held.push_str(delta);
        let sent = self.sent.as_bytes();
        self.starts.retain(|start| {
            let due = sent.get(start + come..).unwrap_or_default();
            due.iter().zip(delta.as_bytes()).all(|(a, b)| a == b)
        });
        // A longer repetition may still become whole: it is waited for.
        let is_open = self.starts.iter().any(|start| sent.len() - start > self.held.len());
        let rest = self.rest();
        let is_space = rest.len() < self.space.len() && self.space.starts_with(rest);
        (!is_open && !is_space).then(|| self.end())
    }

    /// The lengths of what is repeated in whole.
    fn repeated(&self) -> impl Iterator<Item = usize> {
        let lengths = self.starts.iter().map(|start| self.sent.len() - start);
        lengths.filter(|len| *len <= self.held.len())
    }

    /// What has come, without what is repeated in whole.
    fn rest(&self) -> &str {
        let repeated = self.repeated().max().unwrap_or(0);
        self.held.get(repeated..).unwrap_or_default()
    }

    /// The cut of what has come.
    pub(super) fn end(&self) -> Cut {
        let rest = self.rest();
        let common = self.space.chars().zip(rest.chars()).take_while(|(a, b)| a == b);
        let space: usize = common.map(|(c, _)| c.len_utf8()).sum();
        let rest = rest.get(space..).unwrap_or_default().to_owned();
        let overlap = u64::try_from(self.held.len() - rest.len()).unwrap_or(u64::MAX);
        Cut { overlap, rest, is_unclear: self.is_unclear() }
    }

    fn is_unclear(&self) -> bool {
        match self.by {
            ContinuedBy::Request => self.repeated().count() > 1,
            _ => self.repeated().any(|len| {
                let sent = self.sent.as_bytes();
                sent.get(sent.len() - len..).is_some_and(is_periodic)
            }),
        }
    }
}

/// Whether a text is a shorter one, of up to 256 bytes, again and again.
fn is_periodic(text: &[u8]) -> bool {
    (1..=(text.len() / 2).min(256))
        .any(|period| text.get(period..).is_some_and(|rest| text.starts_with(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joins `rest`, cut into characters, to `sent` and `space`; gives what was let through and the overlap.
    fn join(sent: &str, space: &str, by: ContinuedBy, rest: &str) -> (String, u64) {
        let mut whole = None;
        for size in 1..=rest.chars().count() {
            let mut seam = Some(Seam::new(sent, 0, space, by));
            let (mut text, mut overlap) = (String::new(), 0);
            let chars: Vec<char> = rest.chars().collect();
            for delta in chars.chunks(size).map(|c| c.iter().collect::<String>()) {
                match seam.as_mut().map(|s| s.push(&delta)) {
                    None => text.push_str(&delta),
                    Some(None) => {}
                    Some(Some(cut)) => {
                        assert!(!cut.is_unclear);
                        (text, overlap) = (cut.rest, cut.overlap);
                        seam = None;
                    }
                }
            }
            if let Some(cut) = seam.map(|s| s.end()) {
                (text, overlap) = (cut.rest, cut.overlap);
            }
            let result = (text, overlap);
            assert_eq!(
                *whole.get_or_insert(result.clone()),
                result,
                "the same for any cutting, here by {size}"
            );
        }
        whole.unwrap()
    }

    #[test]
    fn an_asked_target_may_repeat_the_end_or_all() {
        let asked = |rest| join("The sky is blue", " ", ContinuedBy::Request, rest);
        assert_eq!(asked("y is blue because"), ("because".into(), 10));
        assert_eq!(asked("The sky is blue because"), ("because".into(), 16));
        assert_eq!(asked("because"), ("because".into(), 0));
        assert_eq!(asked("blue because"), ("blue because".into(), 0), "too short to be sure");
        assert_eq!(asked("The sky is red"), ("The sky is red".into(), 0));
    }

    #[test]
    fn a_prefix_is_repeated_in_whole_or_not_at_all() {
        let given = |rest| join("One, two, three, one,", "", ContinuedBy::Prefix, rest);
        assert_eq!(given(" two"), (" two".into(), 0));
        assert_eq!(given("One, two, three, one, two"), (" two".into(), 21));
        assert_eq!(given("three, one, two"), ("three, one, two".into(), 0));
        assert_eq!(given("One, two"), ("One, two".into(), 0), "what only begins to be a repetition is none");
        let ha = |rest| join("ha ha ha ha ha ha ha", "", ContinuedBy::Prefix, rest);
        assert_eq!(ha("ha ha ha!"), ("ha ha ha!".into(), 0));
    }

    #[test]
    fn space_that_was_not_sent_is_not_doubled() {
        let given = |space, rest| join("A long enough line:", space, ContinuedBy::Prefix, rest);
        assert_eq!(given("\n\n", "\n\n- one"), ("- one".into(), 2));
        assert_eq!(given("\n", "\n\n- one"), ("\n- one".into(), 1));
        assert_eq!(given("\n\n", "- one"), ("- one".into(), 0));
        assert_eq!(given("\n\n", "\n- one"), ("- one".into(), 1));
        assert_eq!(given("\n", "A long enough line:\nmore"), ("more".into(), 20));
    }

    #[test]
    fn a_text_that_repeats_itself_has_no_clear_seam() {
        let is_unclear = |by, rest| {
            let mut seam = Seam::new("cobalt cobalt cobalt cobalt", 0, "", by);
            seam.push(rest).unwrap_or_else(|| seam.end()).is_unclear
        };
        assert!(is_unclear(ContinuedBy::Request, "cobalt cobalt cobalt!"));
        assert!(
            !is_unclear(ContinuedBy::Request, "cobalt cobalt!"),
            "only one end has 8 characters and more"
        );
        assert!(!is_unclear(ContinuedBy::Request, "!"));
        assert!(is_unclear(ContinuedBy::Prefix, "cobalt cobalt cobalt cobalt!"));
        assert!(!is_unclear(ContinuedBy::Prefix, "cobalt cobalt!"));
    }

    #[test]
    fn characters_stay_whole() {
        let asked = |sent, rest| join(sent, "", ContinuedBy::Request, rest);
        assert_eq!(asked("Größe über alles 👩‍👩‍👧", "e über alles 👩‍👩‍👧 und"), (" und".into(), 32));
        assert_eq!(asked("天空是蓝色的因为空气散射短波", "散射短波更多"), ("更多".into(), 12));
    }
}
