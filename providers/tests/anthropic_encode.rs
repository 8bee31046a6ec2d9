//! Requests on Anthropic's wire: what each field becomes, and what the wire lacks.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_providers::anthropic::Anthropic;
use serde_json::{Map, Value, json};

fn request(body: Value) -> Request {
    serde_json::from_value(body).unwrap()
}

fn encoded(request: &Request) -> Value {
    serde_json::from_slice(Anthropic::new("m").encode(request).unwrap().body()).unwrap()
}

/// The body for this OpenAI-style request.
fn body(value: Value) -> Value {
    encoded(&request(value))
}

fn messages(value: Value) -> Value {
    body(json!({"messages": value}))["messages"].clone()
}

/// The error, as its kind and sentence.
fn refused(request: &Request) -> (ErrorKind, String) {
    let error = Anthropic::new("m").encode(request).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[test]
fn the_least_request_is_whole() {
    let mut wire = Anthropic::new("m");
    let mut least = Request::from("hi");
    let outgoing = wire.encode(&least).unwrap();
    assert_eq!(
        (outgoing.method().as_str(), outgoing.uri().to_string().as_str()),
        ("POST", "https://api.anthropic.com/v1/messages")
    );
    assert_eq!(outgoing.headers()["anthropic-version"], "2023-06-01");
    assert_eq!(outgoing.headers()["content-type"], "application/json");
    assert!(!outgoing.headers().contains_key("anthropic-beta"));
    let text = json!([{"type": "text", "text": "hi"}]);
    let expected = json!({"model": "m", "max_tokens": 4096, "messages": [{"role": "user", "content": text}]});
    assert_eq!(encoded(&least), expected);
    least.stream = true;
    least.model = Some("other".into());
    assert_eq!((&encoded(&least)["stream"], &encoded(&least)["model"]), (&json!(true), &json!("other")));
    wire.beta = vec!["a".into(), "b".into()];
    assert_eq!(wire.encode(&least).unwrap().headers()["anthropic-beta"], "a,b");
    wire.model = None;
    let error = wire.encode(&Request::from("hi")).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::InvalidRequest, "model: is missing; name one in the request or the configuration")
    );
}

#[test]
fn the_address_may_end_with_the_version_or_not() {
    for base in ["http://h:1/a", "http://h:1/a/", "http://h:1/a/v1", "http://h:1/a/v1/"] {
        let mut wire = Anthropic::new("m");
        wire.base_url = base.parse().unwrap();
        assert_eq!(wire.encode(&Request::from("hi")).unwrap().uri(), "http://h:1/a/v1/messages", "{base}");
        let mut models = Request::default();
        models.operation = Operation::Models;
        assert_eq!(wire.encode(&models).unwrap().uri(), "http://h:1/a/v1/models?limit=1000", "{base}");
    }
}

#[test]
fn instructions_are_lifted_in_their_order() {
    let body = body(json!({"system": "first", "messages": [
        {"role": "system", "content": "second", "cache_control": {"type": "ephemeral"}},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": [{"type": "text", "text": "third", "cache_control": {"ttl": "1h"}}]},
        {"role": "user", "content": "there"},
    ]}));
    assert_eq!(
        body["system"],
        json!([
            {"type": "text", "text": "first"},
            {"type": "text", "text": "second", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "third", "cache_control": {"ttl": "1h"}},
        ])
    );
    let text = |t: &str| json!({"type": "text", "text": t});
    assert_eq!(body["messages"], json!([{"role": "user", "content": [text("hi"), text("there")]}]));
}

#[test]
fn roles_alternate_and_results_come_first() {
    let call = |id: &str, args: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": args}});
    let sent = messages(json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "", "tool_calls": [call("a", "{\"x\": 1.0}"), call("b", "")]},
        {"role": "user", "content": "hurry"},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "", "is_error": true},
    ]));
    assert_eq!(
        sent,
        json!([
            {"role": "user", "content": [{"type": "text", "text": "go"}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1.0}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "1"}]},
                {"type": "tool_result", "tool_use_id": "b", "is_error": true},
                {"type": "text", "text": "hurry"},
            ]},
        ])
    );
}

