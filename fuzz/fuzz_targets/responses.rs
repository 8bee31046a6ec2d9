//! Any body as an answer of the Responses wire: streamed or whole.

#![no_main]

use belvedere_core::request::Request;
use belvedere_fuzz::{Case, assert_laws};
use belvedere_providers::responses::Responses;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let mut request = Request::default();
    request.stream = case.chooses(0);
    let kind = if case.chooses(1) { "application/json" } else { "text/event-stream" };
    let head =
        http::Response::builder().header("content-type", kind).body(()).expect("a head").into_parts().0;
    let _ = assert_laws(&Responses::new("m"), &request, &head, &case);
});
