//! The server's side of OpenAI's wires: what the provider writes is read, and what is written the provider reads.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "openai/can.rs"]
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
use belvedere_core::error::ErrorKind;
use belvedere_core::event::{Event, Source};
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Parameters, Request, ToolChoice};
use belvedere_core::usage::Class;
use belvedere_providers::openai::{EmbeddingsEndpoint, OpenAi, OpenAiEndpoint, hosts};
use bytes::Bytes;
use can::CAN;
use proptest::prelude::*;
use random::{answer, request};
use serde_json::{Map, Value, json};
use support::{Read, head};
use unfold::{essence, events, interleaved};
use writing::streamed;

fn provider() -> OpenAi {
    OpenAi::new(hosts::find("openai").unwrap())
}

/// What the provider makes of an answer.
fn read(request: &Request, response: &http::Response<Bytes>) -> Read {
    let (parts, body) = response.clone().into_parts();
    Read::new(&provider(), request, &parts, [body.as_ref()])
}

fn streaming() -> Request {
    let mut request = Request::from("hi").with_model("m");
    request.stream = true;
    request
}

fn post(path: &str, body: &Value) -> http::Request<Bytes> {
    http::Request::post(path).body(body.to_string().into()).unwrap()
}

fn chat(body: Value) -> Request {
    OpenAiEndpoint.request(&post("/v1/chat/completions", &body)).unwrap()
}

/// The JSON of a stream's frames.
fn frames(response: &http::Response<Bytes>) -> Vec<Value> {
    let text = str::from_utf8(response.body()).unwrap();
    let data = text.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(request in request(CAN)) {
        let sent = provider().encode(&request).unwrap();
        prop_assert_eq!(OpenAiEndpoint.request(&sent).unwrap(), request);
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(answer in answer(CAN)) {
        let request = Request::from("hi");
        let read = read(&request, &OpenAiEndpoint.whole(&request, &answer));
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(essence(read.completion()), answer);
    }

    #[test]
    fn a_stream_is_read_as_it_was_written(answer in answer(CAN), cuts in any::<u64>(), mixed in any::<bool>()) {
        let request = streaming();
        let events = events(&answer, cuts);
        let events = if mixed { interleaved(events) } else { events };
        let read = read(&request, &streamed(&OpenAiEndpoint, &request, &events, None));
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(essence(read.completion()), answer);
    }

    #[test]
    fn w1_any_cutting_of_a_stream_reads_the_same(answer in answer(CAN), size in 1usize..9) {
        let request = streaming();
        let response = streamed(&OpenAiEndpoint, &request, &events(&answer, 1), None);
        let pieces = response.body().chunks(size);
        let cut = Read::new(&provider(), &request, &head(200, [("content-type", "text/event-stream")]), pieces);
        let whole = read(&request, &response);
        prop_assert_eq!(cut.essence(), whole.essence());
    }
}

#[test]
fn paths_are_known_behind_any_prefix() {
    use http::Method;
    for path in ["/v1/chat/completions", "/chat/completions", "/openai/deployments/d/chat/completions/"] {
        assert!(OpenAiEndpoint.accepts(&Method::POST, path), "{path}");
        assert!(!OpenAiEndpoint.accepts(&Method::GET, path), "{path}");
    }
    assert!(OpenAiEndpoint.accepts(&Method::GET, "/v1/models"));
    assert!(EmbeddingsEndpoint.accepts(&Method::POST, "/v1/embeddings"));
    assert!(!OpenAiEndpoint.accepts(&Method::POST, "/v1/embeddings"));
    for wire in ["openai.chat", "embeddings"] {
        assert_eq!(belvedere_providers::endpoint(wire).unwrap().wire(), wire);
    }
    let unknown = belvedere_providers::endpoint("x").unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unsupported);
    assert!(unknown.message().contains("openai.chat"), "{unknown}");
}

