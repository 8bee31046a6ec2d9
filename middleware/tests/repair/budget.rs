//! How often, when, and when not.

use belvedere_core::clock::Clock;
use belvedere_core::error::{RetryAfter, Status};
use belvedere_core::request::Options;
use belvedere_core::testing::Task;

use super::*;

fn broken() -> Answer {
    Answer::deltas([POEM, "?"]).cut(2)
}

fn failing(kind: ErrorKind, message: &str) -> Answer {
    Answer::refused(Error::new(kind, message))
}

#[test]
fn y2_the_last_error_is_handed_out_with_all_attempts() {
    let service = ScriptedService::new([
        broken(),
        failing(ErrorKind::Overloaded, "busy"),
        failing(ErrorKind::RateLimited, "slow down"),
    ]);
    let got = go(&Repair::default(), service, "Hi.");
    let error = got.error();
    assert_eq!((error.kind(), error.message(), error.attempts()), (ErrorKind::RateLimited, "slow down", 3));
    assert_eq!(error.partial().unwrap().text(), POEM);
    assert_eq!(got.ends(), [EndKind::Truncated, EndKind::Failed, EndKind::Failed]);
}

#[test]
fn w6_it_makes_as_many_attempts_as_it_may_and_no_more() {
    for attempts in 0..4 {
        let mut repair = Repair::default();
        repair.attempts = attempts;
        let service = ScriptedService::always(Answer::text(POEM).cut(2));
        let got = go(&repair, service.clone(), "Hi.");
        assert_eq!(service.calls(), attempts as usize + 1);
        let status = if attempts == 0 { Status::Temporary } else { Status::Persistent };
        assert_eq!(got.error().status(), status, "whoever repaired has given up");
    }
}

#[test]
fn w6_the_budget_of_the_call_is_one_for_all() {
    let simulation = Simulation::new(1);
    let mut options = Options::default();
    options.attempts = std::num::NonZeroU32::new(2);
    let cx = simulation.context_with(options);
    let service = ScriptedService::always(Answer::text(POEM).cut(2));
    let got = go_in(&simulation, &cx, &Repair::default(), service.clone(), "Hi.");
    assert_eq!((service.calls(), got.error().kind()), (2, ErrorKind::Truncated));
    assert_eq!(cx.call.attempt_budget.left(), 0);
}

#[test]
fn y11_a_failure_is_the_same_before_and_after_there_is_a_stream() {
    let reset = || Error::new(ErrorKind::Network, "reset");
    let places = [
        Answer::refused(reset()),
        Answer::text(POEM).with(0, Step::Fail(reset())),
        Answer::text(POEM).with(1, Step::Fail(reset())),
    ];
    for (i, place) in places.into_iter().enumerate() {
        let service = ScriptedService::new([place.clone(), place, Answer::text(POEM)]);
        let got = go(&Repair::default(), service.clone(), "Hi.");
        assert_eq!((got.text(), service.calls()), (POEM.to_owned(), 3), "place {i}");
        assert_eq!(got.marks(), Vec::<String>::new(), "place {i}: nothing had been handed out");
        let starts = got.events.iter().filter(|event| matches!(event, Event::Start { .. })).count();
        assert_eq!(starts, 1, "place {i}");
    }
}

#[test]
fn what_a_retry_has_given_up_on_is_not_tried_again() {
    let given_up = Error::new(ErrorKind::Network, "reset").into_persistent();
    let service = ScriptedService::new([Answer::refused(given_up.clone()), Answer::text(POEM)]);
    let got = go(&Repair::default(), service.clone(), "Hi.");
    assert_eq!((service.calls(), got.error().kind()), (1, ErrorKind::Network));
    let service = ScriptedService::new([broken(), Answer::refused(given_up), Answer::text(POEM)]);
    let got = go(&Repair::default(), service.clone(), "Hi.");
    assert_eq!(service.calls(), 2);
    assert_eq!(got.error().partial().unwrap().text(), POEM);
}

