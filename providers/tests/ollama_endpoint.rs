//! The server's side of Ollama's wires: what the provider writes is read, and what is written here it reads.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/values.rs"]
mod values;
#[path = "support/writing.rs"]
mod writing;

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind, RetryAfter};
use belvedere_core::event::{Event, FinishReason, Notice};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Effort, Operation, Reasoning, Request, ResponseFormat, Schema};
use belvedere_providers::ollama::{Api, Ollama, OllamaEndpoint, OllamaGenerateEndpoint};
use bytes::Bytes;
use http::Method;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::{Read, head};
use values::{arguments, assert_same, events, function, number, text, word};

fn picture() -> impl Strategy<Value = Part> {
    vec(any::<u8>(), 0..20).prop_map(|more| {
        let data = [b"\x89PNG\r\n\x1a\n".as_slice(), &more].concat();
        let source = MediaSource::Data { mime: "image/png".into(), data: data.into() };
        Part::Media(Media::new(MediaKind::Image, source))
    })
}

fn call() -> impl Strategy<Value = Part> {
    (option::of(0u32..9), prop_oneof![Just(String::new()), word()], word(), arguments()).prop_map(
        |(index, id, name, input)| {
            let own = index.map(|index| ("ollama.chat".to_owned(), json!({ "index": index })));
            let extra = own.into_iter().collect();
            Part::ToolCall { id: id.into(), name: name.into(), input, by: ToolBy::Client, extra }
        },
    )
}

/// The parts a message or an answer can have, in the one order the wire has for them.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    (option::of(text()), option::of(text()), vec(picture(), 0..2), vec(call(), 0..3)).prop_map(
        |(thinking, text, pictures, calls)| {
            let said = thinking.map(Part::reasoning).into_iter().chain(text.map(Part::text));
            said.chain(pictures).chain(calls).collect()
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    let said = (prop_oneof![Just(Role::System), Just(Role::User)], text());
    let result = (word(), word(), text());
    prop_oneof![
        said.prop_map(|(role, text)| Message::new(role, vec![Part::text(text)])),
        parts().prop_map(|parts| Message::new(Role::Assistant, parts)),
        result.prop_map(|(id, name, text)| {
            let (content, extra) = (vec![Part::text(text)], Map::new());
            let (id, name) = (id.into(), Some(name.into()));
            Message::new(Role::Tool, vec![Part::ToolResult { id, name, content, is_error: false, extra }])
        }),
    ]
}

fn reasoning() -> impl Strategy<Value = Reasoning> {
    let efforts = [None, Some(Effort::None), Some(Effort::Low), Some(Effort::High), Some(Effort::Xhigh)];
    proptest::sample::select(efforts.to_vec()).prop_map(|effort| {
        let mut reasoning = Reasoning::default();
        reasoning.effort = effort;
        reasoning
    })
}

fn form() -> impl Strategy<Value = ResponseFormat> {
    let schema = Schema::new("answer", json!({"type": "object"}));
    prop_oneof![Just(ResponseFormat::JsonObject), Just(ResponseFormat::JsonSchema { json_schema: schema })]
}

/// What both wires take.
fn settings() -> impl Strategy<Value = Request> {
    let numbers = (option::of(number()), option::of(number()), option::of(0u64..9), option::of(any::<i64>()));
    let others = (option::of(1u64..9), vec(text(), 0..3), option::of(reasoning()), option::of(form()));
    (numbers, others, any::<bool>(), option::of(any::<bool>()), any::<bool>()).prop_map(
        |(numbers, others, stream, logprobs, own)| {
            let mut request = Request::default().with_model("m");
            (request.temperature, request.top_p, request.top_k, request.seed) = numbers;
            (request.max_tokens, request.stop, request.reasoning, request.response_format) = others;
            (request.stream, request.logprobs) = (stream, logprobs);
            if own {
                request.extra.insert("options".into(), json!({"num_ctx": 4096}));
                request.extra.insert("keep_alive".into(), json!("5m"));
            }
            request
        },
    )
}

fn chat() -> impl Strategy<Value = Request> {
    (settings(), vec(message(), 0..4), vec(function(), 0..3)).prop_map(|(mut request, messages, tools)| {
        // The wire has no field for it: an answer at the end is one to be gone on with.
        let last = messages.last().filter(|message| message.role == Role::Assistant);
        request.continue_final_message =
            matches!(last.and_then(|last| last.parts.last()), Some(Part::Text { .. }));
        request.messages = messages.into();
        request.tools = tools.into();
        request
    })
}

