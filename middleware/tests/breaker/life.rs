//! What every layer does, and what a reload keeps.

use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;
use belvedere_core::testing::suite;

use super::*;

#[test]
fn it_behaves_as_every_layer() {
    suite::layer(Breaker::default);
    suite::layer(|| breaker(json!({ "slow": {} })));
}

#[test]
fn whoever_listens_hears_of_each_change() {
    let world = World::half_open();
    world.answers(1);
    let heard = ["Closed -> Open", "Open -> HalfOpen", "HalfOpen -> Closed"];
    assert_eq!(world.heard(), heard.map(|change| format!("scripted-1: {change}")));
}

#[test]
fn states_tell_provider_host_and_model() {
    let world = World::open();
    let states = world.breaker.states();
    assert_eq!(states.len(), 2);
    assert_eq!((states[0].provider.as_str(), states[0].model.as_deref()), ("scripted", None));
    assert_eq!((states[0].state, states[0].open_until), (CircuitState::Closed, None));
    assert_eq!(states[1].model.as_deref(), Some("scripted-1"));
    assert_eq!(states[1].state, CircuitState::Open);
    assert!(states[1].open_until.is_some() && states[1].rests_until.is_none());
}

#[test]
fn a_reload_keeps_the_circuits() {
    let world = World::open();
    let mut next = breaker(json!({ "failures": 7, "open_for": "30s" }));
    next.adopt(&world.breaker);
    let stack = next.layer(Stack::new(world.service.clone()));
    let calls = world.service.calls();
    let refused = world.simulation.run(stack.call(world.simulation.context(), Request::from("hi")));
    assert_eq!((refused.unwrap_err().kind(), world.service.calls()), (ErrorKind::CircuitOpen, calls));
    world.simulation.advance(OPEN);
    world.answers(1);
    let closed = next.states().iter().all(|circuit| circuit.state == CircuitState::Closed);
    assert!(closed, "both generations stand before the same circuits");
}
