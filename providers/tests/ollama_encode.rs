//! Requests of Ollama's wires, field by field.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request, Tool};
use belvedere_providers::ollama::{Api, Ollama};
use serde_json::{Value, json};

fn request(body: Value) -> Request {
    serde_json::from_value(body).unwrap()
}

fn written(provider: &Ollama, request: &Request) -> Value {
    serde_json::from_slice(provider.encode(request).unwrap().body()).unwrap()
}

fn chat(body: Value) -> Value {
    written(&Ollama::new("m"), &request(body))
}

fn refused(provider: &Ollama, request: &Request) -> (ErrorKind, String) {
    let error = provider.encode(request).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[test]
fn a_chat_is_written_with_its_options() {
    let body = chat(json!({
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "max_tokens": 64, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7, "stop": ["END"],
        "presence_penalty": 0.25, "frequency_penalty": -0.5, "logprobs": true, "top_logprobs": 2, "stream": true,
        "options": null
    }));
    let wanted = json!({
        "model": "m", "stream": true, "logprobs": true, "top_logprobs": 2,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "options": {
            "num_predict": 64, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7, "stop": ["END"],
            "presence_penalty": 0.25, "frequency_penalty": -0.5
        }
    });
    assert_eq!(body, wanted);
}

#[test]
fn the_callers_own_fields_win_and_options_are_joined() {
    let mut asked = Request::from("hi").with_max_tokens(5);
    asked.extra = json!({"options": {"num_ctx": 8192, "num_predict": 9}, "keep_alive": 0, "truncate": false})
        .as_object()
        .unwrap()
        .clone();
    let mut provider = Ollama::new("m");
    provider.keep_alive = Some("5m".into());
    let body = written(&provider, &asked);
    assert_eq!(body["options"], json!({"num_ctx": 8192, "num_predict": 9}));
    assert_eq!((&body["keep_alive"], &body["truncate"]), (&json!(0), &json!(false)));
    assert_eq!(written(&provider, &Request::from("hi"))["keep_alive"], "5m");
    provider.keep_alive = Some("-1".into());
    assert_eq!(written(&provider, &Request::from("hi"))["keep_alive"], -1, "seconds are a number");
}

#[test]
fn tools_calls_and_results_are_written() {
    let body = chat(json!({
        "messages": [
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": [
                {"type": "reasoning", "text": "Two calls."},
                {"type": "tool_call", "id": "a", "name": "weather", "input": "{\"city\":\"Rome\"}",
                 "ollama.chat": {"index": 0}, "google.generate": {"thoughtSignature": "s"}},
                {"type": "tool_call", "id": "", "name": "now", "input": ""}
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "sunny"},
            {"role": "tool", "content": [{"type": "tool_result", "id": "", "name": "now", "content": [{"type": "text", "text": "9:00"}]}]}
        ],
        "tools": [
            {"type": "function", "function": {"name": "weather", "description": "W", "parameters": {"type": "object"}}},
            {"name": "now"}
        ]
    }));
    let messages = json!([
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": "", "thinking": "Two calls.", "tool_calls": [
            {"id": "a", "function": {"index": 0, "name": "weather", "arguments": {"city": "Rome"}}},
            {"function": {"name": "now", "arguments": {}}}
        ]},
        {"role": "tool", "content": "sunny", "tool_name": "weather", "tool_call_id": "a"},
        {"role": "tool", "content": "9:00", "tool_name": "now"}
    ]);
    assert_eq!(body["messages"], messages);
    let tools = json!([
        {"type": "function", "function": {"name": "weather", "description": "W", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    ]);
    assert_eq!(body["tools"], tools);
    let none = chat(json!({"messages": [], "tools": [{"name": "now"}], "tool_choice": "none"}));
    assert_eq!(none.get("tools"), None, "no choice but to leave them out");
}

#[test]
fn a_call_whose_arguments_are_no_object_is_refused() {
    for input in ["{\"city\":", "[1]", "7"] {
        let call = json!({"type": "tool_call", "id": "a", "name": "f", "input": input});
        let asked = request(json!({"messages": [{"role": "assistant", "content": [call]}]}));
        let (kind, message) = refused(&Ollama::new("m"), &asked);
        assert_eq!(kind, ErrorKind::InvalidRequest);
        assert!(message.starts_with("messages[0].content[0].input: "), "{message}");
    }
}

#[test]
fn images_are_sent_as_bytes() {
    let image = |source| Part::Media(Media::new(MediaKind::Image, source));
    let bytes = MediaSource::Data { mime: "image/png".into(), data: "\u{1}\u{2}".into() };
    let asked = Request::from(Message::new(Role::User, vec![Part::text("look"), image(bytes)]));
    let wanted = json!([{"role": "user", "content": "look", "images": ["AQI="]}]);
    assert_eq!(written(&Ollama::new("m"), &asked)["messages"], wanted);
    let elsewhere = [
        image(MediaSource::Url("https://example.com/a.png".into())),
        image(MediaSource::Id("file-1".into())),
        Part::Media(Media::new(MediaKind::Audio, MediaSource::Url("https://example.com/a.wav".into()))),
        Part::opaque("anthropic.messages", "web_search_tool_result", json!({})),
    ];
    for part in elsewhere {
        let asked = Request::from(Message::new(Role::User, vec![part]));
        let error = Ollama::new("m").encode(&asked).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.context(), [("parameter", "messages[0].content[0]".to_owned())]);
    }
}