/// How long a repair waits after this error.
fn waited(error: Error, seed: u64, backoff: &str, timeout: Option<Duration>) -> (Duration, Option<Error>) {
    let simulation = Simulation::new(seed);
    let repair: Repair = serde_json::from_value(serde_json::json!({ "backoff": backoff })).unwrap();
    let mut options = Options::default();
    options.timeout = timeout;
    let cx = simulation.context_with(options);
    let service = ScriptedService::new([Answer::refused(error), Answer::text(POEM)]);
    let began = simulation.clock.now();
    let got = go_in(&simulation, &cx, &repair, service, "Hi.");
    (simulation.clock.now().since(began), got.error)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn y15_attempts_of_many_calls_are_spread() {
    let reset = || Error::new(ErrorKind::Network, "reset");
    let waits: Vec<Duration> = (0..100).map(|seed| waited(reset(), seed, "1s", None).0).collect();
    assert!(waits.iter().all(|wait| *wait <= SECOND));
    let early = waits.iter().filter(|wait| **wait < SECOND / 2).count();
    assert!((30..=70).contains(&early), "{early} of 100 in the first half");
    assert_eq!(waited(reset(), 1, "0s", None).0, Duration::ZERO);
}

#[test]
fn y8_it_never_comes_back_sooner_than_asked() {
    let busy = |wait| Error::new(ErrorKind::Overloaded, "busy").with_retry_after(RetryAfter::after(wait));
    assert_eq!(waited(busy(7 * SECOND), 1, "1s", None).0, 7 * SECOND);
    assert_eq!(waited(busy(60 * SECOND), 1, "1s", None).0, 60 * SECOND);
    // Too far away, or past the deadline: the caller is told at once.
    for (asked, timeout) in [(61 * SECOND, None), (7 * SECOND, Some(5 * SECOND))] {
        let (took, error) = waited(busy(asked), 1, "1s", timeout);
        assert_eq!((took, error.unwrap().retry_after()), (Duration::ZERO, Some(asked)));
    }
}

#[test]
fn no_attempt_begins_while_the_call_is_paused() {
    let simulation = Simulation::new(1);
    let cx = simulation.context();
    let service = ScriptedService::new([broken(), Answer::text(" And so on.")]);
    let stack = Repair::default().layer(Stack::new(service.clone()));
    let mut events = simulation.run(stack.call(cx.clone(), "Hi.".into())).unwrap();
    assert!(simulation.run(events.next()).unwrap().is_ok());
    assert!(simulation.run(events.next()).unwrap().is_ok());
    cx.call.pause.pause(simulation.clock.now());
    let mut reading = Task::new(async move { events.collect().await });
    assert!(simulation.poll(&mut reading).is_pending());
    simulation.advance(Duration::from_secs(86_400));
    assert!(simulation.poll(&mut reading).is_pending());
    assert_eq!((service.calls(), service.live()), (1, 0));
    cx.call.pause.resume(simulation.clock.now());
    assert!(reading.is_woken());
    assert!(simulation.poll(&mut reading).is_ready());
    assert_eq!(service.calls(), 2);
    simulation.assert_idle();
}

#[test]
fn w3_a_broken_stream_is_closed_before_another_attempt_begins() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text(POEM).cut(2).with(2, Step::Stall), Answer::text(POEM)]);
    let watched = service.clone();
    let seen = belvedere_core::layer::layer_fn("seen", move |cx, request, next: Stack| {
        assert_eq!(watched.live(), 0, "the one before is closed");
        async move { next.call(cx, request).await }
    });
    let mut idle = Timeout::off();
    idle.idle = Some(SECOND);
    let stack = Repair::default().layer(seen.layer(idle.layer(Stack::new(service.clone()))));
    let cx = simulation.context();
    let answer = simulation.run(async { stack.call(cx.clone(), "Hi.".into()).await?.collect().await });
    assert!(answer.is_ok());
    let ends: Vec<_> = cx.call.attempts().into_iter().map(|attempt| attempt.end.unwrap()).collect();
    assert_eq!(ends, [EndKind::Failed, EndKind::Finished]);
}
