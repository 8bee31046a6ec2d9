//! Answers of Cohere's wire: our own cassettes, and the hard cases of streams by their ids.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/cases.rs"]
mod cases;
mod support;

use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::provider::{Frame, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_core::testing::suite;
use belvedere_core::usage::Class;
use belvedere_providers::cohere::Cohere;
use cases::mutations;
use serde_json::{Value, json};
use support::{Read, head};

const CASSETTES: [&str; 4] = ["citations", "text", "tools", "unknown"];

fn cassette(file: &str) -> String {
    let path = format!("{}/tests/cassettes/cohere/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn asked(stream: bool) -> Request {
    let mut request = Request::from("hi");
    request.stream = stream;
    request
}

fn streamed(body: &str) -> Read {
    let head = head(200, [("content-type", "text/event-stream")]);
    Read::new(&Cohere::default(), &asked(true), &head, [body.as_bytes()])
}

fn whole(body: &str) -> Read {
    let head = head(200, [("content-type", "application/json")]);
    Read::new(&Cohere::default(), &asked(false), &head, [body.as_bytes()])
}

/// The events of a cassette, as values.
fn events(name: &str) -> Vec<Value> {
    let text = cassette(&format!("{name}.sse"));
    text.lines().filter_map(|l| l.strip_prefix("data: ")).map(|d| serde_json::from_str(d).unwrap()).collect()
}

/// A stream of these events, each with its `event:` line.
fn frames(events: &[Value]) -> String {
    events.iter().map(|e| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap())).collect()
}

fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.as_ref().map(Error::kind)
}

