//! The server's side of the Responses wire: what the provider writes is read as it was, and the other way round.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "responses/random.rs"]
mod random;
mod support;
#[path = "support/writing.rs"]
mod writing;

use std::sync::Arc;
use std::time::Duration;

use belvedere_core::completion::{Choice, Completion};
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind, RetryAfter};
use belvedere_core::event::{Event, Finish, FinishReason, Notice};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Request, Tool};
use belvedere_core::usage::Class;
use belvedere_providers::responses::{Responses, ResponsesEndpoint};
use http::Method;
use proptest::prelude::*;
use random::{answers, requests};
use serde_json::{Map, Value, json};
use support::{Read, head};

const WIRE: &str = "openai.responses";

fn posted(body: &Value) -> http::Request<bytes::Bytes> {
    http::Request::post("/v1/responses").body(body.to_string().into()).unwrap()
}

fn read(body: &Value) -> Request {
    ResponsesEndpoint.request(&posted(body)).unwrap()
}

fn refused(body: &Value) -> String {
    let error = ResponsesEndpoint.request(&posted(body)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    error.message().to_owned()
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(Responses::default().encode(request).unwrap().body()).unwrap()
}

/// The body of a streamed answer to `request`.
fn streamed(request: &Request, events: &[Event], error: Option<&Error>) -> String {
    let answer = writing::streamed(&ResponsesEndpoint, request, events, error);
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    String::from_utf8(answer.into_body().to_vec()).unwrap()
}

fn frames(body: &str) -> Vec<Value> {
    body.lines().filter_map(|l| l.strip_prefix("data: ")).map(|d| serde_json::from_str(d).unwrap()).collect()
}

fn answered(body: &str, stream: bool) -> Read {
    in_pieces([body.as_bytes()], stream)
}

fn in_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, stream: bool) -> Read {
    let mut request = Request::from("hi");
    request.stream = stream;
    let kind = if stream { "text/event-stream" } else { "application/json" };
    Read::new(&Responses::default(), &request, &head(200, [("content-type", kind)]), pieces)
}

fn own(fields: Value) -> Map<String, Value> {
    Map::from_iter([(WIRE.to_owned(), fields)])
}

fn events(answer: &Completion) -> Vec<Event> {
    let events = answer.clone().into_events();
    futures_util::FutureExt::now_or_never(futures_util::StreamExt::collect::<Vec<_>>(events))
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn it_accepts_its_own_address_only() {
    let accepts = |method: Method, path| ResponsesEndpoint.accepts(&method, path);
    assert!(accepts(Method::POST, "/v1/responses") && accepts(Method::POST, "/gate/responses/"));
    assert!(!accepts(Method::GET, "/v1/responses") && !accepts(Method::POST, "/v1/chat/completions"));
    assert_eq!(ResponsesEndpoint.wire(), WIRE);
}

#[test]
fn a_text_is_a_users_message_and_instructions_are_a_systems() {
    let request = read(&json!({"model": "m", "instructions": "be brief", "input": "hi", "stream": true}));
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.messages[0].text(), "be brief");
    assert_eq!(request.messages[1], Message::user("hi"));
    assert!(request.stream);
    let body = written(&request);
    assert_eq!(body["instructions"], "be brief");
    assert_eq!(body["input"], json!([{"type": "message", "role": "user", "content": "hi"}]));
}

#[test]
fn what_the_model_made_is_one_message() {
    let request = read(&json!({"model": "m", "input": [
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": "e"},
        {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "b"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "web_search_call", "id": "ws_1", "action": null},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "r"}]},
        {"role": "assistant", "content": "x"},
        {"role": "assistant", "content": "y"},
    ]}));
    let roles: Vec<Role> = request.messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::Assistant, Role::Assistant]);
    let parts = &request.messages[1].parts;
    let reasoning = Part::Reasoning {
        text: "a".into(),
        signature: Some("e".into()),
        wire: WIRE.into(),
        extra: own(json!({"id": "rs_1"})),
    };
    assert_eq!(parts[0], reasoning);
    assert_eq!(parts[1], Part::Text { text: "b".into(), extra: own(json!({"id": "msg_1"})) });
    let item = json!({"type": "web_search_call", "id": "ws_1", "action": null});
    assert_eq!(parts[3], Part::opaque(WIRE, "web_search_call", item));
    assert_eq!(parts.len(), 4);
}

