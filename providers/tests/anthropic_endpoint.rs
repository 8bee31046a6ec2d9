//! The server's side of Anthropic's wire: what the provider writes is read, and what is written the provider reads.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "anthropic/can.rs"]
mod can;
#[path = "support/random.rs"]
mod random;
mod support;
#[path = "support/unfold.rs"]
mod unfold;
#[path = "support/writing.rs"]
mod writing;

use std::sync::Arc;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, Model, Source};
use belvedere_core::message::{MediaKind, MediaSource, Part, Role, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Effort, Operation, Request, ResponseFormat, ToolChoice};
use belvedere_providers::anthropic::{Anthropic, AnthropicEndpoint};
use bytes::Bytes;
use can::CAN;
use proptest::prelude::*;
use random::{answer, request};
use serde_json::{Map, Value, json};
use support::{Read, head};
use unfold::{essence, events, interleaved};

/// What the provider makes of an answer.
fn read(request: &Request, response: &http::Response<Bytes>) -> Read {
    let (parts, body) = response.clone().into_parts();
    Read::new(&Anthropic::default(), request, &parts, [body.as_ref()])
}

/// What the endpoint makes of a stream.
fn stream(request: &Request, events: &[Event], error: Option<&Error>) -> http::Response<Bytes> {
    writing::streamed(&AnthropicEndpoint, request, events, error)
}

fn streaming() -> Request {
    let mut request = Request::from("hi").with_model("m");
    request.stream = true;
    request
}

fn asked(body: &Value) -> belvedere_core::Result<Request> {
    AnthropicEndpoint.request(&http::Request::post("/v1/messages").body(body.to_string().into()).unwrap())
}

fn chat(body: Value) -> Request {
    asked(&body).unwrap()
}

/// The names and the data of a stream's events.
fn frames(response: &http::Response<Bytes>) -> Vec<(String, Value)> {
    let text = str::from_utf8(response.body()).unwrap();
    let frames = text.split("\n\n").filter(|frame| !frame.is_empty()).map(|frame| {
        let (name, data) = frame.split_once('\n').unwrap();
        let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        (name.strip_prefix("event: ").unwrap().to_owned(), data)
    });
    frames.collect()
}

