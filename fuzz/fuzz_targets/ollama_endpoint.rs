//! Any body as a request to an Ollama server. What is read is written again, or refused with an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

/// Wires and the addresses they answer at.
const WIRES: [(&str, &str); 3] =
    [("ollama.chat", "/api/chat"), ("ollama.generate", "/api/generate"), ("ollama.chat", "/api/embed")];

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let (wire, path) = WIRES[usize::from(*choice) % WIRES.len()];
    let endpoint = belvedere_providers::endpoint(wire).expect("a known wire");
    let incoming = http::Request::post(path).body(body.to_vec().into()).expect("a request");
    let Ok(request) = endpoint.request(&incoming) else { return };
    let provider = belvedere_providers::wire(wire, None).expect("a known wire");
    if let Ok(written) = provider.encode(&request) {
        endpoint.request(&written).expect("what is written is read");
    }
});
