//! Reads recorded exchanges of the OpenAI wire and compares each answer with the facts recorded beside it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the cassettes
//! of our own cover the wire then.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/requests.rs"]
mod requests;
mod support;

use std::collections::BTreeSet;

use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::Event;
use belvedere_core::message::{Part, arguments};
use belvedere_core::provider::{Framing, Provider};
use belvedere_core::request::Request;
use belvedere_providers::openai::{OpenAi, hosts};
use corpus::Row;
use kinds::is_among;
use requests::Reproduced;
use serde_json::{Map, Value, json};

/// Rows whose recorded facts are wrong: one per line, `id: reason`.
const WRONG: &str = include_str!("openai/corpus_wrong.txt");

fn rows() -> Option<Vec<Row>> {
    corpus::rows(&["openai.chat", "embeddings"], 242)
}

fn provider(row: &Row) -> OpenAi {
    let name = row.facts["provider"].as_str().unwrap();
    let name = match name.strip_prefix("compat_").unwrap_or(name) {
        "llamacpp" => "llama_cpp",
        name => name,
    };
    OpenAi::new(hosts::find(name).unwrap_or(&hosts::ANY))
}

/// What differs between an answer and its facts.
struct Differences(Vec<String>);

impl Differences {
    fn same(&mut self, what: &str, ours: impl Into<Value>, theirs: impl Into<Value>) {
        let (ours, theirs) = (ours.into(), theirs.into());
        if ours != theirs {
            self.0.push(format!("{what}: ours {ours}, theirs {theirs}"));
        }
    }
}

fn compare(row: &Row) -> Vec<String> {
    let mut found = Differences(Vec::new());
    let expected = &row.facts["expected"];
    let framing = provider(row).decode(&row.asked(), &row.head()).unwrap().0;
    assert_eq!(framing == Framing::Sse, row.is_stream() && row.facts["status"] == 200, "{}", row.id());
    let read = row.read(&provider(row), &[&row.body]);
    if expected["error_kind"].is_string() {
        compare_error(&mut found, read.error.as_ref(), expected);
        return found.0;
    }
    if let Some(error) = read.error {
        found.0.push(format!("an error: {error}"));
        return found.0;
    }
    let answer = read.completion();
    match row.facts["endpoint"].as_str() {
        Some("embeddings") => compare_embeddings(&mut found, &answer, expected),
        _ => compare_answer(&mut found, &answer, expected),
    }
    compare_usage(&mut found, &answer, expected);
    found.same("model", json!(answer.model), expected["model"].clone());
    found.0
}

fn compare_error(found: &mut Differences, error: Option<&Error>, expected: &Value) {
    let Some(error) = error else { return found.0.push("no error".into()) };
    if !is_among(error.kind(), &expected["error_kind_acceptable"]) {
        found.0.push(format!("error: ours {}, theirs {}", error.kind(), expected["error_kind"]));
    }
}

fn compare_answer(found: &mut Differences, answer: &Completion, expected: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    found.same("text", answer.text(), text(&expected["text"]));
    found.same("reasoning", answer.reasoning().unwrap_or_default(), text(&expected["reasoning_text"]));
    found.same("refusal", answer.refusal().unwrap_or_default(), text(&expected["refusal"]));
    let first = &answer.choices[0];
    let parts: Vec<&str> = first.parts.iter().filter_map(Part::as_text).collect();
    let theirs = expected["text_parts"].as_array().unwrap().iter().filter(|part| *part != "");
    found.same("text parts", json!(parts), json!(theirs.collect::<Vec<_>>()));
    let calls = answer.tool_calls().map(|call| {
        let id = Some(call.id).filter(|id| !id.is_empty());
        json!({ "id": id, "name": call.name, "arguments": arguments(call.input).ok() })
    });
    let theirs = expected["tool_calls"].as_array().unwrap().iter();
    let theirs =
        theirs.map(|call| json!({ "id": call["id"], "name": call["name"], "arguments": call["arguments"] }));
    found.same("tool calls", calls.collect::<Value>(), theirs.collect::<Value>());
    for (call, theirs) in answer.tool_calls().zip(expected["tool_calls"].as_array().unwrap()) {
        if let Some(raw) = theirs["arguments_raw"].as_str() {
            found.same("arguments", call.input, raw);
        }
    }
    let finish = first.finish.as_ref().unwrap();
    found.same("finish word", finish.raw.as_deref(), expected["finish_reason_raw"].clone());
    found.same("finish", json!(finish.reason), expected["finish_reason"].clone());
    found.same("id", answer.id.as_deref(), expected["response_id"].as_str().filter(|id| !id.is_empty()));
    found.same("choices", answer.choices.len(), expected["n_choices"].clone());
    if let Some(texts) = expected["choices_text"].as_array() {
        let ours: Vec<String> = answer
            .choices
            .iter()
            .map(|choice| choice.parts.iter().filter_map(Part::as_text).collect())
            .collect();
        found.same("texts of choices", json!(ours), json!(texts));
    }
}

