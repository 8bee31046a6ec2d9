//! The budget layer and its ledger, on a clock that is moved by hand.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod amounts;
mod calls;
mod concurrent;
mod config;
mod lines;
mod periods;
mod stores;
mod streams;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belvedere_core::context::{Call, Context, Lent};
use belvedere_core::error::Error;
use belvedere_core::event::Event;
use belvedere_core::events::Events;
use belvedere_core::hooks::{Hooks, Signal};
use belvedere_core::layer::Layer;
use belvedere_core::request::{Options, Request, Scope};
use belvedere_core::service::Stack;
use belvedere_core::store::{MemoryStore, Store};
use belvedere_core::testing::{Answer, ScriptedService, Simulation, Step};
use belvedere_core::usage::{Class, Usage};
use belvedere_middleware::budget::{Balance, Budget, Config, Entry};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// What `hi` has the model read, by estimate: what surrounds a message and an answer, and the text.
const INPUT: i64 = 3 + 1 + 3;

fn config(json: &str) -> Config {
    serde_json::from_str(json).unwrap()
}

/// A budget in front of a scripted service, on one machine.
struct Bench {
    simulation: Simulation,
    lent: Lent,
    service: ScriptedService,
    budget: Budget,
    stack: Stack,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    /// A budget of tokens with these further settings.
    fn tokens(tokens: u64, more: &str, service: ScriptedService) -> Self {
        Bench::new(&format!(r#"{{"limit": {{"tokens": {tokens}, "every": "1d"}}{more}}}"#), service)
    }

    fn new(json: &str, service: ScriptedService) -> Self {
        Bench::over(Simulation::new(1), json, service, None)
    }

    fn over(
        simulation: Simulation,
        json: &str,
        service: ScriptedService,
        store: Option<Arc<dyn Store>>,
    ) -> Self {
        let memory = || Arc::new(MemoryStore::new(Arc::new(simulation.clock.clone())));
        let budget = Budget::build(config(json), store.unwrap_or_else(|| memory())).unwrap();
        let stack = budget.layer(Stack::new(service.clone()));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let ear = heard.clone();
        let hear = move |signal: &Signal| ear.lock().unwrap().push(serde_json::to_string(signal).unwrap());
        let lent = Lent { hooks: Hooks::default().with(hear), ..simulation.lent() };
        Bench { simulation, lent, service, budget, stack, heard }
    }

    fn context(&self, tenant: &str) -> Context {
        let mut options = Options::default();
        options.scope = scope(tenant);
        Context::new(Arc::new(self.lent.clone()), Arc::new(Call::new(&self.lent, options)))
    }

    fn call(&self, request: Request) -> Result<Events, Error> {
        self.call_of("acme", request)
    }

    fn call_of(&self, tenant: &str, request: Request) -> Result<Events, Error> {
        self.simulation.run(self.stack.call(self.context(tenant), request))
    }

    /// Calls and reads the answer to its end.
    fn ask(&self, request: Request) -> Result<belvedere_core::completion::Completion, Error> {
        let events = self.call(request)?;
        self.simulation.run(events.collect())
    }

    fn balance(&self) -> Balance {
        self.balance_of("acme")
    }

    fn balance_of(&self, tenant: &str) -> Balance {
        let ledger = self.budget.ledger();
        let balance = self.simulation.run(ledger.balance(&self.simulation.clock, &scope(tenant))).unwrap();
        assert!(balance.is_conserved(), "{balance:?}");
        balance
    }

    /// Settled, released and open.
    fn sums(&self) -> (i64, i64, i64) {
        let balance = self.balance();
        (balance.settled, balance.released, balance.open)
    }

    fn entries(&self) -> Vec<Entry> {
        let all = NonZeroUsize::new(10_000).unwrap();
        let scope = scope("acme");
        let entries = self.budget.ledger().entries(&self.simulation.clock, &scope, None, all);
        self.simulation.run(entries).unwrap().entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn scope(tenant: &str) -> Scope {
    let mut scope = Scope::default();
    scope.tenant = Some(tenant.into());
    scope
}

/// A whole answer of at most this many tokens.
fn whole(max_tokens: u64) -> Request {
    let mut request = Request::from("hi");
    request.max_tokens = Some(max_tokens);
    request
}

/// A stream without an end that is known.
fn endless() -> Request {
    let mut request = Request::from("hi");
    request.stream = true;
    request
}

fn usage(input: u64, output: u64) -> Event {
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(input));
    usage.set(Class::Output, Some(output));
    Event::Usage(Arc::new(usage))
}

/// `Start`, six bytes, `PartEnd`, the usage, `Finish`.
fn answer(input: u64, output: u64) -> Answer {
    Answer::text("abcdef").with(3, Step::Event(usage(input, output)))
}

fn always(answer: Answer) -> ScriptedService {
    ScriptedService::always(answer)
}
