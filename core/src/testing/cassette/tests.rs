#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderValue;
use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;
use crate::testing::{Reply, Simulation, TestClock};
use crate::transport::Transport;

/// Put together here, so that nothing that looks like a key stands in this file.
fn canary() -> String {
    format!("sk-{}", "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz")
}

fn request(body: &Value) -> http::Request<Bytes> {
    let mut request = http::Request::builder()
        .method("POST")
        .uri("https://api.example.com/v1/chat?key=0123456789&alt=sse")
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let mut key = HeaderValue::from_str(&format!("Bearer {}", canary())).unwrap();
    key.set_sensitive(true);
    request.headers_mut().insert("authorization", key);
    request
}

fn reply(json: Value) -> Reply {
    serde_json::from_value(json).unwrap()
}

/// What a caller saw of one exchange: the chunks with their times, and the error at the end.
type Seen = (u16, Vec<(Duration, Bytes)>, Option<String>);

async fn exchange(network: Arc<dyn Transport>, clock: TestClock, request: http::Request<Bytes>) -> Seen {
    let began = clock.now();
    let response = match network.send(request, None).await {
        Ok(response) => response,
        Err(error) => return (0, Vec::new(), Some(error.message().to_owned())),
    };
    let status = response.status().as_u16();
    let (mut chunks, mut body) = (Vec::new(), response.into_body());
    while let Some(item) = body.next().await {
        match item {
            Ok(chunk) => chunks.push((clock.now().since(began), chunk)),
            Err(error) => return (status, chunks, Some(error.message().to_owned())),
        }
    }
    (status, chunks, None)
}

/// Records these exchanges one after the other, and gives the tape and what was seen.
fn record(replies: Vec<Reply>, requests: &[http::Request<Bytes>], scrub: Scrub) -> (Cassette, Vec<Seen>) {
    let simulation = Simulation::new(1);
    replies.into_iter().for_each(|reply| simulation.network.push(reply));
    let clock = simulation.clock.clone();
    let recorder = Recorder::new(Arc::new(simulation.network.clone()), Arc::new(clock.clone()), scrub);
    let seen = requests
        .iter()
        .map(|request| simulation.run(exchange(Arc::new(recorder.clone()), clock.clone(), request.clone())));
    let seen = seen.collect();
    (recorder.cassette(), seen)
}

fn replay(cassette: Cassette, requests: &[http::Request<Bytes>], matching: Matching) -> Vec<Seen> {
    let simulation = Simulation::new(2);
    let clock = simulation.clock.clone();
    let network = Replay::new(cassette, Arc::new(clock.clone()), matching, Pace::Recorded);
    let run = |request: &http::Request<Bytes>| {
        simulation.run(exchange(Arc::new(network.clone()), clock.clone(), request.clone()))
    };
    requests.iter().map(run).collect()
}

fn broken_stream() -> Reply {
    reply(json!({
        "connect_after": "10ms", "head_after": "200ms",
        "headers": {"content-type": "text/event-stream", "set-cookie": "session=1"},
        "body": [{"text": "data: {\"a\":1}\n\n"}, {"wait": "5s"}, {"base64": "8J8="}, {"error": "reset"}],
    }))
}

#[test]
fn what_is_replayed_is_what_was_recorded() {
    let asked = request(&json!({"model": "m", "n": 1}));
    let refused = reply(json!({"connect_after": "1ms", "connect_error": "refused"}));
    let whole =
        reply(json!({"status": 429, "headers": {"retry-after": "3"}, "body": [{"text": "slow down"}]}));
    let requests = [asked.clone(), asked.clone(), asked];
    let (cassette, seen) = record(vec![broken_stream(), refused, whole], &requests, Scrub::default());
    assert_eq!(cassette.exchanges.len(), 3);
    assert_eq!(seen[0].1.last().unwrap().0, Duration::from_millis(5210), "times are kept");
    assert_eq!(seen[0].2.as_deref(), Some("the connection was reset"));
    assert_eq!((seen[1].0, seen[2].0), (0, 429));
    // Also over the text of the file.
    let read = Cassette::from_json(&cassette.to_json().unwrap()).unwrap();
    assert_eq!(read, cassette);
    assert_eq!(replay(read, &requests, Matching::exact()), seen);
}

#[test]
fn a_body_that_is_dropped_is_recorded_as_far_as_it_came() {
    let simulation = Simulation::new(1);
    simulation.network.push(broken_stream());
    let clock: Arc<dyn Clock> = Arc::new(simulation.clock.clone());
    let recorder = Recorder::new(Arc::new(simulation.network.clone()), clock, Scrub::default());
    let sender = recorder.clone();
    simulation.run(async move {
        let mut body = sender.send(request(&json!({})), None).await.unwrap().into_body();
        assert!(body.next().await.unwrap().is_ok());
    });
    let [exchange] = recorder.cassette().exchanges.try_into().unwrap();
    assert_eq!(exchange.end.how, How::Dropped);
    assert_eq!(exchange.response.unwrap().chunks.len(), 1);
}

