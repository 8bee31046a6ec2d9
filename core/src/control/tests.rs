use std::time::Duration;

use futures_util::StreamExt;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::events::Events;
use crate::testing::{Answer, ScriptedService, Simulation, Step, Task};

const SECOND: Duration = Duration::from_secs(1);

fn text(delta: &str) -> Step {
    Step::Event(Event::Text { choice: 0, part: 0, delta: delta.into() })
}

/// A client of a service that gives these answers.
fn client(simulation: &Simulation, answers: impl IntoIterator<Item = Answer>) -> (Client, ScriptedService) {
    let service = ScriptedService::new(answers);
    (Client::new(service.clone(), simulation.lent()), service)
}

fn open(simulation: &Simulation, answer: Answer) -> (Events, ScriptedService) {
    let (client, service) = client(simulation, [answer]);
    (simulation.run(client.stream("hi")).unwrap(), service)
}

fn rest(simulation: &Simulation, events: &mut Events) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some(item) = simulation.run(events.next()) {
        all.push(item.unwrap());
    }
    all
}

/// An answer that comes after a second, in this many deltas of this size.
fn long(pieces: usize, size: usize) -> Answer {
    let deltas: Vec<String> = (0..pieces).map(|n| format!("{n:0size$}")).collect();
    Answer::deltas(deltas.iter().map(String::as_str)).with(1, Step::Wait(SECOND))
}

#[test]
fn l16_a_pause_reads_ahead_into_a_bounded_buffer_and_resume_is_the_same_stream() {
    let simulation = Simulation::new(1);
    let (mut plain, _) = open(&simulation, long(1000, 100));
    let expected = rest(&simulation, &mut plain);
    for before in [0, 1, 7, 500, 1003] {
        let (mut events, service) = open(&simulation, long(1000, 100));
        let mut got = Vec::new();
        for _ in 0..before {
            got.push(simulation.run(events.next()).unwrap().unwrap());
        }
        let control = events.controller();
        control.pause();
        let mut waiting = Task::new(events.next());
        assert!(simulation.poll(&mut waiting).is_pending());
        simulation.advance(24 * 3600 * SECOND);
        assert!(simulation.poll(&mut waiting).is_pending(), "a day later");
        let progress = control.progress();
        assert_eq!(progress.state, StreamState::Paused);
        assert_eq!(progress.events, before as u64, "nothing was handed out");
        assert!(progress.buffered < (PAUSE_BUFFER + 300) as u64, "{}", progress.buffered);
        assert_eq!(progress.buffered > PAUSE_BUFFER as u64, before < 600, "{}", progress.buffered);
        assert_eq!(service.live(), 1, "the upstream is open");
        control.resume();
        assert!(waiting.is_woken(), "resume wakes who waits");
        drop(waiting);
        got.extend(rest(&simulation, &mut events));
        assert_eq!(got, expected);
        assert_eq!(events.end(), Some(EndKind::Finished));
        assert_eq!(control.progress().buffered, 0);
    }
}

