//! When a request was asked: what clients call the creation of its answer.

use std::time::{Duration, SystemTime};

use belvedere_core::request::Request;

/// Beside the names of wires in `extra`: the seconds since 1970. No wire is sent it.
const ASKED: &str = "endpoint.asked";

/// Says when a request was asked, for those who write its answer: an [`Endpoint`](belvedere_core::endpoint::Endpoint) has
/// no clock, and without it `created` is 0.
///
/// It belongs to the request that [`whole`](belvedere_core::endpoint::Endpoint::whole) and
/// [`stream`](belvedere_core::endpoint::Endpoint::stream) are given, not to the one that is sent: that one would be another
/// each time.
pub fn asked_at(request: &mut Request, time: SystemTime) {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    request.extra.insert(ASKED.to_owned(), since.as_secs().into());
}

/// When a request was asked, in seconds since 1970; 0 when nobody said.
pub(crate) fn created(request: &Request) -> u64 {
    request.extra.get(ASKED).and_then(serde_json::Value::as_u64).unwrap_or_default()
}

#[cfg(all(test, feature = "responses"))]
mod tests {
    use belvedere_core::completion::Completion;
    use serde_json::Value;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn an_answer_says_when_its_request_was_asked_and_no_wire_is_sent_it() {
        for (wire, field) in [("openai.chat", "created"), ("openai.responses", "created_at")] {
            let endpoint = crate::endpoint(wire).unwrap();
            let mut request = Request::from("hi");
            let of = |request: &Request| {
                let answer = endpoint.whole(request, &Completion::of_text("hello"));
                serde_json::from_slice::<Value>(answer.body()).unwrap()
            };
            assert_eq!(of(&request)[field], 0);
            asked_at(&mut request, SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900));
            let answer = of(&request);
            assert_eq!(answer[field], 1_700_000_000);
            assert!(!answer.to_string().contains("asked"), "{answer}");
        }
    }
}