/// Thinking comes to words: the wire takes none that nothing follows.
fn in_words(mut request: Request) -> Request {
    for message in Arc::make_mut(&mut request.messages) {
        let is_idle = match message.parts.last() {
            Some(Part::Reasoning { .. }) => true,
            Some(Part::Opaque { kind, .. }) => kind == "redacted_thinking",
            _ => false,
        };
        message.parts.extend(is_idle.then(|| Part::text("so")));
    }
    request
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(request in request(CAN).prop_map(in_words)) {
        let sent = Anthropic::default().encode(&request).unwrap();
        prop_assert_eq!(AnthropicEndpoint.request(&sent).unwrap(), request);
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(answer in answer(CAN)) {
        let request = Request::from("hi");
        let read = read(&request, &AnthropicEndpoint.whole(&request, &answer));
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(essence(read.completion()), answer);
    }

    #[test]
    fn a_stream_is_read_as_it_was_written(answer in answer(CAN), cuts in any::<u64>(), mixed in any::<bool>()) {
        let request = streaming();
        let events = events(&answer, cuts);
        let events = if mixed { interleaved(events) } else { events };
        let read = read(&request, &stream(&request, &events, None));
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(essence(read.completion()), answer);
    }

    #[test]
    fn w1_any_cutting_of_a_stream_reads_the_same(answer in answer(CAN), size in 1usize..9) {
        let request = streaming();
        let response = stream(&request, &events(&answer, 1), None);
        let head = head(200, [("content-type", "text/event-stream")]);
        let cut = Read::new(&Anthropic::default(), &request, &head, response.body().chunks(size));
        let whole = read(&request, &response);
        prop_assert_eq!(cut.essence(), whole.essence());
    }
}

#[test]
fn a_list_of_models_is_read_as_it_was_written() {
    let mut request = Request::default();
    request.operation = Operation::Models;
    let sent = Anthropic::default().encode(&request).unwrap();
    assert!(AnthropicEndpoint.accepts(sent.method(), sent.uri().path()));
    assert_eq!(AnthropicEndpoint.request(&sent).unwrap(), request);
    let mut model = Model::default();
    (model.id, model.name) = ("m-1".into(), Some("M 1".into()));
    model.raw =
        json!({"type": "model", "id": "m-1", "display_name": "M 1", "created_at": "2025-01-01T00:00:00Z"});
    let mut bare = Model::default();
    bare.id = "m-2".into();
    let mut answer = Completion::default();
    answer.models = vec![model.clone(), bare];
    let response = AnthropicEndpoint.whole(&request, &answer);
    let found = read(&request, &response).completion().models;
    assert_eq!((&found[0], found[1].name.as_deref()), (&model, Some("m-2")));
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(
        (&body["has_more"], &body["first_id"], &body["last_id"]),
        (&json!(false), &json!("m-1"), &json!("m-2"))
    );
    let events = [Event::Start { id: None, model: None }, Event::Model(Box::new(model.clone()))];
    assert_eq!(read(&request, &stream(&request, &events, None)).completion().models, [model]);
}

#[test]
fn paths_are_known_behind_any_prefix() {
    use http::Method;
    assert!(AnthropicEndpoint.accepts(&Method::POST, "/v1/messages"));
    assert!(AnthropicEndpoint.accepts(&Method::POST, "/gateway/v1/messages/"));
    assert!(AnthropicEndpoint.accepts(&Method::GET, "/v1/models"));
    assert!(!AnthropicEndpoint.accepts(&Method::POST, "/v1/messages/count_tokens"));
    assert!(!AnthropicEndpoint.accepts(&Method::GET, "/v1/messages"));
    assert_eq!(belvedere_providers::endpoint("anthropic.messages").unwrap().wire(), "anthropic.messages");
}

#[test]
fn a_conversation_is_read_block_by_block() {
    let request = chat(json!({"model": "m", "max_tokens": 9, "system": "s", "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": 1}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
            {"type": "text", "text": "b", "citations": [{"type": "char_location"}]},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {}, "caller": {"type": "direct"}},
        ]},
        {"role": "user", "content": [
            {"type": "text", "text": "c"},
            {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": [
                {"type": "text", "text": "r"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAE="}},
            ], "cache_control": {"type": "ephemeral"}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "title": "T"},
            {"type": "document", "source": {"type": "content", "content": "d"}},
        ]},
    ]}));
    let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::User]);
    let parts = |i: usize| &request.messages[i].parts;
    let wire = "anthropic.messages";
    let Part::Reasoning { signature, wire: of, .. } = &parts(2)[0] else { panic!("no thinking") };
    assert_eq!((signature.as_deref(), of.as_str()), (Some("sig"), wire));
    let redacted = json!({"type": "redacted_thinking", "data": "x"});
    assert_eq!(parts(2)[1], Part::opaque(wire, "redacted_thinking", redacted));
    let Part::ToolCall { by, input, .. } = &parts(2)[2] else { panic!("no call") };
    assert_eq!((*by, input.as_str()), (ToolBy::Provider, "{\"q\":1}"));
    let Part::ToolCall { by, extra, .. } = &parts(2)[5] else { panic!("no call") };
    assert_eq!((*by, &extra[wire]), (ToolBy::Client, &json!({"caller": {"type": "direct"}})));
    let Part::ToolResult { content, is_error, extra, .. } = &parts(3)[0] else { panic!("no result") };
    assert_eq!((content.len(), *is_error, extra.len()), (2, true, 1));
    let Part::Media(document) = &parts(4)[1] else { panic!("no document") };
    assert_eq!((document.kind, document.name.as_deref()), (MediaKind::File, Some("T")));
    assert_eq!(
        document.source,
        MediaSource::Data { mime: "text/plain".into(), data: Bytes::from_static(b"d") }
    );
    assert!(matches!(&parts(4)[2], Part::Opaque { kind, .. } if kind == "document"));
}

