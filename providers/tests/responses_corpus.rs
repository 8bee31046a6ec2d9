//! Reads recorded exchanges of the Responses wire and compares each answer with the facts recorded beside it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the answers in
//! `responses_decode.rs` cover the wire then.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;

use belvedere_core::completion::Completion;
use belvedere_core::error::ErrorKind;
use belvedere_core::event::Event;
use belvedere_core::message::{Part, arguments};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_core::usage::Class;
use belvedere_providers::responses::Responses;
use serde_json::{Value, json};
use support::{Read, head};

/// Rows whose recorded facts are wrong: one per line, `id: reason`.
const WRONG: &str = include_str!("responses/corpus_wrong.txt");

struct Row {
    facts: Value,
    body: Vec<u8>,
}

impl Row {
    fn id(&self) -> &str {
        self.facts["id"].as_str().unwrap()
    }

    /// The recorder gave each event other ids.
    fn has_wrong_ids(&self) -> bool {
        WRONG.lines().filter_map(|line| line.split_once(':')).any(|(id, _)| id == self.id())
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
        Read::new(&Responses::default(), &request, &head(status, headers), pieces.iter().copied())
    }

    /// The items of the answer: those a stream completes, or those of the whole.
    fn items(&self) -> Value {
        if !self.is_stream() {
            return serde_json::from_slice::<Value>(&self.body).unwrap()["output"].clone();
        }
        let frames = self.frames();
        let done = frames.iter().filter(|frame| frame["type"] == "response.output_item.done");
        let mut done: Vec<_> =
            done.map(|frame| (frame["output_index"].as_u64(), frame["item"].clone())).collect();
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, item)| item).collect()
    }

    /// The frames of a stream.
    fn frames(&self) -> Vec<Value> {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data).ok()).collect()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures"))
}

/// The recordings of this wire; `None`, with a word about it, where they are absent.
fn rows() -> Option<Vec<Row>> {
    let folder = folder().join("providers");
    let Ok(index) = std::fs::read_to_string(folder.join("index.jsonl")) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let rows = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = rows.filter(|facts| facts["endpoint"] == "openai.responses");
    let rows: Vec<Row> = ours
        .map(|facts| Row { body: std::fs::read(folder.join(facts["raw"].as_str().unwrap())).unwrap(), facts })
        .collect();
    assert!(rows.len() >= 83, "{} rows", rows.len());
    Some(rows)
}

/// The facts of an answer, in the corpus's own words.
fn facts(answer: &Completion) -> Value {
    let parts = answer.choices.first().map(|c| c.parts.as_slice()).unwrap_or_default();
    let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
    let server_tools: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Opaque { kind, .. } => Some(kind.as_str()),
            _ => None,
        })
        .collect();
    let calls: Vec<Value> = answer
        .tool_calls()
        .map(|call| json!({"id": call.id, "name": call.name, "arguments": arguments(call.input).ok()}))
        .collect();
    let finish = answer.choices.first().and_then(|c| c.finish.clone()).unwrap_or_default();
    let usage = answer.usage.as_ref();
    json!({
        "text": (!texts.is_empty()).then(|| texts.concat()), "text_parts": texts,
        "reasoning_text": answer.reasoning().filter(|text| !text.is_empty()),
        "refusal": answer.refusal(), "tool_calls": calls, "server_tools": server_tools,
        "finish_reason": finish.reason, "finish_reason_raw": finish.raw,
        "usage": usage.map(|u| &u.reported), "usage_raw": usage.map(|u| &u.raw),
        "model": answer.model, "response_id": answer.id, "n_choices": answer.choices.len(),
    })
}

