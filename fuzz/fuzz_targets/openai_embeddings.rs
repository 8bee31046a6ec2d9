//! Any body as an answer with embeddings, of numbers or of bytes.

#![no_main]

use belvedere_core::request::Request;
use belvedere_fuzz::{Case, assert_laws};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let provider = belvedere_providers::wire("embeddings", case.chooses(0).then_some("perplexity"))
        .expect("a known wire");
    let request = Request::embed(["text"; 3]);
    let kind = "application/json";
    let head =
        http::Response::builder().header("content-type", kind).body(()).expect("a head").into_parts().0;
    let _ = assert_laws(provider.as_ref(), &request, &head, &case);
});
