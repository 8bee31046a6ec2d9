//! The choose layer over scripted services.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod complexity;
mod config;
mod experiment;
mod routing;
mod rules;

use belvedere_core::client::Client;
use belvedere_core::completion::Completion;
use belvedere_core::request::{Request, Scope};
use belvedere_core::testing::{Answer, ScriptedService, Simulation};
use belvedere_middleware::choose::Choose;
use serde_json::{Value, json};

fn choose(json: Value) -> Choose {
    serde_json::from_value::<Choose>(json).unwrap().checked().unwrap()
}

/// A scope of these tags.
fn tags<const N: usize>(tags: [(&str, &str); N]) -> Scope {
    let mut scope = Scope::default();
    scope.tags.extend(tags.map(|(name, value)| (name.into(), value.into())));
    scope
}

fn user(name: &str) -> Scope {
    let mut scope = Scope::default();
    scope.user = Some(name.into());
    scope
}

/// A client of one provider behind the layer.
struct Case {
    simulation: Simulation,
    service: ScriptedService,
    client: Client,
}

impl Case {
    fn new(choose: Choose, service: ScriptedService) -> Self {
        let simulation = Simulation::new(1);
        let client = Client::new(service.clone(), simulation.lent()).layer(choose);
        Case { simulation, service, client }
    }

    fn answering(choose: Choose) -> Self {
        Case::new(choose, ScriptedService::always(Answer::text("hello")))
    }

    fn ask(&self, request: impl Into<Request>) -> belvedere_core::Result<Completion> {
        self.simulation.run(self.client.complete(request.into()))
    }

    /// The model that the provider was asked for at last.
    fn asked(&self, request: impl Into<Request>) -> Option<String> {
        self.ask(request).unwrap();
        self.service.requests().last().unwrap().model.as_ref().map(ToString::to_string)
    }
}

const HARD: &str =
    "3 pipes fill a tank of 1200 l at 4, 5 and 7 l/min. After 20 min, 2 of them are closed. When is it full?";
const EASY: &str = "What is the capital of France?";
