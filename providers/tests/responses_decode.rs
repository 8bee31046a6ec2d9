//! Answers of the Responses wire: what their items become, and what servers do differently.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "responses/streams.rs"]
mod streams;
mod support;

use belvedere_core::event::FinishReason;
use belvedere_core::message::{Part, arguments};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_core::usage::Class;
use belvedere_providers::responses::Responses;
use serde_json::{Map, Value, json};
use streams::{
    added, call, completed, created, done, frames, input, kind, message, read, rich, text, usage, whole,
};
use support::{Read, head};

#[test]
fn an_answer_has_its_parts_in_order() {
    let read = read(&rich());
    assert_eq!(kind(&read), None);
    let answer = read.completion();
    assert_eq!((answer.id.as_deref(), answer.model.as_deref()), (Some("resp_1"), Some("m")));
    let parts = serde_json::to_value(&answer.choices[0].parts).unwrap();
    let own = |fields: Value| json!({ "openai.responses": fields });
    let with = |mut part: Value, fields: Value| {
        part.as_object_mut().unwrap().extend(own(fields).as_object().unwrap().clone());
        part
    };
    let cited = rich()[12]["annotation"].clone();
    assert_eq!(
        parts,
        json!([
            with(json!({"type": "reasoning", "text": "first"}), json!({"id": "rs_1"})),
            with(
                json!({"type": "reasoning", "text": "second", "signature": "secret", "wire": "openai.responses"}),
                json!({"id": "rs_1"})
            ),
            {"type": "opaque", "kind": "web_search_call", "wire": "openai.responses",
             "data": {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}}},
            with(
                json!({"type": "text", "text": "Hello"}),
                json!({"id": "msg_1", "status": "completed", "annotations": [cited]})
            ),
            with(
                json!({"type": "tool_call", "id": "call_1", "name": "f1", "input": "{\"a\":1}"}),
                json!({"id": "fc_1", "status": "completed"})
            ),
        ])
    );
    let choice = &answer.choices[0];
    assert_eq!(choice.sources.len(), 1);
    assert_eq!(
        (choice.sources[0].part, choice.sources[0].url.as_deref()),
        (Some(3), Some("https://a.example"))
    );
    assert_eq!(choice.logprobs, [json!({"content": [{"token": "Hel", "logprob": -0.5}]})]);
    let finish = choice.finish.clone().unwrap();
    assert_eq!((finish.reason, finish.raw.as_deref()), (Some(FinishReason::ToolCalls), Some("completed")));
    let usage = answer.usage.unwrap();
    assert!(usage.adds_up());
    let class = |class: Class| usage.get(&class);
    assert_eq!((class(Class::Input), class(Class::CacheRead)), (Some(6), Some(4)));
    assert_eq!((class(Class::Output), class(Class::Reasoning)), (Some(1), Some(5)));
    assert_eq!(class(Class::WebSearchCalls), Some(1));
}

#[test]
fn reasoning_that_is_not_shown_goes_back_all_the_same() {
    for item in [
        json!({"type": "reasoning", "id": "rs_1", "summary": []}),
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e", "status": "completed"}),
        json!({"type": "reasoning", "summary": [], "encrypted_content": "e"}),
    ] {
        let answer =
            whole(&json!({"status": "completed", "output": [item.clone(), message("hi")]})).completion();
        assert_eq!(answer.reasoning().as_deref(), Some(""));
        let sent = Responses::new("m").encode(&Request::new([answer.message()])).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        assert_eq!(sent["input"][0], item);
    }
}

#[test]
fn a_custom_tool_gets_free_text() {
    let item = json!({
        "type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "run", "input": "ls -l", "status": "completed"
    });
    let begun =
        json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "run", "input": ""});
    let delta = json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "item_id": "ctc_1", "delta": "ls -l"});
    let read = read(&[created(), added(0, begun), delta, done(0, item.clone()), completed(json!([item]))]);
    let answer = read.completion();
    let calls: Vec<_> = answer.tool_calls().map(|c| (c.id, c.name, c.input)).collect();
    assert_eq!(calls, [("c1", "run", "ls -l")]);
    assert_eq!(answer.finish_reason(), Some(FinishReason::ToolCalls));
    let sent = Responses::new("m").encode(&Request::new([answer.message()])).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(sent.body()).unwrap()["input"], json!([item]));
}

