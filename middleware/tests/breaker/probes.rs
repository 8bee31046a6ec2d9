//! Half open: how many probes, and what becomes of them.

use std::panic::AssertUnwindSafe;

use belvedere_core::layer::layer_fn;
use belvedere_core::testing::Task;
use futures_util::FutureExt;

use super::*;

#[test]
fn b3_of_a_thousand_callers_one_is_the_probe() {
    for probes in [1_usize, 3] {
        let world = World::new(breaker(json!({ "failures": 3, "open_for": "30s", "probes": probes })));
        world.fails(3);
        world.simulation.advance(OPEN);
        let calls = world.service.calls();
        let mut waiting = Vec::new();
        let mut refused = 0;
        for _ in 0..1_000 {
            world.service.push(Answer::text("a").with(1, Step::Wait(SECOND)));
            let mut call = Task::new(world.client.complete("hi"));
            match world.simulation.poll(&mut call) {
                std::task::Poll::Pending => waiting.push(call),
                std::task::Poll::Ready(answer) => {
                    assert_eq!(answer.unwrap_err().kind(), ErrorKind::CircuitOpen);
                    refused += 1;
                }
            }
        }
        assert_eq!((world.service.calls() - calls, waiting.len(), refused), (probes, probes, 1_000 - probes));
        assert_eq!(world.state(), CircuitState::HalfOpen);
        world.simulation.advance(SECOND);
        for call in &mut waiting {
            assert!(world.simulation.poll(call).is_ready());
        }
        assert_eq!(world.state(), CircuitState::Closed);
    }
}

#[test]
fn b1_a_probe_that_hangs_holds_its_place_for_its_lease_only() {
    let world = World::new(breaker(json!({ "failures": 3, "open_for": "30s", "probe_lease": "45s" })));
    world.fails(3);
    world.simulation.advance(OPEN);
    world.service.push(Answer::text("a").with(1, Step::Stall));
    let mut hanging = Task::new(world.client.complete("hi"));
    assert!(world.simulation.poll(&mut hanging).is_pending());
    let refused = || world.simulation.run(world.client.complete("hi")).unwrap_err().kind();
    assert_eq!(refused(), ErrorKind::CircuitOpen);
    world.simulation.advance(SECOND * 44);
    assert_eq!(refused(), ErrorKind::CircuitOpen);
    world.simulation.advance(SECOND);
    world.service.push(Answer::text("a"));
    assert!(world.simulation.run(world.client.complete("hi")).is_ok());
    assert_eq!(world.state(), CircuitState::Closed);
    drop(hanging);
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn b1_a_probe_that_is_dropped_gives_its_place_back() {
    let world = World::half_open();
    world.service.push(Answer::text("a").opening(Step::Stall));
    let mut probe = Task::new(world.client.complete("hi"));
    assert!(world.simulation.poll(&mut probe).is_pending());
    drop(probe);
    assert_eq!(world.state(), CircuitState::HalfOpen);
    world.answers(1);
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn b1_a_probe_that_panics_gives_its_place_back() {
    let world = World::half_open();
    let panics = layer_fn("panics", |_, request: Request, next: belvedere_core::service::Stack| async move {
        assert_ne!(request.model.as_deref(), Some("scripted-1"), "a bug in a layer");
        next.call(Simulation::new(2).context(), request).await
    });
    let client = world.client.clone().layer(panics);
    for _ in 0..3 {
        let call = client.complete(Request::from("hi").with_model("scripted-1"));
        let caught = world.simulation.run(AssertUnwindSafe(call).catch_unwind());
        assert!(caught.is_err());
    }
    assert_eq!(world.state(), CircuitState::HalfOpen);
    world.answers(1);
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn b2_a_rate_limit_as_a_probe_gives_its_place_back() {
    let world = World::half_open();
    for _ in 0..5 {
        world.ask(failing(ErrorKind::RateLimited)).unwrap_err();
        assert_eq!(world.state(), CircuitState::HalfOpen);
    }
    world.answers(1);
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn b4_a_late_result_of_an_earlier_state_changes_nothing() {
    let world = World::three();
    let wait = |answer: Answer, seconds| answer.with(0, Step::Wait(SECOND * seconds));
    let reset = || Step::Fail(Error::new(ErrorKind::Network, "reset"));
    world.service.push(wait(Answer::text("late"), 40));
    world.service.push(wait(Answer::default(), 40).with(1, reset()));
    let mut good = Task::new(world.client.complete("hi"));
    let mut bad = Task::new(world.client.complete("hi"));
    assert!(world.simulation.poll(&mut good).is_pending() && world.simulation.poll(&mut bad).is_pending());
    for _ in 0..3 {
        world.service.push(failing(ErrorKind::Overloaded));
        world.simulation.run(world.client.complete("hi")).unwrap_err();
    }
    world.simulation.advance(SECOND * 35);
    // A probe is under way while both end that began before the circuit had opened.
    world.service.push(wait(Answer::text("probe"), 10));
    let mut probe = Task::new(world.client.complete("hi"));
    assert!(world.simulation.poll(&mut probe).is_pending());
    world.simulation.advance(SECOND * 5);
    assert!(world.simulation.poll(&mut good).is_ready() && world.simulation.poll(&mut bad).is_ready());
    assert_eq!(world.state(), CircuitState::HalfOpen, "neither closes nor opens it");
    world.simulation.advance(SECOND * 5);
    assert!(world.simulation.poll(&mut probe).is_ready());
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn b9_an_upstream_that_recovers_is_asked_again_in_the_built_stack() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(failing(ErrorKind::Overloaded));
    let mut registry = belvedere_core::config::Registry::new();
    belvedere_middleware::register(&mut registry);
    registry.host_provider("flaky", service.clone());
    let document = json!({
        "version": 1,
        "provider": { "type": "host", "name": "flaky" },
        "layers": [
            { "type": "repair" },
            { "type": "retry", "attempts": 2, "backoff": "0s" },
            { "type": "breaker", "failures": 5, "open_for": "10s" },
            { "type": "timeout" },
        ],
    });
    let config = belvedere_core::config::Config::from_json(&document.to_string()).unwrap();
    let client = registry.client_with(&config, simulation.lent()).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let seen = heard.clone();
    let client = client.on_state_change(move |signal: &Signal| {
        if let Signal::StateChange { to, .. } = signal {
            seen.lock().unwrap().push(*to);
        }
    });
    for _ in 0..20 {
        simulation.run(client.complete("hi")).unwrap_err();
    }
    assert_eq!(service.calls(), 5, "without the breaker it had been forty");
    simulation.advance(SECOND * 10);
    simulation.run(client.complete("hi")).unwrap_err();
    assert_eq!(service.calls(), 6, "one probe");
    simulation.advance(SECOND * 10);
    for _ in 0..3 {
        service.push(Answer::text("well again"));
        assert_eq!(simulation.run(client.complete("hi")).unwrap().text(), "well again");
    }
    use CircuitState::{Closed, HalfOpen, Open};
    assert_eq!(*heard.lock().unwrap(), [Open, HalfOpen, Open, HalfOpen, Closed]);
}
