//! Any headers about when to come back and any delay in words (hard cases Y5 to Y8): a delay that can be waited for,
//! or none. The first line of the input is the message, the next ones are the headers' values.

#![no_main]

use std::time::Duration;

use belvedere_core::error::{RETRY_HINT_CAP, RetryWhen};
use belvedere_core::request::Request;
use belvedere_fuzz::read;
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const HEADERS: [&str; 8] = [
    "retry-after",
    "retry-after-ms",
    "date",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-reset-requests",
];

/// Nothing longer is a delay.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|byte| *byte == b'\n');
    let words = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let mut head = http::Response::builder().status(429).header("content-type", "application/json");
    for (name, value) in HEADERS.iter().zip(parts) {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        head = head.header(*name, value);
    }
    let head = head.body(()).expect("a head").into_parts().0;
    let body = json!({ "error": { "message": words, "type": "rate_limit_error" } }).to_string();
    for wire in ["openai.chat", "anthropic.messages"] {
        let provider = belvedere_providers::wire(wire, None).expect("a known wire");
        let (_, end) = read(provider.as_ref(), &Request::default(), &head, [body.as_bytes()]);
        let error = end.expect_err("an error status");
        if let Some(retry) = error.retry_when() {
            let longest = if retry.hint { RETRY_HINT_CAP } else { LONGEST };
            assert!(!matches!(retry.when, RetryWhen::In(delay) if delay > longest), "{retry:?}");
        }
        // What is said has to be printable, too.
        let _ = format!("{error} {error:?}");
    }
});
