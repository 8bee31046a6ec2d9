//! Answers of the Responses wire: the hard cases of streams by their ids.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "responses/streams.rs"]
mod streams;
mod support;

use belvedere_core::completion::{Completion, Fold};
use belvedere_core::error::ErrorKind;
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::message::arguments;
use belvedere_core::provider::{Frame, Provider};
use belvedere_core::request::Request;
use belvedere_providers::responses::Responses;
use serde_json::{Value, json};
use streams::{
    added, call, completed, created, done, frames, input, kind, message, read, rich, streamed, text, usage,
    whole,
};
use support::head;

#[test]
fn s20_stream_and_whole_give_the_same_answer() {
    let mut response = rich().last().unwrap()["response"].clone();
    response["object"] = json!("response");
    response["model"] = json!("m");
    response["output"][2]["content"][0]["logprobs"] = json!([{"token": "Hel", "logprob": -0.5}]);
    assert_eq!(whole(&response).completion(), read(&rich()).completion());
}

#[test]
fn s11_an_error_after_200_is_an_error_wherever_it_comes() {
    let flat = json!({"type": "error", "code": "server_error", "message": "Oops", "param": null, "sequence_number": 3});
    let inner = json!({"type": "server_error", "code": "server_error", "message": "Oops"});
    let nested = json!({"type": "error", "error": inner});
    let failed = json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error", "message": "Oops"}}});
    let silent = json!({"type": "response.completed", "response": {"status": "completed", "error": inner, "output": []}});
    let all = rich();
    for error in [flat, nested, failed, silent] {
        for at in 0..all.len() {
            for (named, ended) in [(true, false), (false, false), (true, true), (false, true)] {
                let mut body = frames(&all[..at]);
                let frame = frames(std::slice::from_ref(&error));
                body.push_str(if named { &frame } else { frame.split_once('\n').unwrap().1 });
                body.push_str(&frames(&all[at..]));
                if ended {
                    body.push_str("data: [DONE]\n\n");
                }
                let read = streamed(&body);
                assert_eq!(kind(&read), Some(ErrorKind::Overloaded), "{error} at {at}, named {named}");
                let said = read.error.as_ref().unwrap().provider().unwrap();
                assert_eq!(
                    (said.message.as_deref(), said.code.as_deref()),
                    (Some("Oops"), Some("server_error"))
                );
                assert!(!read.events.iter().any(|e| matches!(e, Event::Finish { .. })));
            }
        }
    }
    assert_eq!(kind(&streamed("event: error\ndata: upstream went away\n\n")), Some(ErrorKind::Overloaded));
    let body = json!({"object": "response", "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}, "output": []});
    assert_eq!(kind(&whole(&body)), Some(ErrorKind::RateLimited));
    assert!(kind(&whole(&json!({"object": "response", "status": "failed", "output": []}))).is_some());
    assert_eq!(kind(&whole(&json!({"detail": "Not allowed"}))), Some(ErrorKind::Malformed));
    assert!(kind(&whole(&json!({"object": "error", "message": "no"}))).is_some());
}

/// Every value with one of its fields deleted, null, empty or of another type, at any depth.
fn mutations(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let set = |all: &mut Vec<Value>, new: &dyn Fn(Value) -> Value, inner: &Value| {
        let odd = [Value::Null, json!(""), json!({}), json!([]), json!(7), json!("odd"), json!([null, 3])];
        all.extend(odd.into_iter().chain(mutations(inner)).map(new));
    };
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut less = map.clone();
                less.remove(key);
                all.push(Value::Object(less));
                let new = |value| {
                    let mut more = map.clone();
                    more.insert(key.clone(), value);
                    Value::Object(more)
                };
                set(&mut all, &new, inner);
            }
        }
        Value::Array(list) => {
            for (i, inner) in list.iter().enumerate() {
                let new = |value| {
                    let mut more = list.clone();
                    more[i] = value;
                    Value::Array(more)
                };
                set(&mut all, &new, inner);
            }
        }
        _ => {}
    }
    all
}

/// An odd field costs its own content at most: never the answer, unless it says that there is an error, or whose
/// piece it is.
#[test]
fn s12_an_odd_field_does_not_cost_the_answer() {
    let all = rich();
    let mut count = 0;
    for (i, event) in all.iter().enumerate() {
        for odd in mutations(event) {
            // Without its type, the frame's name tells what it is: a stream may have neither.
            let name = event["type"].as_str().unwrap();
            let mut body = frames(&all[..i]);
            body.push_str(&format!("event: {name}\ndata: {odd}\n\n"));
            body.push_str(&frames(&all[i + 1..]));
            let read = streamed(&body);
            count += 1;
            match kind(&read) {
                None => assert!(read.completion().choices[0].finish.is_some()),
                // The last event is the terminal signal; a call that was not opened has no place for its input.
                Some(ErrorKind::Truncated) => assert_eq!(i, all.len() - 1, "{odd}"),
                Some(ErrorKind::Malformed) => {
                    assert!(
                        name.contains("arguments") || name.contains("item") || name.contains("text"),
                        "{odd}"
                    );
                }
                Some(other) => {
                    assert!(odd.to_string().contains("error") || other == ErrorKind::Overloaded, "{odd}")
                }
            }
        }
    }
    assert!(count > 1000, "{count}");
    let response = all.last().unwrap()["response"].clone();
    for odd in mutations(&response).iter().filter(|odd| odd["output"].is_array()) {
        assert_eq!(kind(&whole(odd)), None, "{odd}");
    }
}

