//! The server's side of Cohere's wire: what the provider writes is read, and what is written here it reads.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/values.rs"]
mod values;
#[path = "support/writing.rs"]
mod writing;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, FinishReason, Notice};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{
    Effort, Operation, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use belvedere_providers::cohere::{Cohere, CohereEndpoint};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::{Read, head};
use values::{arguments, assert_same, events, function, number, text, word};

fn plan() -> impl Strategy<Value = Part> {
    text().prop_map(|text| {
        let extra = Map::from_iter([("cohere.chat".to_owned(), json!({"type": "tool_plan"}))]);
        Part::Reasoning { text, signature: None, wire: Default::default(), extra }
    })
}

fn call() -> impl Strategy<Value = Part> {
    (word(), word(), arguments()).prop_map(|(id, name, input)| {
        let (by, extra) = (ToolBy::Client, Map::new());
        Part::ToolCall { id: id.into(), name: name.into(), input, by, extra }
    })
}

fn picture() -> impl Strategy<Value = Part> {
    let data = vec(any::<u8>(), 0..9)
        .prop_map(|data| MediaSource::Data { mime: "image/png".into(), data: data.into() });
    let address = word().prop_map(|path| MediaSource::Url(format!("https://example.com/{path}")));
    prop_oneof![data, address].prop_map(|source| Part::Media(Media::new(MediaKind::Image, source)))
}

/// The parts of an answer, in the one order the wire has for them.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let content = prop_oneof![text().prop_map(Part::reasoning), text().prop_map(Part::text)];
    (option::of(plan()), vec(content, 0..3), vec(call(), 0..3))
        .prop_map(|(plan, content, calls)| plan.into_iter().chain(content).chain(calls).collect())
}

fn message() -> impl Strategy<Value = Message> {
    let asked = (text(), vec(picture(), 0..2));
    let result = (word(), text());
    prop_oneof![
        text().prop_map(Message::system),
        asked.prop_map(|(text, pictures)| {
            Message::new(Role::User, std::iter::once(Part::text(text)).chain(pictures).collect())
        }),
        parts().prop_map(|parts| Message::new(Role::Assistant, parts)),
        result.prop_map(|(id, text)| Message::tool(id, text)),
    ]
}

fn reasoning() -> impl Strategy<Value = Reasoning> {
    let ways = [(None, None), (Some(Effort::None), None), (None, Some(5))];
    proptest::sample::select(ways.to_vec()).prop_map(|(effort, budget)| {
        let mut reasoning = Reasoning::default();
        (reasoning.effort, reasoning.max_tokens) = (effort, budget);
        reasoning
    })
}

fn form() -> impl Strategy<Value = ResponseFormat> {
    let json_schema = Schema::new("answer", json!({"type": "object"}));
    let all = [ResponseFormat::Text, ResponseFormat::JsonObject, ResponseFormat::JsonSchema { json_schema }];
    proptest::sample::select(all.to_vec())
}

fn chat() -> impl Strategy<Value = Request> {
    let numbers = (option::of(number()), option::of(number()), option::of(0u64..9), option::of(0i64..9));
    let others = (option::of(1u64..9), vec(text(), 0..3), option::of(reasoning()), option::of(form()));
    let choices = [None, Some(ToolChoice::Required), Some(ToolChoice::None)];
    let tools = (vec(function(), 0..3), any::<bool>(), proptest::sample::select(choices.to_vec()));
    (numbers, others, tools, vec(message(), 0..4), any::<[bool; 3]>()).prop_map(
        |(numbers, others, (tools, strict, choice), messages, [stream, logprobs, own])| {
            let mut request = Request::default().with_model("m");
            (request.temperature, request.top_p, request.top_k, request.seed) = numbers;
            (request.max_tokens, request.stop, request.reasoning, request.response_format) = others;
            let strictly = |mut tool: Tool| {
                if let Tool::Function(function) = &mut tool {
                    function.strict = strict.then_some(true);
                }
                tool
            };
            request.tools = tools.into_iter().map(strictly).collect::<Vec<_>>().into();
            (request.tool_choice, request.messages) = (choice, messages.into());
            (request.stream, request.logprobs) = (stream, logprobs.then_some(true));
            if own {
                request.extra.insert("documents".into(), json!(["a"]));
                request.extra.insert("safety_mode".into(), json!("STRICT"));
            }
            request
        },
    )
}

