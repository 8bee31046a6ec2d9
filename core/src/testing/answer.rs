//! What a scripted service answers.

use std::time::Duration;

use crate::completion::Completion;
use crate::error::Error;
use crate::event::{Event, Finish, FinishReason};

/// One answer of a [`ScriptedService`](super::ScriptedService): what happens until the stream is there, and then
/// in it, step by step.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// What happens until the stream is there.
    pub opening: Vec<Step>,
    /// What happens in the stream.
    pub steps: Vec<Step>,
}

/// One step of an answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// An event. In an opening it does not show.
    Event(Event),
    /// Nothing for this long.
    Wait(Duration),
    /// Nothing any more.
    Stall,
    /// An error, and with it the end.
    Fail(Error),
    /// The wire has a connection. It has one in any case once the stream is there.
    Connect,
    /// Bytes come without an event, as comments do.
    Alive,
}

impl Answer {
    /// An answer of these events.
    pub fn events(events: impl IntoIterator<Item = Event>) -> Self {
        Answer { opening: Vec::new(), steps: events.into_iter().map(Step::Event).collect() }
    }

    /// An answer of one text in one delta: `Start`, `Text`, `PartEnd`, `Finish`.
    pub fn text(text: &str) -> Self {
        Answer::deltas([text])
    }

    /// An answer of one text in several deltas.
    pub fn deltas<'a>(deltas: impl IntoIterator<Item = &'a str>) -> Self {
        let texts = deltas.into_iter().map(|delta| Event::Text { choice: 0, part: 0, delta: delta.into() });
        let finish = Finish { reason: Some(FinishReason::Stop), ..Finish::default() };
        let mut events = vec![Event::Start { id: Some("scripted".into()), model: Some("scripted-1".into()) }];
        events.extend(texts);
        events.push(Event::PartEnd { choice: 0, part: 0 });
        events.push(Event::Finish { choice: 0, finish });
        Answer::events(events)
    }

    /// The events of a whole answer.
    pub fn of(completion: Completion) -> Self {
        Answer::events(crate::completion::unfold(completion))
    }

    /// The call fails, and there is no stream.
    pub fn refused(error: Error) -> Self {
        Answer::default().opening(Step::Fail(error))
    }

    /// Adds a step before the stream is there.
    pub fn opening(mut self, step: Step) -> Self {
        self.opening.push(step);
        self
    }

    /// Puts a step before the step that stands at this index, or at the end.
    pub fn with(mut self, index: usize, step: Step) -> Self {
        self.steps.insert(index.min(self.steps.len()), step);
        self
    }

    /// Ends the script after this many steps, as a cut wire does.
    pub fn cut(mut self, steps: usize) -> Self {
        self.steps.truncate(steps);
        self
    }
}
