//! What a call uses: before it is made by estimate, and afterwards by its attempts.

use std::sync::Arc;

use belvedere_core::context::{Attempt, Call};
use belvedere_core::error::{ErrorKind, TimeoutPhase};
use belvedere_core::event::{Event, Notice};
use belvedere_core::events::EndKind;
use belvedere_core::request::Request;
use belvedere_core::tokens::TokenCounter;
use belvedere_core::usage::{Class, Usage};

/// Three bytes a token: English has more than four to one, code, digits and Chinese about three. So it is rather too
/// many tokens than too few, and it takes a look at lengths only, which costs nothing.
#[derive(Debug)]
struct ByLength;

/// How many bytes count as a token.
const BYTES: u64 = 3;

/// What a text of so many bytes has, by estimate.
pub(crate) fn tokens_of(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES)
}

/// How many bytes are so many tokens at most.
#[cfg(feature = "budget")]
pub(crate) fn bytes_of(tokens: u64) -> u64 {
    tokens.saturating_mul(BYTES)
}

impl TokenCounter for ByLength {
    fn text(&self, text: &str) -> u64 {
        tokens_of(u64::try_from(text.len()).unwrap_or(u64::MAX))
    }
}

/// What a request has the model read: as somebody counted it, else by estimate.
pub(crate) fn input_tokens(call: &Call, request: &Request) -> u64 {
    call.input_tokens().unwrap_or_else(|| ByLength.request(request))
}

/// What was seen of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    bytes: u64,
}

impl Seen {
    /// Takes note of an event.
    #[inline]
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Start { .. } | Event::Notice(Notice::Continued { .. }) => self.bytes = 0,
            _ => {
                let bytes = event.delta().map_or(0, str::len);
                self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            }
        }
    }

    /// The tokens that the last attempt wrote, by estimate.
    pub(crate) fn tokens(&self) -> u64 {
        tokens_of(self.bytes)
    }
}

/// What the attempts of a call used, in order, and whether that is an estimate, because the provider did not tell all of
/// it. `input` is what the call had the model read by estimate, and `seen` what the last attempt wrote.
pub(crate) fn spent(
    attempts: &[Attempt],
    input: u64,
    seen: Seen,
) -> impl Iterator<Item = (&Attempt, Arc<Usage>, bool)> {
    // What was seen is of the attempt that went furthest: that is the last one which did not fail at once.
    let author = attempts.iter().rposition(|attempt| reached(attempt) == Reached::Answered);
    attempts.iter().enumerate().map(move |(i, attempt)| {
        let written = if author == Some(i) { seen.tokens() } else { 0 };
        let (usage, estimated) = spent_by(attempt, input, written);
        (attempt, usage, estimated)
    })
}

fn spent_by(attempt: &Attempt, input: u64, written: u64) -> (Arc<Usage>, bool) {
    match attempt.usage.as_ref().filter(|usage| usage.total_tokens().is_some()) {
        Some(usage) if attempt.end == Some(EndKind::Finished) => (usage.clone(), false),
        // Usage comes in steps: what was written since the last one is not in it.
        Some(usage) if written > usage.output_tokens().unwrap_or(0) => {
            (Arc::new(with_output(Usage::clone(usage), written)), true)
        }
        Some(usage) => (usage.clone(), usage.output_tokens().is_none()),
        None => match reached(attempt) {
            Reached::Nobody => (Arc::new(counted(0, 0)), false),
            Reached::Asked => (Arc::new(counted(input, 0)), true),
            Reached::Answered => (Arc::new(counted(input, written)), true),
        },
    }
}

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// No model read anything: there was no connection, or the provider refused.
    Nobody,
    /// The request was sent; whether a model read it is not known.
    Asked,
    /// A model answers, or is about to.
    Answered,
}

