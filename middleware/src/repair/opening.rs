//! The beginning of a continuation.

use belvedere_core::event::{ContinuedBy, Event, Notice};

use super::partial::Partial;
use super::seam::{Cut, Seam};

/// Holds what a continuation begins with until it is clear what its first text repeats.
#[derive(Debug)]
pub(super) struct Opening {
    seam: Option<Seam>,
    /// Its `Start`, which is not handed on.
    pub(super) start: Option<Event>,
    /// The part of its first text.
    part: Option<u32>,
    /// That part, as long as all of it was a repetition.
    repeated: Option<u32>,
    /// What came beside the text.
    held: Vec<Event>,
    /// How many bytes were taken out.
    pub(super) overlap: u64,
    /// Whether nobody knows what of it was repeated.
    pub(super) is_unclear: bool,
}

impl Opening {
    /// The opening of an attempt that was given `partial`.
    pub(super) fn new(partial: &Partial, by: ContinuedBy) -> Self {
        let seam = Seam::new(&partial.text, partial.last, &partial.space, by);
        Opening {
            seam: Some(seam),
            start: None,
            part: None,
            repeated: None,
            held: Vec::new(),
            overlap: 0,
            is_unclear: false,
        }
    }

    /// True when the attempt says that it was not given the beginning of its answer after all.
    pub(super) fn is_lost(&self, event: &Event) -> bool {
        self.seam.is_some()
            && matches!(event, Event::Notice(Notice::ParameterDropped { parameter, .. })
                if parameter == "continue_final_message")
    }

    /// The part of the first text, once there was one.
    pub(super) fn part(&self) -> Option<u32> {
        self.part
    }

    /// The part of which nothing was handed on, because all of it was repeated.
    pub(super) fn repeated(&self) -> Option<u32> {
        self.repeated
    }

    /// Takes an event in; gives those that may be handed on now. The first time it gives some, the overlap is known.
    pub(super) fn event(&mut self, event: Event) -> Vec<Event> {
        let Some(seam) = &mut self.seam else {
            if let Event::Text { part, .. } = &event {
                self.repeated = self.repeated.filter(|repeated| repeated != part);
            }
            return vec![event];
        };
        match &event {
            Event::Start { .. } => {
                self.start = Some(event);
                Vec::new()
            }
            Event::Text { part, delta, .. } if self.part.is_none_or(|first| first == *part) => {
                self.part = Some(*part);
                seam.push(delta).map_or_else(Vec::new, |cut| self.decide(cut))
            }
            Event::PartEnd { part, .. } if self.part != Some(*part) => self.hold(event),
            Event::Usage(_)
            | Event::Notice(_)
            | Event::Raw { .. }
            | Event::Reasoning { .. }
            | Event::Signature { .. }
            | Event::Extra { .. }
            | Event::Logprobs { .. } => self.hold(event),
            _ => {
                let cut = seam.end();
                let mut events = self.decide(cut);
                events.push(event);
                events
            }
        }
    }

    fn hold(&mut self, event: Event) -> Vec<Event> {
        self.held.push(event);
        Vec::new()
    }

    fn decide(&mut self, cut: Cut) -> Vec<Event> {
        self.seam = None;
        self.overlap = cut.overlap;
        self.is_unclear = cut.is_unclear;
        let mut events = std::mem::take(&mut self.held);
        match self.part {
            Some(part) if !cut.rest.is_empty() => {
                // The text opens its part: what belongs to that comes after.
                let at = events.iter().position(|event| event.part() == Some((0, part)));
                let text = Event::Text { choice: 0, part, delta: cut.rest.into() };
                events.insert(at.unwrap_or(events.len()), text);
            }
            part => self.repeated = part,
        }
        events
    }
}
