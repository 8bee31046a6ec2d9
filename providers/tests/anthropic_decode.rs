//! Answers of Anthropic's wire: our own cassettes, and the hard cases of streams by their ids.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::message::Part;
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_providers::anthropic::Anthropic;
use serde_json::{Value, json};
use support::{Read, head};

const CASSETTES: [&str; 4] = ["tools", "thinking", "search", "unknown"];

fn cassette(file: &str) -> String {
    let path = format!("{}/tests/cassettes/anthropic/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn streamed(body: &str) -> Read {
    let mut request = Request::from("hi");
    request.stream = true;
    let head = head(200, [("content-type", "text/event-stream; charset=utf-8")]);
    Read::new(&Anthropic::default(), &request, &head, [body.as_bytes()])
}

fn whole(body: &str) -> Read {
    let head = head(200, [("content-type", "application/json")]);
    Read::new(&Anthropic::default(), &Request::from("hi"), &head, [body.as_bytes()])
}

/// A stream of these events, each with its `event:` line.
fn frames(events: &[Value]) -> String {
    events.iter().map(|e| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap())).collect()
}

/// The events of a cassette, as values.
fn events(name: &str) -> Vec<Value> {
    let text = cassette(&format!("{name}.sse"));
    text.lines().filter_map(|l| l.strip_prefix("data: ")).map(|d| serde_json::from_str(d).unwrap()).collect()
}

fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.as_ref().map(Error::kind)
}

#[test]
fn s20_stream_and_whole_give_the_same_answer() {
    for name in CASSETTES {
        let expected: Completion = serde_json::from_str(&cassette(&format!("{name}.expected.json"))).unwrap();
        for read in [streamed(&cassette(&format!("{name}.sse"))), whole(&cassette(&format!("{name}.json")))] {
            assert_eq!(kind(&read), None, "{name}");
            assert_eq!(
                serde_json::to_value(read.completion()).unwrap(),
                serde_json::to_value(&expected).unwrap(),
                "{name}"
            );
        }
    }
}