/// Prompt caches match the text of a call: fields keep their order and numbers their form.
#[test]
fn the_input_of_a_call_stays_as_it_was_written() {
    let body = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"text","text":"y"},{"type":"tool_use","id":"t","name":"f","input":{"z": 1.50, "a":[]}}]}]}"#;
    let request =
        AnthropicEndpoint.request(&http::Request::post("/v1/messages").body(body.into()).unwrap()).unwrap();
    let Part::ToolCall { input, .. } = &request.messages[1].parts[1] else { panic!("no call") };
    assert_eq!(input, r#"{"z": 1.50, "a":[]}"#);
}

#[test]
fn settings_are_read_into_ours() {
    let messages = json!([{"role": "user", "content": "x"}]);
    let request = chat(json!({
        "model": "m", "max_tokens": 9, "messages": messages, "stop_sequences": ["e"],
        "tools": [{"type": "custom", "name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true}, "metadata": {"user_id": "u", "more": 1},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}, "x": 1},
    }));
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    assert_eq!((request.parallel_tool_calls, request.user.as_deref()), (Some(false), Some("u")));
    let reasoning = request.reasoning.as_ref().unwrap();
    assert_eq!((reasoning.effort, reasoning.max_tokens), (Some(Effort::High), Some(1024)));
    assert!(matches!(&request.response_format, Some(ResponseFormat::JsonSchema { .. })));
    let further = json!({"metadata": {"more": 1}, "output_config": {"x": 1}});
    assert_eq!(Value::Object(request.extra.clone()), further);
    let others =
        json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}, "container": "c"});
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": messages});
    body.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    let request = chat(body);
    assert_eq!((Value::Object(request.extra.clone()), &request.reasoning), (others, &None));
    let older = json!({"type": "json_schema", "schema": {"type": "object"}});
    let request =
        chat(json!({"messages": messages, "output_format": older, "thinking": {"type": "disabled"}}));
    assert!(request.response_format.is_some() && request.extra.is_empty());
    assert_eq!(request.reasoning.as_ref().unwrap().effort, Some(Effort::None));
}

#[test]
fn faults_name_the_path() {
    let turn = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    let cases = [
        (json!({"max_tokens": 1}), "messages: is missing"),
        (
            json!({"messages": [{"role": "robot", "content": "x"}]}),
            "messages[0].role: must be user or assistant",
        ),
        (
            json!({"messages": [{"role": "user"}]}),
            "messages[0].content: must be a string or an array of blocks",
        ),
        (turn(json!([{"text": "x"}])), "messages[0].content[0].type: is missing"),
        (turn(json!([{"type": "text"}])), "messages[0].content[0].text: is missing"),
        (
            turn(json!([{"type": "image", "source": {"type": "url"}}])),
            "messages[0].content[0].source.url: is missing",
        ),
        (
            turn(json!([{"type": "tool_use", "id": "a", "name": "f", "input": 3}])),
            "messages[0].content[0].input: must be an object",
        ),
        (json!({"messages": [], "max_tokens": "x"}), "max_tokens: must be a whole number"),
        (json!({"messages": [], "tools": [{"input_schema": {}}]}), "tools[0].name: is missing"),
        (
            json!({"messages": [], "tool_choice": {"type": "x"}}),
            "tool_choice.type: must be auto, any, tool or none",
        ),
        (json!({"messages": [], "system": 1}), "system: must be a string or an array of blocks"),
    ];
    for (body, fault) in cases {
        let error = asked(&body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().starts_with(fault), "{}", error.message());
        let response = AnthropicEndpoint.error(&error);
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(response.status(), 400);
        assert_eq!(
            answer,
            json!({"type": "error", "request_id": null, "error": {
                "type": "invalid_request_error", "message": error.message()
            }})
        );
    }
}

