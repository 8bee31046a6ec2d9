//! What holds for every endpoint and every stream, whatever happens to it: laws W2, W3, W4, cases L3 and L6.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use belvedere::client::Client;
use belvedere::context::Wire;
use belvedere::events::{Closing, End, Observer};
use belvedere::request::{Operation, Request};
use belvedere::testing::{Delay, Fault, Piece, Reply, Simulation, Task};
use belvedere::transport::{Body, Transport};
use belvedere::{Config, EndKind, Event, layer_fn};
use belvedere_tests::Recording;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::json;

const UPSTREAM: &str = "http://upstream.test/v1";

fn config(provider: &str) -> Config {
    let provider = json!({ "type": provider, "base_url": UPSTREAM, "model": "m", "api_key": "test-key" });
    json!({ "provider": provider }).into()
}

fn client(simulation: &Simulation, provider: &str) -> Client {
    belvedere::registry().client_with(&config(provider), simulation.lent()).unwrap()
}

/// Every endpoint of every wire, as a request.
fn endpoints() -> Vec<(&'static str, Request)> {
    let chat = |stream| {
        let mut request = Request::from("hi");
        request.stream = stream;
        request
    };
    let mut models = Request::default();
    models.operation = Operation::Models;
    vec![
        ("openai", chat(true)),
        ("openai", chat(false)),
        ("openai", Request::embed(["hi"])),
        ("openai", models.clone()),
        ("anthropic", chat(true)),
        ("anthropic", chat(false)),
        ("anthropic", models),
    ]
}

/// A reply that hangs in one phase of its life.
fn hanging() -> Vec<(&'static str, Reply)> {
    let ok = || Reply::ok("application/json", "");
    let mut connect = ok();
    connect.connect_after = Delay::Never;
    let mut head = ok();
    head.head_after = Delay::Never;
    vec![
        ("connect", connect),
        ("head", head),
        ("first byte", ok().with(Piece::Stall(true))),
        ("mid-body", ok().with(Piece::Text("{\"".into())).with(Piece::Stall(true))),
        ("error body", Reply::status(500).with(Piece::Text("{".into())).with(Piece::Stall(true))),
    ]
}

#[test]
fn l3_every_endpoint_closes_its_connection_in_every_phase() {
    for (provider, request) in endpoints() {
        for (phase, reply) in hanging() {
            let what = format!("{provider} {:?} stream={} in {phase}", request.operation, request.stream);
            let simulation = Simulation::new(1);
            simulation.network.push(reply);
            let client = client(&simulation, provider);
            let mut call = Task::new(async { client.call(request.clone()).await?.collect().await });
            assert!(simulation.poll(&mut call).is_pending(), "{what}");
            assert_eq!(simulation.network.open(), 1, "{what}");
            drop(call);
            assert_eq!((simulation.network.open(), simulation.network.aborted()), (0, 1), "{what}");
            simulation.assert_idle();
        }
    }
}

#[test]
fn l3_every_endpoint_is_cancelled_by_closing_the_client() {
    for (provider, request) in endpoints() {
        for (phase, reply) in hanging() {
            let what = format!("{provider} {:?} stream={} in {phase}", request.operation, request.stream);
            let simulation = Simulation::new(1);
            simulation.network.push(reply);
            let client = client(&simulation, provider);
            let call = async { client.call(request.clone()).await?.collect().await };
            let both = futures_util::future::join(call, client.close(Duration::from_secs(1)));
            let (answer, cancelled) = simulation.run(both);
            assert_eq!(cancelled, 1, "{what}");
            assert_eq!(answer.unwrap_err().kind(), belvedere::ErrorKind::Cancelled, "{what}");
            simulation.assert_idle();
        }
    }
}

/// A network whose bodies never end. It counts what is pulled, and knows whether a body is still held.
#[derive(Debug, Clone, Default)]
struct Endless {
    pulls: Arc<AtomicUsize>,
    held: Arc<()>,
}

