//! Reads recorded exchanges of Bedrock's wires and compares each answer with the facts recorded beside it, and each
//! recorded request with what is written for it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the answers in
//! `bedrock_decode.rs` cover the wires then.

#![cfg(feature = "bedrock")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/cuts.rs"]
mod cuts;
#[path = "support/facts.rs"]
mod facts;
#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/requests.rs"]
mod requests;
mod support;

use belvedere_core::endpoint::Endpoint;
use belvedere_core::event::Event;
use belvedere_core::framing::Framer;
use belvedere_core::message::{Part, ToolBy};
use belvedere_core::provider::{Framing, Provider};
use belvedere_providers::bedrock::{Converse, ConverseEndpoint, InvokeAnthropic, InvokeAnthropicEndpoint};
use corpus::Row;
use cuts::{assert_same_however_cut, assert_truncated_at};
use facts::{expected, facts};
use kinds::is_among;
use requests::Reproduced;
use serde_json::{Value, json};

fn rows() -> Option<Vec<Row>> {
    corpus::rows(&["bedrock.converse", "bedrock.invoke.anthropic"], 36)
}

fn is_converse(row: &Row) -> bool {
    row.facts["endpoint"] == "bedrock.converse"
}

fn provider(row: &Row) -> Box<dyn Provider> {
    match is_converse(row) {
        true => Box::new(Converse::in_region("us-east-1").unwrap()),
        false => Box::new(InvokeAnthropic::in_region("us-east-1").unwrap()),
    }
}

/// What Bedrock ran itself: blocks of a whole answer, names of a stream's calls.
fn server_tool(row: &Row, part: &Part) -> Option<String> {
    match part {
        Part::ToolCall { by: ToolBy::Provider, name, .. } if row.is_stream() => Some(name.to_string()),
        Part::ToolCall { by: ToolBy::Provider, .. } => Some("toolUse".to_owned()),
        Part::Opaque { kind, .. } if kind == "citationsContent" && row.is_stream() => None,
        Part::Opaque { kind, .. } => Some(kind.to_string()),
        _ => None,
    }
}

#[test]
fn recorded_answers_say_what_was_recorded() {
    let rows = rows().unwrap_or_default();
    for row in &rows {
        let read = row.read(provider(row).as_ref(), &[&row.body]);
        let theirs = &row.facts["expected"];
        match &read.error {
            None => {
                let ours = facts(&read.completion(), |part| server_tool(row, part));
                assert_eq!(ours, expected(row), "{}", row.id());
            }
            Some(fault) => {
                let said = fault.provider().unwrap();
                assert!(is_among(fault.kind(), &theirs["error_kind_acceptable"]), "{} {fault}", row.id());
                assert_eq!(json!(said.message), theirs["error"]["message"], "{}", row.id());
                // The rows have the body's words only; the name of the exception stands in a header.
                let header = row.facts["response_headers"]["x-amzn-errortype"].as_str();
                assert_eq!(said.r#type.as_deref(), header.and_then(|h| h.split(':').next()), "{}", row.id());
            }
        }
    }
    println!("{0} of {0} rows are right", rows.len());
}

#[test]
fn every_usage_with_a_total_adds_up() {
    for row in rows().into_iter().flatten() {
        let usage = row.read(provider(&row).as_ref(), &[&row.body]).completion().usage;
        assert!(usage.is_none_or(|usage| usage.adds_up()), "{}", row.id());
    }
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        assert_same_however_cut(&row, provider(&row).as_ref());
    }
}

/// Where the messages of a recorded stream end.
fn ends(body: &[u8]) -> Vec<usize> {
    let mut framer = Framer::new(Framing::AwsEventStream, 1 << 20);
    let mut ends = Vec::new();
    for (at, byte) in body.chunks(1).enumerate() {
        framer
            .feed(byte, &mut |_| {
                ends.push(at + 1);
                Ok(())
            })
            .unwrap();
    }
    ends
}

/// What is cut off is never an answer: every proper prefix that lacks the stop reason is Truncated, and what was
/// received stays a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let provider = provider(&row);
        let read = |upto: usize| row.read(provider.as_ref(), &[&row.body[..upto]]);
        let ends = ends(&row.body);
        let stop = ends.iter().position(|at| read(*at).error.is_none()).unwrap();
        // In the middle of the message that follows, too.
        let cuts = ends[..stop].iter().flat_map(|at| [*at, *at + 7]);
        assert_truncated_at(&row, provider.as_ref(), cuts);
        let last = read(ends[stop]).events;
        assert!(last.iter().any(|event| matches!(event, Event::Finish { .. })), "{}", row.id());
    }
}

/// What a recorded request and ours may differ in.
fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields = fields.clone();
            // Success is what a result says without a status, and not every model takes one.
            if fields.contains_key("toolUseId") && fields.get("status") == Some(&json!("success")) {
                fields.remove("status");
            }
            // Anthropic's content may be a text alone; it means one block.
            if let (true, Some(Value::String(text))) = (fields.contains_key("role"), fields.get("content")) {
                let blocks = json!([{"type": "text", "text": text}]);
                fields.insert("content".to_owned(), blocks);
            }
            // Settings that set nothing.
            let empty = ["inferenceConfig", "additionalModelRequestFields", "system"];
            let says_nothing = |value: &Value| *value == json!({}) || *value == json!([]);
            fields.retain(|key, value| !(empty.contains(&key.as_str()) && says_nothing(value)));
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), normalised(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(normalised).collect()),
        // 1 and 1.0 are one number.
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

/// What is written for a recorded request, from what our endpoint reads of it.
fn written(row: &Row) -> Value {
    let url = row.facts["url"].as_str().unwrap();
    let path = &url[url.find("/model/").unwrap()..];
    let incoming = http::Request::post(path).body(row.facts["request"].to_string().into()).unwrap();
    let endpoint: Box<dyn Endpoint> = match is_converse(row) {
        true => Box::new(ConverseEndpoint),
        false => Box::new(InvokeAnthropicEndpoint),
    };
    assert!(endpoint.accepts(incoming.method(), incoming.uri().path()), "{}", row.id());
    let read = endpoint.request(&incoming).unwrap();
    assert_eq!(read.stream, row.is_stream(), "{}", row.id());
    let outgoing = provider(row).encode(&read).unwrap();
    let unescaped = outgoing.uri().path().replace("%3A", ":");
    assert_eq!(unescaped, path.replace("%3A", ":"), "{}", row.id());
    serde_json::from_slice(outgoing.body()).unwrap()
}

/// The one difference: a recorder sent two messages of the user in a row, which are one turn here, as most models
/// ask for.
const MERGED: &str = "bedrock.bedrock-converse.json.d64bf9a0";

#[test]
fn recorded_requests_are_reproduced() {
    let mut share = Reproduced::default();
    for row in rows().into_iter().flatten().filter(|row| !row.facts["request"].is_null()) {
        let is_same =
            share.compare(row.id(), &normalised(&written(&row)), &normalised(&row.facts["request"]));
        assert!(is_same || row.id() == MERGED, "{}", row.id());
    }
    share.assert(95);
}
