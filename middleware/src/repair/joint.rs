//! How the events of an attempt join what was handed out.

use belvedere_core::completion::Fold;
use belvedere_core::event::{ContinuedBy, Event, Notice};

use super::again::Again;
use super::numbers::Numbers;
use super::opening::Opening;
use super::partial::Partial;

/// So many events without content are held back, and no more.
const PREAMBLE: usize = 64;

/// What is done with the events of the present attempt.
#[derive(Debug)]
pub(super) enum Joint {
    /// They are handed on.
    Through,
    /// They are held back until the first content.
    Fresh(Fresh),
    /// They go on in a text.
    Rest(Box<Rest>),
    /// They must begin with what was handed out.
    Again(Box<Again>),
    /// They have joined, under other part numbers.
    Joined(Joined),
}

/// What an event means for the attempt.
#[derive(Debug)]
pub(super) enum Turn {
    /// It goes on.
    On,
    /// From now on, this is done with its events.
    To(Joint),
    /// It was not given what it had to be: it is of no use.
    Lost,
    /// It was restarted further in, and the seam is gone.
    Void,
    /// Nobody knows where it goes on.
    Unclear,
}

impl Joint {
    /// A new answer, behind these events.
    pub(super) fn fresh(before: Vec<Event>) -> Self {
        Joint::Fresh(Fresh { before, held: Vec::new() })
    }

    /// Whether something of this attempt was handed on.
    pub(super) fn is_begun(&self) -> bool {
        matches!(self, Joint::Through | Joint::Joined(_))
    }

    /// Takes an event in; what is handed on goes to `out`.
    pub(super) fn event(&mut self, event: Event, handed: &Fold, out: &mut Vec<Event>) -> Turn {
        match self {
            Joint::Through => {
                out.push(event);
                Turn::On
            }
            Joint::Fresh(fresh) => fresh.event(event, out),
            Joint::Rest(rest) => rest.event(event, out),
            Joint::Again(again) => again.event(event, handed, out),
            Joint::Joined(joined) => joined.event(event, out),
        }
    }
}

/// The beginning of a new answer.
#[derive(Debug)]
pub(super) struct Fresh {
    before: Vec<Event>,
    held: Vec<Event>,
}

impl Fresh {
    fn event(&mut self, event: Event, out: &mut Vec<Event>) -> Turn {
        let shows = shows(&event);
        self.held.push(event);
        if !shows && self.held.len() < PREAMBLE {
            return Turn::On;
        }
        out.append(&mut self.before);
        out.append(&mut self.held);
        Turn::To(Joint::Through)
    }

    /// What was held back, when nothing more will come and it voids nothing.
    pub(super) fn into_held(mut self) -> Vec<Event> {
        if self.before.iter().any(is_restart) {
            return Vec::new();
        }
        self.before.append(&mut self.held);
        self.before
    }
}

/// Whether an event shows anything of the answer, so that it can't be unsaid.
fn shows(event: &Event) -> bool {
    match event {
        Event::Start { .. } | Event::Usage(_) | Event::Notice(_) | Event::Raw { .. } => false,
        Event::Text { delta, .. } | Event::Reasoning { delta, .. } | Event::Refusal { delta, .. } => {
            !delta.is_empty()
        }
        _ => true,
    }
}

/// The rest of a text that is open.
#[derive(Debug)]
pub(super) struct Rest {
    opening: Opening,
    continued: Continued,
    /// The number of the open text part.
    open: u32,
    numbers: Numbers,
    json: bool,
}

impl Rest {
    /// The rest of the text part `open`.
    pub(super) fn new(partial: &Partial, open: u32, continued: Continued, handed: &Fold, json: bool) -> Self {
        let opening = Opening::new(partial, continued.by);
        Rest { opening, continued, open, numbers: Numbers::after(handed), json }
    }

    fn event(&mut self, event: Event, out: &mut Vec<Event>) -> Turn {
        if self.opening.is_lost(&event) {
            return Turn::Lost;
        }
        if is_restart(&event) {
            return Turn::Void;
        }
        let events = self.opening.event(event);
        if events.is_empty() {
            return Turn::On;
        }
        if self.opening.is_unclear {
            return Turn::Unclear;
        }
        self.continued.give(self.opening.overlap, out);
        // A text behind other parts, such as thinking, is a part of its own, unless it repeats what it goes on with.
        let first = events.iter().find_map(Event::part).map(|(_, part)| part);
        let is_same = first == self.opening.part() || self.opening.overlap > 0;
        if let Some(part) =
            self.opening.part().filter(|part| is_same || self.opening.repeated() == Some(*part))
        {
            self.numbers.bind(part, self.open);
        }
        let mut joined = Joined { numbers: std::mem::take(&mut self.numbers), json: self.json };
        events.into_iter().for_each(|event| out.push(joined.numbers.event(event)));
        Turn::To(Joint::Joined(joined))
    }
}

/// An attempt that has joined.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) numbers: Numbers,
    /// Whether the whole text must be JSON.
    pub(super) json: bool,
}

impl Joined {
    fn event(&mut self, event: Event, out: &mut Vec<Event>) -> Turn {
        if is_restart(&event) {
            return Turn::Void;
        }
        // Of a part without a number nothing was handed on: all of it was repeated.
        let closes = matches!(event, Event::PartEnd { .. } | Event::Extra { .. });
        if !closes || self.numbers.has(&event) {
            out.push(self.numbers.event(event));
        }
        Turn::On
    }
}

/// The mark that an answer goes on from another attempt.
#[derive(Debug, Clone)]
pub(super) struct Continued {
    /// Why.
    pub(super) reason: String,
    /// How it was asked for.
    pub(super) by: ContinuedBy,
    /// What else is to be said.
    pub(super) notices: Vec<Event>,
}

impl Continued {
    /// Hands the mark out.
    pub(super) fn give(&mut self, overlap: u64, out: &mut Vec<Event>) {
        let reason = std::mem::take(&mut self.reason);
        out.push(Event::Notice(Notice::Continued { reason, by: self.by, overlap }));
        out.append(&mut self.notices);
    }
}

/// Whether an event voids what came before.
pub(super) fn is_restart(event: &Event) -> bool {
    matches!(event, Event::Notice(Notice::Restart { .. }))
}
