//! Errors, odd fields, aliases and reasons in streams.

use belvedere_core::ErrorKind;
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::request::Operation;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{delta, done, finish, host, read, stream, stream_from, whole};

/// A stream that has one of everything.
fn rich() -> Vec<Value> {
    let logprobs =
        json!({ "content": [{ "token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": [] }] });
    vec![
        json!({ "id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "system_fingerprint": "f",
                "service_tier": "default", "usage": null, "choices": [{ "index": 0, "finish_reason": null,
                "logprobs": null, "delta": { "role": "assistant", "content": "", "refusal": null } }] }),
        json!({ "id": "a", "model": "m", "choices": [{ "index": 0, "logprobs": logprobs,
                "delta": { "reasoning_content": "hm", "content": "a" } }] }),
        json!({ "id": "a", "model": "m", "choices": [{ "index": 0, "delta": { "tool_calls": [
                { "index": 0, "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } }] } }] }),
        json!({ "id": "a", "model": "m", "choices": [{ "index": 0, "delta": { "annotations": [
                { "type": "url_citation", "url_citation": { "url": "https://x.example" } }],
                "reasoning_details": [{ "type": "reasoning.text", "index": 0, "text": "hm", "signature": "s" }] } }] }),
        json!({ "id": "a", "model": "m", "choices": [{ "index": 0, "finish_reason": "tool_calls", "delta": {} }] }),
        json!({ "id": "a", "model": "m", "choices": [], "usage": { "prompt_tokens": 1, "completion_tokens": 2,
                "total_tokens": 3, "prompt_tokens_details": { "cached_tokens": 1 } } }),
    ]
}

/// Every value that is `value` with one field, at any depth, deleted or replaced.
fn mutations(value: &Value) -> Vec<Value> {
    let substitutes =
        [json!(null), json!(""), json!({}), json!([]), json!(false), json!(7), json!(-1.5), json!("x")];
    let mut all = Vec::new();
    match value {
        Value::Object(map) => {
            for key in map.keys() {
                let with = |new: Value| {
                    let mut map = map.clone();
                    map.insert(key.clone(), new);
                    Value::Object(map)
                };
                let mut without = map.clone();
                without.remove(key);
                all.push(Value::Object(without));
                all.extend(substitutes.iter().cloned().map(with));
                all.extend(mutations(&map[key]).into_iter().map(with));
            }
        }
        Value::Array(list) => {
            for (i, item) in list.iter().enumerate() {
                all.extend(mutations(item).into_iter().chain(substitutes.clone()).map(|new| {
                    let mut list = list.clone();
                    list[i] = new;
                    Value::Array(list)
                }));
            }
        }
        _ => {}
    }
    all
}

#[test]
fn s12_no_odd_field_costs_the_answer() {
    let chunks = rich();
    let mut tried = 0;
    for (at, chunk) in chunks.iter().enumerate() {
        for mutation in mutations(chunk) {
            let mut mutated = chunks.clone();
            mutated[at] = mutation.clone();
            mutated.push(done());
            let outcome = stream(&mutated);
            tried += 1;
            let Some(error) = &outcome.error else {
                assert!(!outcome.answer().choices.is_empty(), "{mutation}");
                continue;
            };
            // Only a lost finish reason may end it, or a choice that has become another one.
            let moved = mutation["choices"][0]["index"] != json!(0);
            assert_eq!(error.kind(), ErrorKind::Truncated, "{mutation}: {error}");
            assert!(at == 4 || moved, "{mutation}: {error}");
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn s12_a_chunk_of_usage_alone_and_an_empty_usage_are_read() {
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 });
    let outcome = stream(&[
        delta(json!({ "content": "x" })),
        finish("stop"),
        json!({ "choices": null, "usage": usage }),
        json!({ "choices": [], "usage": {} }),
        json!({ "usage": null }),
        done(),
    ]);
    let usage = outcome.answer().usage.unwrap();
    assert_eq!(usage.total_tokens(), Some(4), "an empty object does not replace what is known");
    let none = stream(&[delta(json!({ "content": "x" })), finish("stop"), done()]);
    assert_eq!(none.answer().usage, None, "unknown is not zero");
}

#[test]
fn s17_usage_is_read_from_any_chunk_and_every_place() {
    let counted = json!({ "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 });
    let places = [
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "length" }], "usage": counted }),
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "length", "usage": counted }] }),
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "length" }], "x_groq": { "usage": counted } }),
    ];
    for place in places {
        let outcome = stream(&[delta(json!({ "content": "x" })), place.clone(), done()]);
        assert_eq!(outcome.answer().usage.unwrap().total_tokens(), Some(4), "{place}");
    }
    // A cut stream keeps what was counted so far.
    let cut =
        stream(&[json!({ "choices": [{ "index": 0, "delta": { "content": "x" } }], "usage": counted })]);
    assert_eq!(cut.error.as_ref().unwrap().kind(), ErrorKind::Truncated);
    assert_eq!(cut.answer().usage.unwrap().total_tokens(), Some(4));
}

