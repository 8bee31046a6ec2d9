//! What an answer says, and what is left of it once a part has been said.

use std::collections::BTreeMap;

use belvedere::Completion;
use belvedere::message::{Part, ToolBy, arguments};

/// What a run of parts is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Is {
    Text,
    Reasoning,
    Refusal,
    /// A call of the client's tool of this name.
    Call(String),
    /// What is carried whole: media, and what only its provider understands.
    Whole,
}

/// Neighbouring parts of one kind: wires differ in where they cut a text into parts.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) is: Is,
    pub(super) text: String,
    parts: Vec<Part>,
}

/// An answer as its runs. Parts that say nothing are left out.
pub(super) fn runs(parts: &[Part]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for part in parts {
        let (is, text) = match part {
            Part::Text { text, .. } => (Is::Text, text.as_str()),
            Part::Reasoning { text, .. } => (Is::Reasoning, text.as_str()),
            Part::Refusal { text } => (Is::Refusal, text.as_str()),
            Part::ToolCall { name, input, by: ToolBy::Client, .. } => {
                (Is::Call(name.to_string()), input.as_str())
            }
            _ => (Is::Whole, ""),
        };
        let joins = matches!(is, Is::Text | Is::Reasoning | Is::Refusal);
        match runs.last_mut() {
            Some(last) if joins && last.is == is => {
                last.text.push_str(text);
                last.parts.push(part.clone());
            }
            _ => runs.push(Run { is, text: text.to_owned(), parts: vec![part.clone()] }),
        }
    }
    runs.retain(|run| !run.text.is_empty() || matches!(run.is, Is::Call(_) | Is::Whole));
    runs
}

/// What a caller reads of an answer: text, thinking, refusals, and the calls of its tools, by choice.
pub(super) type Said = BTreeMap<u32, Vec<(Is, String)>>;

/// What a caller reads of an answer.
pub(super) fn said(answer: &Completion) -> Said {
    let of = |parts: &[Part]| {
        let heard = parts.iter().filter(|part| is_heard(part)).cloned().collect::<Vec<_>>();
        runs(&heard).into_iter().map(|run| (run.is, run.text)).collect::<Vec<_>>()
    };
    let all = answer.choices.iter().map(|choice| (choice.index, of(&choice.parts)));
    all.filter(|(_, said)| !said.is_empty()).collect()
}

fn is_heard(part: &Part) -> bool {
    match part {
        Part::Text { .. } | Part::Reasoning { .. } | Part::Refusal { .. } => true,
        Part::ToolCall { by, .. } => by.is_client(),
        _ => false,
    }
}

/// Whether what was said is the beginning of this answer. Calls that run side by side may each have begun.
pub(super) fn is_beginning(said: &Said, of: &Said) -> bool {
    let begins = |a: &(Is, String), b: &(Is, String)| is_same(a, b) || a.0 == b.0 && b.1.starts_with(&a.1);
    let all = |said: &[(Is, String)], of: &[(Is, String)]| {
        said.len() <= of.len() && said.iter().zip(of).all(|(a, b)| begins(a, b))
    };
    said.iter().all(|(choice, said)| of.get(choice).is_some_and(|of| all(said, of)))
}

/// Whether two answers say the same.
pub(super) fn is_equal(said: &Said, other: &Said) -> bool {
    let all = |(a, b): (&Vec<_>, &Vec<_>)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b));
    said.keys().eq(other.keys()) && said.values().zip(other.values()).all(all)
}

/// Whether two runs say the same. Arguments are JSON: wires that carry them as an object write it as they like.
pub(super) fn is_same(a: &(Is, String), b: &(Is, String)) -> bool {
    a.0 == b.0
        && match (&a.0, a.1 == b.1) {
            (_, true) => true,
            (Is::Call(_), false) => arguments(&a.1).is_ok_and(|a| arguments(&b.1).is_ok_and(|b| a == b)),
            _ => false,
        }
}

