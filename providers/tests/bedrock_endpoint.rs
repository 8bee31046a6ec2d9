//! The server's side of Bedrock's wires: what one side writes, the other reads as it was.

#![cfg(feature = "bedrock")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "bedrock/values.rs"]
mod values;

mod support;
#[path = "support/writing.rs"]
mod writing;

use std::time::Duration;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind, RetryAfter};
use belvedere_core::event::{Event, Finish, FinishReason, Notice};
use belvedere_core::message::{Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_core::usage::{Class, Usage};
use belvedere_providers::bedrock::{Converse, ConverseEndpoint, InvokeAnthropic, InvokeAnthropicEndpoint};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Read, head};

fn converse() -> Converse {
    Converse::in_region("us-east-1").unwrap()
}

fn invoke() -> InvokeAnthropic {
    InvokeAnthropic::in_region("us-east-1").unwrap()
}

fn events(answer: &Completion) -> Vec<Event> {
    let stream = answer.clone().into_events().map(|event| event.unwrap());
    stream.collect::<Vec<_>>().now_or_never().unwrap()
}

/// What the provider reads of a whole answer.
fn whole(provider: &dyn Provider, endpoint: &dyn Endpoint, answer: &Completion) -> Read {
    let request = Request::from("hi").with_model("m");
    let (head, body) = endpoint.whole(&request, answer).into_parts();
    Read::new(provider, &request, &head, [&body[..]])
}

/// The body of a stream of these events.
fn written(
    endpoint: &dyn Endpoint,
    events: &[Event],
    error: Option<&Error>,
) -> (http::response::Parts, Bytes) {
    let request = Request::from("hi").with_model("m");
    writing::streamed(endpoint, &request, events, error).into_parts()
}

