//! What Amazon documents of Converse's answers and no recording shows.

use belvedere_core::error::ErrorKind;
use belvedere_core::event::FinishReason;
use belvedere_core::message::{Message, Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use serde_json::{Value, json};

use crate::samples::{
    begin, body, converse, delta, ending, exception, kind, message, start, stop, streamed, whole,
};
use crate::support::Read;

fn parts(read: &Read) -> Vec<Part> {
    assert_eq!(kind(read), None, "{:?}", read.error);
    read.completion().choices.remove(0).parts
}

fn of_blocks(blocks: &Value) -> Read {
    whole(&json!({"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "end_turn"}))
}

fn of_events(events: Vec<(&'static str, Value)>) -> Read {
    let all: Vec<_> = [start()].into_iter().chain(events).chain(ending("end_turn")).collect();
    streamed(&body(&all))
}

/// The blocks that go back for an answer's parts.
fn sent_back(parts: Vec<Part>) -> Value {
    let mut request = Request::from("hi");
    let mut messages = request.messages.to_vec();
    messages.push(Message::new(Role::Assistant, parts));
    request.messages = messages.into();
    request.model = Some("amazon.nova-pro-v1:0".into());
    let sent = converse().encode(&request).unwrap();
    serde_json::from_slice::<Value>(sent.body()).unwrap()["messages"][1]["content"].clone()
}

#[test]
fn a_picture_that_lies_elsewhere_or_failed_is_carried_back() {
    let at = json!({"s3Location": {"uri": "s3://bucket/a.png", "bucketOwner": "123456789012"}});
    for inner in [json!({ "source": at }), json!({"error": {"message": "refused"}})] {
        let mut image = inner.clone();
        image["format"] = "png".into();
        let read = of_events(vec![
            begin(0, json!({"image": {"format": "png"}})),
            delta(0, json!({ "image": inner })),
            stop(0),
        ]);
        assert_eq!(sent_back(parts(&read)), json!([{ "image": image }]));
        assert_eq!(sent_back(parts(&of_blocks(&json!([{ "image": image }])))), json!([{ "image": image }]));
    }
}

#[test]
fn blocks_open_at_once_take_turns() {
    let read = of_events(vec![
        begin(1, json!({"toolUse": {"toolUseId": "a", "name": "f"}})),
        begin(3, json!({"toolUse": {"toolUseId": "b", "name": "g"}})),
        delta(0, json!({"text": ""})),
        delta(3, json!({"toolUse": {"input": "{\"x\":"}})),
        delta(0, json!({"text": "Hel"})),
        delta(1, json!({"toolUse": {"input": ""}})),
        delta(3, json!({"toolUse": {"input": "1}"}})),
        delta(0, json!({"text": "lo"})),
        stop(3),
        stop(0),
        stop(1),
        stop(1),
    ]);
    let said: Vec<String> = parts(&read)
        .iter()
        .map(|part| match part {
            Part::ToolCall { id, input, .. } => format!("{id} {input}"),
            part => part.as_text().unwrap().to_owned(),
        })
        .collect();
    assert_eq!(said, ["a ", "b {\"x\":1}", "Hello"]);
}

#[test]
fn counts_may_come_twice_or_before_the_end() {
    let counts = |output: u32| {
        ("metadata", json!({"usage": {"inputTokens": 5, "outputTokens": output, "totalTokens": 5 + output}}))
    };
    let end = ("messageStop", json!({"stopReason": "end_turn"}));
    let text = delta(0, json!({"text": "a"}));
    for events in [
        vec![start(), text.clone(), end.clone(), counts(2), counts(2)],
        vec![start(), counts(1), text.clone(), counts(2), end.clone()],
        vec![start(), text.clone(), end.clone(), end.clone(), counts(2)],
    ] {
        let read = streamed(&body(&events));
        assert_eq!(kind(&read), None, "{events:?}");
        let usage = read.completion().usage.unwrap();
        assert_eq!((usage.output_tokens(), usage.adds_up()), (Some(2), true), "{events:?}");
    }
}

#[test]
fn s11_every_documented_exception_of_a_stream_has_its_kind() {
    for (name, expected) in [
        ("internalServerException", ErrorKind::Overloaded),
        ("modelStreamErrorException", ErrorKind::Overloaded),
        ("throttlingException", ErrorKind::RateLimited),
        ("serviceUnavailableException", ErrorKind::Overloaded),
        ("validationException", ErrorKind::InvalidRequest),
    ] {
        let read = streamed(&exception(name, "it failed"));
        assert_eq!(kind(&read), Some(expected), "{name}");
    }
    // The model's own status is the better word.
    let payload =
        json!({"message": "m", "originalStatusCode": 429, "originalMessage": "Too many"}).to_string();
    let headers = [(":exception-type", "modelStreamErrorException"), (":message-type", "exception")];
    let read = streamed(&message(&headers, &payload));
    assert_eq!(kind(&read), Some(ErrorKind::Overloaded));
}

#[test]
fn s18_every_documented_stop_reason_has_ours() {
    for (word, expected) in [
        ("end_turn", FinishReason::Stop),
        ("tool_use", FinishReason::ToolCalls),
        ("max_tokens", FinishReason::Length),
        ("stop_sequence", FinishReason::Stop),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("content_filtered", FinishReason::ContentFilter),
        ("malformed_model_output", FinishReason::Error),
        ("malformed_tool_use", FinishReason::Error),
        ("model_context_window_exceeded", FinishReason::Length),
    ] {
        let read = streamed(&body(&[vec![start(), delta(0, json!({"text": "a"}))], ending(word)].concat()));
        assert_eq!(read.completion().finish_reason(), Some(expected), "{word}");
    }
}

#[test]
fn every_documented_block_of_an_answer_goes_back_as_it_came() {
    for block in [
        json!({"guardContent": {"text": {"text": "q", "qualifiers": ["query"]}}}),
        json!({"cachePoint": {"type": "default", "ttl": "1h"}}),
        json!({"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}}),
        json!({"toolAddition": {"tool": {"type": "tool", "name": "f"}}}),
        json!({"audio": {"format": "mp3", "source": {"bytes": "aGk="}}}),
        json!({"video": {"format": "three_gp", "source": {"bytes": "aGk="}}}),
        json!({"document": {"format": "txt", "name": "d", "source": {"text": "x"}}}),
        json!({"citationsContent": {"content": [{"text": "c"}], "citations": [{"title": "t"}]}}),
    ] {
        assert_eq!(sent_back(parts(&of_blocks(&json!([block])))), json!([block]));
    }
}
