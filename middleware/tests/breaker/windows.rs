//! Rows of failures, shares of a window, and clocks that jump.

use super::*;

fn shares() -> Breaker {
    breaker(json!({ "failures": null, "rate": 0.5, "min_calls": 10, "window": "60s" }))
}

#[test]
fn b14_a_share_of_few_calls_is_none() {
    let world = World::new(shares());
    world.fails(9);
    assert_eq!(world.state(), CircuitState::Closed);
    world.fails(1);
    assert_eq!(world.state(), CircuitState::Open);
}

#[test]
fn b14_the_share_is_that_of_the_last_stretch_of_time() {
    let world = World::new(shares());
    world.answers(100);
    world.fails(20);
    assert_eq!(world.state(), CircuitState::Closed, "20 of 120");
    world.simulation.advance(SECOND * 61);
    world.fails(9);
    assert_eq!(world.state(), CircuitState::Closed);
    world.fails(1);
    assert_eq!(world.state(), CircuitState::Open, "10 of 10; the answers are forgotten");
    let world = World::new(shares());
    for _ in 0..30 {
        world.fails(1);
        world.simulation.advance(SECOND * 7);
    }
    assert_eq!(world.state(), CircuitState::Closed, "never ten in a minute");
}

#[test]
fn b14_a_row_of_failures_knows_no_time() {
    let world = World::three();
    for _ in 0..3 {
        assert_eq!(world.state(), CircuitState::Closed);
        world.fails(1);
        world.simulation.advance(SECOND * 3600);
    }
    assert_eq!(world.state(), CircuitState::Open);
}

#[test]
fn b14_each_window_can_be_off() {
    let world = World::new(breaker(json!({ "failures": null, "rate": null })));
    world.fails(200);
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn w15_no_jump_of_a_clock_opens_it_or_keeps_it_open() {
    let world = World::open();
    let wall = {
        use belvedere_core::clock::Clock;
        world.simulation.clock.wall()
    };
    world.simulation.clock.jump_wall(wall + SECOND * 86_400);
    assert_eq!(world.refused().unwrap().retry_after(), Some(OPEN), "the wall clock is not asked");
    // A clock that runs backwards makes it open for its time once more, and no longer.
    world.simulation.advance(SECOND * 10);
    world.simulation.clock.step_back(SECOND * 15);
    assert_eq!(world.refused().unwrap().retry_after(), Some(OPEN));
    // A machine that slept has waited.
    world.simulation.clock.suspend(OPEN);
    world.answers(1);
    assert_eq!(world.state(), CircuitState::Closed);
}

#[test]
fn w15_what_was_counted_before_a_jump_is_not_counted_for_longer() {
    for jump in [-15_i64, 3600] {
        let world = World::new(shares());
        world.fails(9);
        match u64::try_from(jump) {
            Ok(ahead) => world.simulation.clock.suspend(SECOND * u32::try_from(ahead).unwrap()),
            Err(_) => world.simulation.clock.step_back(SECOND * 15),
        }
        world.fails(9);
        assert_eq!(world.state(), CircuitState::Closed, "{jump}");
        world.fails(1);
        assert_eq!(world.state(), CircuitState::Open, "{jump}");
    }
}

#[test]
fn w15_a_rest_is_never_longer_than_its_cap() {
    let world = World::three();
    let limited =
        Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(RetryAfter::after(SECOND * 50));
    world.ask(Answer::refused(limited)).unwrap_err();
    world.simulation.clock.step_back(SECOND * 15);
    assert_eq!(world.refused().unwrap().retry_after(), Some(SECOND * 60));
    world.simulation.advance(SECOND * 60);
    world.answers(1);
}
