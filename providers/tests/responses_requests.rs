//! Recorded requests of the Responses wire are read by the endpoint and written again by the provider.
//!
//! The recordings are not part of this repository. Where they are absent the test says so and passes.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use belvedere_core::endpoint::Endpoint;
use belvedere_core::provider::Provider;
use belvedere_providers::responses::{Responses, ResponsesEndpoint};
use serde_json::Value;

/// A body as it is when it was read and written again.
fn written(body: &Value) -> Value {
    let posted = http::Request::post("/v1/responses").body(body.to_string().into()).unwrap();
    let request = ResponsesEndpoint.request(&posted).unwrap();
    serde_json::from_slice(Responses::default().encode(&request).unwrap().body()).unwrap()
}

fn recorded() -> Option<Vec<(String, Value)>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/providers"));
    let Ok(index) = std::fs::read_to_string(folder.join("index.jsonl")) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let rows = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = rows.filter(|row| row["endpoint"] == "openai.responses");
    let body = |row: &Value| match row["request_file"].as_str() {
        Some(file) => serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap(),
        None => row["request"].clone(),
    };
    let rows = ours.map(|row| (row["id"].as_str().unwrap().to_owned(), body(&row)));
    Some(rows.filter(|(_, body)| body.is_object()).collect())
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
    let Some(rows) = recorded() else { return };
    let mut failures = Vec::new();
    for (id, body) in &rows {
        let (ours, theirs) = (spelled(written(body)), spelled(body.clone()));
        if ours != theirs {
            failures.push(format!("{id}:\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    let same = rows.len() - failures.len();
    println!("{same} of {} requests are written as recorded\n{}", rows.len(), failures.join("\n"));
    assert!(same * 100 >= rows.len() * 98, "{}", failures.join("\n"));
}
