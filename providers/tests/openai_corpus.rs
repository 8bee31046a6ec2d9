//! Reads recorded exchanges of the OpenAI wire and compares each answer with the facts recorded beside it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass: the cassettes
//! of our own cover the wire then.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::error::Error;
use belvedere_core::event::Event;
use belvedere_core::framing::Framer;
use belvedere_core::laws::Laws;
use belvedere_core::message::{Part, arguments};
use belvedere_core::provider::{Framing, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_providers::openai::{OpenAi, hosts};
use serde_json::{Map, Value, json};

/// Rows whose recorded facts are wrong: one per line, `id: reason`.
const WRONG: &str = include_str!("openai/corpus_wrong.txt");

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

    fn provider(&self) -> OpenAi {
        let name = self.facts["provider"].as_str().unwrap();
        let name = match name.strip_prefix("compat_").unwrap_or(name) {
            "llamacpp" => "llama_cpp",
            name => name,
        };
        OpenAi::new(hosts::find(name).unwrap_or(&hosts::ANY))
    }

    fn request(&self) -> Request {
        let mut request = Request::from("hi");
        request.stream = self.is_stream();
        if self.facts["endpoint"] == "embeddings" {
            request.operation = Operation::Embed;
        }
        request
    }

    fn head(&self) -> http::response::Parts {
        let status = u16::try_from(self.facts["status"].as_u64().unwrap()).unwrap();
        let mut response = http::Response::builder().status(status);
        for (name, value) in self.facts["response_headers"].as_object().unwrap() {
            response = response.header(name, value.as_str().unwrap());
        }
        response.body(()).unwrap().into_parts().0
    }

    /// The events of the body when it comes in these pieces, and the error it ends in.
    fn drive(&self, pieces: &[&[u8]]) -> (Vec<Event>, Option<Error>) {
        let (framing, mut decoder) = self.provider().decode(&self.request(), &self.head()).unwrap();
        assert_eq!(framing == Framing::Sse, self.is_stream() && self.facts["status"] == 200, "{}", self.id());
        let mut framer = Framer::new(framing, 64 << 20);
        let mut out = Vec::new();
        for piece in pieces {
            if let Err(error) = framer.feed(piece, &mut |frame| decoder.frame(frame, &mut out)) {
                return (out, Some(error));
            }
        }
        let end = framer.eof(&mut |frame| decoder.frame(frame, &mut out));
        let end = end.and_then(|_| decoder.eof(&mut out));
        (out, end.err())
    }
}

/// The rows of the recordings that speak this wire; `None` when the recordings are absent.
fn rows() -> Option<Vec<Row>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/providers");
    let Ok(index) = std::fs::read_to_string(folder.join("index.jsonl")) else {
        println!("the recordings are absent: nothing is compared");
        return None;
    };
    let facts = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = facts.filter(|row| row["endpoint"] == "openai.chat" || row["endpoint"] == "embeddings");
    let read = |facts: Value| Row {
        body: std::fs::read(folder.join(facts["raw"].as_str().unwrap())).unwrap(),
        facts,
    };
    Some(ours.map(read).collect())
}

fn fold(events: &[Event]) -> Completion {
    let mut fold = Fold::default();
    events.iter().for_each(|event| fold.event(event));
    fold.into_completion()
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
    let (events, error) = row.drive(&[&row.body]);
    if let Some(kind) = expected["error_kind"].as_str() {
        compare_error(&mut found, error.as_ref(), kind, expected);
        return found.0;
    }
    if let Some(error) = error {
        found.0.push(format!("an error: {error}"));
        return found.0;
    }
    let mut laws = Laws::default();
    if let Err(breach) = events.iter().try_for_each(|event| laws.event(event)).and_then(|()| laws.finished())
    {
        found.0.push(format!("a law is broken: {breach}"));
    }
    let answer = fold(&events);
    match row.facts["endpoint"].as_str() {
        Some("embeddings") => compare_embeddings(&mut found, &answer, expected),
        _ => compare_answer(&mut found, &answer, expected),
    }
    compare_usage(&mut found, &answer, expected);
    found.same("model", json!(answer.model), expected["model"].clone());
    found.0
}

fn compare_error(found: &mut Differences, error: Option<&Error>, kind: &str, expected: &Value) {
    let Some(error) = error else { return found.0.push("no error".into()) };
    let ours = match error.kind().name() {
        "context_too_long" => "context_length",
        "content_filtered" => "content_filter",
        "quota_exhausted" => "quota",
        _ => error.category().name(),
    };
    let acceptable = expected["error_kind_acceptable"].as_array().unwrap();
    if ours != kind && !acceptable.iter().any(|a| a == ours) {
        found.0.push(format!("error: ours {ours} ({}), theirs {kind}", error.kind()));
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
    let Some(rows) = rows() else { return };
    let mut cuts = 0;
    for row in rows.iter().filter(|row| row.is_stream()) {
        let whole = row.drive(&[&row.body]).0;
        // The stride is odd, so that over the rows the cuts fall at every place of a frame.
        for at in (1..row.body.len()).step_by((row.body.len() / 60).max(1) | 1) {
            let (left, right) = row.body.split_at(at);
            assert_eq!(row.drive(&[left, right]).0, whole, "{} cut at {at}", row.id());
            cuts += 1;
        }
    }
    println!("{cuts} cuts give the same events");
}

#[test]
fn w1_a_recorded_stream_byte_by_byte_gives_the_same_events() {
    let Some(rows) = rows() else { return };
    for row in rows.iter().filter(|row| row.is_stream()) {
        let bytes: Vec<&[u8]> = row.body.chunks(1).collect();
        assert_eq!(row.drive(&bytes).0, row.drive(&[&row.body]).0, "{}", row.id());
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
        let (events, error) = row.drive(&[&row.body[..frame]]);
        assert_eq!(error.unwrap().kind(), belvedere_core::ErrorKind::Truncated, "{}", row.id());
        assert!(!events.iter().any(|event| matches!(event, Event::Finish { .. })), "{}", row.id());
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
    let Some(rows) = rows() else { return };
    let mut compared = 0;
    let mut failures = Vec::new();
    for row in rows.iter().filter(|row| row.facts["endpoint"] == "openai.chat") {
        let recorded = &row.facts["request"];
        if !recorded.get("messages").is_some_and(Value::is_array) || recorded.get("reasoning").is_some() {
            continue;
        }
        if ODD_REQUESTS.iter().any(|(id, _)| *id == row.id()) {
            continue;
        }
        let mut recorded = recorded.clone();
        recorded.as_object_mut().unwrap().entry("model").or_insert(json!("m"));
        let request: Request = serde_json::from_value(recorded.clone()).unwrap();
        let recorded = spelled(recorded);
        let provider = row.provider().with_base_url("https://host.example".parse().unwrap()).with_model("m");
        let sent = match provider.encode(&request) {
            Ok(sent) => serde_json::from_slice(sent.body()).unwrap(),
            Err(error) => {
                failures.push(format!("{}: {error}", row.id()));
                continue;
            }
        };
        let sent = spelled(sent);
        if sent != recorded {
            failures.push(format!("{}:\n  ours   {sent}\n  theirs {recorded}", row.id()));
        }
        compared += 1;
    }
    assert!(failures.is_empty(), "{} of {compared}:\n{}", failures.len(), failures.join("\n"));
    println!("{compared} requests are written as recorded");
}