#[test]
fn s1_any_cutting_gives_the_same_events() {
    let mut request = Request::from("hi");
    request.stream = true;
    for name in CASSETTES {
        let body = cassette(&format!("{name}.sse"));
        let head = head(200, [("content-type", "text/event-stream")]);
        let read =
            |pieces: &[&[u8]]| Read::new(&Anthropic::default(), &request, &head, pieces.iter().copied());
        let uncut = read(&[body.as_bytes()]);
        for cut in 0..=body.len() {
            let (one, two) = body.as_bytes().split_at(cut);
            assert_eq!(read(&[one, two]).essence(), uncut.essence(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn s11_an_error_after_200_is_an_error_wherever_it_comes() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let all = events("tools");
    for at in 0..all.len() {
        for (named, done) in [(true, false), (false, false), (true, true), (false, true)] {
            let mut body = frames(&all[..at]);
            let frame = frames(std::slice::from_ref(&error));
            body.push_str(if named { &frame } else { frame.split_once('\n').unwrap().1 });
            body.push_str(&frames(&all[at..]));
            if done {
                body.push_str("data: [DONE]\n\n");
            }
            let read = streamed(&body);
            assert_eq!(kind(&read), Some(ErrorKind::Overloaded), "at {at}, named {named}, done {done}");
            let said = read.error.as_ref().unwrap().provider().unwrap();
            assert_eq!(said.message.as_deref(), Some("Overloaded"));
            assert!(!read.events.iter().any(|e| matches!(e, Event::Finish { .. })));
        }
    }
    assert_eq!(kind(&streamed("event: error\ndata: upstream went away\n\n")), Some(ErrorKind::Overloaded));
    assert_eq!(kind(&whole(&error.to_string())), Some(ErrorKind::Overloaded));
}

#[test]
fn y17_a_bad_request_after_the_first_block_is_the_providers_state() {
    let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "bad state"}});
    let all = events("tools");
    let read = |upto: usize| streamed(&(frames(&all[..upto]) + &frames(std::slice::from_ref(&error))));
    assert_eq!(kind(&read(1)), Some(ErrorKind::InvalidRequest));
    assert_eq!(kind(&read(4)), Some(ErrorKind::Overloaded));
}

/// Every value with one of its fields deleted, null or empty, at any depth.
fn mutations(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    if let Value::Object(map) = value {
        for (key, inner) in map {
            let mut less = map.clone();
            less.remove(key);
            all.push(Value::Object(less));
            let empty = match inner {
                Value::String(_) => json!(""),
                Value::Object(_) => json!({}),
                Value::Array(_) => json!([]),
                _ => Value::Null,
            };
            let changed = [Value::Null, empty].into_iter().chain(mutations(inner));
            all.extend(changed.map(|new| {
                let mut more = map.clone();
                more.insert(key.clone(), new);
                Value::Object(more)
            }));
        }
    }
    all
}

#[test]
fn s12_an_absent_null_or_empty_field_costs_no_answer() {
    for name in CASSETTES {
        let all = events(name);
        for (at, event) in all.iter().enumerate() {
            for mutated in mutations(event) {
                let mut body = String::new();
                for (i, event) in all.iter().enumerate() {
                    let event_name = event["type"].as_str().unwrap();
                    body.push_str(&format!(
                        "event: {event_name}\ndata: {}\n\n",
                        if i == at { &mutated } else { event }
                    ));
                }
                let read = streamed(&body);
                let tool_lost =
                    read.error.as_ref().is_some_and(|e| e.message().contains("no open tool call"));
                let end_lost = kind(&read) == Some(ErrorKind::Truncated) && at == all.len() - 2;
                let other_block =
                    read.error.as_ref().is_some_and(|e| e.message().contains("of another kind"));
                assert!(
                    kind(&read).is_none() || tool_lost || end_lost || other_block,
                    "{name} event {at} as {mutated}: {:?}",
                    read.error
                );
            }
        }
        let body: Value = serde_json::from_str(&cassette(&format!("{name}.json"))).unwrap();
        for mutated in mutations(&body) {
            assert_eq!(kind(&whole(&mutated.to_string())), None, "{name} as {mutated}");
        }
    }
}

#[test]
fn s13_interleaved_tool_input_goes_to_its_own_call() {
    let open = |i: u32| {
        let block = json!({"type": "tool_use", "id": format!("t{i}"), "name": "f", "input": {}});
        json!({"type": "content_block_start", "index": i, "content_block": block})
    };
    let piece = |i: u32, text: &str| json!({"type": "content_block_delta", "index": i, "delta": {"type": "input_json_delta", "partial_json": text}});
    let mut all = vec![open(0), open(1), open(2)];
    for text in ["{\"n\"", ":", "1", "}"] {
        all.extend([2, 0, 1].map(|i| piece(i, text)));
    }
    all.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}));
    all.push(json!({"type": "message_stop"}));
    let answer = streamed(&frames(&all)).completion();
    let calls: Vec<_> = answer.tool_calls().map(|c| (c.id, c.input)).collect();
    assert_eq!(calls, [("t0", "{\"n\":1}"), ("t1", "{\"n\":1}"), ("t2", "{\"n\":1}")]);
}

#[test]
fn s14_a_piece_without_its_call_is_an_error_and_never_a_guess() {
    let orphan = json!({"type": "content_block_delta", "index": 7, "delta": {"partial_json": "{}"}});
    let start = events("tools").remove(0);
    assert_eq!(kind(&streamed(&frames(&[start, orphan]))), Some(ErrorKind::Malformed));
    // An index that comes again opens another call.
    let open = |id: &str| {
        let block = json!({"type": "tool_use", "id": id, "name": "f", "input": {"id": id}});
        json!({"type": "content_block_start", "index": 0, "content_block": block})
    };
    let all = [open("a"), open("b"), json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}})];
    let answer = streamed(&frames(&all)).completion();
    let calls: Vec<_> = answer.tool_calls().map(|c| (c.id, c.input)).collect();
    assert_eq!(calls, [("a", "{\"id\":\"a\"}"), ("b", "{\"id\":\"b\"}")]);
}

