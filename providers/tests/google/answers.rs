//! Answers of Google's wire, made by hand.

use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::request::Request;
use belvedere_providers::google::Google;
use serde_json::{Value, json};

use crate::support::{Read, head};

pub(crate) fn asked(stream: bool) -> Request {
    let mut request = Request::from("hi");
    request.stream = stream;
    request
}

pub(crate) fn streamed(body: &str) -> Read {
    let head = head(200, [("content-type", "text/event-stream")]);
    Read::new(&Google::default(), &asked(true), &head, [body.as_bytes()])
}

pub(crate) fn array(body: &str) -> Read {
    let head = head(200, [("content-type", "application/json; charset=UTF-8")]);
    Read::new(&Google::default(), &asked(true), &head, [body.as_bytes()])
}

pub(crate) fn whole(body: &str) -> Read {
    let head = head(200, [("content-type", "application/json; charset=UTF-8")]);
    Read::new(&Google::default(), &asked(false), &head, [body.as_bytes()])
}

/// A stream of these frames, with the line ends that Google has.
pub(crate) fn sse(frames: &[Value]) -> String {
    frames.iter().map(|frame| format!("data: {frame}\r\n\r\n")).collect()
}

/// A frame of one candidate that says these parts.
pub(crate) fn says(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
           "modelVersion": "gemini-x", "responseId": "r1"})
}

pub(crate) fn ends(reason: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": reason}],
           "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "thoughtsTokenCount": 3,
                             "totalTokenCount": 9}})
}

pub(crate) fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.as_ref().map(Error::kind)
}

pub(crate) fn answer(frames: &[Value]) -> Completion {
    let read = streamed(&sse(frames));
    assert_eq!(kind(&read), None, "{:?}", read.error);
    read.completion()
}

/// A stream with a part of every kind.
pub(crate) fn rich() -> Vec<Value> {
    vec![
        says(json!([{"text": "think", "thought": true}])),
        says(json!([{"text": "so", "thought": true, "thoughtSignature": "s0"}])),
        says(json!([{"text": "Hello"}])),
        says(json!([{"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s1"}])),
        says(json!([{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}])),
        says(json!([{"toolCall": {"toolType": "FILE_SEARCH", "id": "t"}}, {"toolResponse": {"id": "t"}}])),
        says(json!([{"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thought": true}])),
        says(json!([{"functionCall": {"name": "f", "args": {"a": 1}, "id": "c"}, "thoughtSignature": "s2"}])),
        says(json!([{"text": "", "thoughtSignature": "s3"}])),
        ends("STOP"),
    ]
}

/// A frame for one of several candidates.
pub(crate) fn of(index: u32, part: Value) -> Value {
    json!({"candidates": [{"index": index, "content": {"parts": [part]}}]})
}