#[test]
fn faults_name_the_field() {
    let item = |item: Value| refused(&json!({"model": "m", "input": [item]}));
    assert_eq!(refused(&json!({"model": "m"})), "input: is missing; a string or an array of items is needed");
    assert_eq!(refused(&json!({"model": 1, "input": ""})), "model: must be a string, is a number");
    assert_eq!(item(json!(3)), "input[0]: must be an object, is a number");
    assert_eq!(item(json!({"type": 3})), "input[0].type: must be a string");
    assert_eq!(
        item(json!({"role": "tool", "content": ""})),
        "input[0].role: unknown role; known: system, developer, user, assistant"
    );
    assert_eq!(
        item(json!({"role": "user", "content": [{"type": "image_url"}]})),
        "input[0].content[0].type: unknown part; known: input_text, output_text, refusal, input_image, input_file, input_audio"
    );
    assert_eq!(
        item(json!({"type": "function_call", "call_id": "c", "name": "f"})),
        "input[0].arguments: is missing; a string of JSON is needed"
    );
    assert_eq!(
        refused(&json!({"input": "", "tool_choice": "some"})),
        "tool_choice: must be auto, none, required, or an object that names a tool"
    );
    let audio = json!({"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}});
    assert_eq!(
        item(json!({"role": "user", "content": [audio]})),
        "input[0].content[0].input_audio.data: is not base64"
    );
}

#[test]
fn errors_have_status_headers_and_body() {
    let delay = RetryAfter::after(Duration::from_millis(1500));
    let error = Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(delay);
    let answer = ResponsesEndpoint.error(&error);
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"2".parse().unwrap()));
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    let read = Read::new(
        &Responses::default(),
        &Request::from("hi"),
        &head(429, [("content-type", "application/json"), ("retry-after", "2")]),
        [answer.body().as_ref()],
    );
    assert_eq!(read.error.unwrap().kind(), ErrorKind::RateLimited);
}

#[test]
fn an_error_ends_a_stream() {
    let start = Event::Start { id: Some("resp_1".into()), model: Some("m".into()) };
    let text = Event::Text { choice: 0, part: 0, delta: "hi".into() };
    let error = Error::new(ErrorKind::RateLimited, "slow down");
    for events in [vec![], vec![start.clone()], vec![start.clone(), text.clone()]] {
        let read = answered(&streamed(&Request::from("hi"), &events, Some(&error)), true);
        assert_eq!(read.error.unwrap().kind(), ErrorKind::RateLimited);
    }
    // What was sent can't be taken back: two answers must not become one.
    let restart = Event::Notice(Notice::Restart { reason: "cut".into() });
    let body = streamed(
        &Request::from("hi"),
        &[start.clone(), text.clone(), restart.clone(), start.clone(), text],
        None,
    );
    assert!(answered(&body, true).error.is_some());
    let finish = Event::Finish { choice: 0, finish: Finish::default() };
    let body = streamed(&Request::from("hi"), &[start.clone(), restart, start, finish], None);
    assert!(answered(&body, true).error.is_none(), "nothing of the first was sent");
}

