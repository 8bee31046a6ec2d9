//! The throttle layer on a clock that is moved by hand.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod cadence;
mod config;
mod laws;
mod life;
mod speeds;
mod words;

use std::time::Duration;

use belvedere_core::client::Client;
use belvedere_core::clock::Clock;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::Event;
use belvedere_core::events::{EndKind, Events};
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::Stack;
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step};
use belvedere_middleware::throttle::Throttle;
use futures_util::StreamExt;

const SECOND: Duration = Duration::from_secs(1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The layer from its JSON.
fn throttle(json: &str) -> Throttle {
    serde_json::from_str(json).unwrap()
}

/// How a call went: every event with the time it came at.
struct Outcome {
    events: Vec<(Duration, Event)>,
    error: Option<Error>,
    end: Option<EndKind>,
    took: Duration,
}

impl Outcome {
    /// The deltas, with their times in milliseconds.
    fn deltas(&self) -> Vec<(u128, &str)> {
        self.events.iter().filter_map(|(at, event)| Some((at.as_millis(), event.delta()?))).collect()
    }

    /// The deltas alone.
    fn texts(&self) -> Vec<&str> {
        self.deltas().into_iter().map(|(_, delta)| delta).collect()
    }
}

/// A request of somebody who watches the answer come.
fn streamed() -> Request {
    let mut request = Request::from("hi");
    request.stream = true;
    request
}

fn wrap(throttle: Throttle, service: &ScriptedService) -> Stack {
    throttle.layer(Stack::new(service.clone()))
}

/// Runs one call to its end, and checks that nothing is left behind.
fn go(throttle: Throttle, answer: Answer) -> Outcome {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([answer]);
    let began = simulation.clock.now();
    let stack = wrap(throttle, &service);
    let clock = simulation.clock.clone();
    let (events, error, end) = simulation.run(async {
        match stack.call(simulation.context(), streamed()).await {
            Ok(events) => read(events, || clock.now().since(began)).await,
            Err(error) => (Vec::new(), Some(error), None),
        }
    });
    assert_eq!(service.live(), 0, "the source is closed");
    simulation.assert_idle();
    Outcome { events, error, end, took: simulation.clock.now().since(began) }
}

type Read = (Vec<(Duration, Event)>, Option<Error>, Option<EndKind>);

/// Reads a stream to its end, and once past it.
async fn read(mut events: Events, at: impl Fn() -> Duration) -> Read {
    let (mut seen, mut error) = (Vec::new(), None);
    while let Some(item) = events.next().await {
        match item {
            Ok(event) => seen.push((at(), event)),
            Err(e) => error = Some(e),
        }
    }
    assert!(events.next().await.is_none(), "nothing follows the end");
    (seen, error, events.end())
}
