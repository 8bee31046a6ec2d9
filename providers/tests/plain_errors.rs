//! A gateway's error that comes as plain JSON with status 200, under the content type of the stream that was asked for.

mod support;

use belvedere_core::error::ErrorKind;
use belvedere_core::request::Request;
use belvedere_providers::wire;
use support::{Read, head};

const WIRES: [(&str, &str); 5] = [
    (
        "openai.chat",
        r#"{"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}"#,
    ),
    (
        "openai.responses",
        r#"{"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}"#,
    ),
    (
        "anthropic.messages",
        r#"{"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}"#,
    ),
    (
        "google.generate",
        r#"{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}"#,
    ),
    (
        "cohere.chat",
        r#"{"message": "slow down", "error": {"code": 429, "message": "rate limit", "type": "rate_limit_error"}}"#,
    ),
];

#[test]
fn s11_an_error_without_an_event_is_found_however_it_is_cut() {
    let mut request = Request::from("hi").with_model("m");
    request.stream = true;
    for (name, error) in WIRES {
        let provider = wire(name, None).unwrap();
        let body = format!("\n  {error}\n");
        let read = |pieces: Vec<&[u8]>| {
            Read::new(
                provider.as_ref(),
                &request,
                &head(200, [("content-type", "text/event-stream")]),
                pieces,
            )
        };
        let whole = read(vec![body.as_bytes()]);
        assert_eq!(whole.error.as_ref().map(|e| e.kind()), Some(ErrorKind::RateLimited), "{name}: {whole:?}");
        assert_eq!(whole.completion().text(), "", "{name}");
        assert_eq!(read(body.as_bytes().chunks(1).collect()).essence(), whole.essence(), "{name}");
    }
}

#[test]
fn what_is_neither_an_event_nor_an_error_is_no_answer() {
    let mut request = Request::from("hi").with_model("m");
    request.stream = true;
    for (name, _) in WIRES {
        let provider = wire(name, None).unwrap();
        for body in ["", "{", "{}", "hello", ": ping\n\n"] {
            let parts = head(200, [("content-type", "text/event-stream")]);
            let read = Read::new(provider.as_ref(), &request, &parts, [body.as_bytes()]);
            let kind = read.error.as_ref().map(|e| e.kind());
            assert!(
                matches!(kind, Some(ErrorKind::Truncated | ErrorKind::Malformed)),
                "{name} {body}: {read:?}"
            );
        }
    }
}
