//! Request bodies.

use belvedere_core::ErrorKind;
use belvedere_core::message::Message;
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use serde_json::{Value, json};

use super::super::{OpenAi, hosts};
use super::host;

fn request(value: Value) -> Request {
    serde_json::from_value(value).unwrap()
}

fn body_for(name: &str, value: Value) -> Value {
    let outgoing = host(name).encode(&request(value)).unwrap();
    serde_json::from_slice(outgoing.body()).unwrap()
}

fn messages(name: &str, messages: Value) -> Value {
    body_for(name, json!({ "messages": messages }))["messages"].clone()
}

fn fault(name: &str, value: Value) -> (ErrorKind, String) {
    let error = host(name).encode(&request(value)).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[test]
fn an_openai_body_goes_out_as_it_came_in() {
    let body = json!({
        "model": "gpt-x", "max_completion_tokens": 5, "temperature": 0.0, "top_p": 0.5, "stop": ["x"], "seed": 7, "n": 2,
        "presence_penalty": 0.1, "frequency_penalty": -0.1, "logprobs": true, "top_logprobs": 2, "user": "u",
        "parallel_tool_calls": false, "service_tier": "flex", "metadata": { "a": "b" },
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "tools": [{ "type": "function", "function": { "name": "f", "description": "d",
                    "parameters": { "type": "object" }, "strict": true } },
                  { "type": "web_search", "max_uses": 2 }],
        "response_format": { "type": "json_schema", "json_schema": { "name": "s", "schema": {}, "strict": true } },
        "messages": [
            { "role": "developer", "content": "be brief" },
            { "role": "user", "name": "ann", "content": [
                { "type": "text", "text": "see", "cache_control": { "type": "ephemeral" } },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAEC", "detail": "low" } },
                { "type": "image_url", "image_url": { "url": "https://x.example/y.png" } },
                { "type": "input_audio", "input_audio": { "data": "AA==", "format": "mp3" } },
                { "type": "file", "file": { "file_id": "f-1" } },
                { "type": "file", "file": { "file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf" } }] },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c", "type": "function", "function": { "name": "f", "arguments": "{\"a\": 1}" } },
                { "id": "d", "type": "custom", "custom": { "name": "sql", "input": "select 1" } }] },
            { "role": "tool", "tool_call_id": "c", "content": "r" },
            { "role": "tool", "tool_call_id": "d", "content": [{ "type": "text", "text": "s" }, { "type": "text", "text": "t" }] },
            { "role": "assistant", "content": null, "refusal": "no" },
        ],
    });
    let sent = body_for("openai", body.clone());
    assert_eq!(sent, body);
}

