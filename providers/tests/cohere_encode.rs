//! Requests of Cohere's wire, field by field.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_providers::cohere::Cohere;
use serde_json::{Value, json};

fn request(body: Value) -> Request {
    serde_json::from_value(body).unwrap()
}

fn chat(body: Value) -> Value {
    let outgoing = Cohere::new("command-a").encode(&request(body)).unwrap();
    assert_eq!(outgoing.uri(), "https://api.cohere.com/v2/chat");
    serde_json::from_slice(outgoing.body()).unwrap()
}

fn refused(request: &Request) -> (ErrorKind, String) {
    let error = Cohere::new("m").encode(request).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[test]
fn a_chat_is_written_in_coheres_names() {
    let body = chat(json!({
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "max_tokens": 64, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7, "stop": ["END"],
        "presence_penalty": 0.25, "frequency_penalty": 0.5, "logprobs": true, "stream": true,
        "documents": [{"data": {"text": "d"}}], "safety_mode": "STRICT", "citation_options": {"mode": "FAST"}
    }));
    let wanted = json!({
        "model": "command-a",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "max_tokens": 64, "temperature": 0.5, "p": 0.9, "k": 40, "seed": 7, "stop_sequences": ["END"],
        "presence_penalty": 0.25, "frequency_penalty": 0.5, "logprobs": true, "stream": true,
        "documents": [{"data": {"text": "d"}}], "safety_mode": "STRICT", "citation_options": {"mode": "FAST"}
    });
    assert_eq!(body, wanted);
}

#[test]
fn tools_plans_calls_and_results_are_written() {
    let document = json!({"type": "document", "document": {"id": "d", "data": {"t": 1}}});
    let body = chat(json!({
        "messages": [
            {"role": "assistant", "content": [
                {"type": "reasoning", "text": "I will look.", "cohere.chat": {"type": "tool_plan"}},
                {"type": "tool_call", "id": "a", "name": "weather", "input": "{\"city\": \"Rome\"}"},
                {"type": "tool_call", "id": "b", "name": "now", "input": ""}
            ]},
            {"role": "tool", "content": [
                {"type": "tool_result", "id": "a", "content": [{"type": "text", "text": "sunny"}]},
                {"type": "tool_result", "id": "b", "content": [
                    {"type": "opaque", "kind": "document", "data": document, "wire": "cohere.chat"}
                ]}
            ]},
            {"role": "assistant", "content": [
                {"type": "reasoning", "text": "So it is.", "signature": "s", "wire": "anthropic.messages"},
                {"type": "text", "text": "Sunny."}
            ], "cohere.chat": {"citations": [{"start": 0}]}, "cache_control": {"type": "ephemeral"}}
        ],
        "tools": [{"name": "weather", "parameters": {"type": "object"}, "strict": true}, {"name": "now"}],
        "tool_choice": "required"
    }));
    let messages = json!([
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Rome\"}"}},
            {"id": "b", "type": "function", "function": {"name": "now", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "b", "content": [document]},
        {"role": "assistant", "citations": [{"start": 0}], "content": [
            {"type": "thinking", "thinking": "So it is."}, {"type": "text", "text": "Sunny."}
        ]}
    ]);
    assert_eq!(body["messages"], messages);
    let tools = json!([
        {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    ]);
    assert_eq!((&body["tools"], &body["strict_tools"]), (&tools, &json!(true)));
    assert_eq!(body["tool_choice"], "REQUIRED");
    assert_eq!(chat(json!({"messages": [], "tool_choice": "none"}))["tool_choice"], "NONE");
    assert_eq!(chat(json!({"messages": [], "tool_choice": "auto"})).get("tool_choice"), None);
}

#[test]
fn images_are_sent_as_addresses_or_data() {
    let image = |source| Part::Media(Media::new(MediaKind::Image, source));
    let bytes = MediaSource::Data { mime: "image/png".into(), data: "\u{1}\u{2}".into() };
    let mut detailed = Media::new(MediaKind::Image, MediaSource::Url("https://example.com/a.png".into()));
    detailed.extra.insert("detail".into(), "low".into());
    let parts = vec![Part::text("look"), image(bytes), Part::Media(detailed)];
    let asked = Request::from(Message::new(Role::User, parts)).with_model("m");
    let body: Value = serde_json::from_slice(Cohere::default().encode(&asked).unwrap().body()).unwrap();
    let content = json!([
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQI="}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
    ]);
    assert_eq!(body["messages"][0]["content"], content);
    let lacking = [
        image(MediaSource::Id("file-1".into())),
        Part::Media(Media::new(MediaKind::File, MediaSource::Url("https://example.com/a.pdf".into()))),
        Part::Media(Media::new(MediaKind::Audio, MediaSource::Url("https://example.com/a.wav".into()))),
        Part::opaque("anthropic.messages", "web_search_tool_result", json!({})),
    ];
    for part in lacking {
        let error =
            Cohere::new("m").encode(&Request::from(Message::new(Role::User, vec![part]))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.context(), [("parameter", "messages[0].content[0]".to_owned())]);
    }
}

#[test]
fn thinking_is_on_or_off_with_a_budget() {
    let thinking =
        |reasoning: Value| chat(json!({"messages": [], "reasoning": reasoning}))["thinking"].clone();
    assert_eq!(thinking(json!({})), json!({"type": "enabled"}));
    assert_eq!(thinking(json!({"effort": "high"})), json!({"type": "enabled"}));
    assert_eq!(thinking(json!({"effort": "none"})), json!({"type": "disabled"}));
    assert_eq!(thinking(json!({"max_tokens": 0})), json!({"type": "disabled"}));
    assert_eq!(thinking(json!({"max_tokens": 9})), json!({"type": "enabled", "token_budget": 9}));
}

#[test]
fn the_form_of_an_answer_is_json_with_or_without_a_schema() {
    let format =
        |format: Value| chat(json!({"messages": [], "response_format": format}))["response_format"].clone();
    assert_eq!(format(json!({"type": "json_object"})), json!({"type": "json_object"}));
    let schema = json!({"type": "object"});
    let named = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}});
    assert_eq!(format(named), json!({"type": "json_object", "json_schema": schema}));
}