#[test]
fn what_has_no_field_of_ours_stays_as_it_is() {
    let further = json!({
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        "functions": [{"name": "f"}], "function_call": "auto", "prediction": {"type": "content", "content": "x"},
        "reasoning": {"effort": "high", "exclude": true}, "response_format": {"type": "grammar", "grammar": "g"},
        "reasoning_effort": "extreme", "modalities": ["text", "audio"], "audio": {"voice": "v", "format": "wav"},
        "max_tokens": 7, "store": true,
    });
    let mut body = json!({"model": "m", "messages": [], "max_completion_tokens": 9, "service_tier": null});
    body.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let request = chat(body);
    assert_eq!(request.max_tokens, Some(9));
    assert_eq!(Value::Object(request.extra.clone()), further);
    assert_eq!((&request.tool_choice, &request.response_format, &request.reasoning), (&None, &None, &None));
}

#[test]
fn older_and_other_words_are_read() {
    let body = json!({
        "model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5, "stop": "end",
        "random_seed": 3, "tool_choice": "any", "reasoning": {"effort": "low", "max_tokens": 10},
        "response_format": {"type": "json_object"}, "n": 2, "stream": false, "user": "u",
    });
    let mut expected = Parameters::default();
    expected.model = Some("m".into());
    expected.messages = Request::from("x").messages.clone();
    (expected.max_tokens, expected.stop, expected.seed, expected.n) =
        (Some(5), vec!["end".into()], Some(3), Some(2));
    expected.tool_choice = Some(ToolChoice::Required);
    expected.reasoning = serde_json::from_value(json!({"effort": "low", "max_tokens": 10})).unwrap();
    expected.response_format = serde_json::from_value(json!({"type": "json_object"})).unwrap();
    expected.user = Some("u".into());
    assert_eq!(chat(body), expected.into());
}

#[test]
fn messages_of_other_servers_are_read() {
    let request = chat(json!({"messages": [
        {"role": "user", "name": null, "tool_calls": null, "content": [
            {"type": "text", "text": "a", "image_url": null}, {"type": "document_url", "document_url": "https://x"},
        ]},
        {"role": "assistant", "reasoning": "hm", "reasoning_content": "hm", "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "t"}], "signature": "s"},
            {"type": "text", "text": "b"},
        ]},
        {"role": "assistant", "audio": {"id": "audio_1"}, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"g": 1}},
        ]},
    ]}));
    let parts = |i: usize| &request.messages[i].parts;
    let document = json!({"type": "document_url", "document_url": "https://x"});
    assert_eq!(*parts(0), [Part::text("a"), Part::opaque("openai.chat", "document_url", document)]);
    let signed = Part::Reasoning {
        text: "t".into(),
        signature: Some("s".into()),
        wire: "openai.chat".into(),
        extra: Map::new(),
    };
    assert_eq!(*parts(1), [Part::reasoning("hm"), signed, Part::text("b")]);
    let Part::Media(sound) = &parts(2)[0] else { panic!("no sound") };
    assert_eq!((sound.kind, &sound.extra["id"]), (MediaKind::Audio, &json!("audio_1")));
    let Part::ToolCall { extra, .. } = &parts(2)[1] else { panic!("no call") };
    assert_eq!(extra["openai.chat"], json!({"extra_content": {"g": 1}}));
    assert!(request.messages.iter().all(|message| message.extra.is_empty()));
}

/// What stands below a wire's name in an `extra` is sent in place of what was checked.
#[test]
fn a_client_does_not_speak_in_the_name_of_a_wire() {
    let own = json!({"role": "system", "type": "x", "model": "other"});
    let request = chat(json!({
        "model": "m", "openai.chat": own, "messages": [
            {"role": "user", "openai.chat": own, "content": [
                {"type": "text", "text": "a", "openai.chat": own},
                {"type": "image_url", "image_url": {"url": "https://x.example", "openai.chat": own}},
            ]},
            {"role": "assistant", "tool_calls": [
                {"id": "c", "function": {"name": "f", "arguments": "{}"}, "openai.chat": own},
            ]},
        ],
        "tools": [{"type": "function", "openai.chat": own, "function": {"name": "f", "function": own, "openai.chat": own}}],
    }));
    let sent = provider().encode(&request).unwrap();
    let sent = str::from_utf8(sent.body()).unwrap();
    assert!(!sent.contains("other") && !sent.contains("system"), "{sent}");
}

