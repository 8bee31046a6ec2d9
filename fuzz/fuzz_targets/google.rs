//! Any body as an answer of Google's: events, an array, whole, embeddings or a list of models.

#![no_main]

use belvedere_core::request::{Operation, Request};
use belvedere_fuzz::{Case, assert_laws};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let provider = belvedere_providers::google::Google::default();
    let mut request = Request::default();
    request.stream = case.chooses(0);
    request.operation = match (case.chooses(2), case.chooses(3)) {
        (true, true) => Operation::Embed,
        (true, false) => Operation::Models,
        _ => Operation::Chat,
    };
    let kind = if case.chooses(1) { "application/json" } else { "text/event-stream" };
    let head =
        http::Response::builder().header("content-type", kind).body(()).expect("a head").into_parts().0;
    let _ = assert_laws(&provider, &request, &head, &case);
});
