//! What ends a stream, and what does not.

use belvedere_core::ErrorKind;
use belvedere_core::event::Event;
use belvedere_core::request::Operation;
use serde_json::{Value, json};

use super::{delta, done, finish, host, read, stream, stream_from, whole};

#[test]
fn s15_only_a_finish_reason_finishes() {
    let usage =
        json!({ "choices": [], "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 } });
    for set in 0..16u32 {
        let has = |bit: u32| set & (1 << bit) != 0;
        let mut chunks: Vec<Value> = Vec::new();
        chunks.extend(has(0).then(|| delta(json!({ "content": "x" }))));
        chunks.extend(has(1).then(|| finish("stop")));
        chunks.extend(has(2).then(|| usage.clone()));
        chunks.extend(has(3).then(done));
        let outcome = stream(&chunks);
        match has(1) {
            true => {
                assert_eq!(outcome.error.map(|e| e.to_string()), None, "{chunks:?}");
                let last = outcome.events.last().unwrap();
                assert!(matches!(last, Event::Finish { .. }), "{chunks:?}");
            }
            false => {
                assert_eq!(outcome.error.as_ref().unwrap().kind(), ErrorKind::Truncated, "{chunks:?}");
                assert_eq!(outcome.finishes(), 0, "{chunks:?}");
            }
        }
        assert_eq!(outcome.events.iter().any(|e| matches!(e, Event::Usage(_))), has(2), "{chunks:?}");
    }
}

#[test]
fn s15_each_choice_needs_its_own() {
    let both = json!({ "choices": [{ "index": 0, "delta": { "content": "a" } }, { "index": 1, "delta": { "content": "b" } }] });
    let outcome = stream(&[both, finish("stop"), done()]);
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Truncated);
}

#[test]
fn s15_done_is_the_end_where_the_server_gives_no_reason() {
    let snowflake = host("snowflake");
    let text = delta(json!({ "content": "x" }));
    let outcome = stream_from(&snowflake, &[text.clone(), done()]);
    assert_eq!(outcome.answer().choices[0].finish.as_ref().unwrap().reason, None);
    let cut = stream_from(&snowflake, &[text]);
    assert_eq!(cut.error.unwrap().kind(), ErrorKind::Truncated, "without [DONE] it is cut");
    let empty = stream_from(&snowflake, &[done()]);
    assert_eq!(empty.error.unwrap().kind(), ErrorKind::Truncated, "without an answer it is cut");
}

#[test]
fn s16_nothing_after_done_counts() {
    let late = json!({ "error": { "message": "late" } });
    let outcome = stream(&[
        delta(json!({ "content": "x" })),
        finish("stop"),
        done(),
        delta(json!({ "content": "y" })),
        late,
    ]);
    assert_eq!(outcome.error.map(|e| e.to_string()), None);
    assert_eq!(outcome.events.iter().filter(|e| matches!(e, Event::Text { .. })).count(), 1);
}

#[test]
fn usage_that_comes_after_the_reason_is_before_the_finish() {
    let usage =
        json!({ "choices": [], "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 } });
    let outcome = stream(&[delta(json!({ "content": "x" })), finish("stop"), usage, done()]);
    let names: Vec<&str> = outcome.events.iter().map(Event::name).collect();
    assert_eq!(names, ["start", "text", "usage", "part_end", "finish"]);
}

#[test]
fn usage_repeated_in_every_chunk_is_given_once() {
    let mut chunk = delta(json!({ "content": "x" }));
    chunk["usage"] = json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 });
    let outcome = stream(&[chunk.clone(), chunk, finish("stop"), done()]);
    assert_eq!(outcome.events.iter().filter(|e| matches!(e, Event::Usage(_))).count(), 1);
}

#[test]
fn a_whole_answer_needs_choices_and_no_reason() {
    let body = |choices: Value| json!({ "id": "a", "choices": choices });
    let message = json!({ "content": "x" });
    let bare = whole(&body(json!([{ "message": message }])));
    assert_eq!(bare.answer().choices[0].finish.as_ref().unwrap().reason, None);
    assert_eq!(whole(&body(json!([]))).error.unwrap().kind(), ErrorKind::Malformed);
    assert_eq!(whole(&json!({})).error.unwrap().kind(), ErrorKind::Malformed);
}

#[test]
fn s15_a_body_that_ends_inside_its_json_is_truncated() {
    let operations = [
        (Operation::Chat, "{\"choices\":[{\"message\":{\"content\":\"canary"),
        (Operation::Embed, "{\"data\":[{\"index\":0,\"embedding\":[0.5,"),
        (Operation::Models, "{\"data\":[{\"id\":\"canary"),
    ];
    for (operation, body) in operations {
        let outcome = read(&host("openai"), operation, "application/json", &[(None, body.as_bytes())]);
        let error = outcome.error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}
