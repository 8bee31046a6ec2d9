//! The repair layer on targets that break, and on a clock that is moved by hand.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod ask;
mod budget;
mod config;
mod every_event;
mod json;
mod passing;
mod random;
mod resume;
mod seams;
mod target;
mod tools;
mod usage;

use std::time::Duration;

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::context::{Attempt, Context};
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{ContinuedBy, Event, FinishReason, Notice};
use belvedere_core::events::{EndKind, Events};
use belvedere_core::layer::Layer;
use belvedere_core::message::{Message, Part};
use belvedere_core::request::Request;
use belvedere_core::service::{Service, Stack};
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step};
use belvedere_middleware::repair::{Policy, Repair};
use belvedere_middleware::timeout::Timeout;
use futures_util::StreamExt;

use target::{Break, Prefill, Target, answer, call, events_of};

const POEM: &str =
    "Größe ist nicht alles. The sky is blue because air scatters short waves more than long ones.";

fn policy(policy: Policy) -> Repair {
    let mut repair = Repair::default();
    repair.policy = policy;
    repair
}

/// How a call went.
#[derive(Debug)]
struct Outcome {
    events: Vec<Event>,
    error: Option<Error>,
    end: Option<EndKind>,
    attempts: Vec<Attempt>,
}

impl Outcome {
    fn error(&self) -> &Error {
        self.error.as_ref().unwrap()
    }

    fn answer(&self) -> Completion {
        fold(&self.events)
    }

    /// The parts of the answer; ids of calls are as they were first said.
    fn parts(&self) -> Vec<Part> {
        self.answer().choices.into_iter().flat_map(|choice| choice.parts).collect()
    }

    fn text(&self) -> String {
        self.answer().text()
    }

    /// What the layer did, in short.
    fn marks(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Notice(Notice::Restart { .. }) => Some("restart".to_owned()),
                Event::Notice(Notice::Continued { by, overlap, .. }) => Some(format!("{by:?} {overlap}")),
                _ => None,
            })
            .collect()
    }

    fn ends(&self) -> Vec<EndKind> {
        self.attempts.iter().filter_map(|attempt| attempt.end).collect()
    }
}

fn fold(events: &[Event]) -> Completion {
    let mut fold = Fold::default();
    events.iter().for_each(|event| fold.event(event));
    fold.into_completion()
}

/// Runs a call to its end, and checks that nothing is left behind.
fn go(repair: &Repair, service: impl Service + Clone, request: impl Into<Request>) -> Outcome {
    let simulation = Simulation::new(1);
    let cx = simulation.context();
    let outcome = go_in(&simulation, &cx, repair, service, request);
    simulation.assert_idle();
    outcome
}

fn go_in(
    simulation: &Simulation,
    cx: &Context,
    repair: &Repair,
    service: impl Service + Clone,
    request: impl Into<Request>,
) -> Outcome {
    let mut idle = Timeout::off();
    idle.idle = Some(Duration::from_secs(20));
    idle.first_event = Some(Duration::from_secs(60));
    let stack = repair.layer(idle.layer(Stack::new(service)));
    let request = request.into();
    let (events, error, end) = simulation.run(async {
        match stack.call(cx.clone(), request).await {
            Ok(events) => read(events).await,
            Err(error) => (Vec::new(), Some(error), None),
        }
    });
    Outcome { events, error, end, attempts: cx.call.attempts() }
}

async fn read(mut events: Events) -> (Vec<Event>, Option<Error>, Option<EndKind>) {
    let mut seen = Vec::new();
    let mut error = None;
    while let Some(item) = events.next().await {
        match item {
            Ok(event) => seen.push(event),
            Err(e) => error = Some(e),
        }
    }
    assert!(events.next().await.is_none(), "nothing follows the end");
    (seen, error, events.end())
}

/// A request whose answer is read as it comes: a whole one is never left in its middle.
fn streamed(text: &str) -> Request {
    let mut request = Request::from(text);
    request.stream = true;
    request
}

/// A text answer.
fn poem() -> Completion {
    answer([Part::text(POEM)], FinishReason::Stop)
}