/// What the provider reads of a stream of these events.
fn streamed(
    provider: &dyn Provider,
    endpoint: &dyn Endpoint,
    events: &[Event],
    error: Option<&Error>,
) -> Read {
    let mut request = Request::from("hi").with_model("m");
    request.stream = true;
    let (head, body) = written(endpoint, events, error);
    Read::new(provider, &request, &head, [&body[..]])
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(request in values::request()) {
        let sent = converse().encode(&request).unwrap();
        prop_assert!(ConverseEndpoint.accepts(sent.method(), sent.uri().path()));
        let mut read = ConverseEndpoint.request(&sent).unwrap();
        // The wire has no field for it: an answer at the end is one to be gone on with.
        let last = request.messages.last().filter(|message| message.role == Role::Assistant);
        let is_begun = matches!(last.and_then(|last| last.parts.last()), Some(Part::Text { .. }));
        prop_assert_eq!(std::mem::take(&mut read.continue_final_message), is_begun);
        prop_assert_eq!(read, request);
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(answer in values::answer()) {
        let read = whole(&converse(), &ConverseEndpoint, &answer);
        prop_assert_eq!(&read.completion(), &answer);
        let read = streamed(&converse(), &ConverseEndpoint, &events(&answer), None);
        prop_assert_eq!(&read.completion(), &answer);
    }

    #[test]
    fn no_body_brings_the_endpoint_down(body in "[\\[\\]{}\":,a-z0-9]{0,60}", action in "[a-z-]{0,12}") {
        for endpoint in [&ConverseEndpoint as &dyn Endpoint, &InvokeAnthropicEndpoint] {
            let request = http::Request::post(format!("/model/m/{action}")).body(body.clone().into()).unwrap();
            let _ = endpoint.request(&request);
        }
    }
}

#[test]
fn w1_what_is_written_reads_the_same_in_any_cutting() {
    let mut request = Request::from("hi");
    request.stream = true;
    let answer = Completion::of_text("hello");
    for (provider, endpoint) in [
        (&converse() as &dyn Provider, &ConverseEndpoint as &dyn Endpoint),
        (&invoke(), &InvokeAnthropicEndpoint),
    ] {
        let (written, body) = written(endpoint, &events(&answer), None);
        assert_eq!(written.headers["content-type"], "application/vnd.amazon.eventstream");
        let head = head(200, [("content-type", "application/vnd.amazon.eventstream")]);
        let read = |pieces: &[&[u8]]| Read::new(provider, &request, &head, pieces.iter().copied());
        let uncut = read(&[&body]);
        assert_eq!(uncut.completion().text(), "hello");
        for cut in 0..=body.len() {
            let (one, two) = body.split_at(cut);
            assert_eq!(read(&[one, two]).essence(), uncut.essence(), "cut at {cut}");
        }
    }
}

#[test]
fn a_path_tells_whose_request_it_is() {
    let both = |path: &str| {
        let accepts = |endpoint: &dyn Endpoint| endpoint.accepts(&Method::POST, path);
        (accepts(&ConverseEndpoint), accepts(&InvokeAnthropicEndpoint))
    };
    assert_eq!(both("/model/a.b-v1%3A0/converse"), (true, false));
    assert_eq!(both("/gateway/model/a.b-v1:0/converse-stream"), (true, false));
    assert_eq!(both("/model/a/invoke"), (false, true));
    assert_eq!(both("/model/a/invoke-with-response-stream"), (false, true));
    for other in ["/model/a/count-tokens", "/v1/messages", "/model/converse", "/model//converse"] {
        assert_eq!(both(other), (false, false), "{other}");
    }
    assert!(!ConverseEndpoint.accepts(&Method::GET, "/model/a/converse"));
}

fn read(body: Value) -> Result<Request, Error> {
    let request = http::Request::post("/model/m/converse").body(body.to_string().into()).unwrap();
    ConverseEndpoint.request(&request)
}

#[test]
fn a_wrong_field_is_named() {
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    for (body, place) in [
        (json!([]), "body: "),
        (json!({"messages": {}}), "messages: must be an array"),
        (
            json!({"messages": [{"role": "tool", "content": []}]}),
            "messages[0].role: must be user, assistant or system",
        ),
        (user(json!([{"text": 1}])), "messages[0].content[0].text: must be a string"),
        (user(json!([{"toolUse": {"name": "f"}}])), "messages[0].content[0].toolUse.toolUseId: is missing"),
        (
            user(json!([{"image": {"format": "png", "source": {"bytes": "!"}}}])),
            "messages[0].content[0].image.source.bytes: must be base64",
        ),
        (json!({"inferenceConfig": {"maxTokens": "x"}}), "inferenceConfig.maxTokens: must be a whole number"),
        (json!({"toolConfig": {"toolChoice": {}}}), "toolConfig.toolChoice: must have one of"),
    ] {
        let error = read(body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().starts_with(place), "{error}");
    }
}

#[test]
fn instructions_may_stand_among_the_messages() {
    let turn = |role: &str, text: &str| json!({"role": role, "content": [{"text": text}]});
    let messages = json!([turn("user", "a"), turn("system", "b"), turn("assistant", "c")]);
    let roles: Vec<Role> =
        read(json!({ "messages": messages })).unwrap().messages.iter().map(|m| m.role).collect();
    assert_eq!(roles, [Role::User, Role::System, Role::Assistant]);
}

#[test]
fn what_has_no_place_is_kept() {
    let body = json!({
        "messages": [{"role": "user", "content": [
            {"cachePoint": {"type": "default"}},
            {"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}},
            {"document": {"name": "d", "source": {"text": "plain"}}},
            {"toolResult": {"toolUseId": "a", "content": [{"json": {"n": 1}}], "status": "error"}},
        ]}],
        "additionalModelRequestFields": {"top_k": 3, "anthropic_beta": ["x"]},
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"user": "u", "team": "t"},
        "outputConfig": {"other": 1},
    });
    let request = read(body.clone()).unwrap();
    assert_eq!(request.user.as_deref(), Some("u"));
    let sent: Value = serde_json::from_slice(converse().encode(&request).unwrap().body()).unwrap();
    let mut expected = body;
    // Results of tools come first.
    let content = expected["messages"][0]["content"].as_array_mut().unwrap();
    content.rotate_right(1);
    assert_eq!(sent, expected);
}

fn finish(reason: FinishReason, raw: Option<&str>) -> Finish {
    Finish { reason: Some(reason), raw: raw.map(Into::into), stop_sequence: None }
}

#[test]
fn another_providers_answer_is_written_in_this_wires_words() {
    let mut answer = Completion::of_text("hi");
    answer.id = Some("chatcmpl-1".into());
    answer.choices[0].parts.push(Part::Reasoning {
        text: "hm".into(),
        signature: Some("s".into()),
        wire: "google.generate".into(),
        extra: Default::default(),
    });
    answer.choices[0].parts.push(Part::opaque("google.generate", "x", json!({"a": 1})));
    answer.choices[0].finish = Some(finish(FinishReason::Length, Some("MAX_TOKENS")));
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(3));
    usage.set(Class::Output, Some(4));
    answer.usage = Some(usage.into());
    for read in [
        whole(&converse(), &ConverseEndpoint, &answer),
        streamed(&converse(), &ConverseEndpoint, &events(&answer), None),
    ] {
        let read = read.completion();
        assert_eq!(read.choices[0].parts, [Part::text("hi"), Part::reasoning("hm")]);
        assert_eq!(read.choices[0].finish, Some(finish(FinishReason::Length, Some("max_tokens"))));
        assert_eq!(read.usage.unwrap().total_tokens(), Some(7));
    }
}