#[test]
fn a_response_has_what_the_clients_ask_for() {
    let mut request = Request::from("hi").with_model("asked");
    request.temperature = Some(0.5);
    let body: Value =
        serde_json::from_slice(ResponsesEndpoint.whole(&request, &Completion::of_text("hello")).body())
            .unwrap();
    let id = body["id"].as_str().unwrap();
    assert!(id.starts_with("resp_"));
    let item = &body["output"][0];
    assert!(item["id"].as_str().unwrap().starts_with("msg_"));
    let content = json!([{"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}]);
    assert_eq!(
        (&item["content"], &item["role"], &item["status"]),
        (&content, &json!("assistant"), &json!("completed"))
    );
    assert_eq!(
        (&body["object"], &body["model"], &body["temperature"]),
        (&json!("response"), &json!("asked"), &json!(0.5))
    );
    for field in [
        "created_at",
        "error",
        "incomplete_details",
        "instructions",
        "metadata",
        "tool_choice",
        "tools",
        "top_p",
        "parallel_tool_calls",
        "usage",
        "text",
    ] {
        assert!(body.get(field).is_some(), "{field}");
    }
}

#[test]
fn a_stream_tells_of_items_parts_and_pieces() {
    let events = events(&Completion::of_text("hello"));
    let frames = frames(&streamed(&Request::from("hi"), &events, None));
    let kinds: Vec<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds, expected);
    let numbers: Vec<u64> = frames.iter().map(|frame| frame["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..9).collect::<Vec<_>>());
    assert_eq!(frames[8]["response"]["output"][0], frames[7]["item"]);
    assert_eq!(frames[2]["item"]["id"], frames[7]["item"]["id"]);
    assert_eq!(frames[4]["item_id"], frames[7]["item"]["id"]);
}

#[test]
fn what_other_wires_give_is_shown_as_far_as_this_one_has_a_place() {
    let mut choice = Choice::default();
    choice.parts = vec![
        Part::Reasoning {
            text: "hm".into(),
            signature: Some("theirs".into()),
            wire: "anthropic.messages".into(),
            extra: Map::new(),
        },
        Part::opaque("anthropic.messages", "redacted_thinking", json!({"type": "redacted_thinking"})),
        Part::text("hi"),
        Part::Media(Media::new(
            MediaKind::Image,
            MediaSource::Data { mime: "image/png".into(), data: "hi".into() },
        )),
    ];
    choice.finish = Some(Finish { reason: Some(FinishReason::Stop), ..Finish::default() });
    let mut source = belvedere_core::event::Source::default();
    source.url = Some("https://a.example".into());
    source.part = Some(2);
    choice.sources = vec![source];
    let mut answer = Completion::default();
    answer.choices = vec![choice];
    let whole: Value =
        serde_json::from_slice(ResponsesEndpoint.whole(&Request::from("hi"), &answer).body()).unwrap();
    let kinds = |response: &Value| -> Vec<String> {
        response["output"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["type"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(&whole), ["reasoning", "message", "image_generation_call"]);
    assert!(whole["output"][0].get("encrypted_content").is_none());
    assert_eq!(whole["output"][1]["content"][0]["annotations"][0]["url"], "https://a.example");
    let streamed = frames(&streamed(&Request::from("hi"), &events(&answer), None));
    let end = &streamed.last().unwrap()["response"];
    assert_eq!(kinds(end), ["reasoning", "message", "image_generation_call"]);
    assert_eq!(end["output"][2]["result"], "aGk=");
}

/// A custom tool is known by its definition before its call has ended.
#[test]
fn a_call_of_a_custom_tool_streams_free_text() {
    let mut request = Request::from("hi");
    let own = json!({"type": "custom", "name": "run"}).as_object().cloned().unwrap();
    request.tools = Arc::new(vec![Tool::Provider(own)]);
    let mut answer = Completion::of_text("");
    answer.choices[0].parts = vec![Part::ToolCall {
        id: "c1".into(),
        name: "run".into(),
        input: "ls".into(),
        by: ToolBy::Client,
        extra: Map::new(),
    }];
    let body = streamed(&request, &events(&answer), None);
    assert!(body.contains("response.custom_tool_call_input.delta"), "{body}");
    let read = answered(&body, true).completion();
    let calls: Vec<_> = read.tool_calls().map(|call| (call.id.to_owned(), call.input.to_owned())).collect();
    assert_eq!(calls, [("c1".to_owned(), "ls".to_owned())]);
    let whole: Value = serde_json::from_slice(ResponsesEndpoint.whole(&request, &answer).body()).unwrap();
    assert_eq!(
        (&whole["output"][0]["type"], &whole["output"][0]["input"]),
        (&json!("custom_tool_call"), &json!("ls"))
    );
}

/// What an answer says, without what the wire has other words for: the provider's own usage object.
fn essence(answer: &Completion, is_stream: bool) -> Value {
    let classes = answer.usage.as_ref().map(|usage| {
        let mut classes = usage.classes.clone();
        classes.remove(&Class::WebSearchCalls);
        classes
    });
    let mut choices = answer.choices.clone();
    for part in choices.iter_mut().flat_map(|choice| &mut choice.parts) {
        if let Part::Text { extra, .. } | Part::Reasoning { extra, .. } | Part::ToolCall { extra, .. } = part
            && let Some(own) = extra.get_mut(WIRE).and_then(Value::as_object_mut)
        {
            // A stream can't tell thoughts from summaries, nor calls of custom tools that the request lacks.
            if is_stream {
                own.remove("type");
            }
        }
    }
    json!({"id": answer.id, "model": answer.model, "choices": choices, "usage": classes})
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_request_is_read_as_it_was_written(request in requests()) {
        let body = written(&request);
        prop_assert_eq!(read(&body), request, "{}", body);
    }

    #[test]
    fn a_whole_answer_is_read_as_it_was_written(answer in answers()) {
        let response = ResponsesEndpoint.whole(&Request::from("hi"), &answer);
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        let read = answered(&body, false);
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(essence(&read.completion(), false), essence(&answer, false), "{}", body);
    }

    #[test]
    fn a_streamed_answer_is_read_as_it_was_written(answer in answers()) {
        let body = streamed(&Request::from("hi"), &events(&answer), None);
        let read = answered(&body, true);
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(essence(&read.completion(), true), essence(&answer, true), "{}", body);
        let cut = in_pieces(body.as_bytes().chunks(7), true);
        prop_assert_eq!(cut.essence(), read.essence());
    }

    /// Where the events come as this wire's own decoder gives them, what was one item stays one.
    #[test]
    fn an_answer_passed_on_is_the_same_answer(answer in answers()) {
        let request = Request::from("hi");
        let first = ResponsesEndpoint.whole(&request, &answer);
        let first = answered(std::str::from_utf8(first.body()).unwrap(), false);
        let body = streamed(&request, &first.events, None);
        let again = answered(&body, true);
        prop_assert!(again.error.is_none(), "{:?}", again.error);
        prop_assert_eq!(essence(&again.completion(), true), essence(&first.completion(), true), "{}", body);
        let sent = |answer: &Completion| written(&Request::new([answer.message()]).with_model("m"));
        let (ours, theirs) = (sent(&again.completion()), sent(&first.completion()));
        prop_assert_eq!(ours["input"].as_array().unwrap().len(), theirs["input"].as_array().unwrap().len());
    }
}