#[test]
fn s11_an_error_ends_the_stream_wherever_it_stands() {
    let error = json!({ "error": { "message": "overloaded", "type": "server_error", "code": 503 } });
    let mut beside = delta(json!({ "content": "lost" }));
    beside["error"] = error["error"].clone();
    let mut inside = delta(json!({ "content": "lost" }));
    inside["choices"][0]["error"] = error["error"].clone();
    let shapes = [
        error,
        beside,
        inside,
        json!({ "error": "overloaded" }),
        json!({ "object": "error", "message": "overloaded", "type": "server_error", "code": 503 }),
    ];
    for shape in &shapes {
        for at in 0..=2 {
            for end in [vec![], vec![done()], vec![finish("stop"), done()]] {
                let mut chunks = vec![delta(json!({ "content": "a" })), delta(json!({ "content": "b" }))];
                chunks.insert(at, shape.clone());
                chunks.extend(end);
                let outcome = stream(&chunks);
                assert!(outcome.error.is_some(), "{shape} at {at}");
                assert_ne!(outcome.error.as_ref().unwrap().kind(), ErrorKind::Truncated, "{shape} at {at}");
                assert_eq!(outcome.answer().text(), ["", "a", "ab"][at], "{shape}: the error comes first");
                assert_eq!(outcome.finishes(), 0);
            }
        }
        assert!(whole(shape).error.is_some(), "{shape} as a body");
    }
}

#[test]
fn s11_an_event_named_error_is_one_whatever_it_says() {
    let text = delta(json!({ "content": "a" })).to_string();
    for body in ["{\"message\":\"rate limit reached\",\"code\":429}", "gone", "{}"] {
        let frames = [(None, text.as_bytes()), (Some("error"), body.as_bytes())];
        let outcome = read(&host("openai"), Operation::Chat, "text/event-stream", &frames);
        assert!(outcome.error.is_some(), "{body}");
    }
}

#[test]
fn s11_a_bad_request_after_content_is_the_providers_fault() {
    let error = json!({ "error": { "message": "invalid state", "type": "invalid_request_error" } });
    let first = stream(std::slice::from_ref(&error)).error.unwrap();
    assert_eq!(first.kind(), ErrorKind::InvalidRequest, "nothing had come: it may be the request");
    let later = stream(&[delta(json!({ "content": "a" })), error.clone()]).error.unwrap();
    assert_eq!(later.kind(), ErrorKind::Overloaded);
    let (text, error) = (delta(json!({ "content": "a" })).to_string(), error.to_string());
    let frames = [(None, text.as_bytes()), (Some("error"), error.as_bytes())];
    let named = read(&host("openai"), Operation::Chat, "text/event-stream", &frames).error.unwrap();
    assert_eq!(named.kind(), ErrorKind::Overloaded);
}

#[test]
fn s11_an_empty_error_is_none() {
    for empty in [json!(null), json!({}), json!(""), json!([]), json!(false)] {
        let mut chunk = delta(json!({ "content": "a" }));
        chunk["error"] = empty.clone();
        assert_eq!(stream(&[chunk, finish("stop"), done()]).error.map(|e| e.to_string()), None, "{empty}");
    }
}

#[test]
fn s18_a_known_word_has_its_reason_and_an_unknown_one_stays() {
    let reason = |word: &str| {
        let answer = stream(&[finish(word), done()]).answer();
        let finish = answer.choices[0].finish.clone().unwrap();
        assert_eq!(finish.raw.as_deref(), Some(word));
        finish.reason.unwrap()
    };
    let table = [
        ("stop", FinishReason::Stop),
        ("length", FinishReason::Length),
        ("tool_calls", FinishReason::ToolCalls),
        ("function_call", FinishReason::ToolCalls),
        ("content_filter", FinishReason::ContentFilter),
        ("error", FinishReason::Error),
        ("Stop", FinishReason::Other),
        ("max_thinking_time", FinishReason::Other),
    ];
    for (word, wanted) in table {
        assert_eq!(reason(word), wanted, "{word}");
    }
}

