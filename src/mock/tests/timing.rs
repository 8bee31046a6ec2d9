//! Time that passes on a clock that is moved by hand, and what the client sees of it.

use std::sync::Arc;

use belvedere_core::clock::Clock;
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::testing::TestClock;
use futures_util::FutureExt;

use super::super::Options;
use super::*;

async fn slow(script: impl Into<Script>) -> (TestClock, MockServer, Client) {
    let clock = TestClock::new();
    let options = Options { clock: Arc::new(clock.clone()), ..Options::default() };
    let server = MockServer::start_with(options, script).await.unwrap();
    let client = client_of(&server, "openai.chat");
    (clock, server, client)
}

/// Waits until the server waits for a moment to come.
async fn waiting(clock: &TestClock) {
    let due = || clock.next_deadline().is_some_and(|deadline| deadline > clock.now());
    soon(async {
        while !due() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_head_takes_its_latency() {
    let mut script = Step::text("There.");
    script.timing.latency = Duration::from_secs(5);
    let (clock, server, client) = slow(script).await;
    let mut call = Box::pin(ask(&client, false));
    tokio::select! {
        biased;
        _ = &mut call => panic!("too early"),
        () = waiting(&clock) => {}
    }
    clock.advance(Duration::from_millis(4999));
    assert!(call.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_millis(1));
    assert_eq!(call.await.unwrap().text(), "There.");
    assert_eq!(server.stats().answers.finished, 1);
}

#[tokio::test]
async fn tokens_come_at_their_pace() {
    let mut script = Step::text("a b c").after(Duration::from_secs(9));
    script.timing.per_token = Duration::from_secs(2);
    let (clock, _server, client) = slow(script).await;
    let mut events = soon(client.stream("Hi")).await.unwrap();
    for (token, pause) in [("a ", 9), ("b ", 2), ("c", 2)] {
        waiting(&clock).await;
        clock.advance(Duration::from_secs(pause));
        let delta = soon(async {
            loop {
                if let Some(Ok(Event::Text { delta, .. })) = events.next().await {
                    return delta;
                }
            }
        });
        assert_eq!(delta.await, token);
    }
    assert_eq!(events.collect().await.unwrap().finish_reason(), Some(FinishReason::Stop));
}

#[tokio::test]
async fn a_sign_of_life_comes_in_every_silence() {
    let mut script = Step::text("a").after(Duration::from_secs(10));
    script.timing.keep_alive = Some(Duration::from_secs(4));
    let (clock, server, _client) = slow(script).await;
    let body =
        json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}).to_string();
    let exchange = http(&server, "POST", "/v1/chat/completions", &body);
    let passing = async {
        for pause in [4, 4, 2] {
            waiting(&clock).await;
            clock.advance(Duration::from_secs(pause));
        }
    };
    let ((_, _, bytes), ()) = tokio::join!(exchange, passing);
    let text = String::from_utf8(bytes.into()).unwrap();
    assert_eq!(text.matches(": ping\n\n").count(), 2, "{text}");
    assert!(text.rfind(": ping").unwrap() < text.find("\"a\"").unwrap(), "{text}");
}

#[tokio::test]
async fn a_head_may_come_byte_by_byte() {
    let mut script = Step::text("There.");
    script.timing.head_byte = Duration::from_secs(1);
    let (clock, _server, client) = slow(script).await;
    let began = clock.now();
    let mut call = Box::pin(ask(&client, true));
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut call => break answer,
            () = waiting(&clock) => clock.advance(Duration::from_secs(1)),
        }
    };
    assert_eq!(answer.unwrap().text(), "There.");
    let took = clock.now().since(began);
    assert!(took > Duration::from_secs(30), "a second for each byte: {took:?}");
}
