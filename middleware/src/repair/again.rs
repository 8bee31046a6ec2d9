//! An answer that was asked for again.

use belvedere_core::completion::Fold;
use belvedere_core::event::{ContinuedBy, Event, Notice};
use belvedere_core::message::Part;

use super::joint::{Continued, Joined, Joint, Turn, is_restart};
use super::numbers::Numbers;
use super::opening::Opening;
use super::partial::Partial;

/// Compares an attempt with what was handed out. As soon as it has said all of that, it goes on from there; once
/// it says anything else, the answer is restarted.
#[derive(Debug)]
pub(super) struct Again {
    continued: Continued,
    /// What the attempt was given of the answer, and how it begins.
    kept: Option<(Partial, Opening)>,
    /// How many of the parts that were handed out it need not say, because it was given them.
    from: usize,
    /// What it said so far.
    said: Fold,
    /// The same, for the case that it differs.
    held: Vec<Event>,
    /// What of it goes beyond what was handed out.
    more: Vec<Event>,
    numbers: Numbers,
    overlap: u64,
}

impl Again {
    /// An attempt that must say all of it.
    pub(super) fn whole(continued: Continued, handed: &Fold) -> Self {
        Again {
            continued,
            kept: None,
            from: 0,
            said: Fold::default(),
            held: Vec::new(),
            more: Vec::new(),
            numbers: Numbers::after(handed),
            overlap: 0,
        }
    }

    /// An attempt that was given `partial`, and must say the rest of what was handed out.
    pub(super) fn behind(partial: Partial, continued: Continued, handed: &Fold) -> Self {
        let opening = Opening::new(&partial, continued.by);
        let from = partial.parts.len();
        Again { kept: Some((partial, opening)), from, ..Again::whole(continued, handed) }
    }

    /// Takes an event in; what is handed on goes to `out`.
    pub(super) fn event(&mut self, event: Event, handed: &Fold, out: &mut Vec<Event>) -> Turn {
        let Some((_, opening)) = &mut self.kept else {
            if is_restart(&event) {
                *self = Again::whole(self.continued.clone(), handed);
                return Turn::On;
            }
            return self.all(vec![event], handed, out);
        };
        if opening.is_lost(&event) {
            return Turn::Lost;
        }
        if is_restart(&event) {
            return Turn::Void;
        }
        let mut events = opening.event(event);
        if opening.is_unclear {
            return Turn::Unclear;
        }
        let repeated = opening.repeated();
        events.retain(|event| repeated.is_none() || event.part().map(|(_, part)| part) != repeated);
        self.all(events, handed, out)
    }

    fn all(&mut self, events: Vec<Event>, handed: &Fold, out: &mut Vec<Event>) -> Turn {
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            let differs = !self.take(&event, handed);
            self.said.event(&event);
            self.held.push(event);
            let mut joint = match differs {
                true => self.restart(out),
                false if self.is_all_said(handed) => self.go_on(out),
                false => continue,
            };
            // The rest of the batch is beyond the seam: nothing of it can turn the joint again.
            events.for_each(|event| drop(joint.event(event, handed, out)));
            return Turn::To(joint);
        }
        Turn::On
    }

    /// Goes on behind what was handed out.
    fn go_on(&mut self, out: &mut Vec<Event>) -> Joint {
        self.continued.by = ContinuedBy::Again;
        let opening = self.kept.as_ref().map_or(0, |(_, opening)| opening.overlap);
        self.continued.give(self.overlap + opening, out);
        out.append(&mut self.more);
        Joint::Joined(Joined { numbers: std::mem::take(&mut self.numbers), json: false })
    }

    /// Voids what was handed out, and hands out this answer instead, behind what it was given.
    fn restart(&mut self, out: &mut Vec<Event>) -> Joint {
        out.push(Event::Notice(Notice::Restart { reason: self.continued.reason.clone() }));
        let Some((partial, opening)) = self.kept.take() else {
            out.append(&mut self.continued.notices);
            out.append(&mut self.held);
            return Joint::Through;
        };
        out.extend(opening.start);
        let mut numbers = Numbers::from(partial.parts.len());
        out.extend(partial.events());
        self.continued.give(opening.overlap, out);
        out.extend(self.held.drain(..).map(|event| numbers.event(event)));
        Joint::Joined(Joined { numbers, json: false })
    }

    /// Takes note of an event; false when it is not what was handed out.
    fn take(&mut self, event: &Event, handed: &Fold) -> bool {
        match event {
            Event::Start { .. } => true,
            Event::Usage(_) | Event::Notice(_) | Event::Raw { .. } => {
                self.more.push(event.clone());
                true
            }
            Event::Source { source, .. } => {
                let old = choice(handed).and_then(|c| c.sources.get(choice(&self.said)?.sources.len()));
                self.listed(event, old.map(|old| old.raw == source.raw && old.url == source.url))
            }
            // They tell of tokens, which may be cut elsewhere in the same text: those of the first attempt stand.
            Event::Logprobs { .. } => true,
            Event::Finish { .. } | Event::Embedding { .. } | Event::Model(_) => false,
            _ => self.part(event, handed),
        }
    }

    /// An entry of a list of which `same` says whether it was handed out as it is; `None`: not at all.
    fn listed(&mut self, event: &Event, same: Option<bool>) -> bool {
        if same.is_none() {
            self.more.push(self.numbers.event(event.clone()));
        }
        same.unwrap_or(true)
    }

    fn part(&mut self, event: &Event, handed: &Fold) -> bool {
        let Some((0, number)) = event.part() else { return false };
        let said = choice(&self.said).map_or(&[][..], |choice| &choice.parts);
        let place = (0..said.len()).rev().find(|at| self.said.number(0, *at) == Some(number));
        let at = self.from + place.unwrap_or(said.len());
        let new = place.and_then(|place| said.get(place));
        let old = choice(handed).and_then(|choice| choice.parts.get(at));
        let Some((old, number_there)) = old.zip(handed.number(0, at)) else {
            self.more.push(self.numbers.event(event.clone()));
            return true;
        };
        let is_open = handed.open().iter().any(|open| (open.choice, open.at) == (0, at));
        let Some(fit) = fit(event, old, new, is_open) else { return false };
        self.numbers.bind(number, number_there);
        self.overlap += u64::try_from(fit.repeated).unwrap_or(u64::MAX);
        if let Some(more) = fit.more {
            self.more.push(self.numbers.event(more));
        }
        true
    }

    /// Whether the attempt has said all that was handed out.
    fn is_all_said(&self, handed: &Fold) -> bool {
        let Some(old) = choice(handed) else { return true };
        let said = choice(&self.said).map_or(&[][..], |choice| &choice.parts);
        let is_open =
            |fold: &Fold, at: usize| fold.open().iter().any(|open| (open.choice, open.at) == (0, at));
        let sources = choice(&self.said).map_or(0, |choice| choice.sources.len());
        sources >= old.sources.len()
            && old.parts.iter().enumerate().skip(self.from).all(|(at, part)| {
                let place = at - self.from;
                said.get(place).is_some_and(|new| {
                    content(new).len() >= content(part).len()
                        && signature(new).len() >= signature(part).len()
                        && (is_open(handed, at) || !is_open(&self.said, place))
                })
            })
    }
}

