//! A partial answer as context for a further attempt.

use belvedere_core::checkpoint::Checkpoint;
use belvedere_core::completion::{Choice, Completion, Fold, OpenPart};
use belvedere_core::event::{ContinuedBy, Event};
use belvedere_core::message::{Message, Part, Role, ToolBy};
use belvedere_core::request::Request;

/// The least text that is continued, in characters. That less was repeated could not be told from an answer that
/// repeats itself, and little is lost when it is asked for anew.
const LEAST: usize = 16;

/// How much of the end stands for `{tail}` in [`Repair::ask`](super::Repair::ask), in characters.
const TAIL: usize = 80;

/// What a further attempt is given of the answer.
#[derive(Debug)]
pub(super) struct Partial {
    /// The parts it is given, up to and with a text, without the white space behind that.
    pub(super) parts: Vec<Part>,
    /// The text of these parts.
    pub(super) text: String,
    /// Where in it the text begins that no part of another kind stands in.
    pub(super) last: usize,
    /// The white space behind it: Anthropic refuses a last message that ends in it
    /// (<https://docs.claude.com/en/docs/build-with-claude/prompt-engineering/prefill-claudes-response>).
    pub(super) space: String,
    /// The number of the text part that is open: there the answer goes on.
    pub(super) open: Option<u32>,
}

impl Partial {
    /// What can be given of what was handed out; `None` when nothing can.
    pub(super) fn of(handed: &Fold) -> Option<Self> {
        let choice = handed.completion().choices.first()?;
        let (keep, open) = kept(choice, handed.open())?;
        let mut parts: Vec<Part> = choice.parts.iter().take(keep).cloned().collect();
        let mut space = String::new();
        let Some(Part::Text { text, .. }) = parts.last_mut() else { return None };
        let end = text.trim_end().len();
        space.push_str(text.get(end..)?);
        text.truncate(end);
        if text.is_empty() {
            return None;
        }
        let text: String = parts.iter().filter_map(Part::as_text).collect();
        let run: usize = parts.iter().rev().map_while(Part::as_text).map(str::len).sum();
        let last = text.len() - run;
        let is_enough = text.get(last..)?.chars().count() >= LEAST;
        is_enough.then_some(Partial { parts, text, last, space, open })
    }

    /// The request that has the answer go on.
    pub(super) fn request(&self, mut request: Request, by: ContinuedBy, ask: &str) -> Request {
        let messages = std::sync::Arc::make_mut(&mut request.messages);
        messages.push(Message::new(Role::Assistant, self.parts.clone()));
        if by == ContinuedBy::Prefix {
            request.continue_final_message = true;
        } else {
            let from = self.text.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
            let tail = serde_json::Value::from(self.text.get(from..).unwrap_or_default());
            messages.push(Message::user(ask.replace("{tail}", &tail.to_string())));
        }
        request
    }

    /// The parts as events, numbered by their place.
    pub(super) fn events(self) -> Vec<Event> {
        let mut choice = Choice::default();
        choice.parts = self.parts;
        let mut completion = Completion::default();
        completion.choices.push(choice);
        let mut events = Checkpoint::new(Request::default(), completion, Vec::new()).events();
        events.retain(|event| !matches!(event, Event::Start { .. }));
        events
    }
}

/// How many parts may be given, and the number of the text part among them that is open.
///
/// Some wires close no part before the end: of the open ones, only the last has to go on.
fn kept(choice: &Choice, open: &[OpenPart]) -> Option<(usize, Option<u32>)> {
    let is_call = |part: &Part| matches!(part, Part::ToolCall { by: ToolBy::Client, .. });
    let last = choice.parts.len().checked_sub(1)?;
    let open = open.iter().find(|part| part.at == last)?;
    let (keep, open) = match choice.parts.last()? {
        Part::Text { .. } => (choice.parts.len(), Some(open.part)),
        // A call may not be given back without its result: what is given ends before the first.
        _ => (choice.parts.iter().position(is_call).unwrap_or(last), None),
    };
    let fits = |part: &Part| match part {
        Part::Text { .. } | Part::Reasoning { .. } | Part::Opaque { .. } => true,
        Part::ToolCall { by, .. } => *by == ToolBy::Provider,
        _ => false,
    };
    choice.parts.iter().take(keep).all(fits).then_some((keep, open))
}
