//! The server's side of Google's wire: what the client's side writes is read, and what is written here is read there.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "google/embeddings.rs"]
mod embeddings;
#[path = "google/mutations.rs"]
mod mutations;
#[path = "google/random.rs"]
mod random;
mod support;
#[path = "support/writing.rs"]
mod writing;

use std::time::Duration;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind, RetryAfter};
use belvedere_core::event::{Event, Notice};
use belvedere_core::message::{Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Request, ToolChoice};
use belvedere_core::usage::{Class, Usage};
use belvedere_providers::google::{Google, GoogleEndpoint};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use mutations::mutations;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::Read;

const GENERATE: &str = "/v1beta/models/gemini-x:generateContent";

fn endpoint() -> GoogleEndpoint {
    GoogleEndpoint
}

fn incoming(uri: &str, body: &Value) -> http::Request<Bytes> {
    http::Request::post(uri).body(body.to_string().into()).unwrap()
}

fn read(body: Value) -> Request {
    endpoint().request(&incoming(GENERATE, &body)).unwrap()
}

fn whole(answer: &Completion) -> Read {
    let (head, body) = endpoint().whole(&Request::default(), answer).into_parts();
    Read::new(&Google::default(), &Request::default(), &head, [body.as_ref()])
}

fn events(answer: Completion) -> Vec<Event> {
    let events: Vec<_> = StreamExt::collect(answer.into_events()).now_or_never().unwrap();
    events.into_iter().map(Result::unwrap).collect()
}

/// What the client reads of these events.
fn streamed(events: &[Event], error: Option<&Error>) -> Read {
    let mut request = Request::default();
    request.stream = true;
    let (head, body) = writing::streamed(&endpoint(), &request, events, error).into_parts();
    Read::new(&Google::default(), &request, &head, [body.as_ref()])
}

/// An answer as a stream can tell it: neighbours of one kind are one part, and what signs a text follows it in an
/// empty text of its own.
fn as_streamed(mut answer: Completion) -> Completion {
    for choice in &mut answer.choices {
        let mut parts: Vec<Part> = Vec::new();
        for part in choice.parts.drain(..) {
            match (parts.last_mut(), part) {
                (Some(Part::Text { text, extra: before }), Part::Text { text: more, extra })
                    if before.is_empty() && !more.is_empty() =>
                {
                    text.push_str(&more);
                    parts.extend((!extra.is_empty()).then(|| Part::Text { text: String::new(), extra }));
                }
                (_, Part::Text { text, extra }) if !text.is_empty() && !extra.is_empty() => {
                    parts.extend([Part::text(text), Part::Text { text: String::new(), extra }]);
                }
                (
                    Some(Part::Reasoning { text, signature: None, .. }),
                    Part::Reasoning { text: more, signature, wire, extra },
                ) if !more.is_empty() => {
                    text.push_str(&more);
                    let signed = Part::Reasoning { text: String::new(), signature, wire, extra };
                    parts.extend(
                        matches!(signed, Part::Reasoning { signature: Some(_), .. }).then_some(signed),
                    );
                }
                (_, Part::Reasoning { text, signature: signature @ Some(_), wire, extra })
                    if !text.is_empty() =>
                {
                    parts.extend([
                        Part::reasoning(text),
                        Part::Reasoning { text: String::new(), signature, wire, extra },
                    ]);
                }
                (_, part) => parts.push(part),
            }
        }
        choice.parts = parts;
    }
    answer
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_is_read_as_it_was_meant(request in random::request()) {
        let outgoing = Google::default().encode(&request).unwrap();
        prop_assert!(endpoint().accepts(outgoing.method(), outgoing.uri().path()));
        let read = endpoint().request(&outgoing);
        prop_assert_eq!(read.unwrap(), request);
    }

    #[test]
    fn a_request_to_vertex_is_read_as_it_was_meant(request in random::request()) {
        let outgoing = Google::vertex("p", "eu").unwrap().encode(&request).unwrap();
        prop_assert_eq!(endpoint().request(&outgoing).unwrap(), request);
    }

    #[test]
    fn a_whole_answer_is_read_as_it_was_meant(answer in random::answer()) {
        let read = whole(&answer);
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(read.completion(), answer);
    }

    #[test]
    fn a_streamed_answer_is_read_as_it_was_meant(answer in random::answer()) {
        let read = streamed(&events(answer.clone()), None);
        prop_assert!(read.error.is_none(), "{:?}", read.error);
        prop_assert_eq!(read.completion(), as_streamed(answer));
    }

    #[test]
    fn any_body_is_read_or_refused(body in "\\PC*") {
        let request = http::Request::post(GENERATE).body(Bytes::from(body)).unwrap();
        prop_assert!(endpoint().request(&request).is_err_and(|e| e.kind() == ErrorKind::InvalidRequest));
    }
}

