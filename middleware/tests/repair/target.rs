//! A target that knows its answer: it breaks once, and then does what it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use belvedere_core::Result;
use belvedere_core::completion::{Choice, Completion};
use belvedere_core::context::Context;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, Finish, FinishReason};
use belvedere_core::events::Events;
use belvedere_core::message::{Part, Role};
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service};
use belvedere_core::testing::{Answer, ScriptedService, Step};
use belvedere_core::usage::{Class, Usage};

/// What a target does when it is given the beginning of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefill {
    /// It goes on.
    Takes,
    /// It says all of it again, and goes on.
    Echoes,
    /// It lacks it, and says so before anything is sent.
    Lacks,
    /// It refuses it with a status of 400.
    Refuses,
}

/// How a stream breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    Cut,
    Reset,
    Stall,
}

impl Break {
    pub(super) const ALL: [Break; 3] = [Break::Cut, Break::Reset, Break::Stall];
}

/// A target that knows its answer.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) service: ScriptedService,
    answer: Arc<Completion>,
    /// The answer when the whole of it is asked for again.
    pub(super) other: Arc<Completion>,
    prefill: Prefill,
    /// After how many events each attempt breaks, in order; then none does.
    pub(super) breaks: Vec<(usize, Break)>,
    calls: Arc<AtomicUsize>,
}

impl Target {
    pub(super) fn new(answer: &Completion, prefill: Prefill, breaks: &[(usize, Break)]) -> Self {
        let answer = Arc::new(answer.clone());
        Target {
            service: ScriptedService::default(),
            other: answer.clone(),
            answer,
            prefill,
            breaks: breaks.to_vec(),
            calls: Arc::default(),
        }
    }

    /// The same, which says something else when the whole is asked for again.
    pub(super) fn or(mut self, other: &Completion) -> Self {
        self.other = Arc::new(other.clone());
        self
    }

    fn answer_to(&self, request: &Request, first: bool) -> Result<Completion> {
        let given: String =
            request.messages.iter().filter(|m| m.role == Role::Assistant).map(|m| m.text()).collect();
        if given.is_empty() {
            return Ok((*if first { &self.answer } else { &self.other }).as_ref().clone());
        }
        let asked = request.messages.last().is_some_and(|m| m.role == Role::User);
        let repeated = match (self.prefill, asked) {
            (Prefill::Lacks, false) => return Err(Error::new(ErrorKind::Unsupported, "no prefill")),
            (Prefill::Refuses, _) => return Err(Error::new(ErrorKind::InvalidRequest, "no prefill")),
            (Prefill::Echoes, _) => given.len(),
            (_, true) => 24,
            (_, false) => 0,
        };
        let mut left = (*self.answer).clone();
        let mut given = given.as_str();
        let mut gone = 0;
        for part in &mut left.choices[0].parts {
            if given.is_empty() {
                break;
            }
            gone += 1;
            let Part::Text { text, .. } = part else { continue };
            let common = text.len().min(given.len());
            assert_eq!(text[..common], given[..common], "what is given is the beginning of the answer");
            given = &given[common..];
            let repeated = if given.is_empty() { repeated } else { 0 };
            let from = (0..=common.saturating_sub(repeated)).rev().find(|at| text.is_char_boundary(*at));
            text.replace_range(..from.unwrap(), "");
            gone -= usize::from(!text.is_empty());
        }
        left.choices[0].parts.drain(..gone);
        Ok(left)
    }
}

#[async_trait]
impl Service for Target {
    fn info(&self) -> Info {
        self.service.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let number = self.calls.fetch_add(1, Ordering::AcqRel);
        let answer = match self.answer_to(&request, number == 0) {
            Ok(answer) => Answer::events(events_of(&answer, number)),
            // What is lacking is no attempt.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.calls.fetch_sub(1, Ordering::AcqRel);
                return Err(error);
            }
            Err(error) => Answer::refused(error),
        };
        let answer = match self.breaks.get(number) {
            None => answer,
            Some((at, how)) => {
                let answer = answer.cut(*at);
                match how {
                    Break::Cut => answer,
                    Break::Reset => answer
                        .with(*at, Step::Fail(Error::new(ErrorKind::Network, "the connection was reset"))),
                    Break::Stall => answer.with(*at, Step::Stall),
                }
            }
        };
        self.service.push(answer);
        self.service.call(cx, request).await
    }
}

/// The events of an answer, in deltas of three characters, with a usage of 100 in and 10 out that says 1 at first.
pub(super) fn events_of(answer: &Completion, number: usize) -> Vec<Event> {
    let usage = |output| {
        let mut usage = Usage::default();
        usage.set(Class::Input, Some(100));
        usage.set(Class::Output, Some(output));
        Event::Usage(Arc::new(usage))
    };
    let mut events = Vec::new();
    for step in Answer::of(answer.clone()).steps {
        let Step::Event(event) = step else { continue };
        match event {
            Event::Start { .. } => {
                events.push(Event::Start { id: Some(format!("{number}").into()), model: Some("m".into()) });
                events.push(usage(1));
            }
            Event::Finish { .. } => events.extend([usage(10), event]),
            event => pieces(event, &mut events),
        }
    }
    events
}

fn pieces(event: Event, events: &mut Vec<Event>) {
    let Some(whole) = event.delta() else { return events.push(event) };
    let letters: Vec<char> = whole.chars().collect();
    for piece in letters.chunks(3) {
        let mut event = event.clone();
        if let Event::Text { delta, .. } | Event::Reasoning { delta, .. } | Event::ToolInput { delta, .. } =
            &mut event
        {
            *delta = piece.iter().collect::<String>().into();
        }
        events.push(event);
    }
}

/// An answer of these parts.
pub(super) fn answer(parts: impl IntoIterator<Item = Part>, reason: FinishReason) -> Completion {
    let mut choice = Choice::default();
    choice.parts = parts.into_iter().collect();
    choice.finish = Some(Finish { reason: Some(reason), ..Finish::default() });
    let mut completion = Completion::default();
    completion.choices = vec![choice];
    completion
}

/// A call of a tool.
pub(super) fn call(id: &str, name: &str, input: &str) -> Part {
    serde_json::from_value(serde_json::json!({"type": "tool_call", "id": id, "name": name, "input": input}))
        .unwrap()
}
