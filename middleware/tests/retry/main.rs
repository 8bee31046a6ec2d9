//! The retry layer on targets that fail, and on a clock that is moved by hand.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod budget;
mod config;
mod figures;
mod kinds;
mod life;
mod waits;
mod wire;

use std::time::Duration;

use belvedere_core::client::Client;
use belvedere_core::clock::Clock;
use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, Notice};
use belvedere_core::request::{Options, Request};
use belvedere_core::service::Service;
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step};
use belvedere_middleware::retry::Retry;

const SECOND: Duration = Duration::from_secs(1);

fn retry(json: serde_json::Value) -> Retry {
    serde_json::from_value(json).unwrap()
}

fn failing(kind: ErrorKind) -> Answer {
    Answer::refused(Error::new(kind, "no"))
}

/// How a call went.
struct Outcome {
    answer: Result<Completion, Error>,
    took: Duration,
}

impl Outcome {
    fn text(&self) -> String {
        self.answer.as_ref().unwrap().text()
    }

    fn error(&self) -> &Error {
        self.answer.as_ref().unwrap_err()
    }
}

/// Runs a call of a client to its end, and checks that nothing is left behind.
fn go(retry: Retry, service: impl Service) -> Outcome {
    go_with(&Simulation::new(1), retry, service, Options::default())
}

fn go_with(simulation: &Simulation, retry: Retry, service: impl Service, options: Options) -> Outcome {
    let began = simulation.clock.now();
    let client = Client::new(service, simulation.lent()).layer(retry);
    let answer = simulation.run(client.complete(Request::from("hi").with_options(options)));
    simulation.assert_idle();
    Outcome { answer, took: simulation.clock.now().since(began) }
}
