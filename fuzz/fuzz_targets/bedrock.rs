//! Any body as an answer of Bedrock: Converse or Anthropic's messages, streamed or whole.

#![no_main]

use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_fuzz::{Case, assert_laws, messages};
use belvedere_providers::bedrock::{Converse, InvokeAnthropic};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let provider: Box<dyn Provider> = match case.chooses(2) {
        false => Box::new(Converse::in_region("us-east-1").expect("a region")),
        true => Box::new(InvokeAnthropic::in_region("us-east-1").expect("a region")),
    };
    let mut request = Request::default();
    request.stream = case.chooses(0);
    let kind = match case.chooses(1) {
        true => "application/json",
        false => "application/vnd.amazon.eventstream",
    };
    let head =
        http::Response::builder().header("content-type", kind).body(()).expect("a head").into_parts().0;
    // Most bodies are lines that become messages; the framing has a target of its own.
    let written = (!case.chooses(1) && !case.chooses(3)).then(|| messages(input));
    let Some(case) = Case::of(written.as_deref().unwrap_or(input)) else { return };
    let _ = assert_laws(provider.as_ref(), &request, &head, &case);
});