#[test]
fn faults_name_the_path() {
    let messages = json!([{"role": "user", "content": "x"}]);
    let cases = [
        (json!({"model": 3, "messages": messages}), "model: must be a string, is a number"),
        (json!({"model": "m"}), "messages: is missing; an array of messages is needed"),
        (json!({"messages": {}}), "messages: must be an array, is an object"),
        (json!({"messages": [{"role": "robot"}]}), "messages[0].role: unknown role"),
        (json!({"messages": messages, "temperature": "hot"}), "temperature: must be a number, is a string"),
        (json!({"messages": messages, "max_tokens": -1}), "max_tokens: must be a whole number"),
        (json!({"messages": messages, "tools": [{"type": "function"}]}), "tools[0]: is neither a function"),
        (json!({"messages": messages, "tool_choice": "maybe"}), "tool_choice: must be auto, none"),
        (json!({"messages": messages, "stop": 3}), "stop: must be a string or an array of strings"),
    ];
    for (body, fault) in cases {
        let error = OpenAiEndpoint.request(&post("/chat/completions", &body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().starts_with(fault), "{}", error.message());
        let answer: Value = serde_json::from_slice(OpenAiEndpoint.error(&error).body()).unwrap();
        assert_eq!(answer["error"]["param"], fault.split(':').next().unwrap(), "{answer}");
        assert_eq!(answer["error"]["type"], "invalid_request_error");
    }
}

#[test]
fn the_client_decides_whether_usage_comes_on_a_stream() {
    let mut answer = Completion::of_text("x");
    let mut usage = belvedere_core::usage::Usage::default();
    usage.set(Class::Input, Some(3));
    answer.usage = Some(Arc::new(usage));
    let mut body = json!({"model": "m", "messages": [], "stream": true});
    let without = chat(body.clone());
    let sent: Value = serde_json::from_slice(provider().encode(&without).unwrap().body()).unwrap();
    assert_eq!(sent["stream_options"], json!({"include_usage": true}), "ledgers always get it");
    assert_eq!(sent.as_object().unwrap().len(), 4, "the note for the answer is not sent: {sent}");
    let chunks = frames(&streamed(&OpenAiEndpoint, &without, &events(&answer, 1), None));
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()), "{chunks:?}");
    body["stream_options"] = json!({"include_usage": true, "include_obfuscation": false});
    let with = chat(body);
    assert_eq!(with.extra["stream_options"], json!({"include_usage": true, "include_obfuscation": false}));
    let chunks = frames(&streamed(&OpenAiEndpoint, &with, &events(&answer, 1), None));
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["prompt_tokens"]), (&json!([]), &json!(3)));
    assert!(others.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)), "{others:?}");
}

#[test]
fn clients_find_all_they_ask_for() {
    let mut answer = Completion::of_text("hello");
    answer.choices[0].sources.push({
        let mut found = Source::default();
        (found.url, found.quote) = (Some("https://x.example".into()), Some("q".into()));
        found
    });
    let request = Request::from("hi").with_model("m");
    let body: Value = serde_json::from_slice(OpenAiEndpoint.whole(&request, &answer).body()).unwrap();
    let id = body["id"].as_str().unwrap();
    assert!(id.starts_with("chatcmpl-"), "{id}");
    assert_eq!(
        body,
        json!({"id": id, "object": "chat.completion", "created": 0, "model": "m", "choices": [{
            "index": 0, "finish_reason": "stop", "logprobs": null, "message": {
                "role": "assistant", "content": "hello", "refusal": null, "annotations": [{
                    "type": "url_citation",
                    "url_citation": {"url": "https://x.example", "title": "", "start_index": 0, "end_index": 0, "content": "q"}
                }]
            }
        }]})
    );
    let mut request = streaming();
    request.model = Some("m".into());
    let response = streamed(&OpenAiEndpoint, &request, &events(&answer, 7), None);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert!(response.body().ends_with(b"data: [DONE]\n\n"));
    let chunks = frames(&response);
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(chunks[1..].iter().all(|chunk| chunk["choices"][0]["delta"].get("role").is_none()));
    for chunk in &chunks {
        assert_eq!((&chunk["object"], &chunk["model"]), (&json!("chat.completion.chunk"), &json!("m")));
        assert_eq!(chunk["id"], chunks[0]["id"]);
    }
}

