//! Any body as a request for Anthropic's messages: it is refused, or it is written again, and then it reads the same.

#![no_main]

use belvedere_providers::{endpoint, wire};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (endpoint, provider) = (endpoint("anthropic.messages"), wire("anthropic.messages", None));
    let (endpoint, provider) = (endpoint.expect("a known wire"), provider.expect("a known wire"));
    belvedere_fuzz::assert_settles(endpoint.as_ref(), provider.as_ref(), "/", input);
});
