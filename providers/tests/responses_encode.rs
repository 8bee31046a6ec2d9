//! Requests on the Responses wire: what each field becomes, and what the wire lacks.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_providers::responses::Responses;
use serde_json::{Map, Value, json};

fn request(body: Value) -> Request {
    serde_json::from_value(body).unwrap()
}

fn encoded(request: &Request) -> Value {
    serde_json::from_slice(Responses::new("m").encode(request).unwrap().body()).unwrap()
}

/// The body for this OpenAI-style request.
fn body(value: Value) -> Value {
    encoded(&request(value))
}

fn input(messages: Vec<Message>) -> Value {
    encoded(&Request::new(messages))["input"].clone()
}

/// The error, as its kind and sentence.
fn refused(request: &Request) -> (ErrorKind, String) {
    let error = Responses::new("m").encode(request).unwrap_err();
    (error.kind(), error.message().to_owned())
}

fn own(fields: Value) -> Map<String, Value> {
    Map::from_iter([("openai.responses".to_owned(), fields)])
}

#[test]
fn the_least_request_is_whole() {
    let mut least = Request::from("hi");
    let outgoing = Responses::new("m").encode(&least).unwrap();
    assert_eq!(
        (outgoing.method().as_str(), outgoing.uri().to_string().as_str()),
        ("POST", "https://api.openai.com/v1/responses")
    );
    assert_eq!(outgoing.headers()["content-type"], "application/json");
    assert_eq!(outgoing.headers()["accept"], "application/json");
    let message = json!({"type": "message", "role": "user", "content": "hi"});
    assert_eq!(encoded(&least), json!({"model": "m", "input": [message]}));
    least.stream = true;
    least.model = Some("other".into());
    assert_eq!((&encoded(&least)["stream"], &encoded(&least)["model"]), (&json!(true), &json!("other")));
    assert_eq!(Responses::new("m").encode(&least).unwrap().headers()["accept"], "text/event-stream");
    let error = Responses::default().encode(&Request::from("hi")).unwrap_err();
    assert_eq!(error.message(), "model: is missing; name one in the request or the configuration");
}

#[test]
fn the_address_keeps_its_path_and_query() {
    let base = "https://h.example/openai/v1/?api-version=preview".parse().unwrap();
    let wire = Responses::new("m").with_host("azure", base);
    let uri = |request: &Request| wire.encode(request).unwrap().uri().to_string();
    assert_eq!(uri(&Request::from("hi")), "https://h.example/openai/v1/responses?api-version=preview");
    assert_eq!(uri(&Request::embed(["a"])), "https://h.example/openai/v1/embeddings?api-version=preview");
    let mut models = Request::default();
    models.operation = Operation::Models;
    assert_eq!(uri(&models), "https://h.example/openai/v1/models?api-version=preview");
    assert_eq!((&*wire.info().name, &*wire.info().wire), ("azure", "openai.responses"));
}

