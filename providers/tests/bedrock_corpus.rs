//! Reads recorded exchanges of Bedrock's wires and compares each answer with the facts recorded beside it, and each
//! recorded request with what is written for it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the answers in
//! `bedrock_decode.rs` cover the wires then.

#![cfg(feature = "bedrock")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::ErrorKind;
use belvedere_core::event::Event;
use belvedere_core::framing::Framer;
use belvedere_core::message::{Part, ToolBy, arguments};
use belvedere_core::provider::{Framing, Provider};
use belvedere_core::request::Request;
use belvedere_providers::bedrock::{Converse, ConverseEndpoint, InvokeAnthropic};
use serde_json::{Value, json};
use support::{Read, head};

struct Row {
    facts: Value,
    body: Vec<u8>,
    /// What was sent, where it was recorded.
    request: Option<Value>,
}

impl Row {
    fn id(&self) -> &str {
        self.facts["id"].as_str().unwrap()
    }

    fn is_stream(&self) -> bool {
        self.facts["stream"] == true
    }

    fn is_converse(&self) -> bool {
        self.facts["endpoint"] == "bedrock.converse"
    }

    fn provider(&self) -> Box<dyn Provider> {
        match self.is_converse() {
            true => Box::new(Converse::in_region("us-east-1").unwrap()),
            false => Box::new(InvokeAnthropic::in_region("us-east-1").unwrap()),
        }
    }

    fn read(&self, pieces: &[&[u8]]) -> Read {
        let mut request = Request::from("hi");
        request.stream = self.is_stream();
        let headers = self.facts["response_headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let status = u16::try_from(self.facts["status"].as_u64().unwrap()).unwrap();
        Read::new(self.provider().as_ref(), &request, &head(status, headers), pieces.iter().copied())
    }
}

/// The recordings of these wires; `None`, with a word about it, where they are absent.
fn rows() -> Option<Vec<Row>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/providers"));
    let Ok(index) = std::fs::read_to_string(folder.join("index.jsonl")) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let rows = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = rows.filter(|facts| facts["endpoint"].as_str().unwrap().starts_with("bedrock."));
    let row = |facts: Value| {
        let body = std::fs::read(folder.join(facts["raw"].as_str().unwrap())).unwrap();
        let file = facts["request_file"].as_str().map(|file| std::fs::read(folder.join(file)).unwrap());
        let request = file.map(|file| serde_json::from_slice(&file).unwrap());
        let request = request.or(Some(facts["request"].clone())).filter(|request: &Value| !request.is_null());
        Row { body, request, facts }
    };
    let rows: Vec<Row> = ours.map(row).collect();
    assert!(rows.len() >= 36, "{} rows", rows.len());
    Some(rows)
}

/// What Bedrock ran itself, in the corpus's own words: blocks of a whole answer, names of a stream's calls.
fn server_tools(row: &Row, parts: &[Part]) -> Vec<String> {
    let one = |part: &Part| match part {
        Part::ToolCall { by: ToolBy::Provider, name, .. } if row.is_stream() => Some(name.to_string()),
        Part::ToolCall { by: ToolBy::Provider, .. } => Some("toolUse".to_owned()),
        Part::Opaque { kind, .. } if kind == "citationsContent" => {
            (!row.is_stream()).then(|| kind.to_string())
        }
        Part::Opaque { kind, .. } => Some(kind.to_string()),
        _ => None,
    };
    parts.iter().filter_map(one).collect()
}

/// The facts of an answer, in the corpus's own words.
fn facts(row: &Row, answer: &Completion) -> Value {
    let parts = answer.choices.first().map(|c| c.parts.as_slice()).unwrap_or_default();
    let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
    let calls: Vec<Value> = answer
        .tool_calls()
        .map(|call| json!({"id": call.id, "name": call.name, "arguments": arguments(call.input).ok()}))
        .collect();
    let finish = answer.choices.first().and_then(|c| c.finish.clone()).unwrap_or_default();
    let usage = answer.usage.clone().unwrap_or_default();
    json!({
        "text": if texts.is_empty() { Value::Null } else { json!(texts.concat()) }, "text_parts": texts,
        "reasoning_text": answer.reasoning(), "refusal": answer.refusal(), "tool_calls": calls,
        "server_tools": server_tools(row, parts), "finish_reason": finish.reason,
        "finish_reason_raw": finish.raw, "stop_sequence": finish.stop_sequence, "usage": usage.reported,
        "usage_raw": usage.raw, "model": answer.model, "response_id": answer.id,
    })
}

