//! The commit point: what of an attempt shows, and when another one takes its place.

use std::sync::{Arc, Mutex};

use belvedere_core::events::EndKind;
use belvedere_core::hooks::Signal;
use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;
use belvedere_core::testing::{Task, suite};
use futures_util::StreamExt;
use serde_json::json;

use super::*;

#[test]
fn it_behaves_as_every_layer() {
    suite::layer(Retry::default);
    suite::layer(|| retry(json!({ "attempts": 1 })));
}

#[test]
fn l13_the_preamble_of_a_failed_attempt_never_shows() {
    let broken = |after| Answer::text("a").with(after, Step::Fail(Error::new(ErrorKind::Network, "reset")));
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([broken(0), broken(1), Answer::deltas(["all ", "of it"])]);
    let client = Client::new(service, simulation.lent()).layer(Retry::default());
    let events: Vec<Event> = simulation
        .run(async { client.stream("hi").await.unwrap().map(Result::unwrap).collect::<Vec<_>>().await });
    let names: Vec<&str> = events.iter().map(Event::name).collect();
    assert_eq!(names, ["notice", "notice", "start", "text", "text", "part_end", "finish"]);
    let reason = "network: reset".to_owned();
    assert_eq!(events[1], Event::Notice(Notice::Retried { retry: 2, reason }));
}

#[test]
fn y9_what_breaks_after_its_first_content_is_not_retried() {
    let answer = || Answer::deltas(["one ", "two ", "three"]);
    for after in 0..=answer().steps.len() {
        let broken = answer().with(after, Step::Fail(Error::new(ErrorKind::Network, "reset")));
        let service = ScriptedService::new([broken, answer()]);
        let outcome = go(Retry::default(), service.clone());
        if after <= 1 {
            assert_eq!((outcome.text().as_str(), service.calls()), ("one two three", 2), "after {after}");
        } else {
            let partial = outcome.error().partial().unwrap().text();
            assert!("one two three".starts_with(&partial), "after {after}: {partial}");
            assert_eq!(service.calls(), 1, "after {after}");
        }
    }
}

#[test]
fn y11_a_failure_is_the_same_before_and_after_there_is_a_stream() {
    let reset = || Step::Fail(Error::new(ErrorKind::Network, "reset"));
    let places = [
        Answer::refused(Error::new(ErrorKind::Network, "reset")),
        Answer::text("a").with(0, reset()),
        Answer::text("a").with(1, reset()),
        Answer::text("a").cut(0),
        Answer::text("a").cut(1),
    ];
    for (i, place) in places.into_iter().enumerate() {
        let service = ScriptedService::new([place.clone(), place, Answer::text("here")]);
        let outcome = go(Retry::default(), service.clone());
        assert_eq!((outcome.text().as_str(), service.calls()), ("here", 3), "place {i}");
    }
}

#[test]
fn y2_the_last_error_is_returned_with_all_attempts_listed() {
    let service = ScriptedService::new([failing(ErrorKind::RateLimited), failing(ErrorKind::InvalidRequest)]);
    let outcome = go(Retry::default(), service);
    let error = outcome.error();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidRequest, 2));
    let listed: Vec<_> = error.history().iter().map(|attempt| (attempt.end, attempt.error)).collect();
    let failed = |kind| (Some(EndKind::Failed), Some(kind));
    assert_eq!(listed, [failed(ErrorKind::RateLimited), failed(ErrorKind::InvalidRequest)]);
}

#[test]
fn an_answer_lists_the_attempts_it_took() {
    let outcome =
        go(Retry::default(), ScriptedService::new([failing(ErrorKind::Network), Answer::text("a")]));
    let ends: Vec<_> = outcome.answer.unwrap().attempts.iter().map(|attempt| attempt.end).collect();
    assert_eq!(ends, [Some(EndKind::Failed), Some(EndKind::Finished)]);
}

#[test]
fn whoever_listens_hears_of_each_retry_before_its_wait() {
    let simulation = Simulation::new(1);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let seen = heard.clone();
    let service = ScriptedService::always(failing(ErrorKind::Overloaded));
    let client = Client::new(service, simulation.lent())
        .layer(retry(json!({ "backoff": "0s" })))
        .on_retry(move |signal: &Signal| seen.lock().unwrap().push(serde_json::to_value(signal).unwrap()));
    simulation.run(client.complete("hi")).unwrap_err();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 2);
    assert_eq!((&heard[1]["type"], &heard[1]["retry"]), (&json!("retry"), &json!(2)));
    assert_eq!((&heard[1]["reason"], &heard[1]["after"]), (&json!("overloaded"), &json!("0s")));
}

#[test]
fn w4_a_call_dropped_in_its_wait_leaves_nothing() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([failing(ErrorKind::Overloaded), Answer::text("a")]);
    let client = Client::new(service.clone(), simulation.lent()).layer(Retry::default());
    let mut call = Task::new(client.complete("hi"));
    assert!(simulation.poll(&mut call).is_pending());
    assert_eq!(simulation.clock.pending_sleeps(), 1);
    drop(call);
    simulation.assert_idle();
    assert_eq!((service.calls(), service.live()), (1, 0));
}

#[test]
fn w3_a_broken_attempt_is_closed_before_the_wait() {
    let simulation = Simulation::new(1);
    let broken = Answer::text("a").with(1, Step::Fail(Error::new(ErrorKind::Network, "reset")));
    let service = ScriptedService::new([broken, Answer::text("a")]);
    let client = Client::new(service.clone(), simulation.lent()).layer(Retry::default());
    let mut call = Task::new(client.complete("hi"));
    assert!(simulation.poll(&mut call).is_pending());
    assert_eq!((service.calls(), service.live()), (1, 0));
    simulation.advance(SECOND);
    assert!(simulation.poll(&mut call).is_ready());
}

#[test]
fn l12_a_cancel_behind_retries_is_no_cut() {
    let simulation = Simulation::new(1);
    let cancelled = Step::Fail(Error::new(ErrorKind::Cancelled, "by its owner"));
    let service = ScriptedService::new([failing(ErrorKind::Network), Answer::text("a").with(2, cancelled)]);
    let stack = Retry::default().layer(Stack::new(service));
    let end = simulation.run(async {
        let mut events = stack.call(simulation.context(), Request::from("hi")).await.unwrap();
        while events.next().await.is_some() {}
        events.end()
    });
    assert_eq!(end, Some(EndKind::Cancelled));
}
