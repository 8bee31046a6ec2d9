//! Tests of the wire, against frames and bodies written here.

mod azure;
mod embeddings;
mod encode;
mod mistral;
mod servers;
mod stream;
mod terminal;
mod tools;
mod usage;

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::error::Error;
use belvedere_core::event::Event;
use belvedere_core::laws::Laws;
use belvedere_core::provider::{Frame, Framing, Provider};
use belvedere_core::request::{Operation, Request};
use serde_json::{Value, json};

use super::{OpenAi, hosts};

/// The provider for a server of the table.
fn host(name: &str) -> OpenAi {
    OpenAi::new(hosts::find(name).unwrap()).with_model("m")
}

/// The head of a response.
fn head(status: u16, kind: &str) -> http::response::Parts {
    let response = http::Response::builder().status(status);
    let response = if kind.is_empty() { response } else { response.header("content-type", kind) };
    response.body(()).unwrap().into_parts().0
}

/// What frames give: all events until the end or the first error.
fn read(host: &OpenAi, operation: Operation, kind: &str, frames: &[(Option<&str>, &[u8])]) -> Outcome {
    let mut request = Request::from("hi");
    request.operation = operation;
    let (_, mut decoder) = host.decode(&request, &head(200, kind)).unwrap();
    let mut events = Vec::new();
    let mut error = None;
    for (name, data) in frames {
        if let Err(e) = decoder.frame(Frame { name: *name, data }, &mut events) {
            error = Some(e);
            break;
        }
    }
    if error.is_none() {
        error = decoder.eof(&mut events).err();
    }
    let mut laws = Laws::default();
    events.iter().try_for_each(|event| laws.event(event)).unwrap();
    if error.is_none() {
        laws.finished().unwrap();
    }
    Outcome { events, error }
}

/// Events, and the error they end in.
#[derive(Debug)]
struct Outcome {
    events: Vec<Event>,
    error: Option<Error>,
}

impl Outcome {
    fn answer(&self) -> Completion {
        let mut fold = Fold::default();
        self.events.iter().for_each(|event| fold.event(event));
        fold.into_completion()
    }

    fn finishes(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Finish { .. })).count()
    }
}

/// What a stream of these chunks gives, with `[DONE]` where a chunk is that text.
fn stream_from(host: &OpenAi, chunks: &[Value]) -> Outcome {
    let texts: Vec<String> =
        chunks.iter().map(|chunk| chunk.as_str().map_or_else(|| chunk.to_string(), str::to_owned)).collect();
    let frames: Vec<_> = texts.iter().map(|text| (None, text.as_bytes())).collect();
    read(host, Operation::Chat, "text/event-stream", &frames)
}

fn stream(chunks: &[Value]) -> Outcome {
    stream_from(&host("openai"), chunks)
}

fn whole_from(host: &OpenAi, body: &Value) -> Outcome {
    read(host, Operation::Chat, "application/json", &[(None, body.to_string().as_bytes())])
}

fn whole(body: &Value) -> Outcome {
    whole_from(&host("openai"), body)
}

/// The error that this body stands for.
fn fail(host: &OpenAi, status: u16, body: &Value) -> Error {
    let (_, mut decoder) = host.decode(&Request::from("hi"), &head(status, "application/json")).unwrap();
    decoder.frame(Frame { name: None, data: body.to_string().as_bytes() }, &mut Vec::new()).unwrap_err()
}

/// The body of a request as it goes out.
fn sent(host: &OpenAi, request: &Request) -> Value {
    serde_json::from_slice(host.encode(request).unwrap().body()).unwrap()
}

/// A chunk of choice 0.
fn delta(delta: Value) -> Value {
    json!({ "id": "a", "model": "m", "choices": [{ "index": 0, "delta": delta }] })
}

fn finish(word: &str) -> Value {
    json!({ "id": "a", "model": "m", "choices": [{ "index": 0, "delta": {}, "finish_reason": word }] })
}

fn done() -> Value {
    json!("[DONE]")
}

#[test]
fn the_content_type_decides_how_a_body_is_cut() {
    let framing = |stream: bool, kind: &str| {
        let mut request = Request::from("hi");
        request.stream = stream;
        host("openai").decode(&request, &head(200, kind)).map(|(framing, _)| framing)
    };
    assert_eq!(framing(false, "text/event-stream; charset=utf-8").unwrap(), Framing::Sse);
    assert_eq!(framing(true, "Application/JSON").unwrap(), Framing::Json);
    assert_eq!(framing(true, "application/problem+json").unwrap(), Framing::Json);
    assert_eq!(framing(true, "application/x-ndjson").unwrap(), Framing::Lines);
    assert_eq!((framing(true, "").unwrap(), framing(false, "").unwrap()), (Framing::Sse, Framing::Json));
    let error = framing(true, "text/html; charset=utf-8").err().unwrap();
    assert_eq!(error.kind(), belvedere_core::ErrorKind::Malformed);
    assert!(error.to_string().contains("text/html"), "{error}");
}

#[test]
fn an_error_status_is_an_error_whatever_its_type() {
    let (framing, mut decoder) =
        host("openai").decode(&Request::from("hi"), &head(503, "text/html")).unwrap();
    assert_eq!(framing, Framing::Json);
    let error = decoder.frame(Frame { name: None, data: b"<html>" }, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), belvedere_core::ErrorKind::Overloaded);
}

#[test]
fn models_are_listed_in_every_shape() {
    let bodies = [
        json!({ "object": "list", "data": [{ "id": "m-1", "owned_by": "x" }, { "id": "m-2" }] }),
        json!([{ "id": "m-1", "display_name": "One" }, { "id": "m-2" }, { "nameless": true }]),
        json!({ "models": [{ "name": "m-1", "model": "m-1" }, { "name": "m-2" }] }),
    ];
    for body in bodies {
        let text = body.to_string();
        let outcome =
            read(&host("openai"), Operation::Models, "application/json", &[(None, text.as_bytes())]);
        let answer = outcome.answer();
        let ids: Vec<&str> = answer.models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["m-1", "m-2"], "{body}");
    }
    let wrong = read(&host("openai"), Operation::Models, "application/json", &[(None, b"{}")]);
    assert_eq!(wrong.error.unwrap().kind(), belvedere_core::ErrorKind::Malformed);
}