/// All orders in which three lists of four can be merged.
fn interleavings() -> Vec<Vec<usize>> {
    fn go(left: [usize; 3], so_far: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
        if left == [0; 3] {
            all.push(so_far.clone());
        }
        for n in 0..3 {
            if left[n] > 0 {
                let mut left = left;
                left[n] -= 1;
                so_far.push(n);
                go(left, so_far, all);
                so_far.pop();
            }
        }
    }
    let mut all = Vec::new();
    go([4; 3], &mut Vec::new(), &mut all);
    all
}

/// The answer of a stream of these frames, by the decoder alone: the laws are checked on other streams.
fn decoded<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Completion {
    let mut request = Request::from("hi");
    request.stream = true;
    let head = head(200, [("content-type", "text/event-stream")]);
    let (_, mut decoder) = Responses::default().decode(&request, &head).unwrap();
    let mut out = Vec::new();
    frames.into_iter().for_each(|data| decoder.frame(Frame { name: None, data }, &mut out).unwrap());
    let mut fold = Fold::default();
    out.iter().for_each(|event| fold.event(event));
    fold.into_completion()
}

#[test]
fn s13_interleaved_calls_keep_their_fragments() {
    const PIECES: [&str; 4] = ["{\"n\"", ":[", "1,", "2]}"];
    let whole = PIECES.concat();
    let bytes = |event: Value| event.to_string().into_bytes();
    let begin: Vec<_> = (0..3).map(|n| bytes(added(n, call(n, "")))).collect();
    let end: Vec<_> = (0..3).rev().map(|n| bytes(done(n, call(n, &whole)))).collect();
    let end: Vec<_> = end.into_iter().chain([bytes(completed(json!([])))]).collect();
    // Servers tell the index, the id, or both.
    let fragment = |n: u32, delta: &str, way: usize| {
        let mut event = input(n, &format!("fc_{n}"), delta);
        let map = event.as_object_mut().unwrap();
        match way {
            0 => drop(map.remove("item_id")),
            1 => drop(map.remove("output_index")),
            _ => {}
        }
        bytes(event)
    };
    let ways: Vec<Vec<Vec<Vec<u8>>>> = (0..3)
        .map(|way| (0..3).map(|n| PIECES.iter().map(|delta| fragment(n, delta, way)).collect()).collect())
        .collect();
    let expected: Vec<_> = (0..3).map(|n| (format!("call_{n}"), whole.clone())).collect();
    // Orders that differ by the names of the calls alone are one, which is tried under other names each time.
    const NAMES: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let first = |order: &[usize], n| order.iter().position(|other| *other == n);
    let mut orders = interleavings();
    assert_eq!(orders.len(), 34_650);
    orders.retain(|order| first(order, 0) < first(order, 1) && first(order, 1) < first(order, 2));
    assert_eq!(orders.len(), 34_650 / 6);
    for (i, order) in orders.iter().enumerate() {
        let order = order.iter().map(|n| NAMES[i / 3 % 6][*n]).collect::<Vec<_>>();
        let mut next = [0; 3];
        let fragments = order.iter().map(|n| {
            next[*n] += 1;
            ways[i % 3][*n][next[*n] - 1].as_slice()
        });
        let fragments: Vec<&[u8]> = fragments.collect();
        let all = begin.iter().map(Vec::as_slice).chain(fragments).chain(end.iter().map(Vec::as_slice));
        let answer = decoded(all);
        let calls: Vec<_> = answer.tool_calls().map(|c| (c.id.to_owned(), c.input.to_owned())).collect();
        assert_eq!(calls, expected, "{order:?}");
    }
}

#[test]
fn s14_calls_that_share_an_index_are_told_apart_by_their_ids() {
    let mut events = vec![created()];
    for n in [1, 2] {
        events.push(added(0, call(n, "")));
        events.push(input(0, &format!("fc_{n}"), "{\"n\":"));
    }
    events.push(input(0, "fc_1", "1}"));
    events.push(input(0, "fc_2", "2}"));
    events.push(done(0, call(1, "{\"n\":1}")));
    events.push(done(0, call(2, "{\"n\":2}")));
    events.push(completed(json!([call(1, "{\"n\":1}"), call(2, "{\"n\":2}")])));
    let answer = read(&events).completion();
    let calls: Vec<_> = answer.tool_calls().map(|c| (c.id, arguments(c.input).unwrap())).collect();
    assert_eq!(calls, [("call_1", json!({"n": 1})), ("call_2", json!({"n": 2}))]);
}

