use std::future::poll_fn;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderValue;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::client::Client;
use crate::clock::Clock;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Finish};
use crate::events::{EndKind, Events};
use crate::layer::Layer;
use crate::request::Request;
use crate::service::{Info, Service};
use crate::testing::cassette::{Cassette, Matching, Pace, Replay};
use crate::testing::{Answer, Reply, ScriptedService, Simulation, Step, Task};

const SECOND: Duration = Duration::from_secs(1);

/// Put together here, so that nothing that looks like a key stands in this file.
fn canary() -> String {
    format!("sk-{}", "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz")
}

/// A service whose wire is plain text: each chunk of the answer is an event.
#[derive(Debug)]
struct Plain;

#[async_trait]
impl Service for Plain {
    fn info(&self) -> Info {
        Info::new("plain", "plain")
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let body = request.messages.first().map(|message| message.text()).unwrap_or_default();
        let mut sent =
            http::Request::post("https://api.example.com/v1/plain").body(Bytes::from(body)).unwrap();
        let mut key = HeaderValue::from_str(&format!("Bearer {}", canary())).unwrap();
        key.set_sensitive(true);
        sent.headers_mut().insert("authorization", key);
        let response = cx.lent.transport.send(sent, cx.wire.clone()).await?;
        if response.status() != 200 {
            let body: Vec<Result<Bytes>> = response.into_body().collect().await;
            let words = String::from_utf8_lossy(body[0].as_ref().unwrap()).into_owned();
            return Err(Error::new(ErrorKind::Unauthorized, words));
        }
        let (start, finish) = (
            Event::Start { id: None, model: Some("plain-1".into()) },
            [Event::PartEnd { choice: 0, part: 0 }, Event::Finish { choice: 0, finish: Finish::default() }],
        );
        let texts = response.into_body().map(|chunk| {
            let delta = String::from_utf8_lossy(&chunk?).into();
            Ok(Event::Text { choice: 0, part: 0, delta })
        });
        let all = futures_util::stream::iter([Ok(start)]).chain(texts);
        Ok(Events::new(all.chain(futures_util::stream::iter(finish.map(Ok)))))
    }
}

fn reply(json: serde_json::Value) -> Reply {
    serde_json::from_value(json).unwrap()
}

/// Asks once behind a debugger, and gives the events and their end.
fn ask(simulation: &Simulation, debugger: &DebuggerLayer, prompt: &str) -> (Vec<Event>, Option<Error>) {
    let client = Client::new(Plain, simulation.lent()).layer(debugger.clone());
    simulation.run(async {
        let mut seen = Vec::new();
        let mut events = match client.stream(prompt).await {
            Ok(events) => events,
            Err(error) => return (seen, Some(error)),
        };
        while let Some(item) = events.next().await {
            match item {
                Ok(event) => seen.push(event),
                Err(error) => return (seen, Some(error)),
            }
        }
        (seen, None)
    })
}

