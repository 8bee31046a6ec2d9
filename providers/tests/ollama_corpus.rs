//! Reads recorded exchanges of Ollama's wires and compares each answer with the facts recorded beside it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the cassettes
//! of our own cover the wire then.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Part, arguments};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_providers::ollama::{Api, Ollama, OllamaEndpoint, OllamaGenerateEndpoint};
use bytes::Bytes;
use serde_json::{Value, json};
use support::{Read, head};

struct Row {
    facts: Value,
    body: Vec<u8>,
    request: Option<Value>,
}

impl Row {
    fn id(&self) -> &str {
        self.facts["id"].as_str().unwrap()
    }

    fn is_stream(&self) -> bool {
        self.facts["stream"] == true
    }

    fn api(&self) -> Api {
        if self.facts["endpoint"] == "ollama.generate" { Api::Generate } else { Api::Chat }
    }

    fn read(&self, pieces: &[&[u8]]) -> Read {
        let mut request = Request::from("hi");
        request.stream = self.is_stream();
        let headers = self.facts["response_headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let status = u16::try_from(self.facts["status"].as_u64().unwrap()).unwrap();
        let provider = Ollama::default().with_api(self.api());
        Read::new(&provider, &request, &head(status, headers), pieces.iter().copied())
    }
}

/// The recordings of these wires; none, with a word about it, where they are absent.
fn rows() -> Vec<Row> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/providers"));
    let Ok(index) = std::fs::read_to_string(folder.join("index.jsonl")) else {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let all = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = all.filter(|facts| facts["endpoint"].as_str().unwrap().starts_with("ollama."));
    let rows: Vec<Row> = ours.map(|facts| row(&folder, facts)).collect();
    assert!(rows.len() >= 13, "{} rows", rows.len());
    rows
}

fn row(folder: &Path, facts: Value) -> Row {
    let read = |name: &str| std::fs::read(folder.join(facts[name].as_str().unwrap())).unwrap();
    let request = match &facts["request"] {
        Value::Null if facts["request_file"].is_null() => None,
        Value::Null => Some(serde_json::from_slice(&read("request_file")).unwrap()),
        request => Some(request.clone()),
    };
    Row { body: read("raw"), request, facts }
}

/// The facts of an answer, in the corpus's own words.
fn facts(answer: &Completion) -> Value {
    let parts = answer.choices.first().map(|c| c.parts.as_slice()).unwrap_or_default();
    let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
    let text = if texts.is_empty() { Value::Null } else { json!(texts.concat()) };
    let calls: Vec<Value> = answer
        .tool_calls()
        .map(|call| json!({"id": call.id, "name": call.name, "arguments": arguments(call.input).ok()}))
        .collect();
    let finish = answer.choices.first().and_then(|c| c.finish.clone()).unwrap_or_default();
    let usage = answer.usage.clone().unwrap_or_default();
    json!({
        "text": text, "text_parts": texts, "reasoning_text": answer.reasoning(), "refusal": answer.refusal(),
        "tool_calls": calls, "server_tools": [], "finish_reason": finish.reason, "finish_reason_raw": finish.raw,
        "usage": usage.reported, "usage_raw": usage.raw, "model": answer.model, "response_id": answer.id,
    })
}

/// What the row says of an answer. A call without an id has none in the row.
fn expected(row: &Row) -> Value {
    let all = &row.facts["expected"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let calls: Vec<Value> = all["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| json!({"id": word(&call["id"]), "name": call["name"], "arguments": call["arguments"]}))
        .collect();
    let mut facts = json!({ "tool_calls": calls });
    for key in [
        "text",
        "text_parts",
        "reasoning_text",
        "refusal",
        "server_tools",
        "finish_reason",
        "finish_reason_raw",
        "usage",
        "usage_raw",
        "model",
        "response_id",
    ] {
        facts[key] = all[key].clone();
    }
    facts
}

#[test]
fn recorded_answers_say_what_was_recorded() {
    let rows = rows();
    for row in &rows {
        let read = row.read(&[&row.body]);
        assert_eq!(read.error.as_ref().map(ToString::to_string), None, "{}", row.id());
        let answer = read.completion();
        assert_eq!(facts(&answer), expected(row), "{}", row.id());
        assert!(answer.usage.is_none_or(|usage| usage.adds_up()), "{}", row.id());
    }
    println!("{0} of {0} rows read as recorded", rows.len());
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    for row in rows().iter().filter(|row| row.is_stream()) {
        let whole = row.read(&[&row.body]);
        let bytes: Vec<&[u8]> = row.body.chunks(1).collect();
        assert_eq!(row.read(&bytes).essence(), whole.essence(), "{}: byte by byte", row.id());
        // Every single cut up to 2 KiB; beyond, where the work grows with the square, an even sample of them.
        let step = row.body.len().div_ceil(2048).max(1).pow(2);
        for cut in (0..=row.body.len()).step_by(step) {
            let (one, two) = row.body.split_at(cut);
            assert_eq!(row.read(&[one, two]).essence(), whole.essence(), "{}: cut at {cut}", row.id());
        }
    }
}

/// Every proper prefix of lines lacks `done` and is Truncated, and what was received is a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().iter().filter(|row| row.is_stream()) {
        let whole = row.read(&[&row.body]);
        let ends = row.body.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let mut ends: Vec<usize> = ends.collect();
        ends.pop();
        for at in ends {
            let read = row.read(&[&row.body[..at]]);
            let kind = read.error.as_ref().map(|e| e.kind());
            assert_eq!(kind, Some(ErrorKind::Truncated), "{} {at}", row.id());
            assert_eq!(read.events, whole.events[..read.events.len()], "{} {at}", row.id());
        }
    }
}

/// What a request loses that says nothing: fields that official clients send empty, and the type that every tool
/// call has (`type: function`), which is kept but may be left out.
fn plain(request: &Value) -> Value {
    let says_nothing = |value: &Value| {
        matches!(value, Value::Null | Value::Bool(false)) || [json!(""), json!([]), json!({})].contains(value)
    };
    let fields = request.as_object().unwrap().iter();
    // `stream` and `think` say something when they are false: both have another default.
    let kept =
        fields.filter(|(name, value)| matches!(name.as_str(), "stream" | "think") || !says_nothing(value));
    numbers(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// One and 1.0 are one number.
fn numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(numbers).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, numbers(value))).collect(),
        other => other,
    }
}

#[test]
fn recorded_requests_are_written_as_they_were_recorded() {
    let rows = rows();
    let (mut same, mut all) = (0, 0);
    for row in &rows {
        let Some(recorded) = &row.request else { continue };
        all += 1;
        let (path, endpoint): (_, &dyn Endpoint) = match row.api() {
            Api::Chat => ("http://localhost/api/chat", &OllamaEndpoint),
            Api::Generate => ("http://localhost/api/generate", &OllamaGenerateEndpoint),
        };
        let incoming = http::Request::post(path).body(Bytes::from(recorded.to_string())).unwrap();
        let request = endpoint.request(&incoming).unwrap();
        let written = Ollama::default().with_api(row.api()).encode(&request).unwrap();
        let written: Value = serde_json::from_slice(written.body()).unwrap();
        match plain(&written) == plain(recorded) {
            true => same += 1,
            false => println!("{}:\n  {}\n  {}", row.id(), plain(recorded), plain(&written)),
        }
    }
    println!("{same} of {all} requests are reproduced");
    assert_eq!(same, all);
}