/// What the row says of an answer, without the notes of whoever recorded it.
fn expected(row: &Row) -> Value {
    let all = &row.facts["expected"];
    let calls = all["tool_calls"].as_array().unwrap().iter();
    let calls = calls.map(|c| json!({"id": c["id"], "name": c["name"], "arguments": c["arguments"]}));
    let mut facts = json!({ "tool_calls": calls.collect::<Value>() });
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
        "n_choices",
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
    let Some(rows) = rows() else { return };
    for row in &rows {
        let read = row.read(&[&row.body]);
        let error = &row.facts["expected"]["error"];
        let Some(fault) = &read.error else {
            let answer = read.completion();
            let (mut ours, mut theirs) = (facts(&answer), expected(row));
            if row.has_wrong_ids() {
                assert_ne!(ours, theirs, "{} is in the list of wrong facts and is not", row.id());
                (ours["response_id"], theirs["response_id"]) = (json!(null), json!(null));
            }
            assert_eq!(ours, theirs, "{}", row.id());
            assert!(answer.usage.is_none_or(|usage| usage.adds_up()), "{}", row.id());
            continue;
        };
        let said = fault.provider().unwrap();
        let acceptable = row.facts["expected"]["error_kind_acceptable"].as_array().unwrap();
        assert!(acceptable.contains(&json!(label(fault.kind()))), "{} {fault}", row.id());
        let found = json!({"type": said.r#type, "code": said.code, "message": said.message});
        assert_eq!(&found, error, "{}", row.id());
    }
    assert!(WRONG.lines().count() * 50 <= rows.len(), "more than one in fifty facts can't be wrong");
    println!("{} rows are read as recorded", rows.len() - WRONG.lines().count());
}

#[test]
fn recorded_errors_are_of_an_acceptable_category() {
    let Ok(errors) = std::fs::read_to_string(folder().join("errors/errors.jsonl")) else { return };
    let rows = errors.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours: Vec<Value> = rows.filter(|row| row["endpoint"] == "openai.responses").collect();
    assert!(ours.len() >= 10, "{} errors", ours.len());
    for row in &ours {
        let status = row["status"].as_u64().map_or(400, |status| u16::try_from(status).unwrap());
        let headers = row["headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let body = row["body"].as_str().unwrap().as_bytes();
        let read = Read::new(&Responses::default(), &Request::from("hi"), &head(status, headers), [body]);
        let kind = label(read.error.unwrap().kind());
        assert!(row["acceptable"].as_array().unwrap().contains(&json!(kind)), "{}: {kind}", row["id"]);
    }
}

/// OpenAI's usage does not count searches; they are counted in the answer.
#[test]
fn searches_of_the_web_are_counted() {
    for row in rows().into_iter().flatten() {
        let named = row.facts["expected"]["server_tools"].as_array().cloned().unwrap_or_default();
        let searches = u64::try_from(named.iter().filter(|tool| *tool == "web_search_call").count()).unwrap();
        if searches > 0 {
            let usage = row.read(&[&row.body]).completion().usage.unwrap();
            assert_eq!(usage.get(&Class::WebSearchCalls), Some(searches), "{}", row.id());
        }
    }
}

/// Every annotation that a recorded answer has is a source.
#[test]
fn every_citation_is_a_source() {
    fn annotations(value: &Value) -> usize {
        let items = value["output"].as_array().into_iter().flatten();
        let contents = items.flat_map(|item| item["content"].as_array().into_iter().flatten());
        contents.map(|content| content["annotations"].as_array().map_or(0, Vec::len)).sum()
    }
    for row in rows().into_iter().flatten().filter(|row| row.facts["status"] == 200) {
        let response = match row.is_stream() {
            true => row.frames().last().unwrap()["response"].clone(),
            false => serde_json::from_slice(&row.body).unwrap(),
        };
        let answer = row.read(&[&row.body]).completion();
        assert_eq!(answer.choices[0].sources.len(), annotations(&response), "{}", row.id());
    }
}

/// What each item has that goes back, of an answer that comes as one body: everything but what is null or empty,
/// and log probabilities.
fn carried(items: &Value) -> Vec<Value> {
    let mut items = items.as_array().cloned().unwrap();
    for item in &mut items {
        // Opaque items go back untouched.
        let kinds = ["message", "reasoning", "function_call"];
        if !kinds.iter().any(|kind| item["type"] == *kind) {
            continue;
        }
        let is_reasoning = item["type"] == "reasoning";
        let map = item.as_object_mut().unwrap();
        map.retain(|name, value| {
            !(value.is_null() || is_reasoning && name == "content" && *value == json!([]))
        });
        for content in map.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
            let content = content.as_object_mut().unwrap();
            content.remove("logprobs");
            content.retain(|name, value| !(name == "annotations" && *value == json!([])));
        }
    }
    items
}

/// What a server gave goes back as it came.
#[test]
fn an_answer_goes_back_as_it_came() {
    let mut compared = 0;
    for row in rows().into_iter().flatten().filter(|row| row.facts["status"] == 200) {
        let message = row.read(&[&row.body]).completion().message();
        let sent = Responses::new("m").encode(&Request::new([message])).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let mut theirs = carried(&row.items());
        let mut ours = carried(&sent["input"]);
        // A refusal has no place for its item's fields.
        let has_refusal = row.facts["expected"]["refusal"].is_string();
        for item in ours.iter_mut().chain(&mut theirs) {
            if item["type"] == "message" && has_refusal {
                item.as_object_mut().unwrap().retain(|name, _| name != "id" && name != "status");
            }
        }
        assert_eq!(ours, theirs, "{}", row.id());
        compared += 1;
    }
    println!("{compared} answers go back as they came");
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let whole = row.read(&[&row.body]);
        let bytes: Vec<&[u8]> = row.body.chunks(1).collect();
        assert_eq!(row.read(&bytes).essence(), whole.essence(), "{}: byte by byte", row.id());
        // Some cuts: `tests/splits.rs` makes all of them, where frames are cut. The stride is odd, so that over the
        // rows they fall at every place of a frame.
        for cut in (1..row.body.len()).step_by((row.body.len() / 40).max(1) | 1) {
            let (one, two) = row.body.split_at(cut);
            assert_eq!(row.read(&[one, two]).essence(), whole.essence(), "{}: cut at {cut}", row.id());
        }
    }
}

/// What is cut off is never an answer: a proper prefix that lacks the last event is Truncated, and what was received
/// stays a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let whole = row.read(&[&row.body]);
        let text = String::from_utf8_lossy(&row.body).into_owned();
        let ends = ["\"response.completed\"", "\"response.incomplete\""];
        let stop = ends.iter().filter_map(|end| text.find(end)).min().unwrap();
        for at in text.match_indices("\n\n").map(|(at, _)| at + 2).filter(|at| *at < stop) {
            let read = row.read(&[&row.body[..at]]);
            let kind = read.error.as_ref().map(|e| e.kind());
            assert_eq!(kind, Some(ErrorKind::Truncated), "{} {at}", row.id());
            assert_eq!(read.events, whole.events[..read.events.len()], "{} {at}", row.id());
            assert!(!read.events.iter().any(|event| matches!(event, Event::Usage(_))), "{} {at}", row.id());
        }
    }
}

