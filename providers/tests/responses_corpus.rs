//! Reads recorded exchanges of the Responses wire and compares each answer with the facts recorded beside it, and
//! each recorded request with what the provider writes of what the endpoint reads.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the answers in
//! `responses_decode.rs` cover the wire then.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/cuts.rs"]
mod cuts;
#[path = "support/ends.rs"]
mod ends;
#[path = "support/facts.rs"]
mod facts;
#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/requests.rs"]
mod requests;
mod support;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::event::Event;
use belvedere_core::message::Part;
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_core::usage::Class;
use belvedere_providers::responses::{Responses, ResponsesEndpoint};
use corpus::Row;
use cuts::{assert_same_however_cut, assert_truncated_at};
use ends::ends_of;
use facts::{expected, facts};
use kinds::is_among;
use requests::Reproduced;
use serde_json::{Value, json};
use support::{Read, head};

/// Rows whose recorded facts are wrong: one per line, `id: reason`.
const WRONG: &str = include_str!("responses/corpus_wrong.txt");

/// Errors of all endpoints, recorded beside the exchanges.
const ERRORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/errors/errors.jsonl");

fn rows() -> Option<Vec<Row>> {
    corpus::rows(&["openai.responses"], 83)
}

/// The recorder gave each event other ids.
fn has_wrong_ids(row: &Row) -> bool {
    WRONG.lines().filter_map(|line| line.split_once(':')).any(|(id, _)| id == row.id())
}

/// The items of the answer: those a stream completes, or those of the whole.
fn items(row: &Row) -> Value {
    if !row.is_stream() {
        return serde_json::from_slice::<Value>(&row.body).unwrap()["output"].clone();
    }
    let frames = frames(row);
    let done = frames.iter().filter(|frame| frame["type"] == "response.output_item.done");
    let mut done: Vec<_> =
        done.map(|frame| (frame["output_index"].as_u64(), frame["item"].clone())).collect();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, item)| item).collect()
}

