//! What counts as a failure, what as an answer, and what as neither.

use belvedere_core::testing::Task;
use futures_util::StreamExt;

use super::*;

#[test]
fn b8_not_a_byte_goes_upstream_while_it_is_open() {
    let world = World::open();
    let calls = world.service.calls();
    for left in (1..=30).rev() {
        let error = world.simulation.run(world.client.complete("hi")).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::CircuitOpen, 0));
        assert_eq!(error.retry_after(), Some(SECOND * left));
        world.simulation.advance(SECOND);
    }
    assert_eq!(world.service.calls(), calls);
    world.answers(1);
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn b10_every_kind_of_error_is_classed_and_none_uses_up_a_probe() {
    for kind in ErrorKind::ALL {
        let is_failure = matches!(
            kind,
            ErrorKind::Network
                | ErrorKind::Overloaded
                | ErrorKind::Timeout(_)
                | ErrorKind::Truncated
                | ErrorKind::Malformed
        );
        let world = World::three();
        for _ in 0..10 {
            let _ = world.ask(failing(kind));
        }
        let expected = if is_failure { CircuitState::Open } else { CircuitState::Closed };
        assert_eq!(world.state(), expected, "{kind}");
        let world = World::half_open();
        let _ = world.ask(failing(kind));
        let expected = if is_failure { CircuitState::Open } else { CircuitState::HalfOpen };
        assert_eq!(world.state(), expected, "{kind} as a probe");
        if !is_failure {
            world.answers(1);
        }
    }
}

#[test]
fn b6_a_rate_limit_is_neither_a_failure_nor_an_answer() {
    let world = World::three();
    for _ in 0..2 {
        world.fails(1);
        world.ask(failing(ErrorKind::RateLimited)).unwrap_err();
    }
    assert_eq!(world.state(), CircuitState::Closed);
    world.fails(1);
    assert_eq!(world.state(), CircuitState::Open, "the third failure in a row");
    let world = World::three();
    world.fails(2);
    world.answers(1);
    world.fails(2);
    assert_eq!(world.state(), CircuitState::Closed, "an answer ends the row");
}

fn limited(retry_after: RetryAfter) -> Answer {
    Answer::refused(Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(retry_after))
}

#[test]
fn b6_a_provider_that_asks_to_be_left_alone_is() {
    let world = World::three();
    world.ask(limited(RetryAfter::after(SECOND * 20))).unwrap_err();
    let calls = world.service.calls();
    world.simulation.advance(SECOND * 5);
    let error = world.simulation.run(world.client.complete("hi")).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(SECOND * 15)));
    assert_eq!((error.attempts(), world.service.calls()), (0, calls));
    let states = world.breaker.states();
    assert!(states[1].rests_until.is_some(), "it can be seen");
    assert_eq!(states[1].state, CircuitState::Closed);
    let other = world.ask_of("scripted-2", Answer::text("a"));
    assert!(other.is_ok(), "another model has limits of its own");
    world.simulation.advance(SECOND * 15);
    world.answers(1);
}

#[test]
fn b12_a_lying_upstream_can_not_shut_itself_off() {
    for (told, expected) in [
        // A day is cut to the cap; a delay in a text is none.
        (RetryAfter::after(SECOND * 86_400), Some(SECOND * 60)),
        (RetryAfter::hint(SECOND * 20), None),
        (RetryAfter::after(Duration::ZERO), None),
    ] {
        let world = World::three();
        world.ask(limited(told)).unwrap_err();
        let error = world.refused();
        assert_eq!(error.as_ref().and_then(Error::retry_after), expected, "{told:?}");
        assert_eq!(error.is_some(), expected.is_some());
    }
    let world = World::new(breaker(json!({ "cooldown": "0s" })));
    world.ask(limited(RetryAfter::after(SECOND * 20))).unwrap_err();
    assert!(world.refused().is_none());
}