#[test]
fn w12_no_planted_secret_gets_into_a_file() {
    let canary = canary();
    let (front, back) = canary.split_at(9);
    let echo = reply(json!({
        "headers": {"x-echo": format!("your key is {canary}"), "openai-organization": "org-canary"},
        "body": [{"text": format!("data: bad key {front}")}, {"text": format!("{back}, sorry\n\n")}],
    }));
    let asked = request(&json!({"prompt": format!("my key is {canary}")}));
    let (cassette, seen) = record(vec![echo], std::slice::from_ref(&asked), Scrub::default());
    let text = match cassette.to_json() {
        Ok(text) => text,
        Err(error) => panic!("{error}"),
    };
    for secret in [canary.as_str(), front, back, "0123456789", "org-canary"] {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }
    let response = cassette.exchanges[0].response.as_ref().unwrap();
    assert_eq!(response.headers["x-echo"], "your key is <scrubbed>");
    let chunks: Vec<_> = response.chunks.iter().map(|chunk| chunk.body.as_text().unwrap()).collect();
    assert_eq!(chunks, ["data: bad key <scrubbed>", ", sorry\n\n"]);
    assert!(seen[0].1.iter().any(|(_, chunk)| chunk.ends_with(front.as_bytes())), "the caller sees all");
    // The same request still finds its answer.
    assert_eq!(replay(cassette, &[asked], Matching::exact())[0].0, 200);
}

#[test]
fn what_looks_like_a_secret_is_refused_with_its_path() {
    let canary = canary();
    let (front, back) = canary.split_at(12);
    // A key of somebody else's: no header tells that it is one.
    let places = [
        (json!({"user": canary}), json!([]), "exchanges[0].request.body (API key)"),
        (json!({}), json!([{"text": front}, {"text": back}]), "exchanges[0].response.chunks (API key)"),
    ];
    for (sent, body, place) in places {
        let mut asked = request(&sent);
        asked.headers_mut().remove("authorization");
        let (cassette, _) = record(vec![reply(json!({"body": body}))], &[asked], Scrub::default());
        let error = cassette.to_json().unwrap_err();
        assert!(error.message().contains(place) && !error.to_string().contains(&canary), "{error}");
        assert!(!error.to_string().contains(front), "{error}");
    }
    let mut asked = request(&json!({}));
    asked.headers_mut().insert("x-note", HeaderValue::from_str(&canary).unwrap());
    asked.headers_mut().remove("authorization");
    let (cassette, _) = record(vec![reply(json!({}))], &[asked], Scrub::default());
    let error = cassette.to_json().unwrap_err();
    assert!(error.message().contains("exchanges[0].request.headers.x-note (API key)"), "{error}");
}

#[test]
fn fields_headers_and_texts_can_be_taken_out() {
    let scrub = Scrub::default().with_field("messages.*.content").with_header("X-Mine").with_text("Ann");
    let body = json!({"messages": [{"role": "user", "content": "private"}], "user": "Ann"});
    let mut asked = request(&body);
    asked.headers_mut().insert("x-mine", HeaderValue::from_static("7"));
    let answer = json!({"headers": {"content-type": "application/json"}, "body": [{"text": "Hello Ann"}]});
    let (cassette, _) = record(vec![reply(answer)], std::slice::from_ref(&asked), scrub.clone());
    let text = cassette.to_json().unwrap();
    assert!(!text.contains("private") && !text.contains("Ann"), "{text}");
    assert_eq!(cassette.exchanges[0].request.headers["x-mine"], SCRUBBED);
    let clock: Arc<dyn Clock> = Arc::new(TestClock::new());
    let network = Replay::new(cassette, clock, Matching::default(), Pace::Instant).with_scrub(scrub);
    let seen = crate::testing::run(exchange(Arc::new(network.clone()), TestClock::new(), asked));
    assert_eq!((seen.0, network.unused()), (200, 0));
}

#[test]
fn requests_are_compared_as_asked() {
    let body = json!({"model": "m", "temperature": 1, "messages": [{"content": "hi", "id": 1}]});
    let (cassette, _) = record(vec![reply(json!({}))], &[request(&body)], Scrub::default());
    let ask = |body: &str, matching: Matching| {
        let mut asked = request(&json!({}));
        *asked.body_mut() = Bytes::from(body.to_owned());
        replay(cassette.clone(), &[asked], matching).pop().unwrap()
    };
    let other_order = r#"{"temperature": 1.0, "messages": [{"id": 1, "content": "hi"}], "model": "m"}"#;
    assert_eq!(ask(other_order, Matching::default()).0, 200);
    let exact = ask(other_order, Matching::exact()).2.unwrap();
    assert!(exact.ends_with("the nearest, exchanges[0], differs in body"), "{exact}");
    let other =
        r#"{"temperature": 1, "messages": [{"id": 2, "content": "secret words"}], "model": "m", "n": 2}"#;
    let fault = ask(other, Matching::default()).2.unwrap();
    assert!(fault.ends_with("differs in body.messages.0.content, body.messages.0.id, body.n"), "{fault}");
    let ignore = vec!["messages.*.id".into(), "messages.*.content".into(), "n".into()];
    let lenient = Matching { ignore, ..Matching::default() };
    assert_eq!(ask(other, lenient).0, 200);
}

