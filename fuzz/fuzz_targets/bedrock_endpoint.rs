//! Any body as a request to Bedrock: it is refused, or it is written again, and then it reads the same.

#![no_main]

use belvedere_core::endpoint::Endpoint;
use belvedere_core::provider::Provider;
use belvedere_fuzz::{Case, assert_settles};
use belvedere_providers::bedrock::{Converse, ConverseEndpoint, InvokeAnthropic, InvokeAnthropicEndpoint};
use libfuzzer_sys::fuzz_target;

const MODELS: [&str; 4] = [
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-20b-1:0",
    "m",
];

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let model = MODELS[usize::from(case.choice >> 4) % MODELS.len()];
    let (provider, endpoint, action): (Box<dyn Provider>, Box<dyn Endpoint>, _) = match case.chooses(0) {
        false => {
            let provider = Converse::in_region("us-east-1").expect("a region");
            (Box::new(provider), Box::new(ConverseEndpoint), "converse")
        }
        true => {
            let provider = InvokeAnthropic::in_region("us-east-1").expect("a region");
            (Box::new(provider), Box::new(InvokeAnthropicEndpoint), "invoke")
        }
    };
    let path = format!("/model/{}/{action}", model.replace(':', "%3A"));
    assert_settles(endpoint.as_ref(), provider.as_ref(), &path, case.body);
});
