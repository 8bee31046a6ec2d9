//! The stream laws as a checker. It runs inside every [`Events`](crate::events::Events) of a debug build; a
//! release build has none of it.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use crate::event::{Event, Notice};

/// Watches one stream and names the first law it breaks.
#[derive(Debug, Default)]
pub struct Laws {
    /// What began elsewhere can't be judged from its rest.
    is_rest: bool,
    started: bool,
    finished: BTreeSet<u32>,
    choices: BTreeSet<u32>,
    parts: BTreeMap<(u32, u32), PartState>,
}

#[derive(Debug)]
enum PartState {
    Open(std::mem::Discriminant<Event>),
    Closed,
}

impl Laws {
    /// A checker of the rest of a stream: it lets everything through.
    pub fn of_rest() -> Self {
        Laws { is_rest: true, ..Laws::default() }
    }

    /// Takes one event in.
    ///
    /// # Errors
    /// The law it breaks, in words.
    pub fn event(&mut self, event: &Event) -> Result<(), String> {
        if self.is_rest {
            return Ok(());
        }
        match event {
            Event::Raw { .. } => return Ok(()),
            Event::Notice(Notice::Restart { .. }) => {
                *self = Laws::default();
                return Ok(());
            }
            Event::Notice(_) if self.finished.is_empty() => return Ok(()),
            Event::Start { .. } if self.started => return Err("a second Start without a Restart".into()),
            Event::Start { .. } => {
                self.started = true;
                return Ok(());
            }
            other if !self.started => return Err(format!("`{}` before Start", other.name())),
            Event::Finish { .. } => {}
            other if !self.finished.is_empty() => return Err(format!("`{}` after Finish", other.name())),
            _ => {}
        }
        if let Some((choice, part)) = event.part() {
            self.choices.insert(choice);
            return self.part(event, choice, part);
        }
        match event {
            Event::Source { choice, .. } | Event::Logprobs { choice, .. } => {
                self.choices.insert(*choice);
                Ok(())
            }
            Event::Finish { choice, .. } => self.finish(*choice),
            _ => Ok(()),
        }
    }

    fn part(&mut self, event: &Event, choice: u32, part: u32) -> Result<(), String> {
        let state = self.parts.get(&(choice, part));
        match (event, state) {
            (_, Some(PartState::Closed)) => Err(format!("`{}` in the closed part {part}", event.name())),
            (Event::PartEnd { .. }, None) => Err(format!("`part_end` of part {part}, which is not open")),
            (Event::PartEnd { .. }, Some(_)) => {
                self.parts.insert((choice, part), PartState::Closed);
                Ok(())
            }
            (Event::Extra { .. }, None) => Err(format!("`extra` of part {part}, which is not open")),
            (Event::Extra { .. }, Some(_)) => Ok(()),
            (Event::ToolInput { .. }, None) => {
                Err(format!("`tool_input` before `tool_start` in part {part}"))
            }
            (_, None) => {
                self.parts.insert((choice, part), PartState::Open(family(event)));
                Ok(())
            }
            (Event::ToolStart { .. } | Event::Opaque { .. }, Some(_)) => {
                Err(format!("`{}` in part {part}, which is already open", event.name()))
            }
            (_, Some(PartState::Open(kind))) if *kind != family(event) => {
                Err(format!("`{}` in part {part}, which is of another kind", event.name()))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, choice: u32) -> Result<(), String> {
        if !self.finished.insert(choice) {
            return Err(format!("choice {choice} finishes twice"));
        }
        let open = self.parts.iter().find(|((c, _), s)| *c == choice && matches!(s, PartState::Open(_)));
        match open {
            Some(((_, part), _)) => Err(format!("choice {choice} finishes while part {part} is open")),
            None => Ok(()),
        }
    }

    /// Checks what must hold when the stream ends as Finished.
    ///
    /// # Errors
    /// The law it breaks, in words.
    pub fn finished(&self) -> Result<(), String> {
        if self.is_rest {
            return Ok(());
        }
        if self.finished.is_empty() {
            return Err("Finished without a Finish".into());
        }
        match self.choices.difference(&self.finished).next() {
            Some(choice) => Err(format!("choice {choice} has no Finish")),
            None => Ok(()),
        }
    }
}

/// Events that may share a part are of one family: a signature belongs to its reasoning, input to its tool.
fn family(event: &Event) -> std::mem::Discriminant<Event> {
    match event {
        Event::Signature { choice, part, delta, .. } => {
            discriminant(&Event::Reasoning { choice: *choice, part: *part, delta: delta.clone() })
        }
        Event::ToolStart { choice, part, .. } => {
            discriminant(&Event::ToolInput { choice: *choice, part: *part, delta: Default::default() })
        }
        other => discriminant(other),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::event::Finish;

    fn start() -> Event {
        Event::Start { id: None, model: None }
    }

    fn text(part: u32) -> Event {
        Event::Text { choice: 0, part, delta: "x".into() }
    }

    fn end(part: u32) -> Event {
        Event::PartEnd { choice: 0, part }
    }

    fn finish(choice: u32) -> Event {
        Event::Finish { choice, finish: Finish::default() }
    }

    fn verdict(events: &[Event]) -> Result<(), String> {
        let mut laws = Laws::default();
        events.iter().try_for_each(|e| laws.event(e)).and_then(|()| laws.finished())
    }

    #[test]
    fn a_lawful_stream_passes() {
        assert_eq!(verdict(&[start(), text(0), text(1), text(0), end(1), end(0), finish(0)]), Ok(()));
        let restart = Event::Notice(Notice::Restart { reason: "cut".into() });
        assert_eq!(verdict(&[start(), text(0), restart, start(), text(0), end(0), finish(0)]), Ok(()));
    }

    #[test]
    fn each_broken_law_is_named() {
        let broken = |events: &[Event]| verdict(events).unwrap_err();
        assert_eq!(broken(&[text(0)]), "`text` before Start");
        assert_eq!(broken(&[start(), start()]), "a second Start without a Restart");
        assert_eq!(broken(&[start(), text(0), end(0), text(0)]), "`text` in the closed part 0");
        assert_eq!(broken(&[start(), text(0), finish(0)]), "choice 0 finishes while part 0 is open");
        assert_eq!(broken(&[start(), finish(0), finish(0)]), "choice 0 finishes twice");
        assert_eq!(broken(&[start(), finish(0), text(0)]), "`text` after Finish");
        assert_eq!(broken(&[start()]), "Finished without a Finish");
        assert_eq!(broken(&[start(), text(0), end(0), finish(1)]), "choice 0 has no Finish");
        let input = Event::ToolInput { choice: 0, part: 0, delta: "{}".into() };
        assert_eq!(broken(&[start(), input.clone()]), "`tool_input` before `tool_start` in part 0");
        assert_eq!(broken(&[start(), text(0), input]), "`tool_input` in part 0, which is of another kind");
    }
}
