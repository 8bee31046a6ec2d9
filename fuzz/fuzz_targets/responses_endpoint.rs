//! Any body as a request to the Responses endpoint: what it reads is written again, or refused with an error.

#![no_main]

use belvedere_core::endpoint::Endpoint;
use belvedere_core::provider::Provider;
use belvedere_providers::responses::{Responses, ResponsesEndpoint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let posted = http::Request::post("/v1/responses").body(input.to_vec().into()).expect("a request");
    let Ok(mut request) = ResponsesEndpoint.request(&posted) else { return };
    // What is said to the wire itself goes out as it is, and wins: it may be anything.
    request.extra.remove("openai.responses");
    let Ok(written) = Responses::new("m").encode(&request) else { return };
    // What our own provider wrote is always read.
    ResponsesEndpoint.request(&written).expect("what was written is read");
});
