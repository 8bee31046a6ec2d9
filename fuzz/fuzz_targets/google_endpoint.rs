//! Any body as a request to Google's: it is refused, or it is written again, and then it reads the same.

#![no_main]

use belvedere_core::endpoint::Endpoint;
use belvedere_core::provider::Provider;
use belvedere_fuzz::Case;
use belvedere_providers::google::{Google, GoogleEndpoint};
use libfuzzer_sys::fuzz_target;

const MODELS: [&str; 4] =
    ["gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro-preview", "gemini-flash-latest"];

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let model = MODELS[usize::from(case.choice >> 4) % MODELS.len()];
    let (provider, endpoint) = match case.chooses(0) {
        false => (Google::default(), GoogleEndpoint),
        true => (Google::vertex("p", "global").expect("a location"), GoogleEndpoint),
    };
    let path = format!("/v1beta/models/{model}:generateContent");
    let request = http::Request::post(path).body(case.body.to_vec().into()).expect("a request");
    let Ok(read) = endpoint.request(&request) else { return };
    let Ok(written) = provider.encode(&read) else { return };
    let again = endpoint.request(&written).expect("what was written is read");
    let twice = provider.encode(&again).expect("what was read is written");
    let value = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).expect("a body is JSON");
    assert_eq!(value(twice.body()), value(written.body()), "reading and writing change nothing more");
});