fn prompt() -> impl Strategy<Value = Request> {
    (settings(), option::of(text()), text(), vec(picture(), 0..2)).prop_map(
        |(mut request, system, prompt, pictures)| {
            let mut messages: Vec<Message> = system.map(Message::system).into_iter().collect();
            let parts = std::iter::once(Part::text(prompt)).chain(pictures).collect();
            messages.push(Message::new(Role::User, parts));
            request.messages = messages.into();
            request
        },
    )
}

fn endpoint(api: Api) -> &'static dyn Endpoint {
    match api {
        Api::Chat => &OllamaEndpoint,
        Api::Generate => &OllamaGenerateEndpoint,
    }
}

fn answer() -> impl Strategy<Value = Completion> {
    let words =
        [(FinishReason::Stop, "stop"), (FinishReason::Length, "length"), (FinishReason::Other, "load")];
    (parts(), vec(text(), 0..2), proptest::sample::select(words.to_vec()), option::of((0u64..99, 0u64..99)))
        .prop_map(|(parts, tokens, (reason, raw), counts)| {
            let logprobs: Vec<Value> =
                tokens.iter().map(|token| json!({"token": token, "logprob": -1.5})).collect();
            let calls = parts.iter().any(|part| matches!(part, Part::ToolCall { .. }));
            let reason = if calls && raw == "stop" { FinishReason::ToolCalls } else { reason };
            let mut body = json!({
                "model": "m",
                "choices": [{"parts": parts, "logprobs": logprobs, "finish": {"reason": reason, "raw": raw}}],
            });
            if let Some((read, wrote)) = counts {
                let raw = json!({"prompt_eval_count": read, "eval_count": wrote, "total_duration": 7});
                let reported = json!({"input_tokens": read, "output_tokens": wrote});
                let classes = json!({"input": read, "output": wrote});
                body["usage"] = json!({"classes": classes, "reported": reported, "raw": raw});
            }
            serde_json::from_value(body).unwrap()
        })
}

fn read(api: Api, stream: bool, content_type: &str, body: &[u8]) -> Completion {
    let mut request = Request::from("hi");
    request.stream = stream;
    let head = head(200, [("content-type", content_type)]);
    let read = |pieces: &[&[u8]]| {
        Read::new(&Ollama::default().with_api(api), &request, &head, pieces.iter().copied())
    };
    let whole = read(&[body]);
    assert_eq!(whole.error.as_ref().map(ToString::to_string), None);
    let (one, two) = body.split_at(body.len() / 2);
    assert_eq!(read(&[one, two]).essence(), whole.essence());
    whole.completion()
}

fn streamed(api: Api, events: &[Event], error: Option<&Error>) -> Vec<u8> {
    let answer = writing::streamed(endpoint(api), &Request::from("hi"), events, error);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    answer.into_body().to_vec()
}

fn assert_request_goes_round(api: Api, request: &Request) {
    let written = Ollama::default().with_api(api).encode(request).unwrap();
    assert!(endpoint(api).accepts(written.method(), written.uri().path()));
    assert_same(&endpoint(api).request(&written).unwrap(), request);
}

fn assert_answer_goes_round(api: Api, answer: &Completion) {
    let whole = endpoint(api).whole(&Request::from("hi"), answer);
    assert_same(&read(api, false, "application/json", whole.body()), answer);
    let body = streamed(api, &events(answer), None);
    assert_same(&read(api, true, "application/x-ndjson", &body), answer);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_chat_goes_round(request in chat()) {
        assert_request_goes_round(Api::Chat, &request);
    }

    #[test]
    fn a_prompt_goes_round(request in prompt()) {
        assert_request_goes_round(Api::Generate, &request);
    }

    #[test]
    fn an_answer_goes_round(answer in answer()) {
        assert_answer_goes_round(Api::Chat, &answer);
    }

    #[test]
    fn a_generated_answer_goes_round(mut answer in answer(), context in vec(0u32..9, 1..4)) {
        for choice in &mut answer.choices {
            choice.parts.retain(|part| !matches!(part, Part::Media(_)));
            for part in &mut choice.parts {
                if let Part::Text { extra, .. } = part {
                    extra.insert("ollama.generate".into(), json!({ "context": context }));
                }
            }
        }
        assert_answer_goes_round(Api::Generate, &answer);
    }

    #[test]
    fn any_body_is_read_or_refused(body in ".{0,200}") {
        for path in ["/api/chat", "/api/embed"] {
            let request = http::Request::post(path).body(Bytes::from(body.clone())).unwrap();
            let _ = OllamaEndpoint.request(&request);
        }
    }
}

