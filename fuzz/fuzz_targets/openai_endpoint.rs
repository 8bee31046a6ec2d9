//! Any body as a request for OpenAI's chat completions: it is refused, or it is written again, and then it reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let endpoint = belvedere_providers::endpoint("openai.chat").expect("a known wire");
    let provider = belvedere_providers::wire("openai.chat", None).expect("a known wire");
    let request = http::Request::post("/").body(input.to_vec().into()).expect("a request");
    let Ok(read) = endpoint.request(&request) else { return };
    let Ok(written) = provider.encode(&read) else { return };
    let again = endpoint.request(&written).expect("what was written is read");
    let twice = provider.encode(&again).expect("what was read is written");
    let value = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).expect("a body is JSON");
    assert_eq!(value(twice.body()), value(written.body()), "reading and writing change nothing more");
});