#[test]
fn the_path_tells_the_model_and_the_method() {
    let target = |uri: &str| {
        endpoint()
            .request(&incoming(uri, &json!({})))
            .map(|r| (r.model.clone().unwrap().to_string(), r.stream))
    };
    for (uri, model, stream) in [
        (GENERATE, "gemini-x", false),
        ("http://h/prefix/v1beta/models/gemini-x:streamGenerateContent?key=k&alt=sse", "gemini-x", true),
        ("/v1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent?%24alt=sse", "m", true),
        ("/v1/projects/p/locations/l/publishers/x/models/m:generateContent", "publishers/x/models/m", false),
        (
            "/v1/projects/p/locations/l/endpoints/7:generateContent",
            "projects/p/locations/l/endpoints/7",
            false,
        ),
        ("/v1beta/tunedModels/t:generateContent", "tunedModels/t", false),
    ] {
        assert_eq!(target(uri).unwrap(), (model.to_owned(), stream), "{uri}");
        let path = uri.parse::<http::Uri>().unwrap().path().to_owned();
        assert!(
            endpoint().accepts(&http::Method::POST, &path) && !endpoint().accepts(&http::Method::GET, &path)
        );
    }
    assert!(!endpoint().accepts(&http::Method::POST, "/v1/chat/completions"));
    let error = target("/v1beta/models/m:streamGenerateContent").unwrap_err();
    assert_eq!(error.message(), "alt: must be sse; a stream is given as server-sent events only");
}

#[test]
fn both_spellings_of_a_field_are_read() {
    let request = read(json!({
        "system_instruction": {"role": "system", "parts": {"text": "s"}},
        "contents": [
            {"parts": [{"inline_data": {"mime_type": "image/png", "data": "aGk="}}]},
            {"role": "model", "parts": [{"function_call": {"name": "f"}, "thought_signature": "x"}]},
            {"role": "function", "parts": [{"function_response": {"name": "f", "response": {"result": "r"}}}]},
        ],
        "tools": {"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}]},
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "generation_config": {"max_output_tokens": 7.0, "thinking_config": {"thinking_budget": 0}},
        "safety_settings": [], "cached_content": null,
    }));
    let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool]);
    assert_eq!(request.tool_choice, Some(ToolChoice::Function { name: "f".into() }));
    assert_eq!((request.max_tokens, request.reasoning.as_ref().unwrap().max_tokens), (Some(7), Some(0)));
    let parameters = serde_json::to_value(&request.tools[0]).unwrap()["parameters"].clone();
    assert_eq!(parameters, json!({"type": "object", "properties": {"a": {"type": "string"}}}));
    assert_eq!(Value::Object(request.extra.clone()), json!({"safetySettings": []}));
    let call = serde_json::to_value(&request.messages[2].parts[0]).unwrap();
    assert_eq!(call["google.generate"], json!({"thoughtSignature": "x"}));
}

#[test]
fn what_has_no_place_stays_in_extra() {
    let settings = json!({
        "contents": [], "labels": {"a": "b"},
        "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, "retrievalConfig": {"languageCode": "en"}},
        "generationConfig": {"responseModalities": ["AUDIO"], "responseMimeType": "text/x.enum",
                             "responseSchema": {"type": "string", "enum": ["x"]},
                             "thinkingConfig": {"thinkingBudget": -1, "includeThoughts": true}},
    });
    let request = read(settings.clone());
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    let sent = Google::default().encode(&request).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(sent.body()).unwrap(), settings);
}

/// What is read is refused by the client's side, or it is written, and then it reads the same.
#[test]
fn an_odd_request_is_refused_or_written_the_same_twice() {
    let rich = json!({
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
            {"role": "model", "parts": [
                {"text": "t", "thought": true, "thoughtSignature": "s"},
                {"functionCall": {"name": "f", "args": {"a": 1}, "id": "i"}, "thoughtSignature": "s"},
                {"executableCode": {"code": "1", "language": "PYTHON"}}, {"codeExecutionResult": {"output": "1"}},
                {"toolCall": {"toolType": "FILE_SEARCH", "args": {}}},
            ]},
            {"role": "user", "parts": [{"functionResponse": {"id": "i", "name": "f", "response": {"result": "r"},
                "parts": [{"fileData": {"fileUri": "gs://b/x.pdf", "mimeType": "text/plain"}}]}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"error": {"e": 1}}}}, {"text": ""}]},
        ],
        "tools": [{"googleSearch": {}, "functionDeclarations": [
            {"name": "f", "description": "d", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"temperature": 1, "topK": 4, "stopSequences": ["a"], "responseMimeType": "application/json",
            "responseSchema": {"type": "STRING"}, "responseJsonSchema": {"type": "string"},
            "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": false}},
        "safetySettings": [{"category": "c"}],
    });
    let mut written = 0;
    for body in mutations(&rich) {
        let Ok(request) = endpoint().request(&incoming(GENERATE, &body)) else { continue };
        let Ok(once) = Google::default().encode(&request) else { continue };
        let again = endpoint().request(&once).unwrap();
        let twice = Google::default().encode(&again).unwrap();
        assert_eq!(twice.body(), once.body(), "{body}");
        written += 1;
    }
    assert!(written > 200, "{written}");
}