/// What is left of an answer.
#[derive(Debug)]
pub(super) struct Rest {
    /// The end of the run that was broken off, from where it was broken off; empty where none was.
    pub(super) tail: Option<Tail>,
    /// The parts that had not begun.
    pub(super) parts: Vec<Part>,
}

/// A run that was broken off.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) run: Run,
    /// How much of it had been said, in bytes.
    pub(super) at: usize,
}

/// What is left of an answer of which these parts are shown; `None` when they are not its beginning. Thinking and
/// what is carried whole may be missing from what is shown: not every wire takes it back.
pub(super) fn rest(answer: &[Part], shown: &[Part]) -> Option<Rest> {
    let mut all = runs(answer).into_iter().peekable();
    let mut tail = None;
    for shown in runs(shown) {
        if tail.is_some() {
            return None;
        }
        while all.next_if(|run| run.is != shown.is && is_skipped(&run.is)).is_some() {}
        if is_skipped(&shown.is) && all.peek().is_none_or(|run| run.is != shown.is) {
            continue;
        }
        let run = all.next()?;
        if run.is != shown.is || !run.text.starts_with(&shown.text) {
            return None;
        }
        let at = shown.text.len();
        tail = (at < run.text.len()).then_some(Tail { run, at });
    }
    Some(Rest { tail, parts: all.flat_map(|run| run.parts).collect() })
}

fn is_skipped(is: &Is) -> bool {
    matches!(is, Is::Reasoning | Is::Whole)
}

impl Tail {
    /// What had not been said, after the last words that had: as many of them as asked for.
    pub(super) fn with_overlap(&self, words: usize) -> String {
        let said = self.run.text.get(..self.at).unwrap_or_default();
        let starts = said.char_indices().rev().filter(|(_, c)| c.is_whitespace());
        let from = match words {
            0 => self.at,
            words => starts.map(|(at, _)| at).nth(words - 1).unwrap_or(0),
        };
        self.run.text.get(from..).unwrap_or_default().to_owned()
    }

    /// The run as one part that says this.
    pub(super) fn part(&self, text: String) -> Part {
        match self.run.is {
            Is::Reasoning => Part::reasoning(text),
            Is::Refusal => Part::Refusal { text },
            _ => Part::text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(input: &str) -> Part {
        serde_json::from_value(json!({"type": "tool_call", "id": "a", "name": "f", "input": input})).unwrap()
    }

    #[test]
    fn what_is_left_begins_where_what_is_shown_ends() {
        let answer = [Part::reasoning("so"), Part::text("The sky is blue"), call("{}")];
        let left = rest(&answer, &[Part::text("The sky")]).unwrap();
        let tail = left.tail.unwrap();
        assert_eq!((tail.with_overlap(0), tail.with_overlap(1)), (" is blue".into(), " sky is blue".into()));
        assert_eq!(tail.with_overlap(9), "The sky is blue");
        assert_eq!(left.parts, [call("{}")]);
        let left = rest(&answer, &[Part::text("The sky is blue")]).unwrap();
        assert!(left.tail.is_none());
        assert_eq!(left.parts, [call("{}")]);
        assert!(rest(&answer, &[Part::text("A sky")]).is_none());
        assert_eq!(rest(&answer, &[]).unwrap().parts.len(), 3);
    }

    #[test]
    fn calls_side_by_side_begin_an_answer_and_a_splice_does_not() {
        let said = |runs: &[(Is, &str)]| {
            Said::from([(0, runs.iter().map(|(is, text)| (is.clone(), (*text).to_owned())).collect())])
        };
        let f = || Is::Call("f".into());
        let whole = said(&[(Is::Text, "ab"), (f(), "{1}"), (f(), "{2}")]);
        assert!(is_beginning(&said(&[(Is::Text, "ab"), (f(), "{"), (f(), "{2")]), &whole));
        assert!(!is_beginning(&said(&[(Is::Text, "aab")]), &whole));
        assert!(!is_beginning(&said(&[(f(), "{1}")]), &whole));
    }
}
