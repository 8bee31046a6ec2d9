//! The server's side of the Responses wire: what the provider writes is read as it was, and the other way round.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belvedere_core::SmolStr;
use belvedere_core::completion::{Choice, Completion};
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind, RetryAfter};
use belvedere_core::event::{Event, Finish, FinishReason, Notice};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{
    Effort, Function, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use belvedere_core::usage::{Class, Usage};
use belvedere_providers::responses::{Responses, ResponsesEndpoint};
use bytes::BytesMut;
use http::Method;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::{Read, head};

const WIRE: &str = "openai.responses";

fn posted(body: &Value) -> http::Request<bytes::Bytes> {
    http::Request::post("/v1/responses").body(body.to_string().into()).unwrap()
}

fn read(body: &Value) -> Request {
    ResponsesEndpoint.request(&posted(body)).unwrap()
}

fn refused(body: &Value) -> String {
    let error = ResponsesEndpoint.request(&posted(body)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    error.message().to_owned()
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(Responses::default().encode(request).unwrap().body()).unwrap()
}

/// The body of a streamed answer to `request`.
fn streamed(request: &Request, events: &[Event], error: Option<&Error>) -> String {
    let (head, mut encoder) = ResponsesEndpoint.stream(request);
    assert_eq!(head.headers()["content-type"], "text/event-stream; charset=utf-8");
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.event(event, &mut out));
    encoder.end(error, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn frames(body: &str) -> Vec<Value> {
    body.lines().filter_map(|l| l.strip_prefix("data: ")).map(|d| serde_json::from_str(d).unwrap()).collect()
}

fn answered(body: &str, stream: bool) -> Read {
    let mut request = Request::from("hi");
    request.stream = stream;
    let kind = if stream { "text/event-stream" } else { "application/json" };
    Read::new(&Responses::default(), &request, &head(200, [("content-type", kind)]), [body.as_bytes()])
}

fn own(fields: Value) -> Map<String, Value> {
    Map::from_iter([(WIRE.to_owned(), fields)])
}

fn events(answer: &Completion) -> Vec<Event> {
    let events = answer.clone().into_events();
    futures_util::FutureExt::now_or_never(futures_util::StreamExt::collect::<Vec<_>>(events))
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn it_accepts_its_own_address_only() {
    let accepts = |method: Method, path| ResponsesEndpoint.accepts(&method, path);
    assert!(accepts(Method::POST, "/v1/responses") && accepts(Method::POST, "/gate/responses/"));
    assert!(!accepts(Method::GET, "/v1/responses") && !accepts(Method::POST, "/v1/chat/completions"));
    assert_eq!(ResponsesEndpoint.wire(), WIRE);
}

#[test]
fn a_text_is_a_users_message_and_instructions_are_a_systems() {
    let request = read(&json!({"model": "m", "instructions": "be brief", "input": "hi", "stream": true}));
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.messages[0].text(), "be brief");
    assert_eq!(request.messages[1], Message::user("hi"));
    assert!(request.stream);
    let body = written(&request);
    assert_eq!(body["instructions"], "be brief");
    assert_eq!(body["input"], json!([{"type": "message", "role": "user", "content": "hi"}]));
}

#[test]
fn what_the_model_made_is_one_message() {
    let request = read(&json!({"model": "m", "input": [
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": "e"},
        {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "b"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "web_search_call", "id": "ws_1", "action": null},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "r"}]},
        {"role": "assistant", "content": "x"},
        {"role": "assistant", "content": "y"},
    ]}));
    let roles: Vec<Role> = request.messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::Assistant, Role::Assistant]);
    let parts = &request.messages[1].parts;
    let reasoning = Part::Reasoning {
        text: "a".into(),
        signature: Some("e".into()),
        wire: WIRE.into(),
        extra: own(json!({"id": "rs_1"})),
    };
    assert_eq!(parts[0], reasoning);
    assert_eq!(parts[1], Part::Text { text: "b".into(), extra: own(json!({"id": "msg_1"})) });
    let item = json!({"type": "web_search_call", "id": "ws_1", "action": null});
    assert_eq!(parts[3], Part::opaque(WIRE, "web_search_call", item));
    assert_eq!(parts.len(), 4);
}

#[test]
fn faults_name_the_field() {
    let item = |item: Value| refused(&json!({"model": "m", "input": [item]}));
    assert_eq!(refused(&json!({"model": "m"})), "input: is missing; a string or an array of items is needed");
    assert_eq!(refused(&json!({"model": 1, "input": ""})), "model: must be a string, is a number");
    assert_eq!(item(json!(3)), "input[0]: must be an object, is a number");
    assert_eq!(item(json!({"type": 3})), "input[0].type: must be a string");
    assert_eq!(
        item(json!({"role": "tool", "content": ""})),
        "input[0].role: unknown role; known: system, developer, user, assistant"
    );
    assert_eq!(
        item(json!({"role": "user", "content": [{"type": "image_url"}]})),
        "input[0].content[0].type: unknown part; known: input_text, output_text, refusal, input_image, input_file, input_audio"
    );
    assert_eq!(
        item(json!({"type": "function_call", "call_id": "c", "name": "f"})),
        "input[0].arguments: is missing; a string of JSON is needed"
    );
    assert_eq!(
        refused(&json!({"input": "", "tool_choice": "some"})),
        "tool_choice: must be auto, none, required, or an object that names a tool"
    );
    let audio = json!({"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}});
    assert_eq!(
        item(json!({"role": "user", "content": [audio]})),
        "input[0].content[0].input_audio.data: is not base64"
    );
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
        let (ours, theirs) = (spelled(written(&read(body))), spelled(body.clone()));
        if ours != theirs {
            failures.push(format!("{id}:\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    let same = rows.len() - failures.len();
    println!("{same} of {} requests are written as recorded\n{}", rows.len(), failures.join("\n"));
    assert!(same * 100 >= rows.len() * 98, "{}", failures.join("\n"));
}