#[test]
fn the_dump_is_a_timeline() {
    let simulation = Simulation::new(1);
    simulation.network.push(reply(json!({
        "connect_after": "10ms", "head_after": "200ms", "headers": {"content-type": "text/plain"},
        "body": [{"text": "Hel"}, {"wait": "1500us"}, {"text": "lo, \"you\"\n"}, {"wait": "5s"}, {"error": "reset"}],
    })));
    let debugger = DebuggerLayer::default();
    let (events, error) = ask(&simulation, &debugger, "hi");
    assert_eq!((events.len(), error.unwrap().kind()), (3, ErrorKind::Network));
    let recording = debugger.last().unwrap();
    let expected = "\
call ID, failed
          ms  lane    what           bytes  text
       0.000  call    began
       0.000  wire 0  sent               2  POST https://api.example.com/v1/plain
       0.000  wire 0  dialing
      10.000  wire 0  connected
     210.000  wire 0  head                  200 text/plain
     210.000  event   start                 {\"model\":\"plain-1\"}
     210.000  wire 0  chunk              3  Hel
     210.000  event   text               3  Hel
     211.500  wire 0  chunk             10  lo, \"you\"\\n
     211.500  event   text              10  lo, \"you\"\\n
    5211.500  wire 0  broken                the connection was reset
    5211.500  call    failed                network: the connection was reset
";
    assert_eq!(recording.to_string().replace(&recording.id.to_string(), "ID"), expected);
    assert_eq!((recording.end, recording.dropped), (Some(EndKind::Failed), 0));
    let chunk = &recording.entries[6];
    assert_eq!((chunk.at, chunk.lane, chunk.what), (Duration::from_millis(210), Lane::Wire(0), "chunk"));
    assert_eq!((chunk.size, chunk.text.as_str()), (Some(3), "Hel"));
}

#[test]
fn what_is_exported_is_replayed_as_the_same_events() {
    let simulation = Simulation::new(1);
    simulation.network.push(reply(json!({
        "body": [{"text": "one "}, {"wait": "2s"}, {"text": "two "}, {"text": "three"}],
    })));
    let debugger = DebuggerLayer::default();
    let recorded = ask(&simulation, &debugger, "hi");
    let cassette = debugger.last().unwrap().to_cassette();
    assert_eq!((cassette.note.as_str(), cassette.exchanges.len()), ("", 1));
    let cassette = Cassette::from_json(&cassette.to_json().unwrap()).unwrap();
    let again = Simulation::new(2);
    let began = again.clock.now();
    let replay =
        Replay::new(cassette, std::sync::Arc::new(again.clock.clone()), Matching::default(), Pace::Recorded);
    let client = Client::new(Plain, again.lent_over(replay));
    let replayed =
        again.run(async { client.stream("hi").await.unwrap().map(Result::unwrap).collect::<Vec<_>>().await });
    assert_eq!((replayed, recorded.1.is_none()), (recorded.0, true));
    assert_eq!(again.clock.now().since(began), 2 * SECOND);
}

#[test]
fn a_stream_that_hangs_is_seen_while_it_hangs() {
    let simulation = Simulation::new(1);
    simulation.network.push(reply(json!({"body": [{"text": "Hel"}, {"stall": true}]})));
    let debugger = DebuggerLayer::default();
    let client = Client::new(Plain, simulation.lent()).layer(debugger.clone());
    let mut events = simulation.run(client.stream("hi")).unwrap();
    for _ in 0..2 {
        simulation.run(events.next()).unwrap().unwrap();
    }
    assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
    simulation.clock.advance(SECOND);
    let recording = debugger.last().unwrap();
    assert_eq!((recording.end, recording.entries.last().unwrap().text.as_str()), (None, "Hel"));
    assert!(recording.to_string().contains(", running\n"));
    let [exchange] = recording.to_cassette().exchanges.try_into().unwrap();
    assert_eq!((exchange.end.at_us, exchange.response.unwrap().chunks.len()), (1_000_000, 1));
    drop(events);
    let recording = debugger.last().unwrap();
    let last: Vec<_> = recording.entries.iter().rev().take(2).map(|entry| (entry.what, entry.lane)).collect();
    assert_eq!(last, [("cancelled", Lane::Call), ("dropped", Lane::Wire(0))]);
    assert_eq!(recording.end, Some(EndKind::Cancelled));
}

#[test]
fn w12_no_planted_secret_shows() {
    let canary = canary();
    let (front, back) = canary.split_at(12);
    let other = format!("sk-ant-{}", "0a1B2c3D4e5F6g7H8i9J0k1L2m3N");
    let simulation = Simulation::new(1);
    simulation.network.push(reply(json!({
        "headers": {"content-type": format!("text/{canary}")},
        // Echoed across two chunks, and somebody else's key that nothing tells of.
        "body": [{"text": format!("key {front}")}, {"text": format!("{back} and ")}, {"text": other}],
    })));
    simulation.network.push(reply(json!({"status": 401, "body": [{"text": format!("bad key {canary}")}]})));
    let debugger = DebuggerLayer::default();
    let (events, _) = ask(&simulation, &debugger, &format!("my key is {canary}"));
    assert!(events[1].delta().unwrap().contains(front), "the caller sees all");
    let (_, error) = ask(&simulation, &debugger, "hi");
    assert!(error.unwrap().message().contains(&canary));
    let recordings = debugger.recordings();
    let shown: String = recordings.iter().map(|recording| format!("{recording}{recording:?}")).collect();
    for secret in [&canary, front, back, &other, &other[7..]] {
        assert!(!shown.contains(secret), "{secret}\n{shown}");
        for recording in &recordings {
            assert!(!recording.entries.iter().any(|entry| entry.text.contains(secret)), "{secret}");
        }
    }
    assert!(shown.contains("bad key <scrubbed>"), "{shown}");
    let refused = recordings[0].to_cassette().to_json().unwrap_err();
    assert!(refused.message().contains("looks like a secret"), "{refused}");
    assert!(!recordings[1].to_cassette().to_json().unwrap().contains(&canary));
}

#[test]
fn the_bound_holds_and_what_goes_is_counted() {
    let (simulation, canary) = (Simulation::new(1), canary());
    let (front, back) = canary.split_at(12);
    let mut body =
        vec![json!({"text": "the first"}), json!({"text": format!("key {front}")}), json!({"text": back})];
    body.extend((0..2000).map(|n| json!({"text": format!("{n:04} ")})));
    simulation.network.push(reply(json!({"body": body})));
    let debugger: DebuggerLayer = serde_json::from_value(json!({"bytes": 10_000})).unwrap();
    let (events, _) = ask(&simulation, &debugger, "hi");
    assert_eq!(events.len(), 2006);
    let recording = debugger.last().unwrap();
    let [exchange] = recording.to_cassette().exchanges.try_into().unwrap();
    let chunks = exchange.response.unwrap().chunks;
    let chunk = size_of_val(&chunks[0]) + 5;
    assert!(chunks.len() * chunk <= 10_000 && chunks.len() * chunk > 7_000, "{} chunks", chunks.len());
    let gone = 2003 - chunks.len();
    let bytes = 2000 * 5 + 9 + 4 + "<scrubbed>".len() - chunks.len() * 5;
    let note = format!("The first {gone} chunks ({bytes} bytes) of exchanges[0] were let go.");
    assert_eq!(recording.to_cassette().note, note);
    let dump = recording.to_string();
    assert!(dump.ends_with(&format!("{note}\n")), "{dump}");
    assert!(dump.contains(&format!("{} earlier entries were let go", recording.dropped)));
    assert!(recording.entries.len() < 300 && recording.dropped > 3_700, "{}", recording.dropped);
    assert_eq!(recording.entries.last().unwrap().what, "finished");
}

#[test]
fn the_last_calls_are_kept_and_a_reload_keeps_them() {
    let simulation = Simulation::new(1);
    simulation.network.always(reply(json!({"body": [{"text": "a"}]})));
    let debugger: DebuggerLayer = serde_json::from_value(json!({"calls": 2})).unwrap();
    for prompt in ["1", "22", "333"] {
        ask(&simulation, &debugger, prompt);
    }
    let sizes = |debugger: &DebuggerLayer| -> Vec<_> {
        debugger.recordings().iter().map(|recording| recording.entries[1].size).collect()
    };
    assert_eq!(sizes(&debugger), [Some(2), Some(3)]);
    let mut next = DebuggerLayer::default();
    next.adopt(&debugger);
    assert_eq!(sizes(&next), [Some(2), Some(3)]);
}

#[test]
fn a_pause_shows_with_its_length() {
    let simulation = Simulation::new(1);
    let debugger = DebuggerLayer::default();
    let service = ScriptedService::new([Answer::deltas(["a", "b"]).with(2, Step::Wait(SECOND))]);
    let stack = debugger.layer(service.into());
    let cx = simulation.context();
    let mut events = simulation.run(stack.call(cx.clone(), Request::from("hi"))).unwrap();
    for _ in 0..2 {
        simulation.run(events.next()).unwrap().unwrap();
    }
    let _ = simulation.poll(&mut Task::new(poll_fn(|cx| events.poll_next_unpin(cx))));
    cx.call.pause.pause(simulation.clock.now());
    simulation.clock.advance(60 * SECOND);
    simulation.run(events.next()).unwrap().unwrap();
    simulation.clock.advance(SECOND);
    cx.call.pause.resume(simulation.clock.now());
    simulation.run(async { while events.next().await.is_some() {} });
    let shown: Vec<(u64, &str, String)> = debugger.last().unwrap().entries[3..]
        .iter()
        .map(|entry| (entry.at.as_secs(), entry.what, entry.text.clone()))
        .collect();
    let expected =
        [(0, "paused", ""), (60, "text", "b"), (61, "resumed", "after 1m 1s"), (61, "part_end", "")];
    assert_eq!(shown[..4], expected.map(|(at, what, text)| (at, what, text.to_owned())));
}

#[test]
fn it_behaves_as_every_layer() {
    crate::testing::suite::layer(DebuggerLayer::default);
}

// A file needs a file system, which the browser has not.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_timelines_are_written_where_a_document_says() {
    let path = std::env::temp_dir().join(format!("belvedere-debugger-{}.txt", std::process::id()));
    let simulation = Simulation::new(1);
    simulation.network.always(reply(json!({"body": [{"text": "a"}]})));
    let debugger: DebuggerLayer = serde_json::from_value(json!({"path": path})).unwrap();
    ask(&simulation, &debugger, "hi");
    ask(&simulation, &debugger, "hi");
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let dumps: Vec<String> = debugger.recordings().iter().map(ToString::to_string).collect();
    assert_eq!(written, dumps.join("\n"));
}