#[async_trait]
impl Transport for Endless {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        _: Option<Arc<Wire>>,
    ) -> belvedere::Result<http::Response<Body>> {
        let this = self.clone();
        let chunks = futures_util::stream::repeat_with(move || {
            let _held = &this.held;
            this.pulls.fetch_add(1, Ordering::Relaxed);
            Ok(Bytes::from_static(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n"))
        });
        let response = http::Response::builder().header("content-type", "text/event-stream");
        Ok(response.body(Body::new(chunks)).unwrap())
    }
}

#[test]
fn l6_a_body_that_was_never_read_is_cancelled_and_freed() {
    let simulation = Simulation::new(1);
    let network = Endless::default();
    let lent = simulation.lent_over(network.clone());
    let client = belvedere::registry().client_with(&config("openai"), lent).unwrap();
    let mut unread = simulation.run(client.stream("hi")).unwrap();
    let held = Arc::strong_count(&network.held);
    unread.cancel();
    assert_eq!(unread.end(), Some(EndKind::Cancelled));
    assert_eq!(network.pulls.load(Ordering::Relaxed), 0, "nothing is pulled for a reader who does not read");
    assert_eq!(
        Arc::strong_count(&network.held),
        held - 1,
        "the body is freed by the cancel, not by the drop"
    );
    let mut read = simulation.run(client.stream("hi")).unwrap();
    simulation.run(async {
        for _ in 0..10 {
            read.next().await.unwrap().unwrap();
        }
    });
    assert!(network.pulls.load(Ordering::Relaxed) <= 10, "no more is pulled than is read");
    drop(read);
    assert_eq!(Arc::strong_count(&network.held), held - 1);
    simulation.assert_idle();
}

fn cassettes() -> Vec<(&'static str, Recording)> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = Recording::cassettes(&home.join("../providers/tests/cassettes")).unwrap();
    let provider = |recording: &Recording| match recording.name.as_str() {
        // Snowflake gives no finish reasons, and every field, empty.
        "empty_fields.sse" => "snowflake",
        _ if recording.body.starts_with(b"event: message_start") => "anthropic",
        _ => "openai",
    };
    all.into_iter().map(|recording| (provider(&recording), recording)).collect()
}

/// Notes how often an end was told, and which.
struct Ends(Arc<std::sync::Mutex<Vec<EndKind>>>);

impl Observer for Ends {
    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        self.0.lock().unwrap().push(end.kind());
        Closing::Done
    }
}

/// What the caller, an observer and the attempt were told of one call.
struct Told {
    events: Vec<Event>,
    end: Option<EndKind>,
    observed: Vec<EndKind>,
    attempts: Vec<Option<EndKind>>,
}

fn told(provider: &str, reply: Reply) -> Told {
    let simulation = Simulation::new(1);
    simulation.network.push(reply);
    let observed = Arc::new(std::sync::Mutex::new(Vec::new()));
    let call = Arc::new(std::sync::Mutex::new(None));
    let (ends, keep) = (observed.clone(), call.clone());
    let client = client(&simulation, provider).layer(layer_fn("watch", move |cx, request, next| {
        *keep.lock().unwrap() = Some(cx.call.clone());
        let ends = Ends(ends.clone());
        async move { belvedere::events::watch(&cx.clone(), next.call(cx, request), ends).await }
    }));
    let (events, end) = simulation.run(async {
        let mut stream = client.stream("hi").await.unwrap();
        let mut events = Vec::new();
        while let Some(item) = stream.next().await {
            events.extend(item.ok());
        }
        assert!(stream.next().await.is_none(), "nothing after the end");
        (events, stream.end())
    });
    simulation.assert_idle();
    let attempts = call.lock().unwrap().take().unwrap().attempts().iter().map(|a| a.end).collect();
    let observed = observed.lock().unwrap().clone();
    Told { events, end, observed, attempts }
}

fn text(events: &[Event]) -> String {
    let delta = |event: &Event| match event {
        Event::Text { choice: 0, delta, .. } => Some(delta.to_string()),
        _ => None,
    };
    events.iter().filter_map(delta).collect()
}

#[test]
fn w2_w3_w4_a_stream_cut_after_any_frame_gives_a_prefix_and_one_end_and_leaves_nothing() {
    let mut cuts = 0;
    for (provider, recording) in cassettes() {
        let whole = told(provider, Reply::ok("text/event-stream", recording.body.clone()));
        assert_eq!(whole.end, Some(EndKind::Finished), "{}", recording.name);
        let ends =
            recording.body.windows(2).enumerate().filter(|(_, pair)| pair == b"\n\n").map(|(at, _)| at + 2);
        for at in ends {
            for fault in [None, Some(Fault::Reset)] {
                let cut = Reply::ok("text/event-stream", recording.body[..at].to_vec());
                let cut = fault.into_iter().map(Piece::Error).fold(cut, Reply::with);
                let part = told(provider, cut);
                let what = format!("{} cut at {at}, {fault:?}: {:?}", recording.name, part.end);
                assert!(text(&whole.events).starts_with(&text(&part.events)), "{what}");
                let finishes = part.events.iter().any(|event| matches!(event, Event::Finish { .. }));
                assert_eq!(finishes, part.end == Some(EndKind::Finished), "{what}");
                assert_eq!(part.observed, [part.end.unwrap()], "one end, the same for all: {what}");
                assert_eq!(part.attempts, [part.end], "{what}");
                if !finishes {
                    let expected = if fault.is_some() { EndKind::Failed } else { EndKind::Truncated };
                    assert_eq!(part.end, Some(expected), "{what}");
                }
                cuts += 1;
            }
        }
    }
    assert!(cuts > 200, "{cuts} cuts");
}