#[test]
fn every_error_is_read_as_what_it_is() {
    for kind in ErrorKind::ALL {
        let delay = RetryAfter::after(std::time::Duration::from_secs(3));
        // The status is the same for an address that is wrong: the words tell.
        let words = if kind == ErrorKind::ModelNotFound { "model 'm' not found" } else { "went wrong" };
        let response = OllamaEndpoint.error(&Error::new(kind, words).with_retry_after(delay));
        let (parts, body) = response.into_parts();
        let read = Read::new(&Ollama::default(), &Request::from("hi"), &parts, [&*body]);
        let error = read.error.unwrap();
        assert!(parts.status.as_u16() >= 400, "{kind}");
        assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(3)), "{kind}");
        assert_eq!(error.provider().unwrap().message.as_deref(), Some(words));
        let telling = [
            ErrorKind::RateLimited,
            ErrorKind::Overloaded,
            ErrorKind::Unauthorized,
            ErrorKind::Forbidden,
            ErrorKind::InvalidRequest,
            ErrorKind::ModelNotFound,
            ErrorKind::QuotaExhausted,
        ];
        if telling.contains(&kind) {
            assert_eq!(error.kind(), kind);
        }
    }
}

#[test]
fn a_stream_that_fails_or_begins_anew_ends_in_an_error() {
    let text = Event::Text { choice: 0, part: 0, delta: "half".into() };
    let start = Event::Start { id: None, model: None };
    let failed = |body: Vec<u8>| {
        let mut request = Request::from("hi");
        request.stream = true;
        let head = head(200, [("content-type", "application/x-ndjson")]);
        let read = Read::new(&Ollama::default(), &request, &head, [body.as_slice()]);
        let mut fold = Fold::default();
        read.events.iter().for_each(|event| fold.event(event));
        (fold.completion().text(), read.error.is_some())
    };
    let events = [start.clone(), text.clone()];
    let error = Error::new(ErrorKind::Overloaded, "the provider is overloaded");
    assert_eq!(failed(streamed(Api::Chat, &events, Some(&error))), ("half".into(), true));
    let restart = Event::Notice(Notice::Restart { reason: "cut".into() });
    let anew = [start.clone(), text.clone(), restart, start, text];
    assert_eq!(failed(streamed(Api::Chat, &anew, None)), ("half".into(), true));
}

#[test]
fn a_stream_is_wanted_unless_it_is_not() {
    let of = |body: &'static str| {
        let request = http::Request::post("/api/chat").body(Bytes::from_static(body.as_bytes())).unwrap();
        OllamaEndpoint.request(&request).map(|request| request.stream).map_err(|e| e.message().to_owned())
    };
    assert_eq!(of(r#"{"model":"m","messages":[]}"#), Ok(true));
    assert_eq!(of(r#"{"model":"m","messages":[],"stream":false}"#), Ok(false));
    assert_eq!(
        of(r#"{"messages":[{"role":"moon"}]}"#),
        Err("messages[0].role: must be system, user, assistant or tool".into())
    );
    assert_eq!(of(r#"{"think":"much"}"#), Err("think: must be a boolean, low, medium, high or max".into()));
}

#[test]
fn embeddings_and_models_go_round() {
    let mut embed = Request::embed(["a", "b"]).with_model("m");
    embed.dimensions = Some(2);
    let written = Ollama::default().encode(&embed).unwrap();
    assert_same(&OllamaEndpoint.request(&written).unwrap(), &embed);
    let vectors = json!({"model": "m", "embeddings": [{"index": 0, "vector": [0.5]}, {"index": 1, "vector": [-1.0]}],
        "usage": {"classes": {"input": 3}, "reported": {"input_tokens": 3}, "raw": {"prompt_eval_count": 3}}});
    let mut vectors: Completion = serde_json::from_value(vectors).unwrap();
    let body = OllamaEndpoint.whole(&embed, &vectors);
    let head = head(200, [("content-type", "application/json")]);
    vectors.choices = vec![serde_json::from_value(json!({"finish": {"reason": null}})).unwrap()];
    assert_same(&Read::new(&Ollama::default(), &embed, &head, [&**body.body()]).completion(), &vectors);

    let mut list = Request::default();
    list.operation = Operation::Models;
    let written = Ollama::default().encode(&list).unwrap();
    assert!(OllamaEndpoint.accepts(&Method::GET, written.uri().path()));
    assert_same(&OllamaEndpoint.request(&written).unwrap(), &list);
    let models = json!({"models": [{"id": "m", "name": "m", "raw": {"name": "m", "model": "m"}}]});
    let models: Completion = serde_json::from_value(models).unwrap();
    let body = OllamaEndpoint.whole(&list, &models);
    assert_eq!(body.body(), r#"{"models":[{"model":"m","name":"m"}]}"#);
}