/// What the row says of an answer, without the notes of whoever recorded it.
fn expected(row: &Row) -> Value {
    let all = &row.facts["expected"];
    let calls = all["tool_calls"].as_array().unwrap().iter();
    let calls: Vec<Value> = calls
        .map(|call| json!({"id": call["id"], "name": call["name"], "arguments": call["arguments"]}))
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
        "stop_sequence",
        "usage",
        "usage_raw",
        "model",
        "response_id",
    ] {
        facts[key] = all[key].clone();
    }
    facts
}

fn label(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ContextTooLong => "context_length",
        ErrorKind::ContentFiltered => "content_filter",
        ErrorKind::QuotaExhausted => "quota",
        other => other.category().name(),
    }
}

#[test]
fn recorded_answers_say_what_was_recorded() {
    let mut right = 0;
    let rows = rows().unwrap_or_default();
    for row in &rows {
        let read = row.read(&[&row.body]);
        match &read.error {
            None => assert_eq!(facts(row, &read.completion()), expected(row), "{}", row.id()),
            Some(fault) => {
                let said = fault.provider().unwrap();
                let acceptable = row.facts["expected"]["error_kind_acceptable"].as_array().unwrap();
                assert!(acceptable.contains(&json!(label(fault.kind()))), "{} {fault}", row.id());
                assert_eq!(json!(said.message), row.facts["expected"]["error"]["message"], "{}", row.id());
                // The rows have the body's words only; the name of the exception stands in a header.
                let header = row.facts["response_headers"]["x-amzn-errortype"].as_str();
                assert_eq!(said.r#type.as_deref(), header.and_then(|h| h.split(':').next()), "{}", row.id());
            }
        }
        right += 1;
    }
    println!("{right} of {} rows right", rows.len());
}

#[test]
fn every_usage_with_a_total_adds_up() {
    for row in rows().into_iter().flatten() {
        let usage = row.read(&[&row.body]).completion().usage;
        assert!(usage.is_none_or(|usage| usage.adds_up()), "{}", row.id());
    }
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
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
        let whole = row.read(&[&row.body]);
        let stops = |upto: usize| row.read(&[&row.body[..upto]]).error.is_none();
        for at in ends(&row.body).into_iter().take_while(|at| !stops(*at)) {
            // In the middle of the message that follows, too.
            for cut in [at, at + 7] {
                let read = row.read(&[&row.body[..cut.min(row.body.len())]]);
                let kind = read.error.as_ref().map(|error| error.kind());
                assert!(matches!(kind, Some(ErrorKind::Truncated) | None), "{} {cut}", row.id());
                let finished = read.events.iter().any(|event| matches!(event, Event::Finish { .. }));
                assert_eq!(finished, kind.is_none());
                if kind.is_some() {
                    assert_eq!(read.events, whole.events[..read.events.len()], "{} {cut}", row.id());
                }
            }
        }
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
fn written(row: &Row, request: &Value) -> (String, Value) {
    let url = row.facts["url"].as_str().unwrap();
    let path = &url[url.find("/model/").unwrap()..];
    let incoming = http::Request::post(path).body(request.to_string().into()).unwrap();
    let endpoint: Box<dyn Endpoint> = match row.is_converse() {
        true => Box::new(ConverseEndpoint),
        false => Box::new(belvedere_providers::bedrock::InvokeAnthropicEndpoint),
    };
    assert!(endpoint.accepts(incoming.method(), incoming.uri().path()), "{}", row.id());
    let read = endpoint.request(&incoming).unwrap();
    assert_eq!(read.stream, row.is_stream(), "{}", row.id());
    let outgoing = row.provider().encode(&read).unwrap();
    let unescaped = outgoing.uri().path().replace("%3A", ":");
    assert_eq!(unescaped, path.replace("%3A", ":"), "{}", row.id());
    (unescaped, serde_json::from_slice(outgoing.body()).unwrap())
}

/// The one difference: a recorder sent two messages of the user in a row, which are one turn here, as most models
/// ask for.
const MERGED: &str = "bedrock.bedrock-converse.json.d64bf9a0";

#[test]
fn recorded_requests_are_reproduced() {
    let (mut same, mut all) = (0, 0);
    for row in rows().into_iter().flatten() {
        let Some(request) = &row.request else { continue };
        let (_, body) = written(&row, request);
        all += 1;
        match normalised(&body) == normalised(request) {
            true => same += 1,
            false => {
                println!(
                    "{}\n  recorded {}\n  written  {}",
                    row.id(),
                    normalised(request),
                    normalised(&body)
                );
                assert_eq!(row.id(), MERGED);
            }
        }
    }
    println!("{same} of {all} recorded requests reproduced");
    assert!(same * 100 >= all * 95, "{same} of {all}");
}