fn reached(attempt: &Attempt) -> Reached {
    match (attempt.end, attempt.status, attempt.error) {
        (_, Some(status), _) if status < 400 => Reached::Answered,
        (Some(EndKind::Finished | EndKind::Truncated), None, _) => Reached::Answered,
        (Some(EndKind::Cancelled) | None, None, _) => Reached::Answered,
        (Some(EndKind::Failed), None, Some(ErrorKind::Timeout(phase))) if phase != TimeoutPhase::Connect => {
            Reached::Asked
        }
        _ => Reached::Nobody,
    }
}

fn counted(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(input));
    usage.set(Class::Output, Some(output));
    usage
}

/// A usage whose output classes make up at least `output`.
fn with_output(mut usage: Usage, output: u64) -> Usage {
    let known = usage.output_tokens().unwrap_or(0);
    let text = usage.get(&Class::Output).unwrap_or(0);
    usage.set(Class::Output, Some(text.saturating_add(output.saturating_sub(known))));
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(end: Option<EndKind>, status: Option<u16>, error: Option<ErrorKind>) -> Attempt {
        let mut attempt = Attempt::default();
        (attempt.end, attempt.status, attempt.error) = (end, status, error);
        attempt
    }

    fn told(mut attempt: Attempt, input: u64, output: u64) -> Attempt {
        attempt.usage = Some(Arc::new(counted(input, output)));
        attempt
    }

    fn seen(bytes: u64) -> Seen {
        Seen { bytes }
    }

    fn all(attempts: &[Attempt], bytes: u64) -> Vec<(u64, bool)> {
        let tokens = |usage: &Usage| usage.total_tokens().unwrap();
        spent(attempts, 100, seen(bytes)).map(|(_, usage, estimated)| (tokens(&usage), estimated)).collect()
    }

    #[test]
    fn an_answer_costs_what_its_provider_says() {
        let answer = told(attempt(Some(EndKind::Finished), Some(200), None), 7, 5);
        assert_eq!(all(&[answer], 3_000), [(12, false)]);
        let silent = attempt(Some(EndKind::Finished), Some(200), None);
        assert_eq!(all(&[silent], 30), [(110, true)]);
    }

    #[test]
    fn q15_what_a_cancel_leaves_is_counted_by_what_was_seen() {
        let cancelled = attempt(Some(EndKind::Cancelled), Some(200), None);
        assert_eq!(all(std::slice::from_ref(&cancelled), 60), [(120, true)]);
        // The input was told at the start; of the output only the first token was.
        assert_eq!(all(&[told(cancelled.clone(), 40, 1)], 60), [(60, true)]);
        assert_eq!(all(&[told(cancelled, 40, 30)], 60), [(70, false)]);
    }

    #[test]
    fn attempts_that_no_model_read_cost_nothing_and_losers_do() {
        let failed = |status, error| attempt(Some(EndKind::Failed), status, Some(error));
        let attempts = [
            failed(Some(503), ErrorKind::Overloaded),
            failed(None, ErrorKind::Network),
            failed(None, ErrorKind::Timeout(TimeoutPhase::Connect)),
            failed(None, ErrorKind::Timeout(TimeoutPhase::FirstEvent)),
            attempt(Some(EndKind::Cancelled), None, None),
            attempt(Some(EndKind::Finished), None, None),
        ];
        let used = [(0, false), (0, false), (0, false), (100, true), (100, true), (110, true)];
        assert_eq!(all(&attempts, 30), used);
    }

    #[test]
    fn a_new_start_begins_the_count_of_another_attempt() {
        let mut seen = Seen::default();
        let text = |delta: &str| Event::Text { choice: 0, part: 0, delta: delta.into() };
        seen.event(&text("void of this attempt"));
        seen.event(&Event::Start { id: None, model: None });
        seen.event(&text("four"));
        seen.event(&Event::ToolInput { choice: 0, part: 1, delta: "{}".into() });
        assert_eq!(seen.tokens(), 2);
    }
}