fn compare_embeddings(found: &mut Differences, answer: &Completion, expected: &Value) {
    let vectors = &answer.embeddings;
    found.same("count", vectors.len(), expected["count"].clone());
    found.same("dimensions", vectors[0].vector.len(), expected["dims"].clone());
    found.same("first", json!(vectors[0].vector[..3]), expected["first3"].clone());
    found.same("last", json!(vectors.last().unwrap().vector.last()), expected["last"].clone());
    let order: Vec<u32> = vectors.iter().map(|v| v.index).collect();
    found.same("order", json!(order), json!((0..vectors.len()).collect::<Vec<_>>()));
}

fn compare_usage(found: &mut Differences, answer: &Completion, expected: &Value) {
    let raw = expected["usage_raw"].as_object().cloned().unwrap_or_default();
    let usage = answer.usage.clone().unwrap_or_default();
    found.same("usage as it came", usage.raw.clone(), raw);
    if expected.get("usage").is_some() {
        let theirs = expected["usage"].as_object().cloned().unwrap_or_else(Map::new);
        let ours = usage.reported.as_ref().map_or(json!({}), |reported| json!(reported));
        found.same("usage as reported", ours, theirs);
    }
    if !usage.adds_up() {
        found.0.push(format!("the classes {:?} do not add up to {:?}", usage.classes, usage.reported));
    }
}

#[test]
fn every_recorded_answer_is_read_as_its_facts_say() {
    let Some(rows) = rows() else { return };
    let wrong: BTreeSet<&str> =
        WRONG.lines().filter_map(|line| line.split_once(':')).map(|(id, _)| id).collect();
    let mut failures = Vec::new();
    for row in &rows {
        let differences = compare(row);
        match (differences.is_empty(), wrong.contains(row.id())) {
            (true, false) | (false, true) => {}
            (true, true) => failures.push(format!("{}: is in the list of wrong facts and is not", row.id())),
            (false, false) => failures.push(format!("{}: {}", row.id(), differences.join("; "))),
        }
    }
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), rows.len(), failures.join("\n"));
    assert!(wrong.len() * 100 <= rows.len(), "more than one in a hundred facts can't be wrong");
    println!(
        "{} rows are read as recorded; the facts of {} are wrong",
        rows.len() - wrong.len(),
        wrong.len()
    );
}

/// Some cuts: `tests/splits.rs` makes all of them, where frames are cut.
#[test]
fn w1_a_cut_of_a_recorded_stream_gives_the_same_events() {
    let mut cuts = 0;
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let whole = row.read(&provider(&row), &[&row.body]);
        // The stride is odd, so that over the rows the cuts fall at every place of a frame.
        for at in (1..row.body.len()).step_by((row.body.len() / 60).max(1) | 1) {
            let (left, right) = row.body.split_at(at);
            let cut = row.read(&provider(&row), &[left, right]);
            assert_eq!(cut.essence(), whole.essence(), "{} cut at {at}", row.id());
            cuts += 1;
        }
    }
    println!("{cuts} cuts give the same events");
}

#[test]
fn w1_a_recorded_stream_byte_by_byte_gives_the_same_events() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let bytes: Vec<&[u8]> = row.body.chunks(1).collect();
        let (cut, whole) = (row.read(&provider(&row), &bytes), row.read(&provider(&row), &[&row.body]));
        assert_eq!(cut.essence(), whole.essence(), "{}", row.id());
    }
}