fn choice(fold: &Fold) -> Option<&belvedere_core::completion::Choice> {
    fold.completion().choices.first()
}

/// How an event fits a part that was handed out.
struct Fit {
    /// How many bytes of it had been.
    repeated: usize,
    /// What of it had not.
    more: Option<Event>,
}

/// How `event` fits the part `old`, of which the attempt has said `new`; `None` when it does not.
fn fit(event: &Event, old: &Part, new: Option<&Part>, is_open: bool) -> Option<Fit> {
    let swallowed = Fit { repeated: 0, more: None };
    let beyond = || Fit { repeated: 0, more: Some(event.clone()) };
    let said = new.map_or("", content);
    match (event, old) {
        (Event::Text { .. }, Part::Text { .. })
        | (Event::Reasoning { .. }, Part::Reasoning { .. })
        | (Event::Refusal { .. }, Part::Refusal { .. })
        | (Event::ToolInput { .. }, Part::ToolCall { .. }) => {
            text(event, event.delta()?, content(old), said, is_open)
        }
        (Event::Signature { delta, .. }, Part::Reasoning { .. }) => {
            text(event, delta, signature(old), new.map_or("", signature), is_open)
        }
        (Event::ToolStart { name, by, .. }, Part::ToolCall { name: old, by: old_by, .. }) => {
            ((name, by) == (old, old_by)).then_some(swallowed)
        }
        (Event::Opaque { data, .. }, Part::Opaque { data: old, .. }) => (**data == *old).then_some(swallowed),
        // Fields of an open part may still be said; a closed one has those of the first attempt.
        (Event::Extra { .. }, _) => Some(if is_open { beyond() } else { swallowed }),
        (Event::PartEnd { .. }, _) if said.len() < content(old).len() => None,
        (Event::PartEnd { .. }, _) => Some(if is_open { beyond() } else { swallowed }),
        _ => None,
    }
}

/// How `delta`, behind `said`, fits the text `old`.
fn text(event: &Event, delta: &str, old: &str, said: &str, is_open: bool) -> Option<Fit> {
    let due = old.get(said.len()..).unwrap_or_default();
    if due.starts_with(delta) {
        return Some(Fit { repeated: delta.len(), more: None });
    }
    let rest = delta.strip_prefix(due).filter(|_| is_open)?;
    let mut more = event.clone();
    match &mut more {
        Event::Text { delta, .. }
        | Event::Reasoning { delta, .. }
        | Event::Refusal { delta, .. }
        | Event::ToolInput { delta, .. }
        | Event::Signature { delta, .. } => *delta = rest.into(),
        _ => return None,
    }
    Some(Fit { repeated: due.len(), more: Some(more) })
}

/// The text of a part.
fn content(part: &Part) -> &str {
    match part {
        Part::Text { text, .. } | Part::Reasoning { text, .. } | Part::Refusal { text } => text,
        Part::ToolCall { input, .. } => input,
        _ => "",
    }
}

fn signature(part: &Part) -> &str {
    match part {
        Part::Reasoning { signature, .. } => signature.as_deref().unwrap_or_default(),
        _ => "",
    }
}