#[test]
fn bad_arguments_name_their_path_and_do_not_show_them() {
    let call = |args: &str| {
        let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": args}});
        let turns = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "tool_calls": [call]}]);
        refused(&request(json!({"messages": turns})))
    };
    let (kind, text) = call("{\"canary");
    assert_eq!(kind, ErrorKind::InvalidRequest);
    assert!(
        text.starts_with("messages[1].content[1].input: is not JSON") && !text.contains("canary"),
        "{text}"
    );
    assert_eq!(call("[1]").1, "messages[1].content[1].input: must be a JSON object");
    let legacy = json!([{"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}]);
    let (kind, text) = refused(&request(json!({"messages": legacy})));
    assert!(
        kind == ErrorKind::InvalidRequest && text.starts_with("messages[0].content[0].id: is empty"),
        "{text}"
    );
}

#[test]
fn media_go_by_data_address_and_id() {
    let part = |kind, source| Part::Media(Media::new(kind, source));
    let data = |mime: &str, data: &'static [u8]| MediaSource::Data { mime: mime.into(), data: data.into() };
    let mut named = Media::new(MediaKind::File, data("application/pdf", b"%PDF"));
    named.name = Some("a.pdf".into());
    named.extra.insert("cache_control".into(), json!({"type": "ephemeral"}));
    named.extra.insert("detail".into(), json!("low"));
    let parts = vec![
        part(MediaKind::Image, data("image/png", &[0, 1, 2])),
        part(MediaKind::Image, MediaSource::Url("https://x/y.png".into())),
        part(MediaKind::Image, MediaSource::Id("file_1".into())),
        Part::Media(named),
        part(MediaKind::File, data("text/markdown", "grün".as_bytes())),
        part(MediaKind::File, MediaSource::Url("https://x/y.pdf".into())),
    ];
    let sent = encoded(&Request::new([Message::new(Role::User, parts)]));
    assert_eq!(
        sent["messages"][0]["content"],
        json!([
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAEC"}},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "document", "title": "a.pdf", "cache_control": {"type": "ephemeral"},
             "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "grün"}},
            {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        ])
    );
    let lacking = |kind, source| refused(&Request::new([Message::new(Role::User, vec![part(kind, source)])]));
    assert_eq!(lacking(MediaKind::Audio, data("audio/wav", b"")).0, ErrorKind::Unsupported);
    assert_eq!(
        lacking(MediaKind::Image, data("", b"x")).1,
        "messages[0].content[0]: the image's media type is missing"
    );
    assert_eq!(lacking(MediaKind::File, data("application/zip", b"x")).0, ErrorKind::InvalidRequest);
    assert_eq!(lacking(MediaKind::File, data("text/plain", b"\xff")).0, ErrorKind::InvalidRequest);
}

#[test]
fn thoughts_go_back_signed_and_opaque_parts_as_they_are() {
    let opaque = json!({"type": "redacted_thinking", "data": "x"});
    let thought = |signature: Option<&str>, wire: &str| Part::Reasoning {
        text: "t".into(),
        signature: signature.map(str::to_owned),
        wire: wire.into(),
        extra: Map::new(),
    };
    let parts = vec![
        thought(Some("s"), "anthropic.messages"),
        thought(Some("of whom nothing is known"), ""),
        thought(Some("another wire's"), "openai.responses"),
        thought(None, ""),
        Part::opaque("anthropic.messages", "redacted_thinking", opaque.clone()),
        Part::Refusal { text: "no".into() },
    ];
    let sent = encoded(&Request::new([Message::new(Role::Assistant, parts)]));
    assert_eq!(
        sent["messages"][0]["content"],
        json!([
            {"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "thinking", "thinking": "t", "signature": "of whom nothing is known"},
            opaque,
            {"type": "text", "text": "no"},
        ])
    );
    for (wire, data) in [("", json!("y")), ("openai.responses", json!({"type": "item_reference"}))] {
        let foreign = Part::opaque(wire, "x", data);
        let (kind, text) = refused(&Request::new([Message::new(Role::Assistant, vec![foreign])]));
        assert_eq!((kind, text.starts_with("messages[0].content[0]: ")), (ErrorKind::Unsupported, true));
    }
}

#[test]
fn fields_of_other_wires_stay_away_from_blocks() {
    let sent = messages(json!([{"role": "user", "name": "ann", "content": [
        {"type": "text", "text": "a", "annotations": [], "cache_control": {"type": "ephemeral"}},
    ]}]));
    let block = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
    assert_eq!(sent, json!([{"role": "user", "content": [block]}]));
}

#[test]
fn tools_and_their_choice() {
    let tools = json!([
        {"type": "function", "function": {"name": "f", "description": "d", "strict": true,
            "parameters": {"type": "object", "properties": {}}}},
        {"name": "g", "cache_control": {"type": "ephemeral"}},
        {"name": "h", "parameters": {"properties": {}}},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    ]);
    let of = |choice: Value, parallel: Value| {
        let body = body(
            json!({"messages": [], "tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}),
        );
        body["tool_choice"].clone()
    };
    let sent = body(json!({"messages": [], "tools": tools}));
    assert_eq!(
        sent["tools"],
        json!([
            {"name": "f", "description": "d", "strict": true, "input_schema": {"type": "object", "properties": {}}},
            {"name": "g", "cache_control": {"type": "ephemeral"}, "input_schema": {"type": "object", "properties": {}}},
            {"name": "h", "input_schema": {"type": "object", "properties": {}}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        ])
    );
    assert_eq!(sent.get("tool_choice"), None);
    assert_eq!(of(json!("auto"), Value::Null), json!({"type": "auto"}));
    assert_eq!(of(json!("required"), json!(true)), json!({"type": "any"}));
    assert_eq!(of(json!("none"), json!(false)), json!({"type": "none"}));
    let named = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(
        of(named, json!(false)),
        json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true})
    );
    assert_eq!(of(Value::Null, json!(false)), json!({"type": "auto", "disable_parallel_tool_use": true}));
    let none = body(json!({"messages": [], "tool_choice": "auto", "parallel_tool_calls": false}));
    assert_eq!(none.get("tool_choice"), None, "without tools there is nothing to choose");
}

#[test]
fn settings_have_their_names_on_the_wire() {
    let schema = json!({"type": "object"});
    let sent = body(json!({
        "messages": [], "stop": ["x"], "user": "u", "temperature": 0.5, "top_p": 0.9, "top_k": 3, "max_tokens": 7,
        "n": 1, "presence_penalty": 0.0, "logprobs": false, "reasoning": {"effort": "minimal"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema": schema}},
        "service_tier": "auto", "metadata": {"user_id": "mine"}, "output_config": {"task_budget": {"total": 1}},
    }));
    assert_eq!(
        sent,
        json!({
            "model": "m", "messages": [], "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 3,
            "stop_sequences": ["x"], "service_tier": "auto", "metadata": {"user_id": "mine"},
            "output_config": {"task_budget": {"total": 1}, "effort": "low", "format": {"type": "json_schema", "schema": schema}},
        })
    );
    assert_eq!(body(json!({"messages": [], "user": "u"}))["metadata"], json!({"user_id": "u"}));
}

#[test]
fn thinking_takes_a_budget_or_an_effort() {
    let of = |reasoning: Value| body(json!({"messages": [], "reasoning": reasoning}));
    let budget = of(json!({"max_tokens": 2000}));
    assert_eq!(budget["thinking"], json!({"type": "enabled", "budget_tokens": 2000}));
    assert_eq!(budget["max_tokens"], 6096, "room for the answer is left beside the budget");
    assert_eq!(of(json!({"effort": "none"}))["thinking"], json!({"type": "disabled"}));
    assert_eq!(of(json!({"max_tokens": 0}))["thinking"], json!({"type": "disabled"}));
    let effort = of(json!({"effort": "xhigh"}));
    assert_eq!((effort.get("thinking"), &effort["output_config"]), (None, &json!({"effort": "xhigh"})));
    let own =
        body(json!({"messages": [], "reasoning": {"effort": "high"}, "thinking": {"type": "adaptive"}}));
    assert_eq!(own["thinking"], json!({"type": "adaptive"}));
}

#[test]
fn what_can_not_be_written_is_named() {
    let error = Anthropic::new("m")
        .encode(&request(json!({"messages": [], "response_format": {"type": "json_object"}})))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.context(), [("parameter", "response_format".to_owned())]);
    assert_eq!(
        refused(&Request::embed(["x"])),
        (ErrorKind::Unsupported, "operation: Anthropic's wire has no embeddings".into())
    );
}
