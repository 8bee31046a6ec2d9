//! Requests in a time: exact, by boot time, with waits that are bounded.

use belvedere_core::clock::Clock;
use belvedere_core::context::{Call, Context};
use belvedere_core::error::{Category, ErrorKind};
use belvedere_core::hooks::{Hooks, Signal};
use belvedere_core::testing::Task;
use proptest::prelude::*;

use super::*;

#[test]
fn q10_a_burst_and_then_the_rate_to_the_unit() {
    let bench = Bench::new(r#"{"requests": "10/min"}"#);
    assert_eq!(bench.burst(), 10);
    bench.simulation.advance(HOUR);
    assert_eq!(bench.burst(), 10, "no extra unit after a rest");
    let through: usize = (0..600)
        .map(|_| {
            bench.simulation.advance(SECOND);
            bench.burst()
        })
        .sum();
    assert_eq!(through, 100);
    assert_eq!(bench.service.calls(), 120, "who is refused reaches nobody");
}

proptest! {
    #[test]
    fn q10_no_stretch_of_time_has_more_than_its_due(
        units in 1_u64..20, burst in 1_u64..20, steps in prop::collection::vec((0_u64..400, 1_usize..8), 1..60),
    ) {
        let bench = Bench::new(&format!(r#"{{"requests": "{units}/s", "burst": {burst}}}"#));
        let mut admitted: Vec<u128> = Vec::new();
        for (pause, calls) in steps {
            bench.simulation.advance(Duration::from_millis(pause));
            let now = bench.simulation.clock.boot().since_origin().as_millis();
            admitted.extend((0..calls).filter(|_| bench.call().is_ok()).map(|_| now));
        }
        for (i, from) in admitted.iter().enumerate() {
            for (j, to) in admitted.iter().enumerate().skip(i) {
                let due = u128::from(burst) + (to - from) * u128::from(units) / 1000;
                prop_assert!((j - i + 1) as u128 <= due);
            }
        }
    }
}

#[test]
fn q11_what_is_left_is_read_from_the_state_that_decides() {
    let bench = Bench::new(r#"{"per": ["user"], "requests": "5/s"}"#);
    for left in (0..5).rev() {
        assert!(bench.call().is_ok());
        assert_eq!(bench.left(), (Some(left), None));
    }
    let error = bench.call().unwrap_err();
    assert_eq!((error.kind(), error.category()), (ErrorKind::RateLimited, Category::RateLimit));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(200)));
    assert!(error.to_string().contains("remaining: 0; per: user; limit: 5 in 1s"), "{error}");
    bench.simulation.advance(Duration::from_millis(200));
    assert_eq!(bench.left(), (Some(1), None));
    assert!(bench.call().is_ok());
}

#[test]
fn q12_a_wait_is_what_it_takes_and_no_longer() {
    let bench = Bench::new(r#"{"requests": "4/s", "wait": "1s"}"#);
    let began = bench.simulation.clock.now();
    assert!((0..8).all(|_| bench.call().is_ok()));
    assert_eq!(bench.simulation.clock.now().since(began), SECOND);
    bench.simulation.assert_idle();
    // Nobody waits longer than `wait`, nor for what would come too late.
    let bench = Bench::new(r#"{"requests": "1/h", "wait": "1s"}"#);
    assert!(bench.call().is_ok());
    let error = bench.call().unwrap_err();
    assert_eq!(error.retry_after(), Some(HOUR));
    assert_eq!(bench.simulation.clock.now(), began, "at once");
}

#[test]
fn a_deadline_is_not_waited_past() {
    let bench = Bench::new(r#"{"requests": "1/s", "wait": "1m"}"#);
    assert!(bench.call().is_ok());
    let mut options = Options::default();
    options.timeout = Some(Duration::from_millis(999));
    let began = bench.simulation.clock.now();
    let cx = bench.simulation.context_with(options);
    let error = bench.simulation.run(bench.stack.call(cx, Request::from("hi"))).unwrap_err();
    assert_eq!((error.kind(), bench.simulation.clock.now()), (ErrorKind::RateLimited, began));
}

#[test]
fn a_call_that_is_dropped_while_it_waits_takes_nothing() {
    let bench = Bench::new(r#"{"requests": "1/s", "wait": "1m"}"#);
    assert!(bench.call().is_ok());
    let mut waiting = Task::new(bench.stack.call(bench.simulation.context(), Request::from("hi")));
    assert!(bench.simulation.poll(&mut waiting).is_pending());
    drop(waiting);
    bench.simulation.assert_idle();
    bench.simulation.advance(SECOND);
    assert!(bench.call().is_ok());
}

#[test]
fn q13_a_suspend_counts_and_the_wall_clock_does_not() {
    let bench = Bench::new(r#"{"requests": "10/h"}"#);
    assert_eq!(bench.burst(), 10);
    let wall = bench.simulation.clock.wall();
    bench.simulation.clock.jump_wall(wall + 10 * HOUR);
    assert_eq!(bench.burst(), 0, "a wall clock that jumps gives nothing");
    bench.simulation.clock.suspend(10 * HOUR);
    assert_eq!(bench.burst(), 10, "ten hours have passed, and no more than a burst is there");
}

#[test]
fn q9_a_clock_that_goes_back_is_held_where_it_was() {
    let bench = Bench::new(r#"{"requests": "10/s"}"#);
    assert_eq!(bench.burst(), 10);
    bench.simulation.clock.step_back(SECOND);
    let error = bench.call().unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_millis(100)), "no wait for the time that was lost");
    bench.simulation.advance(2 * SECOND);
    assert_eq!(bench.burst(), 10);
}

#[test]
fn a_refusal_is_signalled_with_key_and_level() {
    let bench = Bench::new(r#"{"per": ["user"], "requests": "2/min"}"#);
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = heard.clone();
    let mut lent = bench.simulation.lent();
    lent.hooks =
        Hooks::default().with(move |s: &Signal| ear.lock().unwrap().push(serde_json::to_string(s).unwrap()));
    for _ in 0..3 {
        let mut options = Options::default();
        options.scope = scope("ann");
        let cx = Context::new(Arc::new(lent.clone()), Arc::new(Call::new(&lent, options)));
        let _ = bench.simulation.run(bench.stack.call(cx, Request::from("hi")));
    }
    let quota = r#"{"type":"quota","key":"user=ann","unit":"requests","refused":true,"used":2,"limit":2,"resets_in":"1m"}"#;
    assert_eq!(*heard.lock().unwrap(), [quota]);
}