#[test]
fn b5_a_storm_of_cancels_leaves_it_closed() {
    let world = World::three();
    for after in 0..30 {
        world.service.push(Answer::deltas(["a", "b", "c"]).with(after % 4, Step::Stall));
        let mut events = world.simulation.run(world.client.stream("hi")).unwrap();
        let mut reading = Task::new(async { while events.next().await.is_some() {} });
        assert!(world.simulation.poll(&mut reading).is_pending());
        drop(reading);
        if after % 2 == 0 { events.cancel() } else { drop(events) }
    }
    for _ in 0..30 {
        world.service.push(Answer::text("a").opening(Step::Stall));
        let mut call = Task::new(world.client.complete("hi"));
        assert!(world.simulation.poll(&mut call).is_pending());
    }
    assert_eq!((world.state(), world.service.live()), (CircuitState::Closed, 0));
    world.fails(3);
    assert_eq!(world.state(), CircuitState::Open, "and does not keep it so");
}

#[test]
fn b7_our_own_refusals_are_no_word_of_the_upstream() {
    use belvedere_core::layer::layer_fn;
    let ours = [
        Error::new(ErrorKind::RateLimited, "our limit").with_retry_after(RetryAfter::after(SECOND * 9)),
        Error::new(ErrorKind::BudgetExceeded, "our budget"),
        Error::new(ErrorKind::InvalidRequest, "refused before it was sent"),
        Error::new(ErrorKind::CircuitOpen, "a breaker further in"),
        Error::new(ErrorKind::Store, "our store"),
    ];
    for error in ours {
        let world = World::three();
        let refusal = error.clone();
        let client = world.client.clone().layer(layer_fn("ours", move |_, _, _| {
            let refusal = refusal.clone();
            async move { Err(refusal) }
        }));
        for _ in 0..10 {
            let told = world.simulation.run(client.complete("hi")).unwrap_err();
            assert_eq!(told.message(), error.message(), "it is told as it is, and never by the breaker");
        }
        assert_eq!(world.state(), CircuitState::Closed, "{error}");
    }
}

#[test]
fn b11_a_stream_that_fails_at_any_event_is_a_failure() {
    let events = Answer::text("a").steps.len();
    for after in 0..=events {
        let world = World::three();
        for _ in 0..3 {
            let broken = Error::new(ErrorKind::Network, "reset");
            let _ = world.ask(Answer::text("a").with(after, Step::Fail(broken)));
        }
        assert_eq!(world.state(), CircuitState::Open, "after {after} events");
        let world = World::three();
        for _ in 0..3 {
            let _ = world.ask(Answer::text("a").cut(after));
        }
        let expected = if after == events { CircuitState::Closed } else { CircuitState::Open };
        assert_eq!(world.state(), expected, "cut after {after} events");
    }
}

#[test]
fn b11_nothing_is_known_before_the_stream_has_ended() {
    let world = World::half_open();
    world.service.push(Answer::deltas(["a", "b"]));
    let mut events = world.simulation.run(world.client.stream("hi")).unwrap();
    let mut seen = 0;
    while let Some(item) = world.simulation.run(events.next()) {
        item.unwrap();
        seen += 1;
        assert_eq!(world.state(), CircuitState::HalfOpen, "after {seen} events");
    }
    assert_eq!((seen, world.state()), (5, CircuitState::Closed));
}

#[test]
fn who_stops_reading_at_the_finish_has_had_the_answer() {
    for taken in 1..=4 {
        let world = World::half_open();
        world.service.push(Answer::text("a"));
        let mut events = world.simulation.run(world.client.stream("hi")).unwrap();
        for _ in 0..taken {
            assert!(world.simulation.run(events.next()).is_some());
        }
        drop(events);
        let expected = if taken == 4 { CircuitState::Closed } else { CircuitState::HalfOpen };
        assert_eq!(world.state(), expected, "after {taken} events");
    }
}

#[test]
fn slow_beginnings_count_beside_failures() {
    let slow = || Answer::text("a").with(1, Step::Wait(SECOND * 5));
    let late = || Answer::text("a").with(3, Step::Wait(SECOND * 5));
    let rules = json!({ "min_calls": 10, "slow": { "after": "5s", "rate": 0.5 }, "window": "10m" });
    for (answer, expected) in [(slow(), CircuitState::Open), (late(), CircuitState::Closed)] {
        let world = World::new(breaker(rules.clone()));
        world.answers(5);
        for _ in 0..5 {
            world.ask(answer.clone()).unwrap();
        }
        assert_eq!(world.state(), expected, "what is slow is the way to the first content");
        if expected == CircuitState::Open {
            world.simulation.advance(OPEN);
            world.ask(slow()).unwrap();
            assert_eq!(world.state(), CircuitState::Open, "a slow probe is no recovery");
        }
    }
}