#[test]
fn errors_have_a_status_a_header_and_a_sentence() {
    let delay = RetryAfter::after(Duration::from_secs(3));
    for (kind, status, name, read_as) in [
        (ErrorKind::InvalidRequest, 400, "ValidationException", ErrorKind::InvalidRequest),
        (ErrorKind::ContextTooLong, 400, "ValidationException", ErrorKind::ContextTooLong),
        (ErrorKind::ContentFiltered, 400, "ValidationException", ErrorKind::ContentFiltered),
        (ErrorKind::QuotaExhausted, 400, "ServiceQuotaExceededException", ErrorKind::QuotaExhausted),
        (ErrorKind::Unauthorized, 403, "UnrecognizedClientException", ErrorKind::Unauthorized),
        (ErrorKind::Forbidden, 403, "AccessDeniedException", ErrorKind::Forbidden),
        (ErrorKind::ModelNotFound, 404, "ResourceNotFoundException", ErrorKind::ModelNotFound),
        (ErrorKind::RateLimited, 429, "ThrottlingException", ErrorKind::RateLimited),
        (ErrorKind::Overloaded, 503, "ServiceUnavailableException", ErrorKind::Overloaded),
        (ErrorKind::Network, 500, "InternalServerException", ErrorKind::Overloaded),
    ] {
        let error = Error::new(kind, "what happened").with_retry_after(delay);
        for (provider, endpoint) in [
            (&converse() as &dyn Provider, &ConverseEndpoint as &dyn Endpoint),
            (&invoke(), &InvokeAnthropicEndpoint),
        ] {
            let (head, body) = endpoint.error(&error).into_parts();
            assert_eq!(
                (head.status.as_u16(), &head.headers["x-amzn-errortype"]),
                (status, &name.parse().unwrap())
            );
            let read = Read::new(provider, &Request::from("hi"), &head, [&body[..]]);
            let read = read.error.unwrap();
            assert_eq!((read.kind(), read.retry_after()), (read_as, Some(Duration::from_secs(3))), "{kind}");

            let started = [Event::Start { id: None, model: None }];
            let read = streamed(provider, endpoint, &started, Some(&error)).error.unwrap();
            assert_eq!(read.kind(), read_as, "{kind} inside a stream");
        }
    }
}

#[test]
fn an_answer_that_begins_anew_ends_in_an_error() {
    let text = |delta: &str| Event::Text { choice: 0, part: 0, delta: delta.into() };
    let start = Event::Start { id: None, model: None };
    let restart = Notice::Restart { reason: "a test".to_owned() };
    let all = [start.clone(), text("one"), Event::Notice(restart), start, text("two")];
    for (provider, endpoint) in [
        (&converse() as &dyn Provider, &ConverseEndpoint as &dyn Endpoint),
        (&invoke(), &InvokeAnthropicEndpoint),
    ] {
        let read = streamed(provider, endpoint, &all, None);
        assert!(read.error.is_some() && !read.completion().text().contains("two"));
    }
}

#[test]
fn anthropics_requests_and_answers_go_both_ways() {
    let mut request = Request::from("hi").with_model("anthropic.claude-v2:1").with_max_tokens(9);
    request.stream = true;
    let sent = invoke().encode(&request).unwrap();
    assert_eq!(InvokeAnthropicEndpoint.request(&sent).unwrap(), request);
    let bare = http::Request::post("/model/m/invoke").body("{\"messages\": []}".into()).unwrap();
    let error = InvokeAnthropicEndpoint.request(&bare).unwrap_err();
    assert!(error.message().starts_with("anthropic_version"), "{error}");

    let mut answer = Completion::of_text("hello");
    answer.id = Some("msg_1".into());
    answer.model = Some("claude".into());
    answer.choices[0].finish = Some(finish(FinishReason::Stop, Some("end_turn")));
    for read in [
        whole(&invoke(), &InvokeAnthropicEndpoint, &answer),
        streamed(&invoke(), &InvokeAnthropicEndpoint, &events(&answer), None),
    ] {
        let read = read.completion();
        assert_eq!((read.id.as_deref(), read.text().as_str()), (Some("msg_1"), "hello"));
        assert_eq!(read.choices[0].finish, answer.choices[0].finish);
    }
}
