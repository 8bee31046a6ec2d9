//! What servers of this wire may send that no recording shows.

use belvedere_core::ErrorKind;
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::request::Operation;
use belvedere_core::usage::Class;
use serde_json::{Value, json};

use super::{delta, done, finish, host, read, stream, whole};

/// A frame, as it is.
fn raw(frames: &[&str]) -> super::Outcome {
    let frames: Vec<_> = frames.iter().map(|frame| (None, frame.as_bytes())).collect();
    read(&host("openai"), Operation::Chat, "text/event-stream", &frames)
}

#[test]
fn x10_half_a_character_costs_that_character() {
    let outcome = raw(&[
        r#"{"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"\ude00z \ud83d\ude00"},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ]);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.answer().text(), "a\u{fffd}\u{fffd}z \u{1f600}");
}

/// Perplexity's concise stream ends with the whole message, "Stream mode" of its documentation.
#[test]
fn a_whole_message_after_its_pieces_says_nothing_new() {
    let last = json!({ "id": "a", "object": "chat.completion.done", "choices": [{ "index": 0, "finish_reason": "stop",
        "message": { "role": "assistant", "content": "Hello", "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": "{}" } }] } }] });
    let call =
        json!({ "tool_calls": [{ "index": 0, "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    let outcome = stream(&[
        delta(json!({ "content": "Hel" })),
        delta(json!({ "content": "lo" })),
        delta(call),
        last.clone(),
        done(),
    ]);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!((outcome.answer().text().as_str(), outcome.answer().tool_calls().count()), ("Hello", 1));
    let alone = stream(&[last, done()]);
    assert_eq!((alone.answer().text().as_str(), alone.answer().tool_calls().count()), ("Hello", 1));
}

/// A frame that has nothing of an answer and says what is wrong is an error.
#[test]
fn s11_an_error_in_any_shape_is_found() {
    let shapes = [
        (json!({ "error": "rate limit reached" }), ErrorKind::RateLimited),
        (json!({ "error": { "message": "m", "type": "overloaded_error" } }), ErrorKind::Overloaded),
        (json!({ "error": { "code": 429, "message": "m" }, "choices": null }), ErrorKind::RateLimited),
        (
            json!({ "object": "error", "message": "m", "type": "rate_limited", "code": "1300" }),
            ErrorKind::RateLimited,
        ),
        (
            json!({ "message": "m", "type": "too_many_requests_error", "param": "", "code": "x" }),
            ErrorKind::RateLimited,
        ),
        (json!({ "code": 429, "message": "m" }), ErrorKind::RateLimited),
        (json!({ "detail": "the server is overloaded" }), ErrorKind::Overloaded),
        (
            json!({ "detail": [{ "loc": ["body"], "msg": "at capacity", "type": "x" }] }),
            ErrorKind::Overloaded,
        ),
        (json!({ "errors": [{ "message": "too many requests" }] }), ErrorKind::RateLimited),
        (json!({ "choices": [], "x_groq": { "error": "rate limit reached" } }), ErrorKind::RateLimited),
        (json!({ "status_code": 500, "error": { "message": "m" } }), ErrorKind::Overloaded),
    ];
    for (shape, expected) in shapes {
        let alone = stream(std::slice::from_ref(&shape));
        assert_eq!(alone.error.unwrap().kind(), expected, "{shape}");
        let late = stream(&[delta(json!({ "content": "x" })), shape.clone(), finish("stop"), done()]);
        assert_eq!(late.error.unwrap().kind(), expected, "{shape}");
        assert_eq!(whole(&shape).error.unwrap().kind(), expected, "{shape}");
    }
    let harmless = [
        json!({}),
        json!({ "type": "ping" }),
        json!({ "id": "a", "object": "chat.completion.chunk", "message": "starting" }),
        json!({ "usage": { "prompt_tokens": 1 }, "detail": "x" }),
        json!({ "message": "", "detail": null, "errors": [] }),
    ];
    for frame in harmless {
        let outcome = stream(&[delta(json!({ "content": "x" })), frame.clone(), finish("stop"), done()]);
        assert!(outcome.error.is_none(), "{frame}: {:?}", outcome.error);
    }
}

/// Gateways hand on the words of the model's own wire.
#[test]
fn s18_words_of_other_wires_keep_their_meaning() {
    let words = [
        ("end_turn", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("abort", FinishReason::Other),
        ("STOP", FinishReason::Other),
    ];
    for (word, expected) in words {
        let outcome = stream(&[delta(json!({ "content": "x" })), finish(word), done()]);
        assert_eq!(outcome.answer().finish_reason(), Some(expected), "{word}");
    }
}

#[test]
fn usage_may_come_early_twice_or_empty() {
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 });
    let with = |mut chunk: Value, usage: &Value| {
        chunk["usage"] = usage.clone();
        chunk
    };
    let last = json!({ "choices": [], "usage": usage });
    let outcome = stream(&[
        with(
            delta(json!({ "content": "x" })),
            &json!({ "prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3 }),
        ),
        with(finish("stop"), &Value::Null),
        last.clone(),
        last,
        json!({ "choices": null, "usage": {} }),
        json!({ "choices": [], "usage": [] }),
        done(),
    ]);
    let counted = outcome.events.iter().filter(|event| matches!(event, Event::Usage(_))).count();
    let usage = outcome.answer().usage.unwrap();
    assert_eq!((counted, usage.get(&Class::Input), usage.get(&Class::Output)), (2, Some(3), Some(2)));
}

/// Voyage's API reference: the usage of embeddings is a total and nothing else.
#[test]
fn the_total_of_embeddings_is_their_input() {
    let body = json!({ "object": "list", "data": [{ "embedding": [1.0], "index": 0 }], "model": "m", "usage": { "total_tokens": 7 } });
    let outcome =
        read(&host("openai"), Operation::Embed, "application/json", &[(None, body.to_string().as_bytes())]);
    let usage = outcome.answer().usage.unwrap();
    assert!(usage.adds_up(), "{usage:?}");
    assert_eq!((usage.get(&Class::Input), usage.reported.unwrap().total_tokens), (Some(7), Some(7)));
}

/// Where an index is told twice it tells nothing: the place of a vector does.
#[test]
fn vectors_with_one_index_keep_their_order() {
    let rows: Vec<Value> = (0..3).map(|n| json!({ "embedding": [n], "index": 0 })).collect();
    let body = json!({ "data": rows }).to_string();
    let outcome = read(&host("openai"), Operation::Embed, "application/json", &[(None, body.as_bytes())]);
    let found: Vec<_> = outcome.answer().embeddings.iter().map(|e| (e.index, e.vector.to_vec())).collect();
    assert_eq!(found, [(0, vec![0.0]), (1, vec![1.0]), (2, vec![2.0])]);
}
