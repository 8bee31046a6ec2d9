//! A day's pause under each policy, through the whole stack (L16).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use belvedere::event::Notice;
use belvedere::testing::{Piece, Reply, Simulation, Task};
use belvedere::{Event, Events};
use futures_util::StreamExt;
use serde_json::json;

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);
const WORDS: usize = 150;

fn whole() -> String {
    (0..WORDS).map(|n| format!("{n} ")).collect()
}

/// The whole answer, with these waits before its words.
fn answer(wait: impl Fn(usize) -> Duration) -> Reply {
    let word = |n| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{n} \"}}}}]}}\n\n");
    let end =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let begun = Reply::ok("text/event-stream", "");
    let said =
        (0..WORDS).fold(begun, |reply, n| reply.with(Piece::Wait(wait(n).into())).with(Piece::Text(word(n))));
    said.with(Piece::Text(end.into()))
}

/// Pauses for a day after three events, and reads the rest. Gives how many connections were open at the end of the
/// pause, and how many requests were made in all.
fn pause_for_a_day(policy: &str, reply: Reply) -> (usize, usize) {
    let simulation = Simulation::new(1);
    simulation.network.push(reply);
    simulation.network.push(answer(|_| Duration::ZERO));
    let provider = json!({ "type": "openai", "base_url": "http://upstream.test/v1", "model": "m", "api_key": "test-key" });
    let layers = json!([{ "type": "repair", "policy": "restart" }, { "type": "timeout", "idle": "20m" }]);
    let streams = json!({ "pause": policy, "buffer": 2048 });
    let config = json!({ "provider": provider, "layers": layers, "streams": streams }).into();
    let client = belvedere::registry().client_with(&config, simulation.lent()).unwrap();
    let mut events = simulation.run(client.stream("hi")).unwrap();
    simulation.run(async {
        for _ in 0..3 {
            events.next().await.unwrap().unwrap();
        }
    });
    let controller = events.controller();
    controller.pause();
    for _ in 0..24 * 60 {
        assert!(
            simulation.poll(&mut Task::new(events.next())).is_pending(),
            "nothing is handed out in a pause"
        );
        simulation.advance(MINUTE);
    }
    let open = simulation.network.open();
    controller.resume();
    let answer = simulation.run(events.collect()).unwrap();
    assert_eq!(answer.text(), whole(), "{policy}");
    drop(client);
    simulation.assert_idle();
    (open, simulation.network.requests().len())
}

/// The same for who reads ahead in one place and takes in another, as hosts do.
fn pause_while_reading_ahead(reply: Reply) -> (String, usize) {
    let simulation = Simulation::new(1);
    simulation.network.push(reply);
    simulation.network.push(answer(|_| Duration::ZERO));
    let provider = json!({ "type": "openai", "base_url": "http://upstream.test/v1", "model": "m", "api_key": "test-key" });
    let layers = json!([{ "type": "repair", "policy": "restart" }]);
    let streams = json!({ "pause": "checkpoint", "buffer": 2048 });
    let config = json!({ "provider": provider, "layers": layers, "streams": streams }).into();
    let client = belvedere::registry().client_with(&config, simulation.lent()).unwrap();
    let mut events = simulation.run(client.stream("hi")).unwrap();
    let controller = events.controller();
    let mut text = String::new();
    let mut restarts = 0;
    let mut taken = 0;
    loop {
        let ahead = simulation.poll(&mut Task::new(poll_fn(|cx| events.poll_ahead(cx, 256, 1 << 16))));
        match Events::take(&mut events) {
            Poll::Ready(Some(Ok(Event::Notice(Notice::Restart { .. })))) => {
                text.clear();
                restarts += 1;
            }
            Poll::Ready(Some(event)) => text.push_str(event.unwrap().delta().unwrap_or_default()),
            Poll::Ready(None) => break,
            Poll::Pending if ahead.is_pending() => simulation.advance(MINUTE),
            Poll::Pending => {}
        }
        taken += 1;
        if taken == 3 {
            controller.pause();
            simulation.advance(DAY);
            controller.resume();
        }
    }
    (text, restarts)
}

#[test]
fn l16_what_was_read_ahead_is_part_of_the_answer_that_a_pause_goes_on_with() {
    let sending = answer(|n| if n > 2 { 10 * MINUTE } else { Duration::ZERO });
    assert_eq!(pause_while_reading_ahead(sending), (whole(), 1));
}

#[test]
fn l16_a_day_of_pause_is_survived_under_each_policy_while_the_upstream_is_silent() {
    let silent = || answer(|n| if n == 5 { DAY + MINUTE } else { Duration::ZERO });
    for policy in ["backpressure", "spill", "checkpoint"] {
        assert_eq!(pause_for_a_day(policy, silent()), (1, 1), "{policy}");
    }
}

#[test]
fn l16_a_day_of_pause_is_survived_under_each_policy_while_the_upstream_sends() {
    let sending = || answer(|n| if n > 2 { 10 * MINUTE } else { Duration::ZERO });
    assert_eq!(pause_for_a_day("backpressure", sending()), (1, 1), "the upstream waits");
    assert_eq!(pause_for_a_day("spill", sending()), (1, 1), "it is read on");
    assert_eq!(pause_for_a_day("checkpoint", sending()), (0, 2), "it is closed, and asked again");
}
