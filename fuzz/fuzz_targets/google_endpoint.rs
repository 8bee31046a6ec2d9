//! Any body as a request to Google's: it is refused, or it is written again, and then it reads the same.

#![no_main]

use belvedere_fuzz::{Case, assert_settles};
use belvedere_providers::google::{Google, GoogleEndpoint};
use libfuzzer_sys::fuzz_target;

const MODELS: [&str; 4] =
    ["gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro-preview", "gemini-flash-latest"];

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let model = MODELS[usize::from(case.choice >> 4) % MODELS.len()];
    let provider = match case.chooses(0) {
        false => Google::default(),
        true => Google::vertex("p", "global").expect("a location"),
    };
    let path = format!("/v1beta/models/{model}:generateContent");
    assert_settles(&GoogleEndpoint, &provider, &path, case.body);
});
