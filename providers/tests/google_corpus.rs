//! Reads recorded exchanges of Google's wire and compares each answer with the facts recorded beside it, and each
//! request with what we make of it.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass.

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
#[path = "google/recorded.rs"]
mod recorded;
#[path = "support/requests.rs"]
mod requests;
mod support;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Part, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_providers::google::{Google, GoogleEndpoint};
use corpus::Row;
use cuts::{assert_same_however_cut, assert_truncated_at};
use ends::ends_of;
use kinds::is_among;
use requests::Reproduced;
use serde_json::{Value, json};

fn rows() -> Option<Vec<Row>> {
    corpus::rows(&["google.generate"], 45)
}

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

/// The facts of an answer. The recordings join its texts to one, and leave empty ones out.
fn facts(answer: &Completion) -> Value {
    let mut facts = facts::facts(answer, server_tool);
    let text = Some(answer.text()).filter(|text| !text.is_empty());
    facts["text_parts"] = text.iter().map(|text| json!(text)).collect();
    facts["text"] = json!(text);
    facts
}

/// What the row says of its answer.
fn expected(row: &Row) -> Value {
    let mut facts = facts::expected(row);
    // A count that has no common name of ours; it is a class of its own.
    if let Some(usage) = facts["usage"].as_object_mut() {
        usage.remove("tool_use_prompt_tokens");
    }
    facts
}

#[test]
fn recorded_answers_say_what_was_recorded() {
    let rows = rows().unwrap_or_default();
    for row in &rows {
        let read = row.read(&Google::default(), &[&row.body]);
        let theirs = &row.facts["expected"];
        match &read.error {
            None => assert_eq!(facts(&read.completion()), expected(row), "{}", row.id()),
            Some(fault) => {
                let (said, error) = (fault.provider().unwrap(), &theirs["error"]);
                assert!(is_among(fault.kind(), &theirs["error_kind_acceptable"]), "{} {fault}", row.id());
                assert_eq!((&json!(said.r#type), &json!(said.message)), (&error["type"], &error["message"]));
                assert_eq!(said.code.as_deref(), Some(error["code"].to_string().as_str()), "{}", row.id());
            }
        }
    }
    println!("{0} of {0} rows are right", rows.len());
}

#[test]
fn recorded_usage_adds_up() {
    for row in rows().into_iter().flatten() {
        if let Some(usage) = row.read(&Google::default(), &[&row.body]).completion().usage {
            assert!(usage.reported.unwrap().total_tokens.is_some(), "{}", row.id());
            assert!(usage.adds_up(), "{}: {usage:?}", row.id());
        }
    }
}

#[test]
fn recorded_embeddings_say_what_was_recorded() {
    let rows = corpus::rows(&["embeddings"], 12).into_iter().flatten();
    for row in rows.filter(|row| row.facts["provider"] == "google") {
        let read = row.read(&Google::default(), &[&row.body]);
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
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        assert_same_however_cut(&row, &Google::default());
    }
}

/// What is cut off is never an answer: every proper prefix that lacks the reason of the end is Truncated, and what
/// was received stays a prefix of the whole.
#[test]
fn s15_a_cut_stream_is_truncated() {
    for row in rows().into_iter().flatten().filter(Row::is_stream) {
        let stop = ends_of(&row.body, "\"finishReason\"")[0];
        // After an event, or after a line of an array.
        let end = match ends_of(&row.body, "\r\n\r\n").is_empty() {
            _ if row.body.starts_with(b"[") => "\n",
            false => "\r\n\r\n",
            true => "\n\n",
        };
        let ends = ends_of(&row.body, end).into_iter().filter(|at| *at < stop);
        assert_truncated_at(&row, &Google::default(), ends);
    }
}

/// What the provider sent goes back as it came: parts that hold something, in their order and with all their
/// fields. Of a stream, texts in a row are one.
#[test]
fn recorded_answers_go_back_as_they_came() {
    for row in rows().into_iter().flatten().filter(|row| row.facts["status"] == 200) {
        let mut theirs: Vec<Value> = Vec::new();
        for part in recorded::frames(&row).iter().flat_map(recorded::parts) {
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
        let answer = row.read(&Google::default(), &[&row.body]).completion();
        let message = Request::from(answer.message());
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
    let mut share = Reproduced::default();
    for row in rows().into_iter().flatten().filter(|row| row.facts["request"].is_object()) {
        let body = &row.facts["request"];
        let incoming = http::Request::post(recorded::uri(&row)).body(body.to_string().into()).unwrap();
        assert!(GoogleEndpoint.accepts(incoming.method(), incoming.uri().path()), "{}", row.id());
        let request = GoogleEndpoint.request(&incoming).unwrap();
        assert_eq!(request.stream, row.is_stream(), "{}", row.id());
        let outgoing = recorded::provider(&row).encode(&request).unwrap();
        let model = |uri: &http::Uri| uri.path().rsplit_once("/models/").map(|(_, rest)| rest.to_owned());
        assert_eq!(model(outgoing.uri()), model(incoming.uri()), "{}", row.id());
        let ours: Value = serde_json::from_slice(outgoing.body()).unwrap();
        share.compare(row.id(), &recorded::normal(ours), &recorded::normal(body.clone()));
    }
    share.assert(100);
}
