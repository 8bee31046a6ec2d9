//! The timeout layer on a clock that is moved by hand.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod config;
mod four_clocks;
mod life;
mod pause;

use std::time::Duration;

use belvedere_core::clock::Clock;
use belvedere_core::error::{Error, ErrorKind, TimeoutPhase};
use belvedere_core::event::Event;
use belvedere_core::events::{EndKind, Events};
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::Stack;
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step};
use belvedere_middleware::timeout::Timeout;
use futures_util::StreamExt;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Changes the limits that are all off.
fn limits(change: impl FnOnce(&mut Timeout)) -> Timeout {
    let mut timeout = Timeout::off();
    change(&mut timeout);
    timeout
}

/// How a call went.
struct Outcome {
    /// The events, in order.
    events: Vec<Event>,
    /// The error, before the stream or in it.
    error: Option<Error>,
    /// How the stream ended.
    end: Option<EndKind>,
    /// How long it took on the clock.
    took: Duration,
}

impl Outcome {
    fn phase(&self) -> Option<TimeoutPhase> {
        match self.error.as_ref()?.kind() {
            ErrorKind::Timeout(phase) => Some(phase),
            _ => None,
        }
    }
}

fn wrap(timeout: Timeout, service: &ScriptedService) -> Stack {
    timeout.layer(Stack::new(service.clone()))
}

/// Runs one call to its end, and checks that nothing is left behind.
fn go(timeout: Timeout, answer: Answer) -> Outcome {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([answer]);
    let began = simulation.clock.now();
    let stack = wrap(timeout, &service);
    let outcome = simulation.run(async {
        match stack.call(simulation.context(), Request::from("hi")).await {
            Ok(events) => read(events).await,
            Err(error) => (Vec::new(), Some(error), None),
        }
    });
    let (events, error, end) = outcome;
    assert_eq!(service.live(), 0, "the source is closed");
    simulation.assert_idle();
    Outcome { events, error, end, took: simulation.clock.now().since(began) }
}

/// Reads a stream to its end, and once past it.
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
