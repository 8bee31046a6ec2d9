//! Errors of the endpoints: each kind is read as it was written, where the wire has a word for it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/unfold.rs"]
mod unfold;
#[path = "support/writing.rs"]
mod writing;

use std::time::Duration;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind, ProviderError, RetryAfter};
use belvedere_core::event::{Event, Notice};
use belvedere_core::request::Request;
use belvedere_providers::{endpoint, wire};
use bytes::Bytes;
use serde_json::{Value, json};
use support::{Read, head};
use unfold::{essence, events, interleaved};

const WIRES: [&str; 2] = ["openai.chat", "anthropic.messages"];

fn request(stream: bool) -> Request {
    let mut request = Request::from("hi").with_model("m");
    request.stream = stream;
    request
}

/// What the provider of the same wire makes of an answer.
fn read(endpoint: &dyn Endpoint, stream: bool, response: &http::Response<Bytes>) -> Read {
    let headers = response.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let (parts, body) = (head(response.status().as_u16(), headers), response.body());
    let provider = wire(endpoint.wire(), None).unwrap();
    let read = Read::new(provider.as_ref(), &request(stream), &parts, [body.as_ref()]);
    let cut = Read::new(provider.as_ref(), &request(stream), &parts, body.chunks(5));
    assert_eq!(cut.essence(), read.essence());
    read
}

fn stream(endpoint: &dyn Endpoint, events: &[Event], error: Option<&Error>) -> http::Response<Bytes> {
    writing::streamed(endpoint, &request(true), events, error)
}

/// The kinds that neither wire has a word of its own for, and what they are read as.
fn collapsed(kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::Unsupported => ErrorKind::InvalidRequest,
        ErrorKind::Blocked => ErrorKind::ContentFiltered,
        ErrorKind::BudgetExceeded => ErrorKind::QuotaExhausted,
        ErrorKind::Network
        | ErrorKind::Timeout(_)
        | ErrorKind::Truncated
        | ErrorKind::Malformed
        | ErrorKind::CircuitOpen
        | ErrorKind::Store
        | ErrorKind::ConfigInvalid
        | ErrorKind::Cancelled
        | ErrorKind::Unexpected => ErrorKind::Overloaded,
        own => own,
    }
}

#[test]
fn errors_are_read_as_they_were_written() {
    for endpoint in WIRES.map(|wire| endpoint(wire).unwrap()) {
        for kind in ErrorKind::ALL {
            let delay = Duration::from_millis(1500);
            let error = Error::new(kind, "it did not work").with_retry_after(RetryAfter::after(delay));
            let found = read(endpoint.as_ref(), false, &endpoint.error(&error)).error.unwrap();
            assert_eq!(found.kind(), collapsed(kind), "{} {kind}", endpoint.wire());
            assert_eq!(found.retry_after(), Some(delay), "{kind}");
            let message = found.provider().unwrap().message.clone().unwrap();
            assert!(message.ends_with("it did not work"), "{message}");
        }
    }
}

#[test]
fn errors_inside_a_stream_are_read_as_they_were_written() {
    for endpoint in WIRES.map(|wire| endpoint(wire).unwrap()) {
        for kind in ErrorKind::ALL {
            let cut = stream(endpoint.as_ref(), &[], Some(&Error::new(kind, "it did not work")));
            let found = read(endpoint.as_ref(), true, &cut).error.unwrap();
            assert_eq!(found.category(), collapsed(kind).category(), "{} {kind}", endpoint.wire());
        }
    }
}

#[test]
fn a_wire_has_its_own_status_for_some() {
    let status = |wire: &str, kind| endpoint(wire).unwrap().error(&Error::new(kind, "x")).status().as_u16();
    assert_eq!(WIRES.map(|wire| status(wire, ErrorKind::QuotaExhausted)), [429, 402]);
    assert_eq!(WIRES.map(|wire| status(wire, ErrorKind::Overloaded)), [503, 529]);
    assert_eq!(WIRES.map(|wire| status(wire, ErrorKind::RateLimited)), [429, 429]);
}

#[test]
fn what_the_provider_said_is_handed_on() {
    let mut said = ProviderError::default();
    (said.message, said.param) = (Some("too hot".into()), Some("temperature".into()));
    said.request_id = Some("req_1".into());
    let error = Error::new(ErrorKind::InvalidRequest, "ours").with_provider(said);
    let bodies = WIRES.map(|wire| {
        let response = endpoint(wire).unwrap().error(&error);
        assert_eq!(response.status(), 400);
        assert!(
            ["x-request-id", "request-id"]
                .iter()
                .all(|name| response.headers().get(*name).unwrap() == "req_1")
        );
        serde_json::from_slice::<Value>(response.body()).unwrap()
    });
    let chat = json!({"error": {
        "message": "too hot", "type": "invalid_request_error", "param": "temperature", "code": null,
    }});
    let messages = json!({"type": "error", "request_id": "req_1", "error": {
        "type": "invalid_request_error", "message": "too hot",
    }});
    assert_eq!(bodies, [chat, messages]);
}

/// Two answers never become one: what was sent can't be taken back.
#[test]
fn a_restart_after_the_first_words_ends_the_stream() {
    let whole = Completion::of_text("whole");
    let mut before = vec![Event::Notice(Notice::Restart { reason: "cut".into() })];
    before.extend(interleaved(events(&whole, 1)));
    let begun =
        [Event::Start { id: None, model: None }, Event::Text { choice: 0, part: 0, delta: "bro".into() }];
    let after = [&begun[..], &before[..]].concat();
    for endpoint in WIRES.map(|wire| endpoint(wire).unwrap()) {
        let endpoint = endpoint.as_ref();
        let again = read(endpoint, true, &stream(endpoint, &before, None));
        assert!(again.error.is_none());
        assert_eq!(essence(again.completion()).text(), "whole");
        let cut = read(endpoint, true, &stream(endpoint, &after, None));
        assert_eq!((cut.completion().text().as_str(), cut.error.is_some()), ("bro", true));
    }
}