#[test]
fn an_exchange_is_used_once_unless_it_may_repeat() {
    let (one, two) = (request(&json!({"n": 1})), request(&json!({"n": 2})));
    let replies = || vec![reply(json!({"status": 201})), reply(json!({"status": 202}))];
    let (cassette, _) = record(replies(), &[one.clone(), two.clone()], Scrub::default());
    let statuses = |requests: &[&http::Request<Bytes>], matching: Matching| -> Vec<u16> {
        let requests: Vec<_> = requests.iter().map(|request| (*request).clone()).collect();
        replay(cassette.clone(), &requests, matching).into_iter().map(|seen| seen.0).collect()
    };
    assert_eq!(statuses(&[&two, &one, &one], Matching::default()), [202, 201, 0]);
    let in_order = Matching { in_order: true, ..Matching::default() };
    assert_eq!(statuses(&[&two, &one, &two], in_order), [0, 201, 202]);
    let repeat = Matching { repeat: true, ..Matching::default() };
    assert_eq!(statuses(&[&one, &one, &two], repeat), [201, 201, 202]);
}

#[test]
fn a_file_of_another_version_or_form_is_refused() {
    let fault = |text: &str| Cassette::from_json(text).unwrap_err().message().to_owned();
    assert_eq!(
        fault(r#"{"cassette": 2, "exchanges": []}"#),
        "cassette: version 2 is not known; this build reads version 1"
    );
    assert!(fault(r#"{"cassette": 1, "exchanges": [], "x": 1}"#).contains("unknown field `x`"));
    assert!(fault("{").starts_with("cassette: EOF"), "{}", fault("{"));
}

// A file needs a file system, which the browser has not.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_client_records_and_replays_by_a_layer() {
    use crate::layer::Layer;
    let path = std::env::temp_dir().join(format!("belvedere-cassette-{}.json", std::process::id()));
    let layer: CassetteLayer = serde_json::from_value(json!({"path": path, "mode": "record"})).unwrap();
    let run = |layer: &CassetteLayer, with_reply: bool| {
        let simulation = Simulation::new(1);
        if with_reply {
            simulation.network.push(reply(json!({"body": [{"text": "hello"}]})));
        }
        let lent = layer.equip(simulation.lent());
        let clock = simulation.clock.clone();
        simulation.run(exchange(lent.transport, clock, request(&json!({"n": 1}))))
    };
    let recorded = run(&layer, true);
    assert_eq!(run(&CassetteLayer::new(&path, Mode::Replay), false), recorded);
    assert_eq!(run(&CassetteLayer::new(&path, Mode::Auto), false), recorded, "the file is there");
    std::fs::remove_file(&path).unwrap();
    let absent = run(&CassetteLayer::new(&path, Mode::Replay), true).2.unwrap();
    assert!(absent.contains("cassette: "), "{absent}");
    // A refused cassette fails the call, and nothing is written.
    let leaking = request(&json!({"user": canary()}));
    let simulation = Simulation::new(1);
    simulation.network.push(reply(json!({"body": [{"text": "hello"}]})));
    let lent = layer.equip(simulation.lent());
    let mut leaking = leaking;
    leaking.headers_mut().remove("authorization");
    let seen = simulation.run(exchange(lent.transport, simulation.clock.clone(), leaking));
    assert!(seen.2.unwrap().contains("looks like a secret"));
    assert!(!path.exists());
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Delay, Fault, Piece};

    proptest! {
        #[test]
        fn any_chunking_comes_back_byte_for_byte_and_in_time(
            pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), 0u64..2_000_000), 0..8),
            reset in any::<bool>(),
        ) {
            let mut script = Vec::new();
            for (bytes, wait) in pieces {
                script.push(Piece::Wait(Delay::After(Duration::from_micros(wait))));
                script.push(Piece::Base64(bytes.into()));
            }
            if reset {
                script.push(Piece::Error(Fault::Reset));
            }
            let reply = Reply { body: script, ..Reply::default() };
            let asked = [request(&json!({}))];
            let (cassette, seen) = record(vec![reply], &asked, Scrub::default());
            let read: Cassette = serde_json::from_str(&serde_json::to_string(&cassette).unwrap()).unwrap();
            prop_assert_eq!(replay(read, &asked, Matching::exact()), seen);
        }
    }
}