#[test]
fn the_request_goes_to_its_endpoint_with_its_headers() {
    let mut request = Request::from("hi");
    let outgoing = host("openai").encode(&request).unwrap();
    assert_eq!(
        (outgoing.method().as_str(), outgoing.uri().to_string().as_str()),
        ("POST", "https://api.openai.com/v1/chat/completions")
    );
    assert_eq!(outgoing.headers()["content-type"], "application/json");
    assert_eq!(outgoing.headers()["accept"], "application/json");
    assert_eq!(&outgoing.body()[..], br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#);
    request.stream = true;
    let outgoing = host("openai").encode(&request).unwrap();
    assert_eq!(outgoing.headers()["accept"], "text/event-stream");
    request.operation = belvedere_core::request::Operation::Models;
    let outgoing = host("openai").encode(&request).unwrap();
    assert_eq!((outgoing.method().as_str(), outgoing.uri().path()), ("GET", "/v1/models"));
    assert!(outgoing.body().is_empty() && !outgoing.headers().contains_key("content-type"));
}

#[test]
fn a_query_of_the_address_stays_and_a_missing_address_is_named() {
    let azure = OpenAi::new(&hosts::ANY)
        .with_model("m")
        .with_base_url("https://a.example/x/?api-version=1".parse().unwrap());
    let outgoing = azure.encode(&Request::from("hi")).unwrap();
    assert_eq!(outgoing.uri(), "https://a.example/x/chat/completions?api-version=1");
    let error = OpenAi::new(&hosts::ANY).with_model("m").encode(&Request::from("hi")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    let error = OpenAi::new(hosts::find("openai").unwrap()).encode(&Request::from("hi")).unwrap_err();
    assert_eq!((error.kind(), error.message().starts_with("model:")), (ErrorKind::InvalidRequest, true));
}

#[test]
fn streams_ask_for_usage_where_the_server_knows_how() {
    let ask = |name: &str| body_for(name, json!({ "messages": [], "stream": true }));
    assert_eq!(ask("openai")["stream_options"], json!({ "include_usage": true }));
    assert_eq!(ask("mistral").get("stream_options"), None);
    assert_eq!(ask("mistral")["stream"], true);
    let own = json!({ "messages": [], "stream": true, "stream_options": { "include_usage": false } });
    assert_eq!(
        body_for("openai", own)["stream_options"],
        json!({ "include_usage": false }),
        "the caller's word counts"
    );
}

#[test]
fn quirks_are_data() {
    let limit = |name: &str| body_for(name, json!({ "messages": [], "max_tokens": 5, "seed": 7 }));
    assert_eq!(
        limit("openai"),
        json!({ "model": "m", "messages": [], "max_completion_tokens": 5, "seed": 7 })
    );
    assert_eq!(limit("mistral"), json!({ "model": "m", "messages": [], "max_tokens": 5, "random_seed": 7 }));
    let roles = json!([{ "role": "developer", "content": "x" }]);
    assert_eq!(messages("openai", roles.clone())[0]["role"], "developer");
    assert_eq!(messages("groq", roles)[0]["role"], "system");
    assert_eq!(body_for("vllm", json!({ "messages": [], "top_k": 4 }))["top_k"], 4);
    let refusal = json!([{ "role": "assistant", "content": null, "refusal": "no" }]);
    assert_eq!(
        messages("mistral", refusal),
        json!([{ "role": "assistant", "content": [{ "type": "text", "text": "no" }] }])
    );
    let video = json!([{ "role": "user", "content": [{ "type": "video_url", "video_url": { "url": "https://x.example/v" } }] }]);
    assert_eq!(messages("vllm", video.clone()), video);
}

#[test]
fn the_amount_of_thinking_is_told_in_the_servers_words() {
    let ask = |name: &str, reasoning: Value| {
        let mut body = body_for(name, json!({ "messages": [], "reasoning": reasoning }));
        let map = body.as_object_mut().unwrap();
        map.remove("model");
        map.remove("messages");
        body
    };
    assert_eq!(ask("openai", json!({ "effort": "minimal" })), json!({ "reasoning_effort": "minimal" }));
    let both = json!({ "effort": "high", "max_tokens": 9 });
    assert_eq!(ask("openrouter", both.clone()), json!({ "reasoning": both }));
    assert_eq!(ask("deepseek", json!({ "effort": "high" })), json!({ "thinking": { "type": "enabled" } }));
    assert_eq!(ask("zai", json!({ "effort": "none" })), json!({ "thinking": { "type": "disabled" } }));
    assert_eq!(
        ask("alibaba", json!({ "max_tokens": 9 })),
        json!({ "enable_thinking": true, "thinking_budget": 9 })
    );
}

#[test]
fn thinking_goes_back_as_the_server_wants_it() {
    let history = json!([{ "role": "assistant", "content": [{ "type": "reasoning", "text": "hm" }, { "type": "text", "text": "a" }] }]);
    let sent = |name: &str| messages(name, history.clone())[0].clone();
    assert_eq!(sent("openai"), json!({ "role": "assistant", "content": "a" }));
    assert_eq!(sent("deepseek"), json!({ "role": "assistant", "content": "a", "reasoning_content": "hm" }));
    assert_eq!(sent("groq"), json!({ "role": "assistant", "content": "a", "reasoning": "hm" }));
    assert_eq!(sent("openrouter"), json!({ "role": "assistant", "content": "a", "reasoning": "hm" }));
    let items = json!([{ "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }] }, { "type": "text", "text": "a" }]);
    assert_eq!(sent("mistral"), json!({ "role": "assistant", "content": items }));
    let raw = json!([{ "role": "assistant", "content": "a", "reasoning_details": [{ "type": "reasoning.encrypted", "data": "x" }] }]);
    assert_eq!(messages("openrouter", raw.clone()), raw, "what the caller kept goes back untouched");
}

#[test]
fn results_of_tools_become_messages_of_their_own() {
    let history = json!([{ "role": "user", "content": [
        { "type": "tool_result", "id": "a", "content": "1" }, { "type": "tool_result", "id": "b", "content": "2" },
        { "type": "text", "text": "go on" }] }]);
    let wanted = json!([
        { "role": "tool", "tool_call_id": "a", "content": "1" },
        { "role": "tool", "tool_call_id": "b", "content": "2" },
        { "role": "user", "content": "go on" },
    ]);
    assert_eq!(messages("openai", history), wanted);
    let legacy = json!([
        { "role": "assistant", "content": null, "function_call": { "name": "f", "arguments": "{}" } },
        { "role": "function", "name": "f", "content": "1" },
    ]);
    assert_eq!(messages("openai", legacy.clone()), legacy);
}

#[test]
fn fields_only_the_server_knows_are_passed_on() {
    let history = json!([
        { "role": "system", "content": "s", "cache_control": { "type": "ephemeral" } },
        { "role": "assistant", "content": "{", "prefix": true },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "c12345678", "type": "function",
            "function": { "name": "f", "arguments": "{}" }, "extra_content": { "google": { "thought_signature": "s" } } }] },
    ]);
    assert_eq!(messages("mistral", history.clone()), history);
    let own = json!([{ "role": "user", "content": [
        { "type": "opaque", "kind": "document", "data": { "type": "document_url", "document_url": "https://x.example" } }] }]);
    let wanted = json!([{ "role": "user", "content": [{ "type": "document_url", "document_url": "https://x.example" }] }]);
    assert_eq!(messages("mistral", own), wanted);
    let foreign = json!([{ "role": "assistant", "content": [
        { "type": "text", "text": "a" }, { "type": "opaque", "kind": "redacted_thinking", "data": { "data": "x" } }] }]);
    assert_eq!(messages("openai", foreign), json!([{ "role": "assistant", "content": "a" }]));
}

#[test]
fn a_call_without_arguments_goes_back_as_an_empty_object_and_custom_input_as_it_is() {
    let call =
        |name: &str, input: &str| json!({ "type": "tool_call", "id": "c", "name": name, "input": input });
    let tools = json!([{ "type": "custom", "custom": { "name": "sql" } }]);
    let body = body_for(
        "openai",
        json!({ "tools": tools, "messages": [
        { "role": "assistant", "content": [call("f", ""), call("sql", "select 1")] }] }),
    );
    let calls = &body["messages"][0]["tool_calls"];
    assert_eq!(calls[0]["function"], json!({ "name": "f", "arguments": "{}" }));
    assert_eq!(
        calls[1],
        json!({ "id": "c", "type": "custom", "custom": { "name": "sql", "input": "select 1" } })
    );
    assert_eq!(body["tools"], tools);
}

#[test]
fn content_that_can_not_be_written_is_refused_by_its_path() {
    let user = |part: Value| json!({ "messages": [{ "role": "user", "content": [part] }] });
    let media = |kind: &str, source: Value| user(json!({ "type": "media", "kind": kind, "source": source }));
    let refused = [
        ("openai", media("image", json!({ "id": "x" })), "messages[0].content[0]"),
        ("openai", media("audio", json!({ "url": "https://x.example" })), "messages[0].content[0]"),
        ("openai", media("video", json!({ "url": "https://x.example" })), "messages[0].content[0]"),
        ("openai", media("file", json!({ "url": "https://x.example" })), "messages[0].content[0]"),
        (
            "openai",
            json!({ "messages": [{ "role": "tool", "tool_call_id": "c", "content": [
            { "type": "image_url", "image_url": { "url": "https://x.example" } }] }] }),
            "messages[0].content[0]",
        ),
        (
            "openai",
            json!({ "messages": [{ "role": "assistant", "content": [
            { "type": "image_url", "image_url": { "url": "https://x.example" } }] }] }),
            "messages[0].content[0]",
        ),
    ];
    for (name, value, parameter) in refused {
        let (kind, message) = fault(name, value);
        assert_eq!(kind, ErrorKind::Unsupported, "{message}");
        assert!(message.starts_with(&format!("{parameter}: ")), "{message}");
    }
    assert!(
        host("openrouter").encode(&request(media("file", json!({ "url": "https://x.example" })))).is_ok()
    );
}

#[test]
fn embeddings_ask_for_numbers() {
    let mut ask = Request::embed(["a", "b"]);
    ask.dimensions = Some(8);
    let outgoing = host("openai").encode(&ask).unwrap();
    assert_eq!(outgoing.uri().path(), "/v1/embeddings");
    let body: Value = serde_json::from_slice(outgoing.body()).unwrap();
    assert_eq!(
        body,
        json!({ "model": "m", "input": ["a", "b"], "encoding_format": "float", "dimensions": 8 })
    );
    ask.extra.insert("encoding_format".into(), json!("base64"));
    let body: Value = serde_json::from_slice(host("openai").encode(&ask).unwrap().body()).unwrap();
    assert_eq!(body["encoding_format"], "base64");
    let outgoing = host("perplexity").encode(&Request::embed(["a"])).unwrap();
    assert_eq!(outgoing.uri(), "https://api.perplexity.ai/v1/embeddings");
    assert_eq!(&outgoing.body()[..], br#"{"model":"m","input":["a"]}"#);
    let none = host("openai").encode(&Request::embed(Vec::<String>::new())).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidRequest);
}

#[test]
fn an_empty_message_is_an_empty_text() {
    assert_eq!(
        messages("openai", json!([{ "role": "user", "content": null }])),
        json!([{ "role": "user", "content": "" }])
    );
    let request = Request::new([Message::tool("c", "r")]).with_model("m");
    let body: Value = serde_json::from_slice(host("openai").encode(&request).unwrap().body()).unwrap();
    assert_eq!(body["messages"], json!([{ "role": "tool", "tool_call_id": "c", "content": "r" }]));
}
