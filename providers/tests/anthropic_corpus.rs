//! Reads recorded exchanges of Anthropic's wire and compares each answer with the facts recorded beside it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the cassettes
//! of our own cover the wire then.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;

use belvedere_core::completion::Completion;
use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Part, ToolBy, arguments};
use belvedere_core::request::Request;
use belvedere_providers::anthropic::Anthropic;
use serde_json::{Value, json};
use support::{Read, head};

struct Row {
    facts: Value,
    body: Vec<u8>,
}

impl Row {
    fn id(&self) -> &str {
        self.facts["id"].as_str().unwrap()
    }

    fn is_stream(&self) -> bool {
        self.facts["stream"] == true
    }

    fn read(&self, pieces: &[&[u8]]) -> Read {
        let mut request = Request::from("hi");
        request.stream = self.is_stream();
        let headers = self.facts["response_headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let status = u16::try_from(self.facts["status"].as_u64().unwrap()).unwrap();
        Read::new(&Anthropic::default(), &request, &head(status, headers), pieces.iter().copied())
    }
}

/// The recordings of this wire; `None`, with a word about it, where they are absent.
fn rows() -> Option<Vec<Row>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/providers"));
    let Ok(index) = std::fs::read_to_string(folder.join("index.jsonl")) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let rows = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = rows.filter(|facts| facts["endpoint"] == "anthropic.messages");
    let rows: Vec<Row> = ours
        .map(|facts| Row { body: std::fs::read(folder.join(facts["raw"].as_str().unwrap())).unwrap(), facts })
        .collect();
    assert!(rows.len() >= 51, "{} rows", rows.len());
    Some(rows)
}

/// The facts of an answer, in the corpus's own words.
fn facts(answer: &Completion) -> Value {
    let parts = answer.choices.first().map(|c| c.parts.as_slice()).unwrap_or_default();
    let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
    let thoughts: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Reasoning { text, .. } if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let joined = |list: &[&str]| if list.is_empty() { Value::Null } else { json!(list.concat()) };
    let server_tools: Vec<String> = parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall { by: ToolBy::Provider, name, .. } => Some(format!("server_tool_use:{name}")),
            Part::Opaque { kind, .. } if kind.ends_with("_tool_result") => Some(kind.to_string()),
            _ => None,
        })
        .collect();
    let calls: Vec<Value> = answer
        .tool_calls()
        .map(|call| json!({"id": call.id, "name": call.name, "arguments": arguments(call.input).ok()}))
        .collect();
    let finish = answer.choices.first().and_then(|c| c.finish.clone()).unwrap_or_default();
    let usage = answer.usage.clone().unwrap_or_default();
    json!({
        "text": joined(&texts), "text_parts": texts, "reasoning_text": joined(&thoughts),
        "refusal": answer.refusal(), "tool_calls": calls, "server_tools": server_tools,
        "finish_reason": finish.reason, "finish_reason_raw": finish.raw, "stop_sequence": finish.stop_sequence,
        "usage": usage.reported, "usage_raw": usage.raw, "model": answer.model, "response_id": answer.id,
    })
}

/// What the row says of an answer, without the notes of whoever recorded it.
fn expected(row: &Row) -> Value {
    let all = &row.facts["expected"];
    let calls: Vec<Value> = all["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
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
    for row in rows().into_iter().flatten() {
        let read = row.read(&[&row.body]);
        let error = &row.facts["expected"]["error"];
        match &read.error {
            None => assert_eq!(facts(&read.completion()), expected(&row), "{}", row.id()),
            Some(fault) => {
                let said = fault.provider().unwrap();
                let acceptable = row.facts["expected"]["error_kind_acceptable"].as_array().unwrap();
                assert!(acceptable.contains(&json!(label(fault.kind()))), "{} {fault}", row.id());
                let found = json!({"type": said.r#type, "code": said.code, "message": said.message});
                assert_eq!(&found, error, "{}", row.id());
            }
        }
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

/// What is cut off is never an answer: every proper prefix that lacks the stop reason is Truncated, and what was
/// received stays a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let whole = row.read(&[&row.body]);
        let text = String::from_utf8_lossy(&row.body).into_owned();
        let stop = text.find("message_delta").unwrap();
        let boundaries = text.match_indices("\n\n").map(|(at, _)| at + 2).filter(|at| *at < stop);
        for at in boundaries {
            let read = row.read(&[&row.body[..at]]);
            assert_eq!(
                read.error.as_ref().map(|e| e.kind()),
                Some(ErrorKind::Truncated),
                "{} {at}",
                row.id()
            );
            assert_eq!(read.events, whole.events[..read.events.len()], "{} {at}", row.id());
        }
    }
}
