//! Answers of Ollama's wires: our own cassettes, and the hard cases of streams by their ids.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/cases.rs"]
mod cases;
mod support;

use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::message::{MediaKind, Message, Part};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_core::testing::suite;
use belvedere_core::usage::Class;
use belvedere_providers::ollama::{Api, Ollama};
use cases::mutations;
use serde_json::{Value, json};
use support::{Read, head};

const CASSETTES: [&str; 4] = ["calls", "load", "logprobs", "picture"];

fn cassette(file: &str) -> String {
    let path = format!("{}/tests/cassettes/ollama/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn asked(stream: bool) -> Request {
    let mut request = Request::from("hi");
    request.stream = stream;
    request
}

fn read(content_type: &str, stream: bool, body: &str) -> Read {
    let head = head(200, [("content-type", content_type)]);
    Read::new(&Ollama::default(), &asked(stream), &head, [body.as_bytes()])
}

fn streamed(body: &str) -> Read {
    read("application/x-ndjson", true, body)
}

fn whole(body: &str) -> Read {
    read("application/json; charset=utf-8", false, body)
}

/// The lines of a cassette, as values.
fn lines(name: &str) -> Vec<Value> {
    cassette(&format!("{name}.ndjson")).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn body(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.as_ref().map(Error::kind)
}

fn finish(read: &Read) -> (Option<FinishReason>, Option<String>) {
    let finish = read.completion().choices[0].finish.clone().unwrap();
    (finish.reason, finish.raw.map(|raw| raw.to_string()))
}

#[test]
fn s20_stream_and_whole_give_the_same_answer() {
    for name in CASSETTES {
        let expected: Completion = serde_json::from_str(&cassette(&format!("{name}.expected.json"))).unwrap();
        let (stream, json) = (cassette(&format!("{name}.ndjson")), cassette(&format!("{name}.json")));
        // A stream that is called JSON, and one whose type was lost, are read all the same.
        let reads = [
            streamed(&stream),
            whole(&json),
            read("application/json", true, &stream),
            read("text/plain", true, &stream),
            read("text/plain", false, &json),
        ];
        for read in reads {
            assert_eq!(kind(&read), None, "{name}");
            assert_eq!(json!(read.completion()), json!(expected), "{name}");
        }
    }
}

#[test]
fn w1_w3_cassettes_hold_to_the_suite() {
    for name in CASSETTES {
        let head = head(200, [("content-type", "application/x-ndjson")]);
        suite::provider(
            &Ollama::default(),
            &asked(true),
            &head,
            cassette(&format!("{name}.ndjson")).as_bytes(),
        );
    }
}

#[test]
fn w1_any_cutting_of_a_whole_answer_gives_the_same_events() {
    let head = head(200, [("content-type", "application/json")]);
    for name in CASSETTES {
        let body = cassette(&format!("{name}.json"));
        for at in 0..body.len() {
            let (one, two) = body.as_bytes().split_at(at);
            let read = Read::new(&Ollama::default(), &asked(false), &head, [one, two]);
            assert_eq!(read.essence(), whole(&body).essence(), "{name} cut at {at}");
        }
    }
}

#[test]
fn an_answer_goes_back_as_it_came() {
    for name in CASSETTES {
        let body = cassette(&format!("{name}.json"));
        let answer = whole(&body).completion();
        let request = Request::from(answer.message()).with_model("m");
        let sent = Ollama::default().encode(&request).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        let came: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(sent["messages"][0], came["message"], "{name}");
    }
}

#[test]
fn s11_an_error_after_200_is_an_error_wherever_it_comes() {
    let all = lines("calls");
    for at in 0..all.len() {
        let mut broken = all.clone();
        broken.insert(at, json!({"error": "an error was encountered while running the model: CUDA error"}));
        let read = streamed(&body(&broken));
        assert_eq!(kind(&read), Some(ErrorKind::Overloaded), "at {at}");
        let said = read.error.as_ref().unwrap().provider().unwrap();
        assert!(said.message.as_deref().unwrap().ends_with("CUDA error"));
        assert!(!read.events.iter().any(|event| matches!(event, Event::Finish { .. })));
    }
    let missing = r#"{"error":"model 'nope' not found"}"#;
    assert_eq!(kind(&whole(missing)), kind(&streamed(missing)));
    let head = head(404, [("content-type", "application/json")]);
    let read = Read::new(&Ollama::default(), &asked(true), &head, [missing.as_bytes()]);
    assert_eq!(kind(&read), Some(ErrorKind::ModelNotFound));
}

#[test]
fn s12_an_absent_odd_or_empty_field_costs_no_answer() {
    for name in CASSETTES {
        let all = lines(name);
        for at in 0..all.len() {
            for mutated in mutations(&all[at]) {
                let mut changed = all.clone();
                changed[at] = mutated.clone();
                let read = streamed(&body(&changed));
                let end_lost = at == all.len() - 1 && mutated["done"] != true;
                let wanted = end_lost.then_some(ErrorKind::Truncated);
                assert_eq!(kind(&read), wanted, "{name} line {at} as {mutated}");
            }
        }
        let body: Value = serde_json::from_str(&cassette(&format!("{name}.json"))).unwrap();
        for mutated in mutations(&body) {
            let read = whole(&mutated.to_string());
            let lost = mutated.get("message").is_none() && mutated.get("done").is_none();
            assert_eq!(kind(&read), lost.then_some(ErrorKind::Malformed), "{name} as {mutated}");
        }
    }
}

/// The wire sends calls whole, so that nothing can be interleaved; calls of one line, of several lines, without ids
/// and with the same index stay apart.
#[test]
fn s13_s14_calls_never_merge() {
    let call = |n: u32| json!({"function": {"index": 0, "name": "f", "arguments": {"n": n}}});
    let line =
        |calls: &[Value]| json!({"message": {"role": "assistant", "content": "", "tool_calls": calls}});
    let end = json!({"message": {"content": ""}, "done": true, "done_reason": "stop"});
    for cut in 0..=3 {
        let calls = [call(0), call(1), call(2)];
        let read = streamed(&body(&[line(&calls[..cut]), line(&calls[cut..]), end.clone()]));
        let answer = read.completion();
        let inputs: Vec<&str> = answer.tool_calls().map(|call| call.input).collect();
        assert_eq!(inputs, [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#]);
        assert_eq!(finish(&read).0, Some(FinishReason::ToolCalls));
    }
}

#[test]
fn s15_finished_needs_done() {
    let text = json!({"message": {"role": "assistant", "content": "hi"}, "done": false});
    let counters = json!({"prompt_eval_count": 1, "eval_count": 1, "done": false});
    let done = json!({"message": {"content": ""}, "done": true});
    for subset in 0..8u32 {
        let has = |bit: u32| subset >> bit & 1 == 1;
        let parts = [(&text, has(0)), (&counters, has(1)), (&done, has(2))];
        let sent: Vec<Value> = parts.into_iter().filter(|(_, sent)| *sent).map(|(v, _)| v.clone()).collect();
        let read = streamed(&body(&sent));
        assert_eq!(kind(&read), (!has(2)).then_some(ErrorKind::Truncated), "{subset:b}");
        assert_eq!(read.events.iter().any(|e| matches!(e, Event::Finish { .. })), has(2));
    }
    // Without its reason, the end is the end all the same.
    assert_eq!(finish(&streamed(&body(&[text.clone(), done]))), (None, None));
    assert_eq!(
        kind(&whole(&text.to_string())),
        Some(ErrorKind::Truncated),
        "a body that says it is not done"
    );
    assert_eq!(kind(&whole(r#"{"message":{"content":"hi"}}"#)), None, "a body that does not say");
}

#[test]
fn s16_what_follows_done_is_not_read() {
    let mut all = lines("calls");
    let answer = streamed(&body(&all)).completion();
    all.push(json!({"error": "too late"}));
    assert_eq!(streamed(&(body(&all) + "garbage")).completion(), answer);
}

#[test]
fn s17_usage_is_read_whatever_the_reason() {
    for reason in ["stop", "length", "load", "new", ""] {
        let end = json!({"done": true, "done_reason": reason, "prompt_eval_count": 3, "eval_count": 4});
        let usage = streamed(&body(&[end])).completion().usage.unwrap();
        assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(3), Some(4)), "{reason}");
        assert!(usage.adds_up());
    }
}

#[test]
fn s18_an_unknown_reason_stays_unknown() {
    let of = |word: &str| finish(&streamed(&body(&[json!({"done": true, "done_reason": word})])));
    assert_eq!(of("stop"), (Some(FinishReason::Stop), Some("stop".into())));
    assert_eq!(of("length"), (Some(FinishReason::Length), Some("length".into())));
    for word in ["load", "unload", "Stop", "moon"] {
        assert_eq!(of(word), (Some(FinishReason::Other), Some(word.into())));
    }
}

#[test]
fn a_prompt_that_was_cached_is_unknown() {
    let answer = streamed(&cassette("logprobs.ndjson")).completion();
    let usage = answer.usage.unwrap();
    assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (None, Some(17)));
}

#[test]
fn generate_brings_the_context_for_the_next_prompt() {
    let generate = Ollama::new("m").with_api(Api::Generate);
    let lines = [
        json!({"model": "m", "response": "", "thinking": "Hm.", "done": false}),
        json!({"model": "m", "response": "Hello", "done": false}),
        json!({"model": "m", "response": "", "done": true, "done_reason": "stop", "context": [1, 2, 3]}),
    ];
    let head = head(200, [("content-type", "application/x-ndjson")]);
    let read = Read::new(&generate, &asked(true), &head, [body(&lines).as_bytes()]);
    let answer = read.completion();
    assert_eq!((answer.text(), answer.reasoning()), ("Hello".into(), Some("Hm.".into())));
    let next = Request::from(vec![Message::user("hi"), answer.message(), Message::user("and now?")]);
    let sent = generate.encode(&next).unwrap();
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    let wanted = json!({"model": "m", "prompt": "and now?", "context": [1, 2, 3], "stream": false});
    assert_eq!(sent, wanted);
}

#[test]
fn embeddings_and_models_are_read() {
    let read = |request: &Request, status, body: &str| {
        let head = head(status, [("content-type", "application/json")]);
        Read::new(&Ollama::default(), request, &head, [body.as_bytes()])
    };
    let embed = Request::embed(["a", "b"]);
    let body =
        r#"{"model":"all-minilm","embeddings":[[0.5,-0.25],[1,0]],"total_duration":7,"prompt_eval_count":8}"#;
    let answer = read(&embed, 200, body).completion();
    let vectors: Vec<(u32, &[f64])> = answer.embeddings.iter().map(|e| (e.index, &*e.vector)).collect();
    assert_eq!(vectors, [(0, &[0.5, -0.25][..]), (1, &[1.0, 0.0])]);
    let usage = answer.usage.unwrap();
    assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(8), None));
    assert_eq!(kind(&read(&embed, 200, r#"{"error":"boom"}"#)), Some(ErrorKind::Overloaded));
    assert_eq!(kind(&read(&embed, 200, "{}")), Some(ErrorKind::Malformed));
    assert_eq!(kind(&read(&embed, 200, r#"{"embeddings":[[1"#)), Some(ErrorKind::Truncated));

    let mut list = Request::default();
    list.operation = Operation::Models;
    let body = r#"{"models":[{"name":"qwen3:4b","model":"qwen3:4b","size":1},{"name":"old"},{"size":2}]}"#;
    let answer = read(&list, 200, body).completion();
    let ids: Vec<&str> = answer.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["qwen3:4b", "old"]);
    assert_eq!(answer.models[0].raw["size"], 1);
}

#[test]
fn a_picture_has_the_media_type_its_bytes_tell() {
    let answer = whole(&cassette("picture.json")).completion();
    let [Part::Text { .. }, Part::Media(media)] = answer.choices[0].parts.as_slice() else {
        unreachable!("a text and a picture: {:?}", answer.choices[0].parts)
    };
    assert_eq!(json!(media.source)["data"]["mime"], "image/png");
}

/// Models of pictures tell of their steps, and give the picture at the end (`GenerateResponse` of Ollama's clients).
#[test]
fn a_generated_picture_is_a_part() {
    let step = |n: u32| json!({"model": "x", "done": false, "completed": n, "total": 2});
    let last = json!({"model": "x", "response": "", "done": true, "done_reason": "stop",
                      "image": "iVBORw0KGgo="});
    for read in [streamed(&body(&[step(1), step(2), last.clone()])), whole(&last.to_string())] {
        assert_eq!(kind(&read), None);
        let parts = read.completion().choices.remove(0).parts;
        assert!(matches!(&parts[..], [Part::Media(media)] if media.kind == MediaKind::Image), "{parts:?}");
    }
}

#[test]
fn a_mark_of_the_byte_order_and_empty_lines_cost_nothing() {
    let message =
        json!({"role": "assistant", "content": "a", "thinking": null, "tool_calls": null, "images": null});
    let said = json!({"model": "m", "message": message, "done": false, "logprobs": null});
    let done = json!({"model": "m", "message": {"role": "assistant", "content": ""}, "done": true,
                      "done_reason": "stop", "prompt_eval_count": 0, "eval_count": 1});
    let plain = body(&[said, done]);
    let expected = streamed(&plain).completion();
    assert_eq!(expected.text(), "a");
    for odd in [format!("\u{feff}{plain}"), format!("\n\r\n{}\n", plain.replace('\n', "\r\n\r\n"))] {
        assert_eq!(streamed(&odd).completion(), expected);
    }
    let alone = plain.lines().last().unwrap();
    assert_eq!(whole(&format!("\u{feff}{alone}")).completion(), whole(alone).completion());
}
