//! Holds each wire to the behaviour of every wire, on every streamed cassette.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_core::testing::suite;
use belvedere_providers::anthropic::Anthropic;
use belvedere_providers::openai::{OpenAi, hosts};
use serde_json::Value;

/// The streamed cassettes of a wire.
fn cassettes(wire: &str, count: usize) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cassettes").join(wire);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let streams: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == "sse")).collect();
    assert_eq!(streams.len(), count, "every cassette of {wire} is found");
    streams
}

fn hold(provider: &dyn Provider, cassette: &Path) {
    println!("{}", cassette.display());
    let mut request = Request::from("hi");
    request.stream = true;
    let response = http::Response::builder().header("content-type", "text/event-stream").body(()).unwrap();
    suite::provider(provider, &request, &response.into_parts().0, &std::fs::read(cassette).unwrap());
}

#[test]
fn w1_w3_anthropic_holds_to_the_suite() {
    for cassette in cassettes("anthropic", 4) {
        hold(&Anthropic::default(), &cassette);
    }
}

#[test]
fn w1_w3_openai_holds_to_the_suite() {
    for cassette in cassettes("openai", 13) {
        let expected = std::fs::read(cassette.with_extension("expected")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let host = expected.get("host").and_then(Value::as_str).and_then(hosts::find).unwrap();
        hold(&OpenAi::new(host), &cassette);
    }
}
