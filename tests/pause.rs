//! A day's pause under each policy, through the whole stack (L16).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use belvedere::event::Notice;
use belvedere::events::Ahead;
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

/// Whether the task that reads ahead was woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// The same for who reads ahead in one place and takes in another, as hosts do: the one reads when it is woken, or when
/// it was full and nothing is left to take.
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
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut ahead = Poll::Pending;
    let mut idle = 0;
    loop {
        if woken.0.swap(false, Ordering::AcqRel) || matches!(ahead, Poll::Ready(Ahead::Full | Ahead::Over)) {
            ahead = events.poll_ahead(&mut Context::from_waker(&waker), 256, 1 << 16);
            simulation.spawner.run_until_idle();
            idle = 0;
        }
        match Events::take(&mut events) {
            Poll::Ready(Some(Ok(Event::Notice(Notice::Restart { .. })))) => {
                text.clear();
                restarts += 1;
            }
            Poll::Ready(Some(event)) => text.push_str(event.unwrap().delta().unwrap_or_default()),
            Poll::Ready(None) => break,
            Poll::Pending if woken.0.load(Ordering::Acquire) => {}
            Poll::Pending => {
                simulation.advance(MINUTE);
                idle += 1;
                assert!(idle < 100, "the reader waits, and the task that reads ahead is not woken: {text}");
            }
        }
        taken += 1;
        if taken == 3 {
            controller.pause();
            woken.wake_by_ref();
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
