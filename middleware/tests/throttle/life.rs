//! What the layer leaves alone, what it closes, and how it stands still.

use std::task::Poll;

use belvedere_core::client::Client;
use belvedere_core::pause::PausePolicy;
use belvedere_core::request::Options;
use belvedere_core::testing::Task;

use super::*;

#[test]
fn it_behaves_as_every_layer() {
    belvedere_core::testing::suite::layer(Throttle::default);
    belvedere_core::testing::suite::layer(|| throttle(r#"{"by":"word"}"#));
    belvedere_core::testing::suite::layer(|| throttle(r#"{"tokens":"100/s","events":"50/s"}"#));
}

#[test]
fn l1_a_drop_at_each_event_drops_the_source_and_the_timer() {
    for taken in 0..=5 {
        let simulation = Simulation::new(1);
        let service = ScriptedService::new([Answer::text("a b c d e f")]);
        let stack = wrap(throttle(r#"{"events":"1/s"}"#), &service);
        simulation.run(async {
            let mut events = stack.call(simulation.context(), super::streamed()).await.unwrap();
            for _ in 0..taken {
                assert!(events.next().await.unwrap().is_ok());
            }
        });
        assert_eq!(service.live(), 0, "after {taken} events");
        simulation.assert_idle();
    }
}

#[test]
fn a_cancel_is_not_delayed() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a b c d e f")]);
    let client = Client::new(service.clone(), simulation.lent()).layer(throttle(r#"{"events":"1/m"}"#));
    let mut events = simulation.run(client.stream("hi")).unwrap();
    let began = simulation.clock.now();
    assert!(simulation.run(events.next()).unwrap().is_ok());
    let controller = events.controller();
    let mut next = Task::new(events.next());
    assert!(simulation.poll(&mut next).is_pending(), "it waits for a minute");
    controller.cancel();
    assert!(matches!(simulation.poll(&mut next), Poll::Ready(None)));
    drop(next);
    assert_eq!((events.end(), service.live(), simulation.clock.now()), (Some(EndKind::Cancelled), 0, began));
    simulation.assert_idle();
}

#[test]
fn w3_every_end_is_told_as_it_is() {
    let failing = Step::Fail(Error::new(ErrorKind::Overloaded, "busy"));
    let slow = || throttle(r#"{"events":"4/s"}"#);
    let cut = go(slow(), Answer::deltas(["a ", "b "]).cut(2));
    assert_eq!((cut.end, cut.texts()), (Some(EndKind::Truncated), vec!["a "]));
    let failed = go(slow(), Answer::deltas(["a ", "b "]).with(2, failing));
    assert_eq!((failed.end, failed.texts()), (Some(EndKind::Failed), vec!["a "]));
    assert_eq!(failed.error.unwrap().kind(), ErrorKind::Overloaded);
    let refused = go(slow(), Answer::refused(Error::new(ErrorKind::RateLimited, "slow down")));
    assert_eq!(refused.error.unwrap().kind(), ErrorKind::RateLimited);
}

/// Takes what is there, then pauses for an hour and takes what is there right after.
fn over_a_pause(policy: Option<PausePolicy>) -> (Vec<String>, Vec<String>, Vec<String>) {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a b c d e f g h")]);
    let stack = wrap(throttle(r#"{"bytes":"2/s","window":"10s"}"#), &service);
    let mut options = Options::default();
    options.pause = policy;
    let cx = simulation.context_with(options);
    let mut events = simulation.run(stack.call(cx.clone(), super::streamed())).unwrap();
    let mut there = || {
        let mut texts = Vec::new();
        loop {
            let polled = simulation.poll(&mut Task::new(events.next()));
            let Poll::Ready(Some(item)) = polled else { return texts };
            texts.extend(item.unwrap().delta().map(str::to_owned));
        }
    };
    let before = there();
    simulation.clock.advance(ms(600));
    cx.call.pause.pause(simulation.clock.now());
    simulation.clock.advance(3600 * SECOND);
    let during = there();
    cx.call.pause.resume(simulation.clock.now());
    let mut after = there();
    simulation.clock.advance(ms(399));
    after.extend(there());
    simulation.clock.advance(ms(1));
    after.extend(there().into_iter().map(|text| format!("paid {text}")));
    (before, during, after)
}

#[test]
fn l16_a_pause_stops_its_time_and_nothing_is_made_up_for() {
    let (before, during, after) = over_a_pause(None);
    assert_eq!((before, during), (vec!["a ".to_owned()], Vec::new()));
    assert_eq!(after, ["paid b "], "600 ms before the pause, 400 ms after");
}

#[test]
fn a_pause_that_reads_on_does_not_stop_its_time() {
    for policy in [PausePolicy::Spill, PausePolicy::Checkpoint] {
        let (before, during, _) = over_a_pause(Some(policy));
        assert_eq!((before, during), (vec!["a ".to_owned()], vec!["b ".to_owned()]));
    }
}

/// The policy that a layer sees of a call through a client.
#[test]
fn what_the_client_is_set_to_holds_for_the_layers() {
    let simulation = Simulation::new(1);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = seen.clone();
    let noting = belvedere_core::layer::layer_fn("noting", move |cx, request, next: Stack| {
        note.lock().unwrap().push(cx.call.options.pause);
        async move { next.call(cx, request).await }
    });
    let client = Client::new(ScriptedService::always(Answer::text("a")), simulation.lent()).layer(noting);
    simulation.run(client.complete("hi")).unwrap();
    assert_eq!(*seen.lock().unwrap(), [Some(PausePolicy::Backpressure)]);
}

#[test]
fn resume_wakes_who_waits() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a")]);
    let stack = wrap(throttle(r#"{"by":"word"}"#), &service);
    let cx = simulation.context();
    let mut events = simulation.run(stack.call(cx.clone(), super::streamed())).unwrap();
    cx.call.pause.pause(simulation.clock.now());
    let mut next = Task::new(events.next());
    assert!(simulation.poll(&mut next).is_pending() && !next.is_woken());
    cx.call.pause.resume(simulation.clock.now());
    assert!(next.is_woken() && simulation.poll(&mut next).is_ready());
}
