//! Part numbers of one answer that comes from several attempts.

use belvedere_core::completion::Fold;
use belvedere_core::event::Event;

/// Gives the parts of a further attempt the numbers they have in the joined answer.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The attempt's number, and the joined answer's.
    bound: Vec<(u32, u32)>,
    /// The next number that is free.
    next: u32,
}

impl Numbers {
    /// Numbers from `next` on.
    pub(super) fn from(next: usize) -> Self {
        Numbers { bound: Vec::new(), next: u32::try_from(next).unwrap_or(u32::MAX) }
    }

    /// Numbers behind all that were handed out.
    pub(super) fn after(handed: &Fold) -> Self {
        let parts = handed.completion().choices.first().map_or(0, |choice| choice.parts.len());
        let last = (0..parts).filter_map(|at| handed.number(0, at)).max();
        Numbers { bound: Vec::new(), next: last.map_or(0, |n| n.saturating_add(1)) }
    }

    /// Says that the attempt's `part` is `joined` in the joined answer.
    pub(super) fn bind(&mut self, part: u32, joined: u32) {
        if self.known(part).is_none() {
            self.bound.push((part, joined));
        }
    }

    /// Whether the event's part has a number in the joined answer.
    pub(super) fn has(&self, event: &Event) -> bool {
        event.part().is_some_and(|(_, part)| self.known(part).is_some())
    }

    fn known(&self, part: u32) -> Option<u32> {
        self.bound.iter().rev().find(|(of, _)| *of == part).map(|(_, joined)| *joined)
    }

    fn of(&mut self, part: u32) -> u32 {
        self.known(part).unwrap_or_else(|| {
            let joined = self.next;
            self.next = joined.saturating_add(1);
            self.bound.push((part, joined));
            joined
        })
    }

    /// The event with the joined answer's number.
    pub(super) fn event(&mut self, mut event: Event) -> Event {
        match &mut event {
            Event::Text { part, .. }
            | Event::Reasoning { part, .. }
            | Event::Signature { part, .. }
            | Event::Refusal { part, .. }
            | Event::ToolStart { part, .. }
            | Event::ToolInput { part, .. }
            | Event::Media { part, .. }
            | Event::Opaque { part, .. }
            | Event::Extra { part, .. }
            | Event::PartEnd { part, .. } => *part = self.of(*part),
            Event::Source { source, .. } => source.part = source.part.and_then(|part| self.known(part)),
            _ => {}
        }
        event
    }
}
