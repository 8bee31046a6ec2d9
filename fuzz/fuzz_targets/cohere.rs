//! Any body as an answer of Cohere: streamed, whole, or with embeddings.

#![no_main]

use belvedere_core::request::Request;
use belvedere_fuzz::{Case, assert_laws};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let provider = belvedere_providers::wire("cohere.chat", None).expect("a known wire");
    let mut request = if case.chooses(3) { Request::embed(["text"]) } else { Request::default() };
    request.stream = case.chooses(0);
    let kind = if case.chooses(1) { "application/json" } else { "text/event-stream" };
    let head =
        http::Response::builder().header("content-type", kind).body(()).expect("a head").into_parts().0;
    let _ = assert_laws(provider.as_ref(), &request, &head, &case);
});