#[test]
fn s15_finished_needs_the_terminal_signal() {
    let all = events("tools");
    let (content, ends) = all.split_at(all.len() - 2);
    let done = "data: [DONE]\n\n";
    for with_content in [false, true] {
        let start = if with_content { frames(content) } else { frames(&content[..1]) };
        let of = |rest: &str| kind(&streamed(&format!("{start}{rest}")));
        assert_eq!(of(""), Some(ErrorKind::Truncated));
        assert_eq!(of(done), Some(ErrorKind::Truncated));
        assert_eq!(of(&frames(&ends[1..])), Some(ErrorKind::Truncated), "message_stop alone closes nothing");
        assert_eq!(of(&frames(&ends[..1])), None, "the stop reason came before the end of the body");
        assert_eq!(of(&(frames(&ends[..1]) + done)), None);
        assert_eq!(of(&frames(ends)), None);
        let unsaid = json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 1}});
        assert_eq!(of(&frames(std::slice::from_ref(&unsaid))), Some(ErrorKind::Truncated), "usage is no end");
        let read = streamed(&format!("{start}{}", frames(&[unsaid, ends[1].clone()])));
        assert_eq!((kind(&read), read.completion().finish_reason()), (None, None), "closed without a reason");
    }
    for nothing in ["", done, ": comment\n\n"] {
        assert_eq!(kind(&streamed(nothing)), Some(ErrorKind::Truncated), "{nothing:?}");
    }
}

#[test]
fn s16_what_follows_the_end_changes_nothing() {
    let body = cassette("tools.sse");
    let clean = streamed(&body);
    let noisy = streamed(&format!("{body}data: [DONE]\n\nevent: error\ndata: late\n\n{body}"));
    assert_eq!(noisy.essence(), clean.essence());
}

#[test]
fn s17_usage_is_read_whatever_the_end() {
    let mut all = events("tools");
    let at = all.len() - 2;
    for reason in
        ["end_turn", "max_tokens", "refusal", "pause_turn", "model_context_window_exceeded", "new_word"]
    {
        all[at]["delta"]["stop_reason"] = reason.into();
        let usage = streamed(&frames(&all)).completion().usage.unwrap();
        assert_eq!(usage.reported.unwrap().output_tokens, Some(31), "{reason}");
    }
    // Usage so far survives a cut.
    let cut = streamed(&frames(&all[..3]));
    assert_eq!(cut.completion().usage.unwrap().reported.unwrap().input_tokens, Some(40));
}