#[test]
fn instructions_are_items_in_their_place() {
    let body = body(json!({"instructions": "first", "messages": [
        {"role": "system", "content": "second"}, {"role": "user", "content": "hi"},
        {"role": "developer", "content": "third"},
    ]}));
    assert_eq!(body["instructions"], "first");
    let roles: Vec<_> =
        body["input"].as_array().unwrap().iter().map(|i| i["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "developer"]);
    let mut marked = Message::system("lifted");
    marked.extra = own(json!({"instructions": true}));
    let lifted = encoded(&Request::new([marked, Message::user("hi")]));
    assert_eq!(lifted["instructions"], "lifted");
    assert_eq!(lifted["input"].as_array().unwrap().len(), 1);
}

#[test]
fn parameters_stand_where_the_wire_has_them() {
    let all = body(json!({
        "messages": [{"role": "user", "content": "hi"}],
        "max_completion_tokens": 5, "temperature": 0.5, "top_p": 0.9, "parallel_tool_calls": false, "user": "u",
        "logprobs": true, "top_logprobs": 3, "n": 1, "presence_penalty": 0.0,
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
            {"type": "web_search", "search_context_size": "low"},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": true}},
        "text": {"verbosity": "low"}, "metadata": {"k": "v"},
    }));
    let expected = json!({
        "model": "m", "input": [{"type": "message", "role": "user", "content": "hi"}],
        "max_output_tokens": 5, "temperature": 0.5, "top_p": 0.9, "parallel_tool_calls": false, "user": "u",
        "include": ["message.output_text.logprobs"], "top_logprobs": 3,
        "tools": [
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true},
            {"type": "web_search", "search_context_size": "low"},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {
            "format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": true},
            "verbosity": "low"
        },
        "metadata": {"k": "v"},
    });
    assert_eq!(all, expected);
    for (choice, sent) in [("auto", "auto"), ("none", "none"), ("required", "required")] {
        assert_eq!(body(json!({"messages": [], "tool_choice": choice}))["tool_choice"], sent);
    }
    for kind in ["text", "json_object"] {
        let sent = body(json!({"messages": [], "response_format": {"type": kind}}));
        assert_eq!(sent["text"], json!({"format": {"type": kind}}));
    }
}

#[test]
fn what_extra_says_wins() {
    let mut request = Request::from("hi");
    request.temperature = Some(0.1);
    request.extra = json!({"temperature": 0.9, "openai.responses": {"store": true}, "openai.chat": {"x": 1}})
        .as_object()
        .cloned()
        .unwrap();
    let body = encoded(&request);
    assert_eq!((&body["temperature"], &body["store"]), (&json!(0.9), &json!(true)));
    assert!(body.get("openai.chat").is_none() && body.get("openai.responses").is_none());
    request.extra = json!({"openai.responses": {"model": "x", "input": "raw", "tools": []}})
        .as_object()
        .cloned()
        .unwrap();
    let text = String::from_utf8(Responses::new("m").encode(&request).unwrap().body().to_vec()).unwrap();
    for field in ["model", "input", "tools"] {
        assert_eq!(text.matches(&format!("\"{field}\":")).count(), 1, "{text}");
    }
    assert_eq!((&encoded(&request)["model"], &encoded(&request)["input"]), (&json!("x"), &json!("raw")));
}

#[test]
fn reasoning_is_stateless_unless_the_caller_keeps_state() {
    let ask = |extra: Value| {
        let mut request = request(json!({"messages": [], "reasoning": {"effort": "high"}}));
        request.extra = extra.as_object().cloned().unwrap();
        encoded(&request)
    };
    let encrypted = json!(["reasoning.encrypted_content"]);
    let stateless = ask(json!({}));
    assert_eq!((&stateless["store"], &stateless["include"]), (&json!(false), &encrypted));
    assert_eq!(stateless["reasoning"], json!({"effort": "high"}));
    let summary =
        ask(json!({"reasoning": {"summary": "auto"}, "include": ["web_search_call.action.sources"]}));
    assert_eq!(summary["reasoning"], json!({"effort": "high", "summary": "auto"}));
    assert_eq!(summary["include"], json!(["web_search_call.action.sources", "reasoning.encrypted_content"]));
    for state in [
        json!({"store": true}),
        json!({"store": false}),
        json!({"previous_response_id": "r"}),
        json!({"conversation": "c"}),
        json!({"background": true}),
        json!({"include": encrypted}),
    ] {
        let sent = ask(state.clone());
        assert_eq!(
            (sent.get("store"), sent.get("include")),
            (state.get("store"), state.get("include")),
            "{state}"
        );
    }
    let off = body(json!({"messages": [], "reasoning": {"effort": "none"}}));
    assert_eq!((off.get("store"), &off["reasoning"]), (None, &json!({"effort": "none"})));
}

#[test]
fn media_are_written_from_bytes_addresses_and_ids() {
    let data = |mime: &str| MediaSource::Data { mime: mime.into(), data: "hi".into() };
    let mut image = Media::new(MediaKind::Image, data("image/png"));
    image.extra.insert("detail".into(), "low".into());
    image.extra.insert("cache_control".into(), json!({}));
    let mut file = Media::new(MediaKind::File, data("application/pdf"));
    file.name = Some("a.pdf".into());
    let parts = [
        image,
        Media::new(MediaKind::Image, MediaSource::Url("https://a.example/x.png".into())),
        Media::new(MediaKind::Image, MediaSource::Id("file-1".into())),
        file,
        Media::new(MediaKind::File, MediaSource::Url("https://a.example/x.pdf".into())),
        Media::new(MediaKind::File, MediaSource::Id("file-2".into())),
        Media::new(MediaKind::Audio, data("audio/mpeg")),
    ];
    let sent = input(vec![Message::new(Role::User, parts.into_iter().map(Part::Media).collect())]);
    let expected = json!([
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
        {"type": "input_image", "image_url": "https://a.example/x.png"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://a.example/x.pdf"},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
    ]);
    assert_eq!(sent[0]["content"], expected);
}

#[test]
fn calls_and_results_are_items() {
    let sent = body(json!({
        "tools": [{"type": "custom", "name": "run"}],
        "messages": [
            {"role": "assistant", "content": "let me see", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
                {"id": "b", "type": "function", "function": {"name": "run", "arguments": "ls"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]},
        ]
    }));
    assert_eq!(
        sent["input"],
        json!([
            {"type": "message", "role": "assistant", "content": "let me see"},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "b", "name": "run", "input": "ls"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {"type": "custom_tool_call_output", "call_id": "b", "output": [
                {"type": "input_text", "text": "x"}, {"type": "input_text", "text": "y"}
            ]},
        ])
    );
}

#[test]
fn only_reasoning_of_this_wire_goes_back() {
    let signed = |wire: &str| Part::Reasoning {
        text: "t".into(),
        signature: Some("s".into()),
        wire: wire.into(),
        extra: Map::new(),
    };
    let say = |part: Part| input(vec![Message::new(Role::Assistant, vec![part, Part::text("hi")])]);
    let item = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": "s"});
    assert_eq!(say(signed("openai.responses"))[0], item);
    assert_eq!(say(signed(""))[0], item);
    for other in [signed("anthropic.messages"), Part::reasoning("thinking")] {
        assert_eq!(say(other).as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_was_one_item_goes_back_as_one() {
    let text = |text: &str, id: &str| Part::Text {
        text: text.into(),
        extra: own(json!({"id": id, "status": "completed"})),
    };
    let thought = |text: &str| Part::Reasoning {
        text: text.into(),
        signature: None,
        wire: "".into(),
        extra: own(json!({"id": "rs", "type": "reasoning_text"})),
    };
    let parts = vec![
        thought("a"),
        thought("b"),
        text("c", "m1"),
        Part::Refusal { text: "no".into() },
        text("d", "m2"),
        Part::text("e"),
    ];
    let sent = input(vec![Message::new(Role::Assistant, parts)]);
    let output = |text: &str| json!({"type": "output_text", "text": text});
    let thought = |text: &str| json!({"type": "reasoning_text", "text": text});
    assert_eq!(
        sent,
        json!([
            {"type": "reasoning", "id": "rs", "summary": [], "content": [thought("a"), thought("b")]},
            {"type": "message", "role": "assistant", "id": "m1", "status": "completed",
             "content": [output("c"), {"type": "refusal", "refusal": "no"}]},
            {"type": "message", "role": "assistant", "id": "m2", "status": "completed", "content": [output("d")]},
            {"type": "message", "role": "assistant", "content": "e"},
        ])
    );
}

#[test]
fn what_the_wire_lacks_is_refused_by_name() {
    let lacking = [
        ("n", json!({"n": 2})),
        ("seed", json!({"seed": 1})),
        ("stop", json!({"stop": "x"})),
        ("top_k", json!({"top_k": 1})),
        ("presence_penalty", json!({"presence_penalty": 1.0})),
        ("frequency_penalty", json!({"frequency_penalty": 1.0})),
        ("reasoning.max_tokens", json!({"reasoning": {"max_tokens": 9}})),
        ("dimensions", json!({"dimensions": 9})),
    ];
    for (name, mut fields) in lacking {
        fields["messages"] = json!([]);
        let error = Responses::new("m").encode(&request(fields)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
        assert!(error.context().contains(&("parameter", name.to_owned())), "{name}: {error}");
    }
}

#[test]
fn parts_without_a_place_are_refused_by_path() {
    let say = |role: Role, part: Part| refused(&Request::new([Message::new(role, vec![part])]));
    let path = "messages[0].content[0]";
    let media = |kind| Part::Media(Media::new(kind, MediaSource::Url("https://a.example".into())));
    let table = [
        (say(Role::User, media(MediaKind::Video)), "the Responses wire takes no video"),
        (say(Role::User, media(MediaKind::Audio)), "sound needs its bytes"),
        (
            say(Role::Assistant, media(MediaKind::Image)),
            "a message of the model can't hold media on the Responses wire",
        ),
        (
            say(Role::User, Part::opaque("anthropic.messages", "x", json!({"type": "x"}))),
            "is a part of another provider's wire",
        ),
    ];
    for (found, why) in table {
        assert_eq!(found, (ErrorKind::Unsupported, format!("{path}: {why}")));
    }
    let call = Part::ToolCall {
        id: "".into(),
        name: "f".into(),
        input: "{}".into(),
        by: ToolBy::Client,
        extra: Map::new(),
    };
    let (kind, message) = say(Role::Assistant, call);
    assert_eq!(kind, ErrorKind::InvalidRequest);
    assert_eq!(message, format!("{path}.id: is empty; the Responses wire pairs calls and results by id"));
    let mut named = Message::user("hi");
    named.name = Some("Ann".into());
    let (kind, message) = refused(&Request::new([named]));
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::Unsupported, "messages[0].name: the Responses wire has no names")
    );
}
