//! Reads recorded exchanges of Google's wire and compares each answer with the facts recorded beside it, and each
//! request with what we make of it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "google/recorded.rs"]
mod recorded;
mod support;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Part, ToolBy, arguments};
use belvedere_core::provider::Provider;
use belvedere_core::request::Operation;
use belvedere_providers::google::{Google, GoogleEndpoint};
use recorded::{Row, rows};
use serde_json::{Map, Value, json};

/// The provider's own tools and their results, by the names of the wire's fields.
fn server_tool(part: &Part) -> Option<String> {
    match part {
        Part::ToolCall { by: ToolBy::Provider, name, .. } if name == "executableCode" => {
            Some(name.to_string())
        }
        Part::ToolCall { by: ToolBy::Provider, .. } => Some("toolCall".into()),
        Part::Opaque { kind, .. } => Some(kind.to_string()),
        _ => None,
    }
}

/// The facts of an answer, in the corpus's own words.
fn facts(answer: &Completion) -> Value {
    let parts = answer.choices.first().map(|c| c.parts.as_slice()).unwrap_or_default();
    // The recordings join the texts of an answer to one, and leave empty ones out.
    let text = Some(answer.text()).filter(|text| !text.is_empty());
    let calls: Vec<Value> = answer
        .tool_calls()
        .map(|call| {
            let id = Some(call.id).filter(|id| !id.is_empty());
            json!({"id": id, "name": call.name, "arguments": arguments(call.input).ok()})
        })
        .collect();
    let finish = answer.choices.first().and_then(|c| c.finish.clone()).unwrap_or_default();
    let usage = answer.usage.clone().unwrap_or_default();
    json!({
        "text": text, "text_parts": text.iter().collect::<Vec<_>>(),
        "reasoning_text": answer.reasoning().filter(|text| !text.is_empty()),
        "refusal": answer.refusal(), "tool_calls": calls,
        "server_tools": parts.iter().filter_map(server_tool).collect::<Vec<_>>(),
        "finish_reason": finish.reason, "finish_reason_raw": finish.raw,
        "usage": usage.reported, "usage_raw": usage.raw, "model": answer.model, "response_id": answer.id,
        "n_choices": answer.choices.len(),
    })
}