#[test]
fn s18_every_stop_reason_is_told_and_an_unknown_one_stays_unknown() {
    use FinishReason::*;
    let table = [
        ("end_turn", Stop),
        ("stop_sequence", Stop),
        ("max_tokens", Length),
        ("model_context_window_exceeded", Length),
        ("tool_use", ToolCalls),
        ("refusal", Refusal),
        ("pause_turn", Pause),
        ("stop", Other),
        ("END_TURN", Other),
        ("", Other),
    ];
    for (raw, expected) in table {
        let body = json!({"type": "message", "content": [], "stop_reason": raw}).to_string();
        let answer = whole(&body).completion();
        let finish = answer.choices[0].finish.clone().unwrap();
        assert_eq!((finish.reason, finish.raw.as_deref()), (Some(expected), Some(raw)));
    }
    assert_eq!(whole(r#"{"type":"message","content":[]}"#).completion().finish_reason(), None);
}

#[test]
fn a_body_that_is_no_answer_is_an_error() {
    assert_eq!(kind(&whole("{}")), Some(ErrorKind::Malformed));
    assert_eq!(kind(&whole(r#"{"message":"hi"}"#)), Some(ErrorKind::Malformed));
    assert_eq!(kind(&whole("")), Some(ErrorKind::Truncated));
    assert_eq!(kind(&whole(r#"{"type":"message","content":[{"type":"te"#)), Some(ErrorKind::Truncated));
    assert_eq!(kind(&streamed("data: 5\n\n")), Some(ErrorKind::Malformed));
    let secret = whole(r#"{"type":"message","content":"canary"}"#);
    assert!(!format!("{:?}", secret.error.unwrap()).contains("canary"));
    let html = head(200, [("content-type", "text/html")]);
    let error = Anthropic::default().decode(&Request::from("hi"), &html).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[test]
fn a_stream_without_a_content_type_is_what_was_asked_for() {
    let mut request = Request::from("hi");
    request.stream = true;
    let body = cassette("tools.sse");
    let read = Read::new(&Anthropic::default(), &request, &head(200, []), [body.as_bytes()]);
    assert_eq!(read.essence(), streamed(&body).essence());
}

#[test]
fn an_error_status_is_an_error_whatever_its_body() {
    let read = |status, body: &str| {
        let head =
            head(status, [("content-type", "text/html"), ("request-id", "req_1"), ("retry-after", "3")]);
        let read = Read::new(&Anthropic::default(), &Request::from("hi"), &head, [body.as_bytes()]);
        read.error.unwrap()
    };
    let error = read(529, "<html><title>overloaded</title></html>");
    assert_eq!((error.kind(), error.retry_after().map(|d| d.as_secs())), (ErrorKind::Overloaded, Some(3)));
    assert_eq!(error.provider().unwrap().request_id.as_deref(), Some("req_1"));
    assert_eq!(read(401, "").kind(), ErrorKind::Unauthorized);
}

#[test]
fn the_model_list_gives_models() {
    let mut request = Request::default();
    request.operation = Operation::Models;
    let body =
        r#"{"data":[{"type":"model","id":"m1","display_name":"M One"},{"id":"m2"},{}],"has_more":false}"#;
    let head = head(200, [("content-type", "application/json")]);
    let answer = Read::new(&Anthropic::default(), &request, &head, [body.as_bytes()]).completion();
    let models: Vec<_> = answer.models.iter().map(|m| (m.id.as_str(), m.name.as_deref())).collect();
    assert_eq!(models, [("m1", Some("M One")), ("m2", None)]);
    let read =
        Read::new(&Anthropic::default(), &request, &head, [br#"{"error":{"type":"api_error"}}"#.as_slice()]);
    assert_eq!(kind(&read), Some(ErrorKind::Overloaded));
}

#[test]
fn what_was_answered_can_be_carried_back() {
    for name in CASSETTES {
        let answer = streamed(&cassette(&format!("{name}.sse"))).completion();
        let request = Request::new([answer.message()]).with_model("m");
        let sent = Anthropic::default().encode(&request).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let body: Value = serde_json::from_str(&cassette(&format!("{name}.json"))).unwrap();
        // Empty texts are not taken back by the wire, and citations are not needed there.
        let mut blocks = body["content"].as_array().unwrap().clone();
        blocks.retain(|b| b["text"] != "");
        blocks.iter_mut().for_each(|b| drop(b.as_object_mut().unwrap().remove("citations")));
        assert_eq!(sent["messages"][0]["content"], Value::Array(blocks), "{name}");
        assert!(answer.choices[0].parts.iter().all(|p| !matches!(p, Part::ToolResult { .. })));
    }
}

/// Who called a tool goes back with the call, on this wire only.
#[test]
fn the_caller_of_a_tool_comes_back() {
    let caller = json!({"type": "code_execution_20250825", "tool_id": "srvtoolu_1"});
    let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": caller});
    let body = json!({"type": "message", "content": [block], "stop_reason": "tool_use"});
    let stream = frames(&[
        json!({"type": "message_start", "message": {}}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ]);
    for read in [streamed(&stream), whole(&body.to_string())] {
        assert_eq!(kind(&read), None);
        let answer = read.completion().message();
        let Some(Part::ToolCall { extra, .. }) = answer.parts.first() else { panic!("no call") };
        assert_eq!(extra.get("anthropic.messages"), Some(&json!({ "caller": caller })));
        let sent = Anthropic::new("m").encode(&Request::new(vec![answer])).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        assert_eq!(sent.pointer("/messages/0/content/0"), Some(&block));
    }
}