#[test]
fn a_fault_names_the_field() {
    let fault = |body: Value| {
        let error = endpoint().request(&incoming(GENERATE, &body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        error.message().to_owned()
    };
    let part = |part: Value| json!({"contents": [{"role": "user", "parts": [part]}]});
    for (body, path) in [
        (json!([]), "body: "),
        (json!({"contents": 7}), "contents: "),
        (json!({"contents": [{"role": "robot", "parts": []}]}), "contents[0].role: "),
        (part(json!({})), "contents[0].parts[0].text: is missing"),
        (part(json!({"text": 7})), "contents[0].parts[0].text: "),
        (part(json!({"functionCall": {"args": {}}})), "contents[0].parts[0].functionCall.name: is missing"),
        (
            part(json!({"functionCall": {"name": "f", "args": []}})),
            "contents[0].parts[0].functionCall.args: ",
        ),
        (part(json!({"inlineData": {"data": "%"}})), "contents[0].parts[0].inlineData.data: must be base64"),
        (
            json!({"generationConfig": {"temperature": "hot"}}),
            "generationConfig.temperature: must be a number",
        ),
        (json!({"generationConfig": {"topK": 1.5}}), "generationConfig.topK: must be a whole number"),
        (
            json!({"tools": [{"functionDeclarations": [{}]}]}),
            "tools[0].functionDeclarations[0].name: is missing",
        ),
    ] {
        let said = fault(body);
        assert!(said.starts_with(path), "{said}");
    }
}

#[test]
fn errors_have_googles_form() {
    let answer = |error: &Error| {
        let response = endpoint().error(error);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response, body)
    };
    let delay = RetryAfter::after(Duration::from_millis(2500));
    let (response, body) = answer(&Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(delay));
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    assert_eq!(
        body,
        json!({"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED",
               "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}]}})
    );
    for kind in ErrorKind::ALL {
        let message = if kind == ErrorKind::ModelNotFound { "models/m is not found" } else { "x" };
        let (response, body) = answer(&Error::new(kind, message));
        let (head, bytes) = response.into_parts();
        assert_eq!(body["error"]["code"], head.status.as_u16());
        let read = Read::new(&Google::default(), &Request::default(), &head, [bytes.as_ref()]);
        let error = read.error.unwrap();
        assert_eq!(error.provider().unwrap().message.as_deref(), Some(message));
        let same = [
            ErrorKind::InvalidRequest,
            ErrorKind::Unauthorized,
            ErrorKind::Forbidden,
            ErrorKind::ModelNotFound,
            ErrorKind::RateLimited,
            ErrorKind::Overloaded,
        ];
        if same.contains(&kind) {
            assert_eq!(error.kind(), kind);
        }
    }
}

#[test]
fn a_stream_that_fails_ends_in_an_error() {
    let some = events(Completion::of_text("a"));
    let upto = &some[..2];
    let failed = streamed(upto, Some(&Error::new(ErrorKind::Overloaded, "x")));
    assert_eq!(failed.error.unwrap().kind(), ErrorKind::Overloaded);
    // An answer that is begun anew can't be taken back.
    let restart = Event::Notice(Notice::Restart { reason: "cut".into() });
    let again: Vec<Event> = upto.iter().cloned().chain([restart.clone()]).chain(some.clone()).collect();
    assert_eq!(streamed(&again, None).error.unwrap().kind(), ErrorKind::Overloaded);
    let early: Vec<Event> = [restart].into_iter().chain(some.clone()).collect();
    assert_eq!(streamed(&early, None).essence(), streamed(&some, None).essence());
    assert_eq!(streamed(upto, None).error.unwrap().kind(), ErrorKind::Truncated);
}

#[test]
fn usage_of_other_providers_is_told_in_googles_counts() {
    let mut usage = Usage::default();
    for (class, count) in [
        (Class::Input, 10),
        (Class::CacheRead, 5),
        (Class::AudioInput, 2),
        (Class::Output, 7),
        (Class::Reasoning, 3),
        (Class::ToolPrompt, 1),
    ] {
        usage.set(class, Some(count));
    }
    let mut answer = Completion::of_text("a");
    answer.usage = Some(usage.clone().into());
    let read = whole(&answer).completion().usage.unwrap();
    assert_eq!(read.classes, usage.classes);
    assert!(read.adds_up() && read.reported.unwrap().total_tokens == Some(28));
}

#[test]
fn a_source_of_another_provider_is_a_chunk_of_the_web() {
    let mut answer = Completion::of_text("a");
    let source: belvedere_core::event::Source =
        serde_json::from_value(json!({"url": "https://a", "title": "A", "raw": {"type": "url_citation"}}))
            .unwrap();
    answer.choices[0].sources = vec![source];
    let read = whole(&answer).completion();
    assert_eq!(read.choices[0].sources[0].url.as_deref(), Some("https://a"));
    assert_eq!(read.choices[0].sources[0].raw, json!({"web": {"uri": "https://a", "title": "A"}}));
}
