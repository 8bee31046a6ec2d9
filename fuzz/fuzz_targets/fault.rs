//! Any body of an error answer: it ends in an error, with the status it came with, whatever the body says.

#![no_main]

use belvedere_core::request::Request;
use belvedere_fuzz::{Case, assert_laws};
use libfuzzer_sys::fuzz_target;

const STATUSES: [u16; 16] = [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529, 599];
const WIRES: [&str; 3] = ["openai.chat", "embeddings", "anthropic.messages"];
const KINDS: [&str; 4] = ["application/json", "text/event-stream", "text/html", "text/plain"];

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::of(input) else { return };
    let choice = usize::from(case.choice);
    let status = STATUSES[choice % STATUSES.len()];
    let kind = KINDS[choice / STATUSES.len() % KINDS.len()];
    for wire in WIRES {
        let provider = belvedere_providers::wire(wire, None).expect("a known wire");
        let head = http::Response::builder().status(status).header("content-type", kind);
        let head = head.body(()).expect("a head").into_parts().0;
        let error =
            assert_laws(provider.as_ref(), &Request::default(), &head, &case).expect_err("an error status");
        assert_eq!(error.provider().and_then(|p| p.status), Some(status), "{error:?}");
        assert!(error.partial().is_none());
    }
});