fn answer() -> impl Strategy<Value = Completion> {
    let words = [
        (FinishReason::Stop, "COMPLETE"),
        (FinishReason::Stop, "STOP_SEQUENCE"),
        (FinishReason::ToolCalls, "TOOL_CALL"),
        (FinishReason::Other, "NEW"),
    ];
    let words = proptest::sample::select(words.to_vec());
    (word(), parts(), vec(text(), 0..2), words, any::<[bool; 2]>()).prop_map(
        |(id, parts, tokens, (reason, raw), [counted, cited])| {
            let logprobs: Vec<Value> =
                tokens.iter().map(|text| json!({"text": text, "logprobs": [-1.5]})).collect();
            let place = parts.iter().rposition(|part| part.as_text().is_some());
            let sources: Vec<Value> = cited.then(|| source(place)).into_iter().collect();
            let finish = json!({"reason": reason, "raw": raw});
            let choice = json!({"parts": parts, "sources": sources, "logprobs": logprobs, "finish": finish});
            let mut body = json!({"id": id, "choices": [choice]});
            if counted {
                body["usage"] = json!({
                    "classes": {"input": 4, "output": 2, "cache_read": 1},
                    "reported": {"input_tokens": 5, "output_tokens": 2, "cache_read_tokens": 1},
                    "raw": {"tokens": {"input_tokens": 5, "output_tokens": 2}, "cached_tokens": 1},
                });
            }
            serde_json::from_value(body).unwrap()
        },
    )
}

fn source(part: Option<usize>) -> Value {
    let document = json!({"url": "https://example.com", "title": "T"});
    let raw =
        json!({"start": 0, "end": 2, "text": "it", "sources": [{"type": "document", "document": document}]});
    let mut source = json!({"url": "https://example.com", "title": "T", "quote": "it", "raw": raw});
    if let Some(part) = part {
        source["part"] = json!(part);
    }
    source
}

fn read(stream: bool, content_type: &str, body: &[u8]) -> Read {
    let mut request = Request::from("hi");
    request.stream = stream;
    let head = head(200, [("content-type", content_type)]);
    Read::new(&Cohere::default(), &request, &head, [body])
}

fn streamed(events: &[Event], error: Option<&Error>) -> Vec<u8> {
    let answer = writing::streamed(&CohereEndpoint, &Request::from("hi"), events, error);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    answer.into_body().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_chat_goes_round(request in chat()) {
        let written = Cohere::default().encode(&request).unwrap();
        prop_assert!(CohereEndpoint.accepts(written.method(), written.uri().path()));
        assert_same(&CohereEndpoint.request(&written).unwrap(), &request);
    }

    #[test]
    fn an_answer_goes_round(answer in answer()) {
        let whole = CohereEndpoint.whole(&Request::from("hi"), &answer);
        assert_same(&read(false, "application/json", whole.body()).completion(), &answer);
        let body = streamed(&events(&answer), None);
        let streamed = read(true, "text/event-stream", &body);
        assert_same(&streamed.completion(), &answer);
        let crlf = String::from_utf8(body).unwrap().replace('\n', "\r\n");
        let again = read(true, "text/event-stream", crlf.as_bytes());
        prop_assert_eq!(again.essence(), streamed.essence());
    }

    #[test]
    fn any_body_is_read_or_refused(body in ".{0,200}") {
        for path in ["/v2/chat", "/v2/embed"] {
            let request = http::Request::post(path).body(Bytes::from(body.clone())).unwrap();
            let _ = CohereEndpoint.request(&request);
        }
    }
}

/// What this wire has no word for is still said in its own: another wire's source, reason and counters.
#[test]
fn another_wires_answer_is_written_in_coheres_words() {
    let answer = json!({
        "id": "a",
        "choices": [{
            "parts": [{"type": "refusal", "text": "No."}],
            "sources": [{"url": "https://example.com", "title": "T", "raw": null}],
            "finish": {"reason": "length", "raw": "length"}
        }],
        "usage": {"classes": {"input": 3, "cache_read": 4, "output": 5, "reasoning": 6}}
    });
    let answer: Completion = serde_json::from_value(answer).unwrap();
    let body = CohereEndpoint.whole(&Request::from("hi"), &answer);
    let body: Value = serde_json::from_slice(body.body()).unwrap();
    assert_eq!(body["finish_reason"], "MAX_TOKENS");
    assert_eq!(body["message"]["content"], json!([{"type": "text", "text": "No."}]));
    assert_eq!(body["message"]["citations"][0]["sources"][0]["document"]["title"], "T");
    let usage = json!({"tokens": {"input_tokens": 7, "output_tokens": 11}, "cached_tokens": 4});
    assert_eq!(body["usage"], usage);
}