#[test]
fn an_image_of_the_model_is_a_medium_and_goes_back_with_its_item() {
    let item = json!({
        "type": "image_generation_call", "id": "ig_1", "status": "completed", "output_format": "webp", "result": "aGk="
    });
    let answer = whole(&json!({"status": "completed", "output": [item.clone()]})).completion();
    let [Part::Opaque { kind, .. }, Part::Media(media)] = answer.choices[0].parts.as_slice() else {
        panic!("{answer:?}")
    };
    assert_eq!(kind, "image_generation_call");
    let expected =
        belvedere_core::message::MediaSource::Data { mime: "image/webp".into(), data: "hi".into() };
    assert_eq!(media.source, expected);
    let sent = Responses::new("m").encode(&Request::new([answer.message()])).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(sent.body()).unwrap()["input"], json!([item]));
}

#[test]
fn a_call_without_a_name_at_first_is_given_when_it_has_one() {
    let events = [
        created(),
        added(0, json!({"type": "function_call", "id": "fc_1", "call_id": "call_1"})),
        input(0, "fc_1", "{\"n\":1}"),
        done(0, call(1, "{\"n\":1}")),
        completed(json!([])),
    ];
    let answer = read(&events).completion();
    let calls: Vec<_> = answer.tool_calls().map(|c| (c.name, c.input)).collect();
    assert_eq!(calls, [("f1", "{\"n\":1}")]);
}

#[test]
fn an_item_that_never_ends_is_closed_by_the_end() {
    let early = json!({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": {"a": 1}, "status": "in_progress"});
    let answer = read(&[created(), text("hi"), added(1, early), completed(json!([]))]).completion();
    assert_eq!(answer.text(), "hi");
    let calls: Vec<_> = answer.tool_calls().map(|c| arguments(c.input).unwrap()).collect();
    assert_eq!(calls, [json!({"a": 1})]);
    let Part::ToolCall { extra, .. } = &answer.choices[0].parts[1] else { panic!() };
    assert_eq!(extra["openai.responses"], json!({"id": "fc_1"}));
}

#[test]
fn bad_bytes_and_unknown_events_cost_nothing() {
    let mut body =
        b"data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"a\xffb\"}\n\n"
            .to_vec();
    body.extend(frames(&[json!({"type": "response.invented", "delta": {"x": 1}, "item": 3})]).bytes());
    body.extend(b": keep-alive\n\ndata: null\n\n");
    body.extend(frames(&[completed(json!([]))]).bytes());
    let mut request = Request::from("hi");
    request.stream = true;
    let head = head(200, [("content-type", "text/event-stream")]);
    let read = Read::new(&Responses::default(), &request, &head, [body.as_slice()]);
    assert_eq!((kind(&read), read.completion().text().as_str()), (None, "a\u{fffd}b"));
}

#[test]
fn embeddings_and_models_are_those_of_chat() {
    let json = head(200, [("content-type", "application/json")]);
    let body = json!({"data": [{"index": 0, "embedding": [0.5, 1.0]}], "model": "e", "usage": {"prompt_tokens": 1, "total_tokens": 1}});
    let read = Read::new(&Responses::default(), &Request::embed(["a"]), &json, [body.to_string().as_bytes()]);
    assert_eq!(*read.completion().embeddings[0].vector, [0.5, 1.0]);
    let mut models = Request::default();
    models.operation = Operation::Models;
    let body = json!({"data": [{"id": "gpt-5", "object": "model"}]});
    let read = Read::new(&Responses::default(), &models, &json, [body.to_string().as_bytes()]);
    assert_eq!(read.completion().models[0].id, "gpt-5");
}

#[test]
fn the_same_numbers_under_odd_types_are_absent() {
    let mut odd = usage();
    odd["input_tokens_details"] = Value::Null;
    odd["output_tokens_details"] = json!([]);
    let answer = whole(&json!({"status": "completed", "output": [], "usage": odd})).completion();
    let usage = answer.usage.unwrap();
    assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(10), Some(6)));
    assert!(usage.adds_up());
    let none: Map<String, Value> = Map::new();
    assert!(whole(&json!({"status": "completed", "output": [], "usage": none})).completion().usage.is_none());
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    let body = frames(&rich());
    let mut request = Request::from("hi");
    request.stream = true;
    let head = head(200, [("content-type", "text/event-stream")]);
    let read = |pieces: &[&[u8]]| Read::new(&Responses::default(), &request, &head, pieces.iter().copied());
    let uncut = read(&[body.as_bytes()]);
    for cut in 0..=body.len() {
        let (one, two) = body.as_bytes().split_at(cut);
        assert_eq!(read(&[one, two]).essence(), uncut.essence(), "cut at {cut}");
    }
    assert_eq!(read(&body.as_bytes().chunks(1).collect::<Vec<_>>()).essence(), uncut.essence());
}
