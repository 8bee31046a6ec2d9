//! Answers to read: every kind of block, whole and as a stream, and what writes messages of the event stream.

use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::framing::aws_message;
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_providers::bedrock::Converse;
use serde_json::{Value, json};

use crate::support::{Read, head};

pub(crate) type Events = Vec<(&'static str, Value)>;

pub(crate) fn converse() -> Converse {
    Converse::in_region("us-east-1").unwrap()
}

pub(crate) fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut out = bytes::BytesMut::new();
    aws_message(headers, payload.as_bytes(), &mut out);
    out.to_vec()
}

pub(crate) fn event(name: &str, payload: &Value) -> Vec<u8> {
    message(&[(":event-type", name), (":message-type", "event")], &payload.to_string())
}

pub(crate) fn exception(name: &str, text: &str) -> Vec<u8> {
    let payload = json!({ "message": text }).to_string();
    message(&[(":exception-type", name), (":message-type", "exception")], &payload)
}

pub(crate) fn body(events: &[(&str, Value)]) -> Vec<u8> {
    events.iter().flat_map(|(name, payload)| event(name, payload)).collect()
}

pub(crate) fn read(provider: &dyn Provider, kind: &str, body: &[u8]) -> Read {
    let mut request = Request::from("hi");
    request.stream = kind.contains("eventstream");
    Read::new(provider, &request, &head(200, [("content-type", kind)]), [body])
}

pub(crate) fn streamed(body: &[u8]) -> Read {
    read(&converse(), "application/vnd.amazon.eventstream", body)
}

pub(crate) fn whole(body: &Value) -> Read {
    read(&converse(), "application/json", body.to_string().as_bytes())
}

pub(crate) fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.as_ref().map(Error::kind)
}

pub(crate) fn delta(index: u32, delta: Value) -> (&'static str, Value) {
    ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}))
}

pub(crate) fn begin(index: u32, start: Value) -> (&'static str, Value) {
    ("contentBlockStart", json!({"contentBlockIndex": index, "start": start}))
}

pub(crate) fn stop(index: u32) -> (&'static str, Value) {
    ("contentBlockStop", json!({ "contentBlockIndex": index }))
}

pub(crate) fn ending(reason: &str) -> Events {
    let usage = json!({"inputTokens": 5, "outputTokens": 7, "totalTokens": 12});
    vec![
        ("messageStop", json!({ "stopReason": reason })),
        ("metadata", json!({"usage": usage, "metrics": {"latencyMs": 1}})),
    ]
}

pub(crate) fn start() -> (&'static str, Value) {
    ("messageStart", json!({"role": "assistant"}))
}

pub(crate) const PAGE: &str = "https://example.com/a";

pub(crate) fn page() -> Value {
    json!({"location": {"web": {"url": PAGE, "domain": "example.com"}}})
}

pub(crate) fn passage() -> Value {
    json!({"title": "Doc", "source": "not an address", "sourceContent": [{"text": "quo"}, {"text": "ted"}],
        "location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 7}}})
}

/// One block of every kind, as a whole answer has them.
pub(crate) fn blocks() -> Value {
    json!([
        {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
        {"text": "I will look it up."},
        {"toolUse": {"toolUseId": "s1", "name": "nova_grounding", "input": {"q": "x"}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "s1", "type": "nova_grounding_result", "status": "success",
            "content": [{"text": "[HIDDEN]"}, {"json": {"a": 1}}]}},
        {"citationsContent": {"content": [{"text": "It is so."}], "citations": [passage()]}},
        {"citationsContent": {"citations": [page()]}},
        {"image": {"format": "png", "source": {"bytes": "aW1hZ2U="}}},
        {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"n": 1}}},
        {"toolUse": {"toolUseId": "c2", "name": "g", "input": {}}},
    ])
}

pub(crate) fn answer() -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": blocks()}}, "stopReason": "tool_use",
        "usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}, "metrics": {"latencyMs": 1},
    })
}

/// The same answer as a stream, in pieces.
pub(crate) fn events() -> Events {
    let reasoning = |piece: Value| json!({ "reasoningContent": piece });
    let result = json!({"toolUseId": "s1", "type": "nova_grounding_result", "status": "success"});
    let mut all = vec![
        start(),
        delta(0, reasoning(json!({"text": "Let me "}))),
        delta(0, reasoning(json!({"text": "think."}))),
        delta(0, reasoning(json!({"signature": "c2ln"}))),
        stop(0),
        delta(1, reasoning(json!({"redactedContent": "c2Vj"}))),
        delta(1, reasoning(json!({"redactedContent": "cmV0"}))),
        stop(1),
        delta(2, json!({"text": "I will "})),
        delta(2, json!({"text": "look it up."})),
        stop(2),
        begin(
            3,
            json!({"toolUse": {"toolUseId": "s1", "name": "nova_grounding", "type": "server_tool_use"}}),
        ),
        delta(3, json!({"toolUse": {"input": "{\"q\":"}})),
        delta(3, json!({"toolUse": {"input": "\"x\"}"}})),
        stop(3),
        begin(4, json!({ "toolResult": result })),
        delta(4, json!({"toolResult": [{"text": "[HID"}]})),
        delta(4, json!({"toolResult": [{"text": "DEN]"}, {"json": {"a": 1}}]})),
        stop(4),
        delta(5, json!({"text": "It is so."})),
        delta(5, json!({"citation": passage()})),
        stop(5),
        delta(6, json!({"citation": page()})),
        stop(6),
        begin(7, json!({"image": {"format": "png"}})),
        delta(7, json!({"image": {"source": {"bytes": "aW1h"}}})),
        delta(7, json!({"image": {"source": {"bytes": "Z2U="}}})),
        stop(7),
        begin(8, json!({"toolUse": {"toolUseId": "c1", "name": "f"}})),
        delta(8, json!({"toolUse": {"input": "{\"n\":1}"}})),
        stop(8),
        begin(9, json!({"toolUse": {"toolUseId": "c2", "name": "g"}})),
        delta(9, json!({"toolUse": {"input": "{}"}})),
        stop(9),
    ];
    all.extend(ending("tool_use"));
    all
}
