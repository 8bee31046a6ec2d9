//! The breaker layer before upstreams that fail, and on a clock that is moved by hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod keys;
mod life;
mod probes;
mod results;
mod windows;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::client::Client;
use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind, RetryAfter};
use belvedere_core::hooks::{CircuitState, Signal};
use belvedere_core::request::Request;
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step};
use belvedere_middleware::breaker::Breaker;
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);
/// How long the breakers of these tests are open.
const OPEN: Duration = Duration::from_secs(30);

fn breaker(json: serde_json::Value) -> Breaker {
    serde_json::from_value(json).unwrap()
}

fn failing(kind: ErrorKind) -> Answer {
    Answer::refused(Error::new(kind, "no"))
}

/// A client of one scripted service behind a breaker.
struct World {
    simulation: Simulation,
    service: ScriptedService,
    breaker: Breaker,
    client: Client,
    heard: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new(breaker: Breaker) -> Self {
        let simulation = Simulation::new(1);
        let service = ScriptedService::default();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let seen = heard.clone();
        let client = Client::new(service.clone(), simulation.lent()).layer(breaker.clone()).on_state_change(
            move |signal: &Signal| {
                if let Signal::StateChange { model, from, to, .. } = signal {
                    let of = model.as_deref().unwrap_or("all");
                    seen.lock().unwrap().push(format!("{of}: {from:?} -> {to:?}"));
                }
            },
        );
        World { simulation, service, breaker, client, heard }
    }

    /// A breaker that opens at the third failure in a row, and one that has.
    fn three() -> Self {
        World::new(breaker(json!({ "failures": 3, "open_for": "30s" })))
    }

    fn open() -> Self {
        let world = World::three();
        world.fails(3);
        assert_eq!(world.state(), CircuitState::Open);
        world
    }

    /// One that lets probes through.
    fn half_open() -> Self {
        let world = World::open();
        world.simulation.advance(OPEN);
        world
    }

    fn ask(&self, answer: Answer) -> Result<Completion> {
        self.ask_of("scripted-1", answer)
    }

    fn ask_of(&self, model: &str, answer: Answer) -> Result<Completion> {
        self.service.push(answer);
        let calls = self.service.calls();
        let given = self.simulation.run(self.client.complete(Request::from("hi").with_model(model)));
        if self.service.calls() == calls {
            // It was refused: the answer is for nobody.
            self.simulation.run(async {
                use belvedere_core::service::Service;
                let _ = self.service.call(self.simulation.context(), Request::from("hi")).await;
            });
        }
        self.simulation.assert_idle();
        given
    }

    fn fails(&self, times: usize) {
        for _ in 0..times {
            self.ask(failing(ErrorKind::Overloaded)).unwrap_err();
        }
    }

    fn answers(&self, times: usize) {
        for _ in 0..times {
            assert_eq!(self.ask(Answer::text("a")).unwrap().text(), "a");
        }
    }

    /// The kind of a refusal by the breaker itself; `None`: the call was let through.
    fn refused(&self) -> Option<Error> {
        self.ask(Answer::text("a")).err()
    }

    /// The state of the model's circuit.
    fn state(&self) -> CircuitState {
        self.state_of(Some("scripted-1"))
    }

    fn state_of(&self, model: Option<&str>) -> CircuitState {
        let states = self.breaker.states();
        let of = states.iter().find(|circuit| circuit.model.as_deref() == model);
        of.map_or(CircuitState::Closed, |circuit| circuit.state)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}
