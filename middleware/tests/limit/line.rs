//! Those who wait: served in the order they came, and none longer than it may.

use std::task::Poll;

use belvedere_core::clock::Clock;
use belvedere_core::error::ErrorKind;
use belvedere_core::testing::{Step, Task};

use super::*;

/// A call that was begun.
type Begun = Task<'static, Result<Events, Error>>;

impl Bench {
    /// Begins a call that asks for so many tokens of answer, and polls it once.
    fn begin(&self, output: u64) -> Begun {
        let (stack, cx) = (self.stack.clone(), self.simulation.context());
        let mut request = Request::from("hi");
        request.max_tokens = Some(output);
        let mut task = Task::new(async move { stack.call(cx, request).await });
        assert!(self.simulation.poll(&mut task).is_pending(), "it waits");
        task
    }

    /// Which of these calls are through, after so many seconds more.
    fn through(&self, calls: &mut [Begun], seconds: u32) -> Vec<bool> {
        self.simulation.advance(SECOND * seconds);
        let is_through = |call: &mut Begun| match self.simulation.poll(call) {
            Poll::Ready(answer) => answer.map(|_| true).unwrap(),
            Poll::Pending => false,
        };
        calls.iter_mut().map(is_through).collect()
    }
}

#[test]
fn who_came_first_is_served_first() {
    let bench = Bench::new(r#"{"requests": "1/s", "wait": "1m"}"#);
    assert!(bench.call().is_ok());
    let mut calls: Vec<Begun> = (0..4).map(|_| bench.begin(1)).collect();
    // In the order of a scheduler that has the last one run first, too.
    calls.reverse();
    for served in (0..4).rev() {
        let through = bench.through(&mut calls, 1);
        let expected: Vec<bool> = (0..=served).map(|i| i == served).collect();
        assert_eq!(through, expected);
        calls.truncate(served);
    }
    bench.simulation.assert_idle();
}

#[test]
fn who_comes_later_goes_before_nobody() {
    let service = ScriptedService::always(Answer::text("hello").with(0, Step::Stall));
    let bench = Bench::over(r#"{"tokens": "100/min", "wait": "5m"}"#, service, None);
    let _held = bench.call_of("ann", Request::from("hi").with_max_tokens(60)).unwrap();
    // There is enough for the small one, and not for the large one that came before it.
    let mut calls = [bench.begin(70), bench.begin(5)];
    let mut seconds = [0, 0];
    for second in 0..120 {
        let through = bench.through(&mut calls, u32::from(second > 0));
        for (i, _) in through.iter().enumerate().filter(|(_, through)| **through) {
            seconds[i] = second;
        }
        if through.contains(&true) && seconds[1] > 0 {
            break;
        }
    }
    assert!(0 < seconds[0] && seconds[0] <= seconds[1], "{seconds:?}");
}

#[test]
fn who_leaves_lets_the_next_one_come_sooner() {
    let bench = Bench::new(r#"{"requests": "1/s", "wait": "1m"}"#);
    assert!(bench.call().is_ok());
    let mut calls = vec![bench.begin(1), bench.begin(1), bench.begin(1)];
    drop(calls.remove(0));
    assert_eq!(bench.through(&mut calls, 1), [true, false]);
    let _ = calls.remove(0);
    assert_eq!(bench.through(&mut calls, 1), [true]);
    bench.simulation.assert_idle();
}

#[test]
fn who_would_wait_too_long_behind_the_others_is_refused_at_once() {
    let bench = Bench::new(r#"{"requests": "1/s", "wait": "3s"}"#);
    assert!(bench.call().is_ok());
    let _waiting: Vec<Begun> = (0..3).map(|_| bench.begin(1)).collect();
    let began = bench.simulation.clock.now();
    let error = bench.call().unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(4 * SECOND)));
    assert_eq!(bench.simulation.clock.now(), began);
}

#[test]
fn each_key_has_a_line_of_its_own() {
    let bench = Bench::new(r#"{"requests": "1/s", "per": ["user"], "wait": "1m"}"#);
    assert!(bench.call_of("ann", Request::from("hi")).is_ok());
    let began = bench.simulation.clock.now();
    assert!(bench.call_of("bob", Request::from("hi")).is_ok());
    assert_eq!(bench.simulation.clock.now(), began);
}

#[test]
fn what_is_given_back_is_there_for_the_first_at_once() {
    let stalled = Answer::text("hello").with(0, Step::Stall);
    let service = ScriptedService::new([stalled, Answer::text("hello")]);
    let bench = Bench::over(r#"{"tokens": "100/h", "wait": "1h"}"#, service, None);
    let held = bench.call_of("ann", Request::from("hi").with_max_tokens(90)).unwrap();
    let mut calls = [bench.begin(80)];
    assert_eq!(bench.through(&mut calls, 60), [false]);
    // It reached a provider and used next to nothing.
    drop(held);
    assert_eq!(bench.through(&mut calls, 0), [true]);
}
