//! Tool calls in streams.

use belvedere_core::ErrorKind;
use belvedere_core::event::FinishReason;
use belvedere_core::message::Part;
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use serde_json::{Value, json};

use super::{delta, done, finish, host, read, stream, whole};

fn fragment(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    let mut call = json!({ "index": index, "function": { "arguments": arguments } });
    if let Some(id) = id {
        call["id"] = json!(id);
    }
    if let Some(name) = name {
        call["function"]["name"] = json!(name);
    }
    call
}

/// Every order of the fragments of three calls in which each call's own keep theirs: (12)! / (4!)^3.
fn interleavings(left: [usize; 3], prefix: &mut Vec<usize>, each: &mut dyn FnMut(&[usize])) {
    if left == [0; 3] {
        return each(prefix);
    }
    for call in 0..3 {
        if left[call] > 0 {
            let mut rest = left;
            rest[call] -= 1;
            prefix.push(call);
            interleavings(rest, prefix, each);
            prefix.pop();
        }
    }
}

#[test]
fn s13_interleaved_fragments_reach_their_own_call() {
    let pieces = ["", "{\"n\":", "1", "}"];
    let names = [("c0", "f0"), ("c1", "f1"), ("c2", "f2")];
    let frame = |call: usize, piece: usize| {
        let first = (piece == 0).then_some(names[call]);
        let (id, name) = first.unzip();
        let index = u32::try_from(call).unwrap();
        delta(json!({ "tool_calls": [fragment(index, id, name, pieces[piece])] })).to_string()
    };
    let frames: [[String; 4]; 3] =
        std::array::from_fn(|call| std::array::from_fn(|piece| frame(call, piece)));
    let end = finish("tool_calls").to_string();
    let mut orders = 0;
    interleavings([4; 3], &mut Vec::new(), &mut |order| {
        orders += 1;
        let mut next = [0; 3];
        let mut sent: Vec<(Option<&str>, &[u8])> = Vec::with_capacity(14);
        for &call in order {
            sent.push((None, frames[call][next[call]].as_bytes()));
            next[call] += 1;
        }
        sent.extend([(None, end.as_bytes()), (None, &b"[DONE]"[..])]);
        let answer = read(&host("openai"), Operation::Chat, "text/event-stream", &sent).answer();
        let mut calls: Vec<_> = answer.tool_calls().map(|c| (c.id, c.name, c.input)).collect();
        calls.sort_unstable();
        let want = names.map(|(id, name)| (id, name, "{\"n\":1}"));
        assert_eq!(calls, want, "{order:?}");
    });
    assert_eq!(orders, 34_650);
}

#[test]
fn s13_the_same_index_in_two_choices_is_two_calls() {
    let at = |choice: u32, call: Value| json!({ "choices": [{ "index": choice, "delta": { "tool_calls": [call] } }] });
    let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "tool_calls" },
                                  { "index": 1, "delta": {}, "finish_reason": "tool_calls" }] });
    let outcome = stream(&[
        at(0, fragment(0, Some("a"), Some("f"), "{")),
        at(1, fragment(0, Some("b"), Some("g"), "[")),
        at(0, fragment(0, None, None, "}")),
        at(1, fragment(0, None, None, "]")),
        end,
        done(),
    ]);
    let answer = outcome.answer();
    let inputs: Vec<_> =
        answer.choices.iter().map(|choice| json!(choice.parts[0]).get("input").cloned().unwrap()).collect();
    assert_eq!(inputs, ["{}", "[]"]);
}

#[test]
fn s14_a_fragment_without_a_call_is_an_error_and_never_a_guess() {
    let outcome = stream(&[
        delta(json!({ "tool_calls": [fragment(0, Some("a"), Some("f"), "{}")] })),
        delta(json!({ "tool_calls": [fragment(3, None, None, "{\"lost\":1}")] })),
        finish("tool_calls"),
        done(),
    ]);
    let error = outcome.error.as_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(!error.to_string().contains("lost"), "no answer text in the error: {error}");
    assert_eq!(outcome.finishes(), 0);
}