#[test]
fn f1_f2_what_the_wire_lacks_is_named() {
    for (parameter, value) in [
        ("n", json!(2)),
        ("parallel_tool_calls", json!(false)),
        ("tool_choice", json!({"name": "f"})),
        ("top_logprobs", json!(3)),
        ("user", json!("u")),
    ] {
        let mut body = json!({"messages": [], "tools": [{"name": "f"}]});
        body[parameter] = value;
        let lacks = Cohere::new("m").fit(&mut request(body));
        assert!(lacks.iter().any(|lack| lack.parameter == parameter), "{parameter}: {lacks:?}");
    }
    let negative = request(json!({"messages": [], "seed": -1}));
    assert_eq!(refused(&negative), (ErrorKind::InvalidRequest, "seed: must not be negative".into()));
    let call = json!({"type": "tool_call", "id": "", "name": "f", "input": "{}"});
    let nameless = request(json!({"messages": [{"role": "assistant", "content": [call]}]}));
    assert!(refused(&nameless).1.starts_with("messages[0].content[0].id: is empty"));
}

#[test]
fn embeddings_models_and_addresses() {
    let mut provider = Cohere::new("embed-v4.0");
    provider.base_url = "https://gate.example/cohere/v2".parse().unwrap();
    let mut embed = Request::embed(["a", "b"]);
    embed.dimensions = Some(256);
    let outgoing = provider.encode(&embed).unwrap();
    assert_eq!(outgoing.uri(), "https://gate.example/cohere/v2/embed");
    let body: Value = serde_json::from_slice(outgoing.body()).unwrap();
    let wanted = json!({
        "model": "embed-v4.0", "texts": ["a", "b"], "input_type": "search_document",
        "embedding_types": ["float"], "output_dimension": 256
    });
    assert_eq!(body, wanted);
    embed.extra.insert("input_type".into(), "search_query".into());
    let body: Value = serde_json::from_slice(provider.encode(&embed).unwrap().body()).unwrap();
    assert_eq!(body["input_type"], "search_query");
    let mut list = Request::default();
    list.operation = Operation::Models;
    let outgoing = provider.encode(&list).unwrap();
    assert_eq!(outgoing.uri(), "https://gate.example/cohere/v1/models?page_size=1000");
    assert_eq!(outgoing.method(), http::Method::GET);
}
