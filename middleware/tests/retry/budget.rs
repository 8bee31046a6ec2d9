//! The budget of an upstream.

use std::sync::Arc;

use async_trait::async_trait;
use belvedere_core::Result;
use belvedere_core::context::Context;
use belvedere_core::credentials::CredentialId;
use belvedere_core::events::Events;
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Stack};
use serde_json::json;

use super::*;

/// A scripted service of a provider, a host and a key.
#[derive(Debug, Clone)]
struct Upstream(ScriptedService, &'static str, &'static str, &'static str);

#[async_trait]
impl Service for Upstream {
    fn info(&self) -> Info {
        let mut info = Info::new(self.1, "scripted");
        info.host = Some(self.2.into());
        info.credential = Some(CredentialId::of([self.3.as_bytes()]));
        info
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        self.0.call(cx, request).await
    }
}

/// How many attempts `calls` calls of a client make.
fn load(simulation: &Simulation, client: &Client, service: &ScriptedService, calls: usize) -> usize {
    let before = service.calls();
    for _ in 0..calls {
        let _ = simulation.run(client.complete("hi"));
    }
    service.calls() - before
}

#[test]
fn y13_the_budget_stands_in_the_built_stack() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(failing(ErrorKind::Overloaded));
    let mut registry = belvedere_core::config::Registry::new();
    belvedere_middleware::register(&mut registry);
    registry.host_provider("down", service.clone());
    let document = json!({
        "version": 1,
        "provider": { "type": "host", "name": "down" },
        "layers": [{ "type": "retry", "attempts": 3 }],
    });
    let config = belvedere_core::config::Config::from_json(&document.to_string()).unwrap();
    let client = registry.client_with(&config, simulation.lent()).unwrap();
    assert_eq!(
        load(&simulation, &client, &service, 1_000),
        1_000 + 100,
        "as many retries as the bucket holds"
    );
    assert_eq!(load(&simulation, &client, &service, 1_000), 1_000, "and none after that");
}

#[test]
fn answers_give_retries_back() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(failing(ErrorKind::Overloaded));
    let retry = retry(json!({ "budget": { "retries": 3, "ratio": 0.5 } }));
    let client = Client::new(service.clone(), simulation.lent()).layer(retry);
    assert_eq!(load(&simulation, &client, &service, 10), 13);
    let answered = |answers| {
        for _ in 0..answers {
            service.push(Answer::text("a"));
        }
        load(&simulation, &client, &service, answers)
    };
    assert_eq!(answered(4), 4);
    assert_eq!(load(&simulation, &client, &service, 10), 12, "two retries for four answers");
    assert_eq!(answered(100), 100);
    assert_eq!(load(&simulation, &client, &service, 10), 13, "never more than it holds");
}

#[test]
fn without_a_budget_each_call_retries_as_it_may() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(failing(ErrorKind::Overloaded));
    let client = Client::new(service.clone(), simulation.lent()).layer(retry(json!({ "budget": null })));
    assert_eq!(load(&simulation, &client, &service, 500), 1_500);
}

#[test]
fn y14_an_upstream_that_is_down_leaves_the_budgets_of_others_alone() {
    let simulation = Simulation::new(1);
    let layer: Arc<dyn Layer> = Arc::new(Retry::default());
    let stack = |service: &ScriptedService, provider, host, key| {
        Client::new(Upstream(service.clone(), provider, host, key), simulation.lent())
            .shared_layer(layer.clone())
    };
    let down = ScriptedService::always(failing(ErrorKind::Overloaded));
    let first = stack(&down, "openai", "eu", "k1");
    assert_eq!(load(&simulation, &first, &down, 200), 300);
    for (provider, host, key) in [("groq", "eu", "k1"), ("openai", "us", "k1"), ("openai", "eu", "k2")] {
        let flaky = ScriptedService::new([failing(ErrorKind::Overloaded), Answer::text("a")]);
        let client = stack(&flaky, provider, host, key);
        assert_eq!(load(&simulation, &client, &flaky, 1), 2, "{provider} {host} {key}");
    }
    // The same upstream has the same budget, whoever stands before it.
    let same = stack(&down, "openai", "eu", "k1");
    assert_eq!(load(&simulation, &same, &down, 10), 10);
}

#[test]
fn a_reload_keeps_what_is_used_up() {
    let simulation = Simulation::new(1);
    let down = ScriptedService::always(failing(ErrorKind::Overloaded));
    let before = Retry::default();
    let client = Client::new(down.clone(), simulation.lent()).layer(before.clone());
    load(&simulation, &client, &down, 200);
    let mut after = retry(json!({ "budget": { "retries": 110 } }));
    after.adopt(&before);
    let stack = after.layer(Stack::new(down.clone()));
    drop(client);
    let calls = down.calls();
    for _ in 0..20 {
        let _ = simulation.run(stack.call(simulation.context(), Request::from("hi")));
    }
    assert_eq!(down.calls() - calls, 30, "the ten that the new budget has more");
}