#[test]
fn l16_an_upstream_that_dies_in_a_pause_gives_what_was_buffered_and_then_its_error() {
    let simulation = Simulation::new(1);
    let failure = Error::new(ErrorKind::Network, "reset");
    let answer = Answer::deltas(["hel", "lo"]).with(2, Step::Fail(failure));
    let (mut events, service) = open(&simulation, answer);
    let control = events.controller();
    simulation.run(events.next());
    control.pause();
    assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
    assert_eq!((service.live(), events.end()), (0, None), "the upstream is gone, the stream is not over");
    assert_eq!(control.progress().state, StreamState::Paused);
    control.resume();
    assert_eq!(simulation.run(events.next()).unwrap().unwrap().name(), "text");
    let error = simulation.run(events.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(error.partial().unwrap().text(), "hel", "with the partial answer inside");
    assert_eq!(control.progress().state, StreamState::Ended(EndKind::Failed));
}

#[test]
fn w3_a_cancel_after_an_upstream_died_in_a_pause_ends_as_it_failed() {
    let simulation = Simulation::new(1);
    let failure = Error::new(ErrorKind::Network, "reset");
    for by_controller in [true, false] {
        let answer = Answer::deltas(["hel", "lo"]).with(2, Step::Fail(failure.clone()));
        let (mut events, _) = open(&simulation, answer);
        let control = events.controller();
        simulation.run(events.next());
        control.pause();
        assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
        if by_controller {
            control.cancel()
        } else {
            events.cancel()
        }
        let error = simulation.run(events.next()).unwrap().unwrap_err();
        assert_eq!((error.kind(), events.end()), (ErrorKind::Network, Some(EndKind::Failed)));
        assert!(simulation.run(events.next()).is_none());
    }
}

#[test]
fn l11_a_cancel_in_a_pause_hands_out_nothing_of_the_buffer() {
    for (answer, end) in [
        (Answer::text("hello"), EndKind::Cancelled),
        (Answer::text("hello").with(2, Step::Stall), EndKind::Cancelled),
    ] {
        let simulation = Simulation::new(1);
        let (mut events, service) = open(&simulation, answer);
        let control = events.controller();
        simulation.run(events.next());
        control.pause();
        let mut waiting = Task::new(events.next());
        assert!(simulation.poll(&mut waiting).is_pending());
        control.cancel();
        assert!(waiting.is_woken(), "a cancel wakes who waits in a pause");
        drop(waiting);
        assert!(simulation.run(events.next()).is_none());
        assert_eq!((events.end(), service.live(), service.dropped()), (Some(end), 0, 1));
        assert_eq!(control.progress().state, StreamState::Ended(end));
        assert_eq!(control.progress().buffered, 0, "nothing is held back any more");
        assert_eq!(events.partial().id.as_deref(), Some("scripted"), "what was handed out is kept");
    }
}

#[test]
fn what_comes_after_a_pause_counts_from_its_end() {
    let simulation = Simulation::new(1);
    let (mut events, _) = open(&simulation, Answer::deltas(["now and ", "then and again"]));
    let control = events.controller();
    simulation.run(events.next());
    simulation.run(events.next());
    control.pause();
    let mut waiting = Task::new(events.next());
    assert!(simulation.poll(&mut waiting).is_pending());
    simulation.advance(3600 * SECOND);
    drop(waiting);
    control.resume();
    rest(&simulation, &mut events);
    assert!(control.progress().rate > 0.5, "{}", control.progress().rate);
}

#[test]
fn w15_suspend_and_clock_jumps_do_not_count_as_paused_time_or_stalls() {
    let simulation = Simulation::new(1);
    let (mut events, _) = open(&simulation, Answer::deltas(["hel", "lo"]));
    let control = events.controller();
    simulation.run(events.next());
    control.pause();
    simulation.clock.suspend(10 * 3600 * SECOND);
    simulation.clock.jump_wall(std::time::SystemTime::UNIX_EPOCH);
    simulation.advance(SECOND);
    // A clock that steps back, which none may and some have done, takes nothing below zero.
    simulation.clock.step_back(5 * SECOND);
    control.resume();
    assert_eq!(simulation.run(events.collect()).unwrap().text(), "hello");
    let progress = control.progress();
    assert!(progress.paused <= SECOND && progress.elapsed <= SECOND, "{progress:?}");
    assert_eq!((progress.stalls, progress.state), (0, StreamState::Ended(EndKind::Finished)));
}

#[test]
fn a_pause_of_a_stream_that_nobody_waits_for_reads_nothing() {
    let simulation = Simulation::new(1);
    let (mut events, _) = open(&simulation, Answer::text("hello"));
    let control = events.controller();
    control.pause();
    control.pause();
    assert_eq!(control.progress().buffered, 0);
    control.resume();
    assert_eq!(rest(&simulation, &mut events).len(), 4);
}

#[test]
fn peek_waits_for_the_end_of_a_pause_and_counts_nothing() {
    let simulation = Simulation::new(1);
    let (mut events, _) = open(&simulation, Answer::text("hello"));
    let control = events.controller();
    assert_eq!(simulation.run(events.peek()).unwrap().as_ref().unwrap().name(), "start");
    assert_eq!(control.progress().events, 0);
    control.pause();
    assert!(simulation.poll(&mut Task::new(events.peek())).is_pending());
    control.resume();
    assert_eq!(simulation.run(events.collect()).unwrap().text(), "hello");
    assert_eq!(control.progress().events, 4, "each event once");
}

#[test]
fn progress_tells_counts_times_rates_and_stalls() {
    let simulation = Simulation::new(1);
    let answer = Answer::default()
        .with(0, Step::Wait(SECOND))
        .with(1, Step::Event(Event::Start { id: None, model: None }))
        .with(2, Step::Wait(SECOND))
        .with(3, text("four four four "))
        .with(4, Step::Wait(3 * SECOND))
        .with(5, text("and one more"))
        .with(6, Step::Stall);
    let (mut client, _) = client(&simulation, [answer]);
    client = client.layer(crate::layer::layer_fn("plain", |cx, request, next| async move {
        next.call(cx, request).await
    }));
    let mut request = crate::request::Request::from("hi");
    request.max_tokens = Some(14);
    let mut events = simulation.run(client.stream(request)).unwrap();
    let control = events.controller();
    assert_eq!(control.progress().state, StreamState::Waiting);
    simulation.run(events.next());
    let progress = control.progress();
    assert_eq!((progress.state, progress.first_event), (StreamState::Waiting, None), "a Start is no content");
    simulation.run(events.next());
    let progress = control.progress();
    assert_eq!(progress.state, StreamState::Running);
    assert_eq!((progress.events, progress.bytes, progress.tokens), (2, 15, 4));
    assert_eq!((progress.first_event, progress.elapsed), (Some(2 * SECOND), 2 * SECOND));
    assert_eq!((progress.stalls, progress.longest_gap), (0, SECOND));
    assert_eq!(progress.rate, 45.0 / 12.0 / 2.0, "over the two seconds since the call began");
    simulation.run(events.next());
    let progress = control.progress();
    assert_eq!((progress.events, progress.bytes, progress.tokens), (3, 27, 7));
    assert_eq!((progress.stalls, progress.longest_gap, progress.elapsed), (1, 3 * SECOND, 5 * SECOND));
    assert_eq!(progress.mean_rate, 7.0 / 3.0);
    assert_eq!(progress.fraction, Some(0.5));
    // It stalls for 10 seconds, six of them in a pause: the rate has left its window.
    simulation.advance(2 * SECOND);
    control.pause();
    simulation.advance(6 * SECOND);
    control.resume();
    simulation.advance(2 * SECOND);
    let progress = control.progress();
    assert_eq!((progress.stalls, progress.longest_gap), (2, 4 * SECOND));
    assert_eq!((progress.paused, progress.elapsed), (6 * SECOND, 15 * SECOND));
    assert_eq!((progress.rate, progress.mean_rate), (0.0, 1.0));
    control.expect_tokens(70);
    assert_eq!(control.progress().fraction, Some(0.1), "what is told goes before `max_tokens`");
}

#[test]
fn at_the_end_the_providers_count_stands_and_time_with_it() {
    let simulation = Simulation::new(1);
    let mut usage = crate::usage::Usage::default();
    usage.set(crate::usage::Class::Output, Some(42));
    let answer = Answer::text("hello").with(3, Step::Event(Event::Usage(Arc::new(usage.clone()))));
    let (mut events, _) = open(&simulation, answer);
    let control = events.controller();
    assert_eq!(rest(&simulation, &mut events).len(), 5);
    simulation.advance(SECOND);
    let metrics = control.metrics();
    assert_eq!((metrics.progress.tokens, metrics.progress.tokens_counted), (42, true));
    assert_eq!(metrics.progress.state, StreamState::Ended(EndKind::Finished));
    assert_eq!(metrics.progress.elapsed, Duration::ZERO, "time stands still after the end");
    assert_eq!(metrics.usage.as_deref(), Some(&usage));
    assert_eq!(metrics.attempts.len(), 1);
    let json = serde_json::to_value(&metrics.progress).unwrap();
    assert_eq!(json["state"], serde_json::json!({"ended": "finished"}));
    assert_eq!(control.checkpoint(), None, "there is nothing to go on with");
}

#[test]
fn a_checkpoint_is_what_was_handed_out_and_needs_a_repair_layer_to_go_on() {
    let simulation = Simulation::new(1);
    let (client, _) = client(&simulation, [Answer::deltas(["hel", "lo"])]);
    let request = crate::request::Request::from("hi").with_timeout(60 * SECOND);
    let mut events = simulation.run(client.stream(request.clone())).unwrap();
    let control = events.controller();
    simulation.run(events.next());
    simulation.run(events.next());
    control.pause();
    let checkpoint = control.checkpoint().unwrap();
    drop(events);
    assert_eq!(control.progress().state, StreamState::Ended(EndKind::Cancelled));
    assert_eq!(checkpoint.partial.text(), "hel");
    assert_eq!((checkpoint.open.len(), checkpoint.open.first().unwrap().part), (1, 0));
    let mut asked = request;
    asked.stream = true;
    assert_eq!(checkpoint.request, asked, "with the options of the call");
    let error = simulation.run(client.resume(checkpoint)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`repair`"), "{error}");
}

#[test]
fn a_stream_without_a_client_can_be_paused_and_cancelled() {
    let start = futures_util::stream::iter([Ok(Event::Start { id: None, model: None })]);
    let mut events = Events::new(start.chain(futures_util::stream::pending()));
    let control = events.controller();
    control.pause();
    let mut waiting = Task::new(events.next());
    assert!(waiting.poll().is_pending());
    control.cancel();
    let std::task::Poll::Ready(None) = waiting.poll() else { panic!("cancelled") };
    drop(waiting);
    assert_eq!(events.end(), Some(EndKind::Cancelled));
    assert_eq!((control.checkpoint(), control.progress().elapsed), (None, Duration::ZERO));
}
