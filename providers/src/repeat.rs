//! Takes the beginning of an answer out where it comes again: of an answer that is gone on with, only what is new is
//! the answer.

use std::collections::BTreeMap;

use belvedere_core::error::Result;
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use belvedere_core::request::Request;

/// Reads an answer that may say its beginning again.
pub(crate) struct WithoutRepeat {
    answer: Box<dyn Decoder>,
    beginning: String,
    choices: BTreeMap<u32, Repeat>,
    /// The events of the frame at hand; kept for its room.
    events: Vec<Event>,
}

/// How far a choice has repeated the beginning.
#[derive(Debug, Clone, Copy)]
enum Repeat {
    /// Word for word in this part, up to this byte.
    Reading { part: u32, at: usize },
    /// It says something new.
    Over,
}

/// Reads an answer whose server says all of the beginning again.
#[cfg(feature = "openai")]
pub(crate) fn without_beginning(request: &Request, answer: Box<dyn Decoder>) -> Box<dyn Decoder> {
    let last = request.messages.last().filter(|_| request.continue_final_message);
    WithoutRepeat::boxed(last.map(|last| last.text()), answer)
}

/// Reads an answer to a beginning that was sent without the blank at its end: the model may begin with that blank.
#[cfg(feature = "anthropic")]
pub(crate) fn without_blank(request: &Request, answer: Box<dyn Decoder>) -> Box<dyn Decoder> {
    let last = request.messages.last().filter(|_| request.continue_final_message);
    let blank = last.map(|last| {
        let text = last.text();
        text.get(text.trim_end().len()..).unwrap_or_default().to_owned()
    });
    WithoutRepeat::boxed(blank, answer)
}

impl WithoutRepeat {
    fn boxed(beginning: Option<String>, answer: Box<dyn Decoder>) -> Box<dyn Decoder> {
        match beginning.filter(|beginning| !beginning.is_empty()) {
            Some(beginning) => {
                let (choices, events) = (BTreeMap::new(), Vec::new());
                Box::new(WithoutRepeat { answer, beginning, choices, events })
            }
            None => answer,
        }
    }

    fn pass(&mut self, event: Event, out: &mut Vec<Event>) {
        match event {
            Event::Text { choice, part, delta } => {
                let opens = !self.choices.contains_key(&choice);
                let state = self.choices.entry(choice).or_insert(Repeat::Reading { part, at: 0 });
                let new = unrepeated(&self.beginning, state, part, &delta);
                // The first event opens the part, though it says nothing.
                if opens || !new.is_empty() {
                    out.push(Event::Text { choice, part, delta: new.into() });
                }
            }
            Event::PartEnd { choice, part } => {
                out.extend(self.rest(choice, part));
                out.push(Event::PartEnd { choice, part });
            }
            other => out.push(other),
        }
    }

    /// What was taken for the beginning in a part that ends before all of it was said. A blank at its end may be
    /// missing.
    fn rest(&mut self, choice: u32, part: u32) -> Option<Event> {
        let state = self.choices.get_mut(&choice)?;
        let Repeat::Reading { at, .. } = *state else { return None };
        *state = Repeat::Over;
        let held = self.beginning.get(..at).filter(|_| at < self.beginning.trim_end().len())?;
        (!held.is_empty()).then(|| Event::Text { choice, part, delta: held.into() })
    }

    fn pass_all(&mut self, out: &mut Vec<Event>) {
        let mut events = std::mem::take(&mut self.events);
        events.drain(..).for_each(|event| self.pass(event, out));
        self.events = events;
    }
}

/// What a text says beyond the beginning.
fn unrepeated(beginning: &str, state: &mut Repeat, part: u32, delta: &str) -> String {
    let Repeat::Reading { part: own, at } = *state else { return delta.to_owned() };
    let (said, rest) = beginning.split_at_checked(at).unwrap_or_default();
    if own == part && rest.starts_with(delta) && rest.len() > delta.len() {
        *state = Repeat::Reading { part, at: at + delta.len() };
        return String::new();
    }
    *state = Repeat::Over;
    match delta.strip_prefix(rest).filter(|_| own == part) {
        Some(new) => new.to_owned(),
        None => [said, delta].concat(),
    }
}

impl Decoder for WithoutRepeat {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let outcome = self.answer.frame(frame, &mut self.events);
        self.pass_all(out);
        outcome
    }

    fn eof(&mut self, out: &mut Vec<Event>) -> Result<()> {
        let outcome = self.answer.eof(&mut self.events);
        self.pass_all(out);
        outcome
    }
}
