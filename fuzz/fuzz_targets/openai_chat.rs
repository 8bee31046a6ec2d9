//! Any body as an OpenAI chat answer: streamed or whole, of several hosts.

#![no_main]

use belvedere_core::request::Request;
use belvedere_fuzz::{Case, assert_laws};
use libfuzzer_sys::fuzz_target;

const HOSTS: [Option<&str>; 4] = [None, Some("deepseek"), Some("openrouter"), Some("perplexity")];

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let host = HOSTS[usize::from(case.choice >> 4) % HOSTS.len()];
    let provider = belvedere_providers::wire("openai.chat", host).expect("a known wire");
    let mut request = Request::default();
    request.stream = case.chooses(0);
    let kind = if case.chooses(1) { "application/json" } else { "text/event-stream" };
    let head =
        http::Response::builder().header("content-type", kind).body(()).expect("a head").into_parts().0;
    let _ = assert_laws(provider.as_ref(), &request, &head, &case);
});