#[test]
fn clients_find_all_they_ask_for() {
    let answer = Completion::of_text("hello");
    let request = Request::from("hi").with_model("m");
    let body: Value = serde_json::from_slice(AnthropicEndpoint.whole(&request, &answer).body()).unwrap();
    let id = body["id"].as_str().unwrap();
    assert!(id.starts_with("msg_"), "{id}");
    assert_eq!(
        body,
        json!({"id": id, "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 0, "output_tokens": 0}})
    );
    let response = stream(&streaming(), &events(&answer, 7), None);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let frames = frames(&response);
    assert!(frames.iter().all(|(name, data)| data["type"] == *name), "{frames:?}");
    let names: Vec<&str> =
        frames.iter().map(|(name, _)| name.as_str()).filter(|n| *n != "content_block_delta").collect();
    let expected =
        ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"];
    assert_eq!(names, expected);
    let start = &frames[0].1["message"];
    assert_eq!((&start["content"], &start["stop_reason"]), (&json!([]), &Value::Null));
    assert_eq!(start["usage"], json!({"input_tokens": 0, "output_tokens": 0}));
    assert_eq!(frames[1].1["content_block"], json!({"type": "text", "text": ""}));
}

#[test]
fn usage_that_is_known_at_the_start_stands_there() {
    let mut usage = belvedere_core::usage::Usage::default();
    usage.set(belvedere_core::usage::Class::Input, Some(5));
    let all = [Event::Start { id: None, model: None }, Event::Usage(usage.into())];
    let mut all = all.to_vec();
    all.extend(events(&Completion::of_text("x"), 1).into_iter().skip(1));
    assert_eq!(frames(&stream(&streaming(), &all, None))[0].1["message"]["usage"]["input_tokens"], 5);
}

#[test]
fn what_only_others_understand_is_left_out() {
    let signed = Part::Reasoning {
        text: "hm".into(),
        signature: Some("sig".into()),
        wire: "openai.responses".into(),
        extra: Map::new(),
    };
    let mut answer = Completion::of_text("");
    let foreign = Part::opaque("openai.chat", "executed_tools", json!([]));
    answer.choices[0].parts = vec![signed, foreign, Part::text("t")];
    let request = Request::from("hi");
    let expected = [Part::reasoning("hm"), Part::text("t")];
    let whole = AnthropicEndpoint.whole(&request, &answer);
    assert_eq!(read(&request, &whole).completion().choices[0].parts, expected);
    let body: Value = serde_json::from_slice(whole.body()).unwrap();
    assert_eq!(body["content"][0], json!({"type": "thinking", "thinking": "hm", "signature": ""}));
    let streamed = stream(&streaming(), &events(&answer, 1), None);
    assert_eq!(read(&streaming(), &streamed).completion().choices[0].parts, expected);
}

/// A tool must not run with arguments that nobody gave.
#[test]
fn arguments_that_are_not_whole_stay_text() {
    let cut = Part::ToolCall {
        id: "t".into(),
        name: "f".into(),
        input: "{\"a\":".into(),
        by: ToolBy::Client,
        extra: Map::new(),
    };
    let mut answer = Completion::of_text("");
    answer.choices[0].parts = vec![cut];
    let whole = AnthropicEndpoint.whole(&Request::from("hi"), &answer);
    let body: Value = serde_json::from_slice(whole.body()).unwrap();
    assert_eq!(body["content"][0]["input"], "{\"a\":");
    let again = chat(json!({"messages": [{"role": "assistant", "content": body["content"]}]}));
    assert_eq!(again.messages[0].parts, answer.choices[0].parts);
}

#[test]
fn a_citation_finds_its_text() {
    let mut found = Source::default();
    (found.url, found.title, found.quote) = (Some("u".into()), Some("t".into()), Some("q".into()));
    let mut answer = Completion::of_text("x");
    answer.choices[0].sources = vec![found];
    let citation = json!({
        "type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "q", "encrypted_index": "",
    });
    let whole = AnthropicEndpoint.whole(&Request::from("hi"), &answer);
    let body: Value = serde_json::from_slice(whole.body()).unwrap();
    assert_eq!(body["content"][0]["citations"], json!([citation]));
    let streamed = frames(&stream(&streaming(), &events(&answer, 1), None));
    // A replay gives its sources last, when the text is closed.
    let mut late = events(&answer, 1);
    let at = late.iter().position(|event| matches!(event, Event::Source { .. })).unwrap();
    let source = late.remove(at);
    late.insert(late.len() - 1, source);
    let replayed = read(&streaming(), &stream(&streaming(), &late, None)).completion();
    assert_eq!((replayed.text().as_str(), &replayed.choices[0].sources[0].raw), ("x", &citation));
    let deltas: Vec<&Value> =
        streamed.iter().map(|(_, data)| &data["delta"]["citation"]).filter(|c| !c.is_null()).collect();
    assert_eq!(deltas, [&citation]);
}