/// What the row says of an answer, without the notes of whoever recorded it.
fn expected(row: &Row, ours: &Value) -> Value {
    let all = row.facts["expected"].as_object().unwrap();
    let mut facts: Map<String, Value> = ours.as_object().unwrap().clone();
    for (key, value) in &mut facts {
        *value = all[key].clone();
    }
    // A count that has no common name of ours; it is a class of its own.
    if let Some(Value::Object(usage)) = facts.get_mut("usage") {
        usage.remove("tool_use_prompt_tokens");
    }
    Value::Object(facts)
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
    let Some(rows) = rows("google.generate") else { return };
    assert!(rows.len() >= 45, "{} rows", rows.len());
    for row in &rows {
        let read = row.read(&[&row.body]);
        let error = &row.facts["expected"]["error"];
        match &read.error {
            None => {
                let ours = facts(&read.completion());
                assert_eq!(ours, expected(row, &ours), "{}", row.id());
            }
            Some(fault) => {
                let said = fault.provider().unwrap();
                let acceptable = row.facts["expected"]["error_kind_acceptable"].as_array().unwrap();
                assert!(acceptable.contains(&json!(label(fault.kind()))), "{} {fault}", row.id());
                assert_eq!((&json!(said.r#type), &json!(said.message)), (&error["type"], &error["message"]));
                assert_eq!(said.code.as_deref(), Some(error["code"].to_string().as_str()), "{}", row.id());
            }
        }
    }
    println!("{} of {} rows are right", rows.len(), rows.len());
}

#[test]
fn recorded_usage_adds_up() {
    for row in rows("google.generate").into_iter().flatten() {
        if let Some(usage) = row.read(&[&row.body]).completion().usage {
            assert!(usage.reported.unwrap().total_tokens.is_some(), "{}", row.id());
            assert!(usage.adds_up(), "{}: {usage:?}", row.id());
        }
    }
}

#[test]
fn recorded_embeddings_say_what_was_recorded() {
    for row in rows("embeddings").into_iter().flatten().filter(|row| row.facts["provider"] == "google") {
        let mut request = row.asked();
        request.operation = Operation::Embed;
        let read = support::Read::new(&Google::default(), &request, &row.head(), [row.body.as_slice()]);
        let expected = &row.facts["expected"];
        if row.facts["status"] != 200 {
            assert_eq!(read.error.unwrap().kind(), ErrorKind::ModelNotFound, "{}", row.id());
            continue;
        }
        let answer = read.completion();
        assert_eq!(json!(answer.embeddings.len()), expected["count"], "{}", row.id());
        let first = &answer.embeddings[0].vector;
        assert_eq!(
            (json!(first.len()), json!(first[..3])),
            (expected["dims"].clone(), expected["first3"].clone())
        );
        assert_eq!(json!(answer.usage.unwrap().raw), expected["usage_raw"], "{}", row.id());
    }
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    for row in rows("google.generate").into_iter().flatten().filter(Row::is_stream) {
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

/// What is cut off is never an answer: every proper prefix that lacks the reason of the end is Truncated, and what
/// was received stays a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows("google.generate").into_iter().flatten().filter(Row::is_stream) {
        let whole = row.read(&[&row.body]);
        let text = String::from_utf8_lossy(&row.body).into_owned();
        let stop = text.find("\"finishReason\"").unwrap();
        // After an event, or after a line of an array.
        let end = match text.contains("\r\n\r\n") {
            _ if text.starts_with('[') => "\n",
            true => "\r\n\r\n",
            false => "\n\n",
        };
        let ends = text.match_indices(end).map(|(at, _)| at + end.len()).filter(|at| *at < stop);
        for at in ends {
            let read = row.read(&[&row.body[..at]]);
            let kind = read.error.as_ref().map(|e| e.kind());
            assert_eq!(kind, Some(ErrorKind::Truncated), "{} {at}", row.id());
            assert_eq!(read.events, whole.events[..read.events.len()], "{} {at}", row.id());
        }
    }
}

/// What the provider sent goes back as it came: parts that hold something, in their order and with all their
/// fields. Of a stream, texts in a row are one.
#[test]
fn recorded_answers_go_back_as_they_came() {
    for row in rows("google.generate").into_iter().flatten().filter(|row| row.facts["status"] == 200) {
        let mut theirs: Vec<Value> = Vec::new();
        for part in row.frames().iter().flat_map(recorded::parts) {
            let bare = part["text"].is_string()
                && part.as_object().unwrap().keys().all(|k| k == "text" || k == "thought");
            let piece =
                part["functionCall"].get("partialArgs").is_some() || part["functionCall"] == json!({});
            match theirs.last_mut() {
                _ if part == json!({"text": ""}) || piece => {}
                Some(last)
                    if bare
                        && row.is_stream()
                        && last["text"].is_string()
                        && last.get("thoughtSignature").is_none()
                        && last["thought"] == part["thought"] =>
                {
                    last["text"] = json!(format!(
                        "{}{}",
                        last["text"].as_str().unwrap(),
                        part["text"].as_str().unwrap()
                    ));
                }
                _ => theirs.push(part),
            }
        }
        let answer = row.read(&[&row.body]).completion();
        let message = belvedere_core::request::Request::from(answer.message());
        let sent = Google::new("gemini-x").encode(&message).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let mut ours = sent["contents"][0]["parts"].as_array().unwrap().clone();
        for (ours, theirs) in ours.iter_mut().zip(&mut theirs) {
            // Arguments that came piece by piece go back whole.
            if theirs["functionCall"].get("willContinue").is_some() {
                assert!(ours["functionCall"]["args"]["location"].is_string());
                ours["functionCall"].as_object_mut().unwrap().remove("args");
                theirs["functionCall"].as_object_mut().unwrap().remove("willContinue");
            }
        }
        assert_eq!(Value::Array(ours), Value::Array(theirs), "{}", row.id());
    }
}

/// Each request that was recorded is read by the endpoint and written again by the provider.
#[test]
fn recorded_requests_are_reproduced() {
    let Some(rows) = rows("google.generate") else { return };
    let (mut asked, mut same) = (0, 0);
    for row in &rows {
        let Some(body) = row.request_body() else { continue };
        asked += 1;
        let mut incoming = http::Request::new(body.to_string().into());
        *incoming.method_mut() = http::Method::POST;
        *incoming.uri_mut() = row.uri();
        assert!(GoogleEndpoint.accepts(incoming.method(), incoming.uri().path()), "{}", row.id());
        let request = GoogleEndpoint.request(&incoming).unwrap();
        assert_eq!(request.stream, row.is_stream(), "{}", row.id());
        let outgoing = row.provider().encode(&request).unwrap();
        let model = |uri: &http::Uri| uri.path().rsplit_once("/models/").map(|(_, rest)| rest.to_owned());
        assert_eq!(model(outgoing.uri()), model(incoming.uri()), "{}", row.id());
        let ours: Value = serde_json::from_slice(outgoing.body()).unwrap();
        let (ours, theirs) = (recorded::normal(ours), recorded::normal(body));
        match ours == theirs {
            true => same += 1,
            false => println!("{}:\n  ours   {ours}\n  theirs {theirs}", row.id()),
        }
    }
    println!("{same} of {asked} recorded requests are reproduced");
    assert_eq!(same, asked);
}