#[test]
fn thinking_is_on_off_or_a_level() {
    let think = |reasoning: Value| chat(json!({"messages": [], "reasoning": reasoning}))["think"].clone();
    assert_eq!(think(json!({})), true);
    assert_eq!(think(json!({"max_tokens": 0})), false);
    let levels = [
        ("none", json!(false)),
        ("minimal", json!("low")),
        ("low", json!("low")),
        ("medium", json!("medium")),
        ("high", json!("high")),
        ("xhigh", json!("max")),
    ];
    for (effort, level) in levels {
        assert_eq!(think(json!({"effort": effort})), level);
    }
}

#[test]
fn the_form_of_an_answer_is_json_or_a_schema() {
    let format =
        |format: Value| chat(json!({"messages": [], "response_format": format})).get("format").cloned();
    assert_eq!(format(json!({"type": "text"})), None);
    assert_eq!(format(json!({"type": "json_object"})), Some(json!("json")));
    let schema = json!({"type": "object"});
    let named = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}});
    assert_eq!(format(named), Some(schema));
    let empty = request(
        json!({"messages": [], "response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}),
    );
    assert_eq!(refused(&Ollama::new("m"), &empty).0, ErrorKind::InvalidRequest);
}

#[test]
fn f1_f2_what_the_wire_lacks_is_named() {
    for (parameter, value) in [
        ("n", json!(2)),
        ("parallel_tool_calls", json!(false)),
        ("tool_choice", json!("required")),
        ("reasoning", json!({"max_tokens": 100})),
        ("user", json!("u")),
    ] {
        let mut body = json!({"messages": [], "tools": [{"name": "f"}]});
        body[parameter] = value;
        let lacks = Ollama::new("m").fit(&mut request(body));
        assert!(lacks.iter().any(|lack| lack.parameter.starts_with(parameter)), "{parameter}: {lacks:?}");
    }
}

#[test]
fn generate_takes_one_prompt() {
    let generate = Ollama::new("m").with_api(Api::Generate);
    let mut asked = request(json!({
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "max_tokens": 5, "suffix": "end"
    }));
    let wanted = json!({
        "model": "m", "system": "Be brief.", "prompt": "hi", "stream": false, "suffix": "end",
        "options": {"num_predict": 5}
    });
    assert_eq!(written(&generate, &asked), wanted);
    assert_eq!(generate.encode(&asked).unwrap().uri(), "http://localhost:11434/api/generate");
    asked.tools = vec![Tool::Provider(serde_json::Map::new())].into();
    assert_eq!(refused(&generate, &asked).0, ErrorKind::Unsupported);
    let history = Request::from(vec![Message::user("a"), Message::assistant("b"), Message::user("c")]);
    let (kind, message) = refused(&generate, &history);
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.starts_with("messages[0]: "), "{message}");
}

#[test]
fn embeddings_models_and_addresses() {
    let mut provider = Ollama::new("all-minilm");
    provider.base_url = "https://ollama.com/api".parse().unwrap();
    let mut embed = Request::embed(["a", "b"]);
    embed.dimensions = Some(256);
    let outgoing = provider.encode(&embed).unwrap();
    assert_eq!(outgoing.uri(), "https://ollama.com/api/embed");
    let body: Value = serde_json::from_slice(outgoing.body()).unwrap();
    assert_eq!(body, json!({"model": "all-minilm", "input": ["a", "b"], "dimensions": 256}));
    let mut list = Request::default();
    list.operation = Operation::Models;
    let outgoing = provider.encode(&list).unwrap();
    assert_eq!((outgoing.method(), outgoing.uri().path()), (&http::Method::GET, "/api/tags"));
    let (kind, message) = refused(&Ollama::default(), &Request::from("hi"));
    assert_eq!(kind, ErrorKind::InvalidRequest);
    assert!(message.starts_with("model: is missing"), "{message}");
    assert_eq!(provider.info().wire, "ollama.chat");
}
