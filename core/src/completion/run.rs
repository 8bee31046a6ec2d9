//! Which text an event is a further piece of.

use crate::event::Event;

/// The text that a delta is a piece of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(super) kind: Kind,
    pub(super) choice: u32,
    pub(super) part: u32,
}

/// What kind of text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Reasoning,
    Refusal,
    ToolInput,
}

impl Run {
    /// What an event is a piece of, and the piece; `None` where it is none.
    pub(crate) fn of(event: &Event) -> Option<(Run, &str)> {
        let (kind, choice, part, delta) = match event {
            Event::Text { choice, part, delta } => (Kind::Text, choice, part, delta),
            Event::Reasoning { choice, part, delta } => (Kind::Reasoning, choice, part, delta),
            Event::Refusal { choice, part, delta } => (Kind::Refusal, choice, part, delta),
            Event::ToolInput { choice, part, delta } => (Kind::ToolInput, choice, part, delta),
            _ => return None,
        };
        Some((Run { kind, choice: *choice, part: *part }, delta))
    }
}