/// A server may stream nothing but complete items, or nothing but the end: the answer is the same.
#[test]
fn s20_what_no_piece_brought_the_end_brings() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let whole = row.read(&[&row.body]).completion();
        let frames = row.frames();
        let kept = |keep: &dyn Fn(&str) -> bool| -> Completion {
            let frames = frames.iter().filter(|frame| keep(frame["type"].as_str().unwrap_or_default()));
            let body: String = frames.map(|frame| format!("data: {frame}\n\n")).collect();
            let mut request = Request::from("hi");
            request.stream = true;
            let head = head(200, [("content-type", "text/event-stream")]);
            let read = Read::new(&Responses::default(), &request, &head, [body.as_bytes()]);
            assert!(read.error.is_none(), "{} {:?}", row.id(), read.error);
            read.completion()
        };
        let is_end = |kind: &str| matches!(kind, "response.completed" | "response.incomplete");
        let facts = |answer: &Completion| {
            let mut facts = facts(answer);
            if row.has_wrong_ids() {
                facts["response_id"] = json!(null);
            }
            facts
        };
        let expected = facts(&whole);
        assert_eq!(facts(&kept(&|kind| is_end(kind))), expected, "{}: the end alone", row.id());
        let items =
            |kind: &str| is_end(kind) || kind == "response.output_item.done" || kind == "response.created";
        assert_eq!(facts(&kept(&items)), expected, "{}: complete items", row.id());
        let no_deltas = |kind: &str| !kind.ends_with(".delta");
        assert_eq!(facts(&kept(&no_deltas)), expected, "{}: no deltas", row.id());
    }
}
