//! Reads recorded exchanges of Ollama's wires and compares each answer with the facts recorded beside it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the cassettes
//! of our own cover the wire then.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/cuts.rs"]
mod cuts;
#[path = "support/ends.rs"]
mod ends;
#[path = "support/facts.rs"]
mod facts;
#[path = "support/requests.rs"]
mod requests;
mod support;

use belvedere_core::endpoint::Endpoint;
use belvedere_core::provider::Provider;
use belvedere_providers::ollama::{Api, Ollama, OllamaEndpoint, OllamaGenerateEndpoint};
use bytes::Bytes;
use corpus::Row;
use cuts::{assert_same_however_cut, assert_truncated_at};
use ends::ends_of;
use facts::{expected, facts};
use requests::Reproduced;
use serde_json::{Value, json};

fn rows() -> Option<Vec<Row>> {
    corpus::rows(&["ollama.chat", "ollama.generate"], 13)
}

fn api(row: &Row) -> Api {
    if row.facts["endpoint"] == "ollama.generate" { Api::Generate } else { Api::Chat }
}

fn provider(row: &Row) -> Ollama {
    Ollama::default().with_api(api(row))
}

#[test]
fn recorded_answers_say_what_was_recorded() {
    let rows = rows().unwrap_or_default();
    for row in &rows {
        let read = row.read(&provider(row), &[&row.body]);
        assert_eq!(read.error.as_ref().map(ToString::to_string), None, "{}", row.id());
        let answer = read.completion();
        assert_eq!(facts(&answer, |_| None), expected(row), "{}", row.id());
        assert!(answer.usage.is_none_or(|usage| usage.adds_up()), "{}", row.id());
    }
    println!("{0} of {0} rows are right", rows.len());
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        assert_same_however_cut(&row, &provider(&row));
    }
}

/// Every proper prefix of lines lacks `done` and is Truncated, and what was received is a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let mut ends = ends_of(&row.body, "\n");
        ends.pop();
        assert_truncated_at(&row, &provider(&row), ends);
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
fn recorded_requests_are_reproduced() {
    let mut share = Reproduced::default();
    for row in rows().into_iter().flatten().filter(|row| !row.facts["request"].is_null()) {
        let recorded = &row.facts["request"];
        let (path, endpoint): (_, &dyn Endpoint) = match api(&row) {
            Api::Chat => ("http://localhost/api/chat", &OllamaEndpoint),
            Api::Generate => ("http://localhost/api/generate", &OllamaGenerateEndpoint),
        };
        let incoming = http::Request::post(path).body(Bytes::from(recorded.to_string())).unwrap();
        let request = endpoint.request(&incoming).unwrap();
        let written = provider(&row).encode(&request).unwrap();
        let written: Value = serde_json::from_slice(written.body()).unwrap();
        share.compare(row.id(), &plain(&written), &plain(recorded));
    }
    share.assert(100);
}