#[test]
fn a_name_may_come_after_its_input_and_input_may_be_a_value() {
    let outcome = stream(&[
        delta(json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "arguments": "{\"x\":" } }] })),
        delta(json!({ "tool_calls": [{ "index": 0, "function": { "name": "f", "arguments": "1}" } }] })),
        delta(
            json!({ "tool_calls": [{ "index": 1, "id": "b", "function": { "name": "g", "arguments": { "y": 2 } } }] }),
        ),
        finish("tool_calls"),
        done(),
    ]);
    let answer = outcome.answer();
    let calls: Vec<_> = answer.tool_calls().map(|c| (c.id, c.name, c.input)).collect();
    assert_eq!(calls, [("a", "f", "{\"x\":1}"), ("b", "g", "{\"y\":2}")]);
}

#[test]
fn the_calls_of_a_whole_answer_are_never_merged() {
    let call = |id: &str, input: Value| json!({ "id": id, "index": 0, "function": { "name": "f", "arguments": input } });
    let body = json!({ "choices": [{ "index": 0, "finish_reason": "stop", "message": {
        "content": null,
        "tool_calls": [call("", json!("")), call("", json!("")), call("x", json!({ "a": 1 })), call("x", json!("[]")),
                       { "id": "c", "type": "custom", "custom": { "name": "sql", "input": "select 1" } }],
    } }] });
    let outcome = whole(&body);
    let answer = outcome.answer();
    let inputs: Vec<_> = answer.tool_calls().map(|c| c.input).collect();
    assert_eq!(inputs, ["", "", "{\"a\":1}", "[]", "select 1"]);
    assert_eq!(answer.finish_reason(), Some(FinishReason::Stop), "the server's word stays");
}

/// What Google's models ask back with a call, streamed, whole, and before the call has its name.
#[test]
fn further_content_of_a_call_comes_back() {
    let content = json!({ "google": { "thought_signature": "s" } });
    let call = |name: &str| json!({ "index": 0, "id": "c", "function": { "name": name, "arguments": "{}" }, "extra_content": content });
    let late = [
        delta(json!({ "tool_calls": [call("")] })),
        delta(json!({ "tool_calls": [{ "index": 0, "function": { "name": "f" } }] })),
    ];
    let end = [finish("tool_calls"), done()];
    let answers = [
        stream(&[&[delta(json!({ "tool_calls": [call("f")] }))], &end[..]].concat()),
        stream(&[&late[..], &end[..]].concat()),
        whole(
            &json!({ "choices": [{ "message": { "tool_calls": [call("f")] }, "finish_reason": "tool_calls" }] }),
        ),
    ];
    for answer in answers.map(|outcome| outcome.answer()) {
        let Part::ToolCall { extra, input, .. } = &answer.choices[0].parts[0] else { panic!("no call") };
        assert_eq!((input.as_str(), &extra["openai.chat"]), ("{}", &json!({ "extra_content": content })));
        let mut request = Request::new(vec![answer.message()]);
        request.model = Some("m".into());
        let sent = host("gemini").encode(&request).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        assert_eq!(sent["messages"][0]["tool_calls"][0]["extra_content"], content);
    }
}

/// OpenRouter's details repeat the thinking that a field of its own has told: once is enough.
#[test]
fn thinking_that_its_details_repeat_is_told_once() {
    let details = json!([{ "type": "reasoning.text", "text": "hm", "index": 0, "signature": "s" }]);
    let answer = stream(&[
        delta(json!({ "reasoning_content": "hm" })),
        delta(json!({ "reasoning_details": details })),
        finish("stop"),
        done(),
    ]);
    assert_eq!(answer.answer().reasoning().as_deref(), Some("hm"));
}
