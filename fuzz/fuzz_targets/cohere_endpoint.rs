//! Any body as a request to a Cohere server. What is read is written again, or refused with an error.

#![no_main]

use belvedere_fuzz::{asked, assert_read_again};
use belvedere_providers::endpoint;
use libfuzzer_sys::fuzz_target;

/// Wires and the addresses they answer at.
const WIRES: [(&str, &str); 2] = [("cohere.chat", "/v2/chat"), ("cohere.chat", "/v2/embed")];

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let (wire, path) = WIRES[usize::from(*choice) % WIRES.len()];
    let (endpoint, provider) = (endpoint(wire), belvedere_providers::wire(wire, None));
    let (endpoint, provider) = (endpoint.expect("a known wire"), provider.expect("a known wire"));
    let Some(request) = asked(endpoint.as_ref(), path, body) else { return };
    assert_read_again(endpoint.as_ref(), provider.as_ref(), &request);
});
