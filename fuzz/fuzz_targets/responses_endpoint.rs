//! Any body as a request to the Responses endpoint: what it reads is written again, or refused with an error.

#![no_main]

use belvedere_fuzz::{asked, assert_read_again};
use belvedere_providers::responses::{Responses, ResponsesEndpoint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(mut request) = asked(&ResponsesEndpoint, "/v1/responses", input) else { return };
    // What is said to the wire itself goes out as it is, and wins: it may be anything.
    request.extra.remove("openai.responses");
    assert_read_again(&ResponsesEndpoint, &Responses::new("m"), &request);
});
