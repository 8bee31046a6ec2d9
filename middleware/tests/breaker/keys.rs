//! Whose a circuit is.

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::credentials::CredentialId;
use belvedere_core::events::Events;
use belvedere_core::layer::Layer;
use belvedere_core::service::{Info, Service, Stack};

use super::*;

/// A provider, a host and a key.
#[derive(Debug, Clone)]
struct Upstream(ScriptedService, [&'static str; 3]);

#[async_trait]
impl Service for Upstream {
    fn info(&self) -> Info {
        let [provider, host, key] = self.1;
        let mut info = Info::new(provider, "scripted");
        info.host = Some(host.into());
        info.credential = Some(CredentialId::of([key.as_bytes()]));
        info
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        self.0.call(cx, request).await
    }
}

#[test]
fn b13_one_bad_dimension_leaves_the_others_alone() {
    let simulation = Simulation::new(1);
    let breaker = breaker(json!({ "failures": 3 }));
    let ask = |of: [&'static str; 3], model: &str, answer: Answer| {
        let stack = breaker.layer(Stack::new(Upstream(ScriptedService::new([answer]), of)));
        let request = Request::from("hi").with_model(model);
        let answer =
            simulation.run(async { stack.call(simulation.context(), request).await?.collect().await });
        (answer, stack)
    };
    let bad = ["openai", "eu", "k1"];
    // A service stands before the upstream all the while: what nobody holds is forgotten.
    let _held = ask(bad, "large", Answer::text("a"));
    for _ in 0..3 {
        ask(bad, "large", failing(ErrorKind::Overloaded)).0.unwrap_err();
    }
    let refused = ask(bad, "large", Answer::text("a")).0.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::CircuitOpen);
    for (of, model) in [
        (bad, "small"),
        (["groq", "eu", "k1"], "large"),
        (["openai", "us", "k1"], "large"),
        (["openai", "eu", "k2"], "large"),
    ] {
        assert!(ask(of, model, Answer::text("a")).0.is_ok(), "{of:?} {model}");
    }
}

#[test]
fn b13_a_host_that_is_down_is_not_tried_model_by_model() {
    let world = World::new(breaker(json!({ "failures": 4, "open_for": "30s" })));
    for model in ["a", "b", "c", "d"] {
        world.ask_of(model, failing(ErrorKind::Network)).unwrap_err();
    }
    assert_eq!(world.state_of(None), CircuitState::Open);
    let calls = world.service.calls();
    let unheard_of = world.client.complete(Request::from("hi").with_model("e"));
    let error = world.simulation.run(unheard_of).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::CircuitOpen, Some(OPEN)));
    assert_eq!(
        (error.message(), world.service.calls()),
        ("calls to all models of this upstream failed", calls)
    );
    world.simulation.advance(OPEN);
    world.ask_of("a", Answer::text("a")).unwrap();
    let heard = ["all: Closed -> Open", "all: Open -> HalfOpen", "all: HalfOpen -> Closed"];
    assert_eq!(world.heard(), heard);
}

#[test]
fn b13_one_bad_model_does_not_open_the_host() {
    let world = World::three();
    world.ask_of("good", Answer::text("a")).unwrap();
    for _ in 0..20 {
        world.ask_of("bad", failing(ErrorKind::Overloaded)).unwrap_err();
        world.simulation.advance(OPEN);
    }
    assert_eq!(world.state_of(None), CircuitState::Closed);
    // Two bad ones do not either, as long as a good one answers in between.
    for _ in 0..20 {
        for _ in 0..2 {
            let _ = world.ask_of("bad", failing(ErrorKind::Overloaded));
            let _ = world.ask_of("worse", failing(ErrorKind::Overloaded));
            world.ask_of("good", Answer::text("a")).unwrap();
        }
        world.simulation.advance(OPEN);
    }
    assert_eq!(world.state_of(None), CircuitState::Closed);
}

#[test]
fn o6_no_more_models_are_kept_than_may_be() {
    let world = World::new(breaker(json!({ "failures": 1, "models": 100 })));
    world.ask_of("bad", failing(ErrorKind::Overloaded)).unwrap_err();
    for one in 0..1_000 {
        world.ask_of(&format!("tenant-{one}"), Answer::text("a")).unwrap();
        assert!(world.breaker.states().len() <= 101, "of all models, and of a hundred");
    }
    assert_eq!(world.state_of(Some("bad")), CircuitState::Open, "what is known to be bad is kept");
}