/// The frames of a stream.
fn frames(row: &Row) -> Vec<Value> {
    let text = String::from_utf8_lossy(&row.body).into_owned();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

fn server_tool(part: &Part) -> Option<String> {
    match part {
        Part::Opaque { kind, .. } => Some(kind.to_string()),
        _ => None,
    }
}

#[test]
fn recorded_answers_say_what_was_recorded() {
    let Some(rows) = rows() else { return };
    for row in &rows {
        let read = row.read(&Responses::default(), &[&row.body]);
        let theirs = &row.facts["expected"];
        let Some(fault) = &read.error else {
            let answer = read.completion();
            let (mut ours, mut theirs) = (facts(&answer, server_tool), expected(row));
            if has_wrong_ids(row) {
                assert_ne!(ours, theirs, "{} is in the list of wrong facts and is not", row.id());
                (ours["response_id"], theirs["response_id"]) = (json!(null), json!(null));
            }
            assert_eq!(ours, theirs, "{}", row.id());
            assert!(answer.usage.is_none_or(|usage| usage.adds_up()), "{}", row.id());
            continue;
        };
        let said = fault.provider().unwrap();
        assert!(is_among(fault.kind(), &theirs["error_kind_acceptable"]), "{} {fault}", row.id());
        let found = json!({"type": said.r#type, "code": said.code, "message": said.message});
        assert_eq!(found, theirs["error"], "{}", row.id());
    }
    assert!(WRONG.lines().count() * 50 <= rows.len(), "more than one in fifty facts can't be wrong");
    println!("{} rows are read as recorded", rows.len() - WRONG.lines().count());
}

#[test]
fn recorded_errors_are_of_an_acceptable_category() {
    let Ok(errors) = std::fs::read_to_string(ERRORS) else { return };
    let rows = errors.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours: Vec<Value> = rows.filter(|row| row["endpoint"] == "openai.responses").collect();
    assert!(ours.len() >= 10, "{} errors", ours.len());
    for row in &ours {
        let status = row["status"].as_u64().map_or(400, |status| u16::try_from(status).unwrap());
        let headers = row["headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let body = row["body"].as_str().unwrap().as_bytes();
        let read = Read::new(&Responses::default(), &Request::from("hi"), &head(status, headers), [body]);
        let kind = read.error.unwrap().kind();
        assert!(is_among(kind, &row["acceptable"]), "{}: {kind}", row["id"]);
    }
}

/// OpenAI's usage does not count searches; they are counted in the answer.
#[test]
fn searches_of_the_web_are_counted() {
    for row in rows().into_iter().flatten() {
        let named = row.facts["expected"]["server_tools"].as_array().cloned().unwrap_or_default();
        let searches = u64::try_from(named.iter().filter(|tool| *tool == "web_search_call").count()).unwrap();
        if searches > 0 {
            let usage = row.read(&Responses::default(), &[&row.body]).completion().usage.unwrap();
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
            true => frames(&row).last().unwrap()["response"].clone(),
            false => serde_json::from_slice(&row.body).unwrap(),
        };
        let answer = row.read(&Responses::default(), &[&row.body]).completion();
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
        let message = row.read(&Responses::default(), &[&row.body]).completion().message();
        let sent = Responses::new("m").encode(&Request::new([message])).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let mut theirs = carried(&items(&row));
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
        assert_same_however_cut(&row, &Responses::default());
    }
}

/// What is cut off is never an answer: a proper prefix that lacks the last event is Truncated, and what was received
/// stays a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let stops = ["\"response.completed\"", "\"response.incomplete\""];
        let stop = stops.iter().flat_map(|stop| ends_of(&row.body, stop)).min().unwrap();
        let mut ends = ends_of(&row.body, "\n\n");
        ends.retain(|at| *at < stop);
        let most = row.read(&Responses::default(), &[&row.body[..*ends.last().unwrap()]]);
        assert!(!most.events.iter().any(|event| matches!(event, Event::Usage(_))), "{}", row.id());
        assert_truncated_at(&row, &Responses::default(), ends);
    }
}

/// A server may stream nothing but complete items, or nothing but the end: the answer is the same.
#[test]
fn s20_what_no_piece_brought_the_end_brings() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let whole = row.read(&Responses::default(), &[&row.body]).completion();
        let frames = frames(&row);
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
            let mut facts = facts(answer, server_tool);
            if has_wrong_ids(&row) {
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

/// A body as it is when it was read and written again.
fn written(body: &Value) -> Value {
    let posted = http::Request::post("/v1/responses").body(body.to_string().into()).unwrap();
    let request = ResponsesEndpoint.request(&posted).unwrap();
    serde_json::from_slice(Responses::default().encode(&request).unwrap().body()).unwrap()
}

/// A recorded body in one spelling: what means the same is written the same.
fn spelled(mut body: Value) -> Value {
    let map = body.as_object_mut().unwrap();
    // Null is absent, and a stream that is not asked for does not come.
    map.retain(|name, value| !(value.is_null() || name == "stream" && *value == false));
    for tool in map.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        tool.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    for item in map["input"].as_array_mut().unwrap() {
        let item = item.as_object_mut().unwrap();
        let kind = item.get("type").and_then(Value::as_str).unwrap_or("message").to_owned();
        if ["message", "reasoning", "function_call", "function_call_output"].contains(&kind.as_str()) {
            item.retain(|_, value| !value.is_null());
        }
        if kind == "message" {
            // The type that an item has when none is told.
            item.insert("type".into(), "message".into());
            // One plain text is a text or a list of it.
            if let Some([piece]) = item["content"].as_array().map(Vec::as_slice)
                && piece.as_object().unwrap().len() == 2
                && piece["text"].is_string()
            {
                let text = piece["text"].clone();
                item.insert("content".into(), text);
            }
        }
    }
    body
}

#[test]
fn recorded_requests_are_read_and_written_again() {
    let mut share = Reproduced::default();
    for row in rows().into_iter().flatten() {
        let body = &row.facts["request"];
        if body.is_object() {
            share.compare(row.id(), &spelled(written(body)), &spelled(body.clone()));
        }
    }
    share.assert(98);
}
