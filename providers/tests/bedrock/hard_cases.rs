//! The hard cases of streams, by their ids.

use belvedere_core::completion::Fold;
use belvedere_core::error::ErrorKind;
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::provider::{Frame, Provider};
use belvedere_core::request::Request;
use serde_json::{Value, json};

use crate::samples::{
    Events, answer, begin, blocks, body, converse, delta, ending, event, events, exception, kind, message,
    read, start, stop, streamed, whole,
};
use crate::support::head;

#[test]
fn s11_an_exception_is_an_error_wherever_it_comes() {
    let all = events();
    // The last event ends the answer, and nothing follows an end.
    for at in 0..all.len() {
        let bytes = [body(&all[..at]), exception("throttlingException", "Too many tokens"), body(&all[at..])];
        let read = streamed(&bytes.concat());
        assert_eq!(kind(&read), Some(ErrorKind::RateLimited), "at {at}");
        let said = read.error.as_ref().unwrap().provider().unwrap();
        assert_eq!(said.message.as_deref(), Some("Too many tokens"));
        assert_eq!(said.r#type.as_deref(), Some("throttlingException"));
        assert!(!read.events.iter().any(|e| matches!(e, Event::Finish { .. })));
    }
    assert_eq!(
        kind(&whole(&json!({"message": "Too many requests, please wait"}))),
        Some(ErrorKind::RateLimited)
    );
    let unknown =
        json!({"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1"});
    assert!(kind(&whole(&unknown)).is_some());
}

#[test]
fn each_exception_has_its_kind() {
    let kinds = [
        ("internalServerException", ErrorKind::Overloaded),
        ("modelStreamErrorException", ErrorKind::Overloaded),
        ("modelTimeoutException", ErrorKind::Overloaded),
        ("serviceUnavailableException", ErrorKind::Overloaded),
        ("throttlingException", ErrorKind::RateLimited),
        ("validationException", ErrorKind::InvalidRequest),
        ("accessDeniedException", ErrorKind::Forbidden),
        ("someNewException", ErrorKind::Overloaded),
    ];
    for (name, expected) in kinds {
        let read = streamed(&[event("messageStart", &json!({})), exception(name, "x")].concat());
        assert_eq!(kind(&read), Some(expected), "{name}");
    }
    let error = [(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "gone")];
    assert_eq!(kind(&streamed(&message(&error, ""))), Some(ErrorKind::Overloaded));
    // An unknown event is ignored, unless it says what an error says.
    let ping = [event("ping", &json!({"a": 1})), body(&events())].concat();
    assert_eq!(kind(&streamed(&ping)), None);
    let fault = event("surprise", &json!({"message": "Rate limit reached"}));
    assert_eq!(kind(&streamed(&fault)), Some(ErrorKind::RateLimited));
}

#[test]
fn y17_a_bad_request_after_the_first_block_is_the_providers_state() {
    let all = events();
    let read = |upto| streamed(&[body(&all[..upto]), exception("validationException", "bad state")].concat());
    assert_eq!(kind(&read(1)), Some(ErrorKind::InvalidRequest));
    assert_eq!(kind(&read(4)), Some(ErrorKind::Overloaded));
}

#[test]
fn a_damaged_message_is_malformed_and_keeps_what_came() {
    let mut bytes = body(&events());
    let at = bytes.len() - 200;
    bytes[at] ^= 1;
    let read = streamed(&bytes);
    assert_eq!(kind(&read), Some(ErrorKind::Malformed));
    assert_eq!(read.completion().text(), "I will look it up.It is so.");
}

/// Every value with one of its fields deleted, null, empty or of another type, at any depth.
fn mutations(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let Value::Object(map) = value else { return all };
    for (key, inner) in map {
        let mut less = map.clone();
        less.remove(key);
        all.push(Value::Object(less));
        let others = [Value::Null, json!(""), json!({}), json!([]), json!(7), json!("text"), json!([{}])];
        all.extend(others.into_iter().chain(mutations(inner)).map(|new| {
            let mut more = map.clone();
            more.insert(key.clone(), new);
            Value::Object(more)
        }));
    }
    all
}

#[test]
fn s12_an_odd_field_costs_no_answer() {
    let all = events();
    for (at, (name, payload)) in all.iter().enumerate() {
        for mutated in mutations(payload) {
            let mut bytes = body(&all[..at]);
            bytes.extend(event(name, &mutated));
            bytes.extend(body(&all[at + 1..]));
            let read = streamed(&bytes);
            let lost = |text: &str| read.error.as_ref().is_some_and(|e| e.message().contains(text));
            let end_lost = kind(&read) == Some(ErrorKind::Truncated) && *name == "messageStop";
            assert!(
                kind(&read).is_none() || lost("no open tool call") || lost("of another kind") || end_lost,
                "event {at} as {mutated}: {:?}",
                read.error
            );
        }
    }
    for mutated in mutations(&answer()) {
        assert_eq!(kind(&whole(&mutated)), None, "{mutated}");
    }
    for (at, block) in blocks().as_array().unwrap().iter().enumerate() {
        for mutated in mutations(block) {
            let mut answer = answer();
            answer["output"]["message"]["content"][at] = mutated.clone();
            assert_eq!(kind(&whole(&answer)), None, "{mutated}");
        }
    }
}

/// Every order in which the pieces of three calls can come, each call's own in order.
fn interleavings(left: [usize; 3]) -> Vec<Vec<u32>> {
    if left == [0; 3] {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for call in 0..3 {
        if left[call] > 0 {
            let mut rest = left;
            rest[call] -= 1;
            let first = u32::try_from(call).unwrap();
            all.extend(interleavings(rest).into_iter().map(|order| [vec![first], order].concat()));
        }
    }
    all
}

/// The frames are given to the decoder as they are: cutting them out of 34 650 bodies takes longer than reading them.
#[test]
fn s13_interleaved_tool_input_goes_to_its_own_call() {
    let orders = interleavings([4; 3]);
    assert_eq!(orders.len(), 34_650);
    let framed = |events: Events| -> Vec<(&'static str, String)> {
        events.into_iter().map(|(name, payload)| (name, payload.to_string())).collect()
    };
    let begins = (0..3).map(|i| begin(i, json!({"toolUse": {"toolUseId": format!("t{i}"), "name": "f"}})));
    let opening = framed([vec![start()], begins.collect()].concat());
    let ends = framed([(0..3).map(stop).collect(), ending("tool_use")].concat());
    let piece = |i: u32, text: &str| delta(i, json!({"toolUse": {"input": text}}));
    let pieces = |i: u32| framed(["{\"n\"", ":", &i.to_string(), "}"].map(|text| piece(i, text)).to_vec());
    let pieces = [pieces(0), pieces(1), pieces(2)];
    let mut request = Request::from("hi");
    request.stream = true;
    let head = head(200, [("content-type", "application/vnd.amazon.eventstream")]);
    for order in orders {
        let mut next = [0; 3];
        let between = order.iter().map(|call| {
            let call = *call as usize;
            next[call] += 1;
            &pieces[call][next[call] - 1]
        });
        let (_, mut decoder) = converse().decode(&request, &head).unwrap();
        let (mut fold, mut out) = (Fold::default(), Vec::new());
        for (name, payload) in opening.iter().chain(between).chain(&ends) {
            decoder.frame(Frame { name: Some(name), data: payload.as_bytes() }, &mut out).unwrap();
        }
        out.iter().for_each(|event| fold.event(event));
        let calls: Vec<_> = fold.completion().tool_calls().map(|call| (call.id, call.input)).collect();
        assert_eq!(calls, [("t0", "{\"n\":0}"), ("t1", "{\"n\":1}"), ("t2", "{\"n\":2}")], "{order:?}");
    }
}

#[test]
fn s14_calls_that_share_an_index_are_two_and_lost_input_is_an_error() {
    let open = |id: &str| begin(0, json!({"toolUse": {"toolUseId": id, "name": "f"}}));
    let piece = |text: &str| delta(0, json!({"toolUse": {"input": text}}));
    let mut all = vec![start(), open("a"), piece("{\"n\":1}"), open("b"), piece("{\"n\":2}"), stop(0)];
    all.extend(ending("tool_use"));
    let answer = streamed(&body(&all)).completion();
    let calls: Vec<_> = answer.tool_calls().map(|call| (call.id, call.input)).collect();
    assert_eq!(calls, [("a", "{\"n\":1}"), ("b", "{\"n\":2}")]);

    for lost in [vec![start(), piece("{}")], vec![start(), open("a"), stop(0), piece("{}")]] {
        assert_eq!(kind(&streamed(&body(&lost))), Some(ErrorKind::Malformed), "{lost:?}");
    }
    let other = [start(), delta(0, json!({"text": "x"})), piece("{}")];
    assert_eq!(kind(&streamed(&body(&other))), Some(ErrorKind::Malformed));
}

#[test]
fn s15_only_a_stop_reason_finishes() {
    let content = vec![start(), delta(0, json!({"text": "hi"})), stop(0)];
    let ending = ending("end_turn");
    for (has_content, has_stop, has_usage) in (0..8).map(|bits| (bits & 1 == 1, bits & 2 == 2, bits & 4 == 4))
    {
        let mut all = if has_content { content.clone() } else { Vec::new() };
        all.extend(ending[..1].iter().filter(|_| has_stop).cloned());
        all.extend(ending[1..].iter().filter(|_| has_usage).cloned());
        let read = streamed(&body(&all));
        let expected = (!has_stop).then_some(ErrorKind::Truncated);
        assert_eq!(kind(&read), expected, "content {has_content}, stop {has_stop}, usage {has_usage}");
    }
    // The two of them in the other order.
    let swapped = [content, vec![ending[1].clone(), ending[0].clone()]].concat();
    let read = streamed(&body(&swapped));
    assert_eq!((kind(&read), read.completion().usage.is_some()), (None, true));
}

#[test]
fn s15_every_prefix_without_the_stop_reason_is_truncated() {
    let bytes = body(&events());
    let whole = streamed(&bytes);
    let end = bytes.len() - body(&events()[events().len() - 1..]).len();
    for cut in 0..end {
        let read = streamed(&bytes[..cut]);
        assert_eq!(kind(&read), Some(ErrorKind::Truncated), "{cut}");
        assert_eq!(read.events, whole.events[..read.events.len()], "{cut}");
    }
    for cut in end..bytes.len() {
        let read = streamed(&bytes[..cut]);
        assert_eq!((kind(&read), read.completion().usage), (None, None), "the usage alone is lost, {cut}");
    }
    let truncated = read(&converse(), "application/json", b"{\"output\": {");
    assert_eq!(kind(&truncated), Some(ErrorKind::Truncated));
}

#[test]
fn s16_what_follows_the_end_is_nothing_to_the_answer() {
    let bytes = [body(&events()), exception("throttlingException", "late"), vec![1, 2, 3]].concat();
    let read = streamed(&bytes);
    assert_eq!(kind(&read), None);
    assert_eq!(read.completion(), whole(&answer()).completion());
}

#[test]
fn s17_s18_each_stop_reason_has_its_word_and_its_usage() {
    let words = [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("content_filtered", FinishReason::ContentFilter),
        ("malformed_model_output", FinishReason::Error),
        ("malformed_tool_use", FinishReason::Error),
        ("refusal", FinishReason::Refusal),
        ("pause_turn", FinishReason::Pause),
        ("a_new_word", FinishReason::Other),
        ("End_turn", FinishReason::Other),
    ];
    for (word, reason) in words {
        let read = streamed(&body(&[vec![start()], ending(word)].concat()));
        let answer = read.completion();
        let finish = answer.choices[0].finish.clone().unwrap();
        assert_eq!((finish.reason, finish.raw.as_deref()), (Some(reason), Some(word)));
        assert_eq!(answer.usage.unwrap().total_tokens(), Some(12), "{word}");
    }
    let further =
        json!({"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "X"}});
    let answer = streamed(&body(&[start(), ("messageStop", further)])).completion();
    assert_eq!(answer.choices[0].finish.as_ref().unwrap().stop_sequence.as_deref(), Some("X"));
}