fn start_call(index: Value, id: &str) -> Value {
    let call = json!({"id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
    json!({"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}})
}

fn call_piece(index: Value, text: &str) -> Value {
    let call = json!({"function": {"arguments": text}});
    json!({"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": call}}})
}

fn end(word: &str) -> Value {
    json!({"type": "message-end", "delta": {"finish_reason": word}})
}

fn inputs(answer: &Completion) -> Vec<(&str, &str)> {
    answer.tool_calls().map(|call| (call.id, call.input)).collect()
}

#[test]
fn s20_stream_and_whole_give_the_same_answer() {
    for name in CASSETTES {
        let expected: Completion = serde_json::from_str(&cassette(&format!("{name}.expected.json"))).unwrap();
        for read in [streamed(&cassette(&format!("{name}.sse"))), whole(&cassette(&format!("{name}.json")))] {
            assert_eq!(kind(&read), None, "{name}");
            assert_eq!(json!(read.completion()), json!(expected), "{name}");
            assert!(read.completion().usage.unwrap().adds_up(), "{name}");
        }
    }
}

#[test]
fn w1_w3_cassettes_hold_to_the_suite() {
    for name in CASSETTES {
        let head = head(200, [("content-type", "text/event-stream")]);
        let body = cassette(&format!("{name}.sse"));
        suite::provider(&Cohere::default(), &asked(true), &head, body.as_bytes());
    }
}

#[test]
fn w1_any_cutting_of_a_whole_answer_gives_the_same_events() {
    let head = head(200, [("content-type", "application/json")]);
    for name in CASSETTES {
        let body = cassette(&format!("{name}.json"));
        for at in 0..body.len() {
            let (one, two) = body.as_bytes().split_at(at);
            let read = Read::new(&Cohere::default(), &asked(false), &head, [one, two]);
            assert_eq!(read.essence(), whole(&body).essence(), "{name} cut at {at}");
        }
    }
}

#[test]
fn an_answer_goes_back_as_it_came() {
    for name in CASSETTES {
        let body = cassette(&format!("{name}.json"));
        let request = Request::from(whole(&body).completion().message()).with_model("m");
        let sent = Cohere::default().encode(&request).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let mut came: Value = serde_json::from_str(&body).unwrap();
        let message = came["message"].as_object_mut().unwrap();
        // Citations are beside the message, and one plain text may be a string.
        message.remove("citations");
        if let Some([only]) = message.get("content").and_then(Value::as_array).map(Vec::as_slice) {
            let text = only["text"].clone();
            message.insert("content".into(), text);
        }
        assert_eq!(sent["messages"][0], came["message"], "{name}");
    }
}

#[test]
fn an_answer_that_fails_tells_what_it_used() {
    let end = json!({"type": "message-end", "delta": {
        "finish_reason": "ERROR", "error": "internal server error",
        "usage": {"billed_units": {"input_tokens": 9, "output_tokens": 3}},
    }});
    let begun: Vec<Value> = events("text").into_iter().take(3).collect();
    let read = streamed(&(frames(&begun) + &frames(std::slice::from_ref(&end))));
    assert_eq!(kind(&read), Some(ErrorKind::Overloaded));
    let Some(Event::Usage(usage)) = read.events.last() else { panic!("{:?}", read.events) };
    assert_eq!((usage.input_tokens(), usage.output_tokens()), (Some(9), Some(3)));
    assert!(streamed(&frames(&[end])).events.is_empty(), "it never began");
}

#[test]
fn s11_an_error_after_200_is_an_error_wherever_it_comes() {
    let shapes = [
        "event: error\ndata: {\"message\":\"internal server error\"}\n\n",
        "data: {\"id\":\"1\",\"message\":\"internal server error\"}\n\n",
        "data: {\"error\":{\"message\":\"internal server error\"}}\n\n",
        "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"error\":\"internal server error\",\"finish_reason\":\"ERROR\"}}\n\n",
    ];
    let all = events("tools");
    for at in 0..all.len() {
        for (shape, done) in shapes.iter().flat_map(|shape| [(shape, false), (shape, true)]) {
            let done = if done { "data: [DONE]\n\n" } else { "" };
            let read = streamed(&format!("{}{shape}{}{done}", frames(&all[..at]), frames(&all[at..])));
            assert_eq!(kind(&read), Some(ErrorKind::Overloaded), "at {at}: {shape}");
            let said = read.error.as_ref().unwrap().provider().unwrap();
            assert_eq!(said.message.as_deref(), Some("internal server error"), "{shape}");
            assert!(!read.events.iter().any(|e| matches!(e, Event::Finish { .. })));
        }
    }
    assert_eq!(kind(&whole(r#"{"message":"internal server error"}"#)), Some(ErrorKind::Overloaded));
    assert_eq!(kind(&whole("[]")), Some(ErrorKind::Malformed));
    let refused = head(401, [("content-type", "application/json")]);
    let read =
        Read::new(&Cohere::default(), &asked(true), &refused, [&b"{\"message\":\"invalid api token\"}"[..]]);
    assert_eq!(kind(&read), Some(ErrorKind::Unauthorized));
}

#[test]
fn s12_an_absent_odd_or_empty_field_costs_no_answer() {
    for name in CASSETTES {
        let all = events(name);
        for (at, event) in all.iter().enumerate() {
            for mutated in mutations(event) {
                let mut body = String::new();
                for (i, event) in all.iter().enumerate() {
                    let data = if i == at { &mutated } else { event };
                    body += &format!("event: {}\ndata: {data}\n\n", event["type"].as_str().unwrap());
                }
                let read = streamed(&body);
                let said = read.error.as_ref().map(Error::message).unwrap_or_default();
                let tool_lost = said.contains("no open tool call");
                let end_lost = kind(&read) == Some(ErrorKind::Truncated) && at == all.len() - 1;
                assert!(
                    kind(&read).is_none() || tool_lost || end_lost,
                    "{name} event {at} as {mutated}: {said}"
                );
            }
        }
        let body: Value = serde_json::from_str(&cassette(&format!("{name}.json"))).unwrap();
        for mutated in mutations(&body) {
            let no_message = !mutated["message"].is_object();
            let wanted = no_message.then_some(ErrorKind::Malformed);
            assert_eq!(kind(&whole(&mutated.to_string())), wanted, "{name} as {mutated}");
        }
    }
}

/// Every order in which three streams of four pieces each can come, as the numbers of the streams.
fn interleavings() -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..12 {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            (0..3).filter_map(move |next| {
                let taken = order.iter().filter(|stream| **stream == next).count();
                (taken < 4).then(|| [order.as_slice(), &[next]].concat())
            })
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Three calls of four fragments each, in all 34,650 orders: each fragment goes to the call its index names.
#[test]
fn s13_interleaved_tool_input_goes_to_its_own_call() {
    let pieces = |call: usize| ["{\"n\"".to_owned(), ":".into(), format!("{call}"), "}".into()];
    let texts = [0, 1, 2].map(|call| pieces(call).map(|text| call_piece(json!(call), &text).to_string()));
    let opened = [0, 1, 2].map(|call| start_call(json!(call), &format!("t{call}")).to_string());
    let orders = interleavings();
    assert_eq!(orders.len(), 34_650);
    let head = head(200, [("content-type", "text/event-stream")]);
    let provider = Cohere::default();
    for order in orders {
        let (_, mut decoder) = provider.decode(&asked(true), &head).unwrap();
        let (mut events, mut taken) = (Vec::new(), [0; 3]);
        let mut feed = |data: &str| decoder.frame(Frame { name: None, data: data.as_bytes() }, &mut events);
        opened.iter().for_each(|event| feed(event).unwrap());
        for call in &order {
            feed(&texts[*call][taken[*call]]).unwrap();
            taken[*call] += 1;
        }
        let mut found = [const { String::new() }; 3];
        for event in &events {
            if let Event::ToolInput { part, delta, .. } = event {
                found[usize::try_from(*part).unwrap()] += delta;
            }
        }
        assert_eq!(found, ["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"], "{order:?}");
    }
}

#[test]
fn s14_a_piece_without_its_call_is_an_error_and_never_a_guess() {
    let orphan =
        streamed(&frames(&[start_call(json!(0), "a"), call_piece(json!(7), "{}"), end("TOOL_CALL")]));
    assert_eq!(kind(&orphan), Some(ErrorKind::Malformed));
    let ended = json!({"type": "tool-call-end", "index": 0});
    let late = streamed(&frames(&[start_call(json!(0), "a"), ended, call_piece(json!(0), "{}")]));
    assert_eq!(kind(&late), Some(ErrorKind::Malformed), "a call that is complete takes no more");
    // An index that comes again opens another call; so does a call without an index.
    for index in [json!(0), Value::Null] {
        let both = [
            start_call(index.clone(), "a"),
            call_piece(index.clone(), "{\"a\":1}"),
            start_call(index.clone(), "b"),
            call_piece(index, "{\"b\":1}"),
            end("TOOL_CALL"),
        ];
        assert_eq!(inputs(&streamed(&frames(&both)).completion()), [("a", "{\"a\":1}"), ("b", "{\"b\":1}")]);
    }
}

#[test]
fn s15_finished_needs_the_terminal_signal() {
    let all = events("text");
    let (content, last) = all.split_at(all.len() - 1);
    let usage = json!({"type": "message-end", "delta": {"usage": last[0]["delta"]["usage"]}});
    for subset in 0..16u32 {
        let has = |bit: u32| subset >> bit & 1 == 1;
        let mut body = frames(&content[..if has(0) { content.len() } else { 1 }]);
        // An end that gives no reason is none: gateways close a broken answer like this.
        body += &if has(1) { frames(std::slice::from_ref(&usage)) } else { String::new() };
        body += &if has(2) && !has(1) { frames(last) } else { String::new() };
        body += if has(3) { "data: [DONE]\n\n" } else { "" };
        let read = streamed(&body);
        let finished = has(2) && !has(1);
        assert_eq!(kind(&read), (!finished).then_some(ErrorKind::Truncated), "{subset:b}");
    }
    for name in CASSETTES {
        let all = events(name);
        let whole = streamed(&frames(&all));
        for upto in 0..all.len() {
            let read = streamed(&frames(&all[..upto]));
            assert_eq!(kind(&read), Some(ErrorKind::Truncated), "{name} {upto}");
            assert_eq!(read.events, whole.events[..read.events.len()], "{name} {upto}");
        }
    }
}

#[test]
fn s16_what_follows_the_end_is_not_read() {
    let body = cassette("tools.sse");
    let late = format!("{body}data: [DONE]\n\nevent: error\ndata: {{\"message\":\"too late\"}}\n\n");
    assert_eq!(streamed(&late).completion(), streamed(&body).completion());
}

#[test]
fn s17_s18_usage_and_reason_of_every_end() {
    let words = [
        ("COMPLETE", FinishReason::Stop),
        ("STOP_SEQUENCE", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("ERROR_LIMIT", FinishReason::Length),
        ("TOOL_CALL", FinishReason::ToolCalls),
        ("ERROR_TOXIC", FinishReason::ContentFilter),
        ("ERROR", FinishReason::Error),
        ("TIMEOUT", FinishReason::Error),
        ("USER_CANCEL", FinishReason::Other),
        ("completed_twice", FinishReason::Other),
    ];
    for (word, reason) in words {
        let usage = json!({"billed_units": {"input_tokens": 1, "output_tokens": 2}});
        let end = json!({"type": "message-end", "delta": {"finish_reason": word, "usage": usage}});
        let answer = streamed(&frames(&[end])).completion();
        let finish = answer.choices[0].finish.clone().unwrap();
        assert_eq!((finish.reason, finish.raw.as_deref()), (Some(reason), Some(word)));
        assert_eq!(answer.usage.unwrap().get(&Class::Output), Some(2), "{word}");
    }
}

#[test]
fn content_needs_neither_index_nor_announcement() {
    let piece =
        |text: &str| json!({"type": "content-delta", "delta": {"message": {"content": {"text": text}}}});
    let thought =
        json!({"type": "content-delta", "index": 3, "delta": {"message": {"content": {"thinking": "Hm."}}}});
    let answer = streamed(&frames(&[thought, piece("Hel"), piece("lo"), end("COMPLETE")])).completion();
    assert_eq!((answer.reasoning(), answer.text()), (Some("Hm.".into()), "Hello".into()));
    let text = whole(r#"{"message":{"content":"Hello"},"finish_reason":"COMPLETE"}"#).completion();
    assert_eq!(text.text(), "Hello");
}

#[test]
fn embeddings_and_models_are_read() {
    let read = |request: &Request, body: &str| {
        let head = head(200, [("content-type", "application/json")]);
        Read::new(&Cohere::default(), request, &head, [body.as_bytes()])
    };
    let embed = Request::embed(["a"]);
    let meta = r#""meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":2}}"#;
    let forms = [
        r#"{"float":[[0.5,-0.25]]}"#,
        r#"[[0.5,-0.25]]"#,
        // Two 32-bit numbers, the lowest byte first.
        r#"{"base64":["AAAAPwAAgL4="]}"#,
        r#"{"int8":[[1,2]],"float":[[0.5,-0.25]]}"#,
    ];
    for form in forms {
        let answer = read(&embed, &format!(r#"{{"id":"e1","embeddings":{form},{meta}}}"#)).completion();
        assert_eq!(answer.embeddings[0].vector.as_ref(), [0.5, -0.25], "{form}");
        assert_eq!(answer.id.as_deref(), Some("e1"));
        assert_eq!(answer.usage.unwrap().get(&Class::Input), Some(2));
    }
    let bytes = read(&embed, r#"{"embeddings":{"int8":[[-128,127]]}}"#).completion();
    assert_eq!(bytes.embeddings[0].vector.as_ref(), [-128.0, 127.0]);
    assert_eq!(kind(&read(&embed, r#"{"embeddings":{}}"#)), Some(ErrorKind::Malformed));
    assert_eq!(kind(&read(&embed, r#"{"message":"internal server error"}"#)), Some(ErrorKind::Overloaded));

    let mut list = Request::default();
    list.operation = Operation::Models;
    let body =
        r#"{"models":[{"name":"command-a","context_length":1},{"endpoints":[]}],"next_page_token":""}"#;
    let answer = read(&list, body).completion();
    assert_eq!(answer.models.len(), 1);
    assert_eq!(
        (answer.models[0].id.as_str(), &answer.models[0].raw["context_length"]),
        ("command-a", &json!(1))
    );
}

#[test]
fn a_mark_of_the_byte_order_and_what_says_nothing_cost_nothing() {
    let start = json!({"type": "message-start", "id": "a", "delta": {"message": {
        "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}});
    let text = json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "a"}}}});
    let plain = frames(&[start, text, end("COMPLETE")]);
    let expected = streamed(&plain).completion();
    assert_eq!((expected.text().as_str(), expected.choices.len()), ("a", 1));
    for body in [format!("\u{feff}{plain}"), format!(": wait\n\n\n{plain}data: [DONE]\n\n")] {
        assert_eq!(streamed(&body).completion(), expected);
    }
    let nothing = json!({"id": "a", "finish_reason": "COMPLETE", "logprobs": null, "usage": null, "message": {
        "role": "assistant", "content": null, "tool_calls": null, "tool_plan": null, "citations": null}});
    let read = whole(&format!("\u{feff}{nothing}"));
    assert_eq!((kind(&read), read.completion().finish_reason()), (None, Some(FinishReason::Stop)));
}