#[test]
fn calls_without_ids_get_them() {
    let call = |name: &str| Part::ToolCall {
        id: Default::default(),
        name: name.into(),
        input: "{}".into(),
        by: ToolBy::Client,
        extra: Map::new(),
    };
    let mut answer = Completion::of_text("");
    answer.id = Some("a".into());
    answer.choices[0].parts = vec![call("f"), call("g")];
    let request = Request::from("hi");
    let whole = read(&request, &OpenAiEndpoint.whole(&request, &answer)).completion();
    let ids: Vec<&str> = whole.tool_calls().map(|call| call.id).collect();
    assert!(ids.iter().all(|id| id.starts_with("call_")) && ids[0] != ids[1], "{ids:?}");
    let streamed = read(&streaming(), &streamed(&OpenAiEndpoint, &streaming(), &events(&answer, 1), None));
    assert_eq!(streamed.completion().choices, whole.choices);
}

#[test]
fn sound_goes_out_with_its_transcript() {
    let mut request = streaming();
    request.extra.insert("audio".into(), json!({"voice": "v", "format": "wav"}));
    let source = MediaSource::Data { mime: "audio/wav".into(), data: Bytes::from_static(b"12345678") };
    let mut sound = Media::new(MediaKind::Audio, source);
    sound.extra.insert("id".into(), json!("audio_1"));
    let mut answer = Completion::of_text("spoken");
    answer.choices[0].parts.push(Part::Media(sound));
    let whole = OpenAiEndpoint.whole(&request, &answer);
    let message = &serde_json::from_slice::<Value>(whole.body()).unwrap()["choices"][0]["message"];
    assert_eq!((&message["content"], &message["audio"]["transcript"]), (&Value::Null, &json!("spoken")));
    assert_eq!(read(&request, &whole).completion().choices[0].parts, answer.choices[0].parts);
    // The bytes come in pieces that are no groups of base64.
    let mut pieces = Vec::new();
    for event in events(&answer, 3) {
        let Event::Media { choice, part, media } = event else {
            pieces.push(event);
            continue;
        };
        let MediaSource::Data { mime, data } = &media.source else { panic!("no bytes") };
        for (i, piece) in data.chunks(1).enumerate() {
            let data = Bytes::copy_from_slice(piece);
            let mut media = Media::new(MediaKind::Audio, MediaSource::Data { mime: mime.clone(), data });
            media.extra.extend((i == 0).then(|| ("id".to_owned(), json!("audio_1"))));
            pieces.push(Event::Media { choice, part, media: Box::new(media) });
        }
    }
    let streamed = read(&request, &streamed(&OpenAiEndpoint, &request, &pieces, None));
    assert_eq!(streamed.completion().choices[0].parts, answer.choices[0].parts);
}

#[test]
fn what_only_others_understand_is_left_out() {
    let call = Part::ToolCall {
        id: "s".into(),
        name: "web_search".into(),
        input: "{}".into(),
        by: ToolBy::Provider,
        extra: Map::new(),
    };
    let signed = Part::Reasoning {
        text: "hm".into(),
        signature: Some("sig".into()),
        wire: "anthropic.messages".into(),
        extra: Map::new(),
    };
    let result = Part::opaque("anthropic.messages", "web_search_tool_result", json!({"type": "x"}));
    let mut answer = Completion::of_text("");
    answer.choices[0].parts = vec![signed, call, result, Part::text("t")];
    let request = Request::from("hi");
    let expected = [Part::reasoning("hm"), Part::text("t")];
    assert_eq!(
        read(&request, &OpenAiEndpoint.whole(&request, &answer)).completion().choices[0].parts,
        expected
    );
    let streamed = streamed(&OpenAiEndpoint, &streaming(), &events(&answer, 1), None);
    assert_eq!(read(&streaming(), &streamed).completion().choices[0].parts, expected);
}