#[test]
fn every_recorded_answer_survives_the_loss_of_its_end() {
    let Some(rows) = rows() else { return };
    for row in rows.iter().filter(|row| row.is_stream() && row.facts["expected"]["finish_reason"].is_string())
    {
        let text = String::from_utf8(row.body.clone()).unwrap();
        let end = text.find("\"finish_reason\":\"").or_else(|| text.find("\"finish_reason\": \"")).unwrap();
        let frame = text[..end].rfind("data:").unwrap();
        let read = row.read(&provider(row), &[&row.body[..frame]]);
        assert_eq!(read.error.unwrap().kind(), ErrorKind::Truncated, "{}", row.id());
        assert!(!read.events.iter().any(|event| matches!(event, Event::Finish { .. })), "{}", row.id());
    }
}

/// Recorded requests that are no good requests, and why.
const ODD_REQUESTS: [(&str, &str); 3] = [
    (
        "compat_huggingface.openai-chat.json.a651951c",
        "its parts have the fields of all kinds, null where unused",
    ),
    (
        "mistral.openai-chat.stream.7c9cda11",
        "the recorder replaced the id of a call by one that Mistral does not take",
    ),
    ("compat_llamacpp.openai-chat.json.a8b36f0e", "its data URL is not base64, on purpose"),
];

/// A recorded body in one spelling: what means the same is written the same.
fn spelled(mut body: Value) -> Value {
    let map = body.as_object_mut().unwrap();
    for (other, name) in [("max_completion_tokens", "max_tokens"), ("random_seed", "seed")] {
        if let Some(value) = map.remove(other) {
            map.insert(name.into(), value);
        }
    }
    // Streams ask for usage whether the recorder did or not.
    map.remove("stream_options");
    map.retain(|name, value| !(value.is_null() || name == "stream" && *value == false));
    if map.get("tool_choice").is_some_and(|choice| choice == "any") {
        map.insert("tool_choice".into(), json!("required"));
    }
    for tool in map.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        tool.as_object_mut().unwrap().entry("type").or_insert(json!("function"));
    }
    for message in map["messages"].as_array_mut().unwrap() {
        spell_message(message.as_object_mut().unwrap());
    }
    body
}

fn spell_message(message: &mut Map<String, Value>) {
    if message["role"] == "developer" {
        message.insert("role".into(), json!("system"));
    }
    if let Some([part]) = message.get("content").and_then(Value::as_array).map(Vec::as_slice)
        && part["type"] == "text"
        && part.as_object().unwrap().len() == 2
    {
        message.insert("content".into(), part["text"].clone());
    }
    if message.get("content").is_some_and(|content| *content == "") {
        message.remove("content");
    }
    // The server's own name for thinking, and thinking under two names at once.
    for name in ["reasoning", "reasoning_content", "reasoning_details"] {
        message.remove(name);
    }
    message.retain(|_, value| !value.is_null() && *value != json!([]));
}

#[test]
fn recorded_requests_are_read_and_written_again() {
    let mut share = Reproduced::default();
    for row in rows().into_iter().flatten().filter(|row| row.facts["endpoint"] == "openai.chat") {
        let recorded = &row.facts["request"];
        if !recorded.get("messages").is_some_and(Value::is_array) || recorded.get("reasoning").is_some() {
            continue;
        }
        // Those in files have parts that only the endpoint reads: `endpoint_corpus.rs` has them.
        if row.facts["request_file"].is_string() || ODD_REQUESTS.iter().any(|(id, _)| *id == row.id()) {
            continue;
        }
        let mut recorded = recorded.clone();
        recorded.as_object_mut().unwrap().entry("model").or_insert(json!("m"));
        let request: Request = serde_json::from_value(recorded.clone()).unwrap();
        let provider = provider(&row).with_base_url("https://host.example".parse().unwrap()).with_model("m");
        let sent = provider.encode(&request).unwrap_or_else(|error| panic!("{}: {error}", row.id()));
        let sent = serde_json::from_slice(sent.body()).unwrap();
        share.compare(row.id(), &spelled(sent), &spelled(recorded));
    }
    share.assert(100);
}
