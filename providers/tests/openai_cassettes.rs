//! Reads the cassettes of the OpenAI wire: written for these tests, after what servers send.
//!
//! Each has a stream (`.sse`), the same answer as one body (`.json`), and the answer both stand for (`.expected`).

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::event::Event;
use belvedere_core::framing::Framer;
use belvedere_core::laws::Laws;
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_providers::openai::{OpenAi, hosts};
use serde_json::{Value, json};

struct Cassette {
    name: String,
    host: OpenAi,
    answer: Value,
    stream: Vec<u8>,
    whole: Vec<u8>,
}

fn cassettes() -> Vec<Cassette> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cassettes/openai");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "expected") {
            continue;
        }
        let expected: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        all.push(Cassette {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            host: OpenAi::new(hosts::find(expected["host"].as_str().unwrap()).unwrap()),
            answer: expected["answer"].clone(),
            stream: std::fs::read(path.with_extension("sse")).unwrap(),
            whole: std::fs::read(path.with_extension("json")).unwrap(),
        });
    }
    assert_eq!(all.len(), 13, "every cassette is found");
    all
}

/// The events of a body of this type that comes in these pieces.
fn events(host: &OpenAi, kind: &str, pieces: &[&[u8]]) -> Vec<Event> {
    let response = http::Response::builder().header("content-type", kind).body(()).unwrap();
    let (framing, mut decoder) = host.decode(&Request::from("hi"), &response.into_parts().0).unwrap();
    let mut framer = Framer::new(framing, 1 << 20);
    let mut out = Vec::new();
    for piece in pieces {
        framer.feed(piece, &mut |frame| decoder.frame(frame, &mut out)).unwrap();
    }
    framer.eof(&mut |frame| decoder.frame(frame, &mut out)).unwrap();
    decoder.eof(&mut out).unwrap();
    let mut laws = Laws::default();
    out.iter().try_for_each(|event| laws.event(event)).and_then(|()| laws.finished()).unwrap();
    out
}

fn fold(events: &[Event]) -> Completion {
    let mut fold = Fold::default();
    events.iter().for_each(|event| fold.event(event));
    fold.into_completion()
}

#[test]
fn s20_a_stream_and_a_body_give_the_expected_answer() {
    for cassette in cassettes() {
        let Cassette { name, host, answer, stream, whole } = &cassette;
        let streamed = fold(&events(host, "text/event-stream", &[stream]));
        assert_eq!(json!(streamed), *answer, "{name}, streamed");
        let whole = fold(&events(host, "application/json", &[whole]));
        assert_eq!(whole, streamed, "{name}, whole");
    }
}

#[test]
fn w1_every_cut_of_a_cassette_gives_the_same_events() {
    for cassette in cassettes() {
        let Cassette { name, host, stream, .. } = &cassette;
        let uncut = events(host, "text/event-stream", &[stream]);
        for at in 1..stream.len() {
            let (left, right) = stream.split_at(at);
            assert_eq!(events(host, "text/event-stream", &[left, right]), uncut, "{name} cut at {at}");
        }
    }
}

#[test]
fn an_answer_goes_back_in_the_words_of_its_server() {
    let fields = |name: &str| {
        let all = cassettes();
        let cassette = all.iter().find(|c| c.name == name).unwrap();
        let answer = fold(&events(&cassette.host, "application/json", &[&cassette.whole]));
        let request = Request::from(answer.message()).with_model("m");
        let body = cassette.host.encode(&request).unwrap().into_body();
        serde_json::from_slice::<Value>(&body).unwrap()["messages"][0].clone()
    };
    let whole = |name: &str, wanted: &[&str]| {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cassettes/openai");
        let body: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        let message = body["choices"][0]["message"].as_object().unwrap().clone();
        Value::Object(message.into_iter().filter(|(key, _)| wanted.contains(&key.as_str())).collect())
    };
    assert_eq!(fields("text"), whole("text.json", &["role", "content"]));
    assert_eq!(fields("tools"), whole("tools.json", &["role", "content", "tool_calls"]));
    assert_eq!(fields("reasoning"), whole("reasoning.json", &["role", "content", "reasoning_content"]));
    let details = whole("reasoning_details.json", &["role", "content", "reasoning_details"]);
    assert_eq!(fields("reasoning_details"), details);
    assert_eq!(fields("items"), whole("items.json", &["role", "content"]));
    assert_eq!(fields("function_call"), whole("function_call.json", &["role", "content", "function_call"]));
    assert_eq!(fields("executed_tools"), whole("executed_tools.json", &["role", "content", "reasoning"]));
    assert_eq!(fields("audio"), json!({ "role": "assistant", "audio": { "id": "au-1" } }));
    assert_eq!(fields("refusal"), whole("refusal.json", &["role", "content", "refusal"]));
}
