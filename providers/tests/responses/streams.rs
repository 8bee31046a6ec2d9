//! Streams of the Responses wire, made of their events.

use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::request::Request;
use belvedere_providers::responses::Responses;
use serde_json::{Value, json};

use crate::support::{Read, head};

pub(crate) fn streamed(body: &str) -> Read {
    let mut request = Request::from("hi");
    request.stream = true;
    let head = head(200, [("content-type", "text/event-stream; charset=utf-8")]);
    Read::new(&Responses::default(), &request, &head, [body.as_bytes()])
}

pub(crate) fn whole(body: &Value) -> Read {
    let head = head(200, [("content-type", "application/json")]);
    Read::new(&Responses::default(), &Request::from("hi"), &head, [body.to_string().as_bytes()])
}

/// A stream of these events, each with its `event:` line.
pub(crate) fn frames(events: &[Value]) -> String {
    events.iter().map(|e| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap_or("x"))).collect()
}

pub(crate) fn read(events: &[Value]) -> Read {
    streamed(&frames(events))
}

pub(crate) fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.as_ref().map(Error::kind)
}

pub(crate) fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress", "output": []}})
}

pub(crate) fn usage() -> Value {
    json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 6,
        "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 16
    })
}

pub(crate) fn completed(output: Value) -> Value {
    let response = json!({"id": "resp_1", "status": "completed", "output": output, "usage": usage()});
    json!({"type": "response.completed", "response": response})
}

pub(crate) fn added(index: u32, item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

pub(crate) fn done(index: u32, item: Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

pub(crate) fn call(n: u32, input: &str) -> Value {
    json!({
        "type": "function_call", "id": format!("fc_{n}"), "call_id": format!("call_{n}"), "name": format!("f{n}"),
        "arguments": input, "status": "completed"
    })
}

pub(crate) fn message(text: &str) -> Value {
    json!({
        "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]
    })
}

pub(crate) fn text(delta: &str) -> Value {
    json!({
        "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": delta
    })
}

pub(crate) fn input(index: u32, id: &str, delta: &str) -> Value {
    json!({
        "type": "response.function_call_arguments.delta", "output_index": index, "item_id": id, "delta": delta
    })
}

/// A stream with text, reasoning, a call, a search and a citation.
pub(crate) fn rich() -> Vec<Value> {
    let cited = json!({"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2});
    let mut message = message("Hello");
    message["content"][0]["annotations"] = json!([cited]);
    let reasoning = json!({
        "type": "reasoning", "id": "rs_1", "encrypted_content": "secret",
        "summary": [{"type": "summary_text", "text": "first"}, {"type": "summary_text", "text": "second"}]
    });
    let search = json!({"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}});
    let summary = |at: u32, delta: &str| {
        json!({
            "type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": at,
            "item_id": "rs_1", "delta": delta
        })
    };
    vec![
        created(),
        added(0, json!({"type": "reasoning", "id": "rs_1", "summary": []})),
        summary(0, "fir"),
        summary(0, "st"),
        summary(1, "second"),
        done(0, reasoning.clone()),
        added(1, json!({"type": "web_search_call", "id": "ws_1"})),
        json!({"type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1"}),
        done(1, search.clone()),
        added(
            2,
            json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}),
        ),
        json!({
            "type": "response.output_text.delta", "output_index": 2, "content_index": 0, "item_id": "msg_1",
            "delta": "Hel", "logprobs": [{"token": "Hel", "logprob": -0.5}]
        }),
        json!({"type": "response.output_text.delta", "output_index": 2, "content_index": 0, "item_id": "msg_1", "delta": "lo"}),
        json!({
            "type": "response.output_text.annotation.added", "output_index": 2, "content_index": 0,
            "item_id": "msg_1", "annotation": cited
        }),
        json!({"type": "response.output_text.done", "output_index": 2, "content_index": 0, "item_id": "msg_1", "text": "Hello"}),
        done(2, message.clone()),
        added(
            3,
            json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f1", "arguments": ""}),
        ),
        input(3, "fc_1", "{\"a\""),
        input(3, "fc_1", ":1}"),
        json!({"type": "response.function_call_arguments.done", "output_index": 3, "item_id": "fc_1", "arguments": "{\"a\":1}"}),
        done(3, call(1, "{\"a\":1}")),
        completed(json!([reasoning, search, message, call(1, "{\"a\":1}")])),
    ]
}