#[test]
fn every_error_is_read_as_what_it_is() {
    let telling = [
        ErrorKind::RateLimited,
        ErrorKind::Overloaded,
        ErrorKind::Unauthorized,
        ErrorKind::Forbidden,
        ErrorKind::InvalidRequest,
        ErrorKind::QuotaExhausted,
    ];
    for kind in ErrorKind::ALL {
        let (parts, body) = CohereEndpoint.error(&Error::new(kind, "went wrong")).into_parts();
        assert_eq!(body, r#"{"message":"went wrong"}"#);
        let read = Read::new(&Cohere::default(), &Request::from("hi"), &parts, [&*body]);
        let error = read.error.unwrap();
        assert!(parts.status.as_u16() >= 400, "{kind}");
        if telling.contains(&kind) {
            assert_eq!(error.kind(), kind);
        }
    }
}

#[test]
fn a_stream_that_fails_or_begins_anew_ends_in_an_error() {
    let text = Event::Text { choice: 0, part: 0, delta: "half".into() };
    let start = Event::Start { id: Some("a".into()), model: None };
    let outcome = |events: &[Event], error: Option<&Error>| {
        let read = read(true, "text/event-stream", &streamed(events, error));
        (read.completion().text(), read.error.is_some())
    };
    let error = Error::new(ErrorKind::Overloaded, "the provider is overloaded");
    assert_eq!(outcome(&[start.clone(), text.clone()], Some(&error)), ("half".into(), true));
    let restart = Event::Notice(Notice::Restart { reason: "cut".into() });
    let anew = [start.clone(), text.clone(), restart, start, text];
    assert_eq!(outcome(&anew, None), ("half".into(), true));
}

#[test]
fn embeddings_and_models_go_round() {
    let mut embed = Request::embed(["a", "b"]).with_model("m");
    embed.dimensions = Some(2);
    embed.extra.insert("truncate".into(), "NONE".into());
    let written = Cohere::default().encode(&embed).unwrap();
    assert!(CohereEndpoint.accepts(written.method(), written.uri().path()));
    assert_same(&CohereEndpoint.request(&written).unwrap(), &embed);
    let vectors = json!({
        "id": "e", "embeddings": [{"index": 0, "vector": [0.5]}, {"index": 1, "vector": [-1.0]}],
        "choices": [{"finish": {"reason": null}}],
        "usage": {"classes": {"input": 3}, "reported": {"input_tokens": 3}, "raw": {"billed_units": {"input_tokens": 3}}}
    });
    let vectors: Completion = serde_json::from_value(vectors).unwrap();
    let body = CohereEndpoint.whole(&embed, &vectors);
    let head = head(200, [("content-type", "application/json")]);
    assert_same(&Read::new(&Cohere::default(), &embed, &head, [&**body.body()]).completion(), &vectors);

    let mut list = Request::default();
    list.operation = Operation::Models;
    let written = Cohere::default().encode(&list).unwrap();
    assert_same(&CohereEndpoint.request(&written).unwrap(), &list);
    let models: Completion = serde_json::from_value(json!({"models": [{"id": "m", "raw": null}]})).unwrap();
    let body = CohereEndpoint.whole(&list, &models);
    assert_eq!(body.body(), r#"{"models":[{"endpoints":["chat"],"name":"m"}]}"#);
}

#[test]
fn texts_to_embed_come_in_either_form() {
    let read = |body: Value| {
        let incoming = http::Request::post("/v2/embed").body(Bytes::from(body.to_string())).unwrap();
        CohereEndpoint.request(&incoming).unwrap()
    };
    let one = |text: &str| json!({"content": [{"type": "text", "text": text}]});
    let request = read(json!({"model": "m", "inputs": [one("a"), one("b")]}));
    assert_eq!((&**request.input, request.extra.len()), (&["a".to_owned(), "b".to_owned()][..], 0));
    // A picture has no place in a request of ours: what holds one stays as it is.
    let picture = json!([one("a"), {"content": [{"type": "image_url", "image_url": {"url": "x"}}]}]);
    let request = read(json!({"model": "m", "inputs": picture}));
    assert_eq!((request.input.len(), &request.extra["inputs"]), (0, &picture));
}
