//! The limit layer on a clock that is moved by hand.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod config;
mod keys;
mod line;
mod requests;
mod stores;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use belvedere_core::error::Error;
use belvedere_core::events::Events;
use belvedere_core::layer::Layer;
use belvedere_core::request::{Options, Request, Scope};
use belvedere_core::service::Stack;
use belvedere_core::store::Store;
use belvedere_core::testing::{Answer, ScriptedService, Simulation};
use belvedere_middleware::limit::{Config, Limit};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn config(json: &str) -> Config {
    serde_json::from_str(json).unwrap()
}

/// A limit in front of a service that answers every call, on one machine.
struct Bench {
    simulation: Simulation,
    service: ScriptedService,
    limit: Limit,
    stack: Stack,
}

impl Bench {
    fn new(json: &str) -> Self {
        Bench::over(json, ScriptedService::always(Answer::text("hello")), None)
    }

    fn over(json: &str, service: ScriptedService, store: Option<Arc<dyn Store>>) -> Self {
        let limit = Limit::build(config(json), store).unwrap();
        let stack = limit.layer(Stack::new(service.clone()));
        Bench { simulation: Simulation::new(1), service, limit, stack }
    }

    fn call(&self) -> Result<Events, Error> {
        self.call_of("ann", Request::from("hi"))
    }

    fn call_of(&self, user: &str, request: Request) -> Result<Events, Error> {
        let mut options = Options::default();
        options.scope = scope(user);
        self.simulation.run(self.stack.call(self.simulation.context_with(options), request))
    }

    /// How many calls get through at once.
    fn burst(&self) -> usize {
        (0..10_000).take_while(|_| self.call().is_ok()).count()
    }

    /// Requests and tokens that are left.
    fn left(&self) -> (Option<u64>, Option<u64>) {
        let levels = self.simulation.run(self.limit.levels(&self.simulation.clock, &scope("ann"))).unwrap();
        (levels.requests.map(|l| l.remaining), levels.tokens.map(|l| l.remaining))
    }
}

fn scope(user: &str) -> Scope {
    let mut scope = Scope::default();
    scope.user = Some(user.into());
    scope
}
