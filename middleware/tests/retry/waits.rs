//! When the next attempt begins.

use belvedere_core::error::{RetryAfter, Status};
use serde_json::json;

use super::*;

fn busy(wait: Duration) -> Error {
    Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(RetryAfter::after(wait))
}

/// How long a call took whose first attempt failed with this error.
fn waited(retry: Retry, error: Error, seed: u64) -> Duration {
    let service = ScriptedService::new([Answer::refused(error), Answer::text("a")]);
    go_with(&Simulation::new(seed), retry, service, Options::default()).took
}

#[test]
fn waits_are_random_below_a_limit_that_doubles() {
    let longest = |attempts: u32| {
        let took = |seed| {
            let service = ScriptedService::always(failing(ErrorKind::Network));
            let retry = retry(json!({ "attempts": attempts, "max_backoff": "2s" }));
            let mut options = Options::default();
            options.attempts = Some(attempts.try_into().unwrap());
            go_with(&Simulation::new(seed), retry, service, options).took
        };
        (0..400).map(took).max().unwrap().as_secs_f64()
    };
    // Limits of 0.5, 1, 2, 2, 2 seconds, in sum.
    for (attempts, limit) in [(2, 0.5), (3, 1.5), (4, 3.5), (6, 7.5)] {
        let longest = longest(attempts);
        assert!(longest <= limit && longest > limit * 0.7, "{attempts} attempts: {longest}");
    }
    assert_eq!(
        waited(retry(json!({ "backoff": "0s" })), Error::new(ErrorKind::Network, "no"), 1),
        Duration::ZERO
    );
    let capped = retry(json!({ "backoff": "1h", "max_backoff": "1s" }));
    assert!(waited(capped, Error::new(ErrorKind::Network, "no"), 1) <= SECOND);
}

#[test]
fn y8_it_never_comes_back_sooner_than_asked() {
    for seconds in [1, 7, 60] {
        let asked = Duration::from_secs(seconds);
        for seed in 0..20 {
            let took = waited(Retry::default(), busy(asked), seed);
            assert!(took >= asked && took <= asked + SECOND / 2, "asked {asked:?}, took {took:?}");
        }
    }
    // A moment that is over already is no reason to wait.
    assert!(waited(Retry::default(), busy(Duration::ZERO), 1) <= SECOND / 2);
}

#[test]
fn y8_who_asks_for_too_long_is_not_asked_sooner_but_not_at_all() {
    let service = ScriptedService::always(Answer::refused(busy(61 * SECOND)));
    let outcome = go(Retry::default(), service.clone());
    let error = outcome.error();
    assert_eq!((service.calls(), outcome.took), (1, Duration::ZERO));
    assert_eq!((error.retry_after(), error.status()), (Some(61 * SECOND), Status::Persistent));
    let why = "not_retried: the provider asks to wait longer than `max_wait`";
    assert!(error.to_string().contains(why), "{error}");
    let patient = retry(json!({ "max_wait": "2m" }));
    assert!(waited(patient, busy(61 * SECOND), 1) >= 61 * SECOND);
}

#[test]
fn b12_a_delay_in_a_text_is_waited_for_at_most_as_long_as_any() {
    // Text of an upstream that lies: a hint is cut to two minutes, and `max_wait` holds for it as well.
    let lie = RetryAfter::hint(Duration::from_secs(1_000_000));
    let error = Error::new(ErrorKind::RateLimited, "try again in 11 days").with_retry_after(lie);
    let service = ScriptedService::always(Answer::refused(error));
    assert_eq!(go(Retry::default(), service).took, Duration::ZERO);
}

#[test]
fn l8_no_wait_goes_past_the_deadline_of_the_call() {
    for (asked, timeout) in [(7, 5), (5, 5), (30, 6)] {
        let mut options = Options::default();
        options.timeout = Some(Duration::from_secs(timeout));
        let service = ScriptedService::always(Answer::refused(busy(Duration::from_secs(asked))));
        let outcome = go_with(&Simulation::new(1), Retry::default(), service.clone(), options);
        let error = outcome.error();
        assert_eq!((service.calls(), outcome.took), (1, Duration::ZERO), "it fails at once");
        assert_eq!((error.kind(), error.status()), (ErrorKind::RateLimited, Status::Persistent));
    }
    let mut options = Options::default();
    options.timeout = Some(10 * SECOND);
    let slow = failing(ErrorKind::Network).opening(Step::Wait(SECOND));
    let service = ScriptedService::new([slow, Answer::refused(busy(5 * SECOND)), Answer::text("a")]);
    assert_eq!(go_with(&Simulation::new(1), Retry::default(), service, options).text(), "a");
}

/// The largest load of two seconds over the mean, of clients that all failed in one moment and are told nothing, or
/// all the same.
fn peak(asked: Option<Duration>) -> f64 {
    const CLIENTS: u64 = 1_000;
    let error = match asked {
        Some(asked) => busy(asked),
        None => Error::new(ErrorKind::Overloaded, "busy"),
    };
    let retry = retry(json!({ "attempts": 2, "backoff": "10s", "max_backoff": "10s", "budget": null }));
    let began = asked.unwrap_or_default();
    let mut load = [0_u32; 5];
    for seed in 0..CLIENTS {
        let at = waited(retry.clone(), error.clone(), seed) - began;
        load[usize::try_from(at.as_secs() / 2).unwrap()] += 1;
    }
    assert_eq!(load.iter().sum::<u32>(), 1_000, "{load:?}");
    let mean = f64::from(load.iter().sum::<u32>()) / 5.0;
    let peak = f64::from(*load.iter().max().unwrap()) / mean;
    println!(
        "retries of {CLIENTS} clients in each two seconds, told {asked:?}: {load:?}; peak {peak:.2} of the mean"
    );
    peak
}

#[test]
fn y15_a_thousand_clients_that_failed_together_do_not_come_back_together() {
    assert!(peak(None) <= 1.2);
    assert!(peak(Some(20 * SECOND)) <= 1.2);
}