#[test]
fn s14_a_fragment_of_no_call_is_an_error() {
    let lost = [vec![created(), input(0, "fc_1", "{}")], vec![created(), text("a"), input(0, "msg_1", "{}")]];
    for mut events in lost {
        events.push(completed(json!([call(1, "{}")])));
        assert_eq!(kind(&read(&events)), Some(ErrorKind::Malformed));
    }
}

#[test]
fn s15_only_a_terminal_event_ends_an_answer() {
    let pieces = [
        frames(&[text("hi")]),
        frames(&[done(0, message("hi"))]),
        frames(&[completed(json!([message("hi")]))]),
        "data: [DONE]\n\n".to_owned(),
    ];
    for subset in 0..16u32 {
        let mut body = frames(&[created()]);
        body.extend((0..4).filter(|i| subset >> i & 1 == 1).map(|i| pieces[i].as_str()));
        let read = streamed(&body);
        match subset >> 2 & 1 {
            0 => assert_eq!(kind(&read), Some(ErrorKind::Truncated), "{subset:b}"),
            _ => {
                assert_eq!(kind(&read), None, "{subset:b}");
                assert_eq!(read.completion().text(), "hi", "{subset:b}");
            }
        }
    }
    assert_eq!(kind(&streamed("")), Some(ErrorKind::Truncated));
}

#[test]
fn s15_every_prefix_is_truncated_and_keeps_what_came() {
    let all = rich();
    let full = read(&all);
    for upto in 0..all.len() {
        let read = read(&all[..upto]);
        assert_eq!(kind(&read), Some(ErrorKind::Truncated), "{upto}");
        assert_eq!(read.events, full.events[..read.events.len()], "{upto}");
    }
}

#[test]
fn s16_nothing_after_the_end_counts() {
    let mut body = frames(&rich());
    body.push_str(&frames(&[text("more"), json!({"type": "error", "message": "late"})]));
    assert_eq!(streamed(&body).essence(), read(&rich()).essence());
}

#[test]
fn s17_usage_is_read_from_any_terminal_event() {
    let details = json!({"reason": "max_output_tokens"});
    let ends = [
        ("response.completed", "completed", Value::Null, FinishReason::Stop, "completed"),
        ("response.incomplete", "incomplete", details, FinishReason::Length, "max_output_tokens"),
        (
            "response.incomplete",
            "incomplete",
            json!({"reason": "content_filter"}),
            FinishReason::ContentFilter,
            "content_filter",
        ),
        ("response.incomplete", "incomplete", Value::Null, FinishReason::Other, "incomplete"),
        ("response.cancelled", "cancelled", Value::Null, FinishReason::Other, "cancelled"),
        ("response.done", "completed", Value::Null, FinishReason::Stop, "completed"),
    ];
    for (event, status, details, reason, raw) in ends {
        let response = json!({"status": status, "incomplete_details": details, "output": [message("hi")], "usage": usage()});
        let mut end = json!({"type": event, "response": response});
        for has_status in [true, false] {
            let answer = read(&[created(), text("hi"), end.clone()]).completion();
            let finish = answer.choices[0].finish.clone().unwrap();
            assert_eq!(
                (finish.reason, finish.raw.as_deref()),
                (Some(reason), Some(raw)),
                "{event} {has_status}"
            );
            assert_eq!(answer.usage.unwrap().total_tokens(), Some(16), "{event}");
            end["response"].as_object_mut().unwrap().remove("status");
        }
        let whole_answer = whole(&json!({
            "status": status, "incomplete_details": end["response"]["incomplete_details"],
            "output": [message("hi")], "usage": usage()
        }));
        assert_eq!(whole_answer.completion().choices[0].finish.clone().unwrap().raw.as_deref(), Some(raw));
    }
}

#[test]
fn s18_an_unknown_status_stays_what_it_is() {
    let mut response = json!({"status": "requires_action", "output": [message("hi")]});
    let finish = |response: &Value| whole(response).completion().choices[0].finish.clone().unwrap();
    assert_eq!(finish(&response).reason, Some(FinishReason::Other));
    assert_eq!(finish(&response).raw.as_deref(), Some("requires_action"));
    response["status"] = json!("queued");
    assert_eq!((finish(&response).reason, finish(&response).raw.as_deref()), (None, Some("queued")));
}

#[test]
fn s19_every_kind_of_thinking_is_reasoning() {
    let item = json!({
        "type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "short"}],
        "content": [{"type": "reasoning_text", "text": "long"}]
    });
    let answer = whole(&json!({"status": "completed", "output": [item.clone()]})).completion();
    assert_eq!(answer.reasoning().as_deref(), Some("shortlong"));
    let thought = json!({
        "type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "item_id": "rs_1", "delta": "long"
    });
    let streamed = read(&[created(), thought, done(0, item), completed(json!([]))]).completion();
    assert_eq!(streamed.reasoning().as_deref(), Some("longshort"), "each text once");
}