proptest! {
    #[test]
    fn s18_no_made_up_word_counts_as_stop(word in "[a-z_]{1,16}") {
        let known = ["stop", "eos", "eos_token", "stop_sequence", "end_turn"];
        prop_assume!(!known.contains(&word.as_str()));
        let answer = stream(&[finish(&word), done()]).answer();
        prop_assert_ne!(answer.finish_reason(), Some(FinishReason::Stop));
    }
}

#[test]
fn s19_thinking_is_read_under_every_name_and_once() {
    for name in ["reasoning", "reasoning_content", "reasoning_text", "thinking"] {
        let outcome =
            stream(&[delta(json!({ name: "hm" })), delta(json!({ "content": "a" })), finish("stop"), done()]);
        assert_eq!(outcome.answer().reasoning().as_deref(), Some("hm"), "{name}");
    }
    let twice = json!({ "reasoning": "hm", "reasoning_content": "hm",
                        "reasoning_details": [{ "type": "reasoning.text", "text": "hm" }] });
    let outcome = stream(&[delta(twice), finish("stop"), done()]);
    assert_eq!(outcome.answer().reasoning().as_deref(), Some("hm"));
    let details = json!({ "reasoning_details": [{ "type": "reasoning.text", "text": "hm" }] });
    assert_eq!(stream(&[delta(details), finish("stop"), done()]).answer().reasoning().as_deref(), Some("hm"));
}

#[test]
fn text_goes_on_in_its_part_after_reasoning_and_tools() {
    let call =
        json!({ "tool_calls": [{ "index": 0, "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    let outcome = stream(&[
        delta(json!({ "content": "a" })),
        delta(json!({ "reasoning": "hm" })),
        delta(call),
        delta(json!({ "content": "b" })),
        finish("tool_calls"),
        done(),
    ]);
    assert_eq!(outcome.answer().text(), "ab");
    assert_eq!(outcome.answer().choices[0].parts.len(), 3);
}

#[test]
fn s1_bad_bytes_cost_only_themselves() {
    let frame =
        b"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\xFFb\"},\"finish_reason\":\"stop\"}]}";
    let outcome =
        read(&host("openai"), Operation::Chat, "text/event-stream", &[(None, frame), (None, b"[DONE]")]);
    assert_eq!(outcome.answer().text(), "a\u{FFFD}b");
}

#[test]
fn what_is_no_chunk_is_malformed_and_not_quoted() {
    for frame in ["{\"choices\":[{\"delta\":{\"content\":\"canary", "canary", "[1]", "\"canary\""] {
        let outcome =
            read(&host("openai"), Operation::Chat, "text/event-stream", &[(None, frame.as_bytes())]);
        let error = outcome.error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{frame}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert_eq!(stream(&[json!(null), finish("stop"), done()]).error.map(|e| e.to_string()), None);
}

#[test]
fn start_waits_for_the_first_chunk_that_speaks() {
    let silent = json!({ "id": "", "model": "m-1", "choices": [], "prompt_filter_results": [] });
    let outcome = stream(&[silent, delta(json!({ "content": "a" })), finish("stop"), done()]);
    let start = Event::Start { id: Some("a".into()), model: Some("m-1".into()) };
    assert_eq!(outcome.events[0], start);
}

#[test]
fn a_whole_answer_may_come_as_one_event() {
    let chunk =
        json!({ "choices": [{ "index": 0, "message": { "content": "all" }, "finish_reason": "stop" }] });
    assert_eq!(stream(&[chunk, done()]).answer().text(), "all");
}

#[test]
fn a_stop_sequence_is_told_where_the_server_tells() {
    let chunk =
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END" }] });
    let answer = stream_from(&host("vllm"), &[chunk, done()]).answer();
    assert_eq!(answer.choices[0].finish.as_ref().unwrap().stop_sequence.as_deref(), Some("END"));
}

#[test]
fn fields_of_other_types_are_not_an_error() {
    let mut odd = Map::new();
    for key in
        ["content", "refusal", "reasoning", "tool_calls", "function_call", "annotations", "audio", "images"]
    {
        odd.insert(key.into(), json!(3.5));
    }
    let outcome = stream(&[delta(Value::Object(odd)), finish("stop"), done()]);
    assert_eq!(outcome.error.map(|e| e.to_string()), None);
}
