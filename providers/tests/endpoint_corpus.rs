//! Recorded requests and answers go through the server's side of their wire and come out as they were.
//!
//! The recordings are not part of this repository. Where they are absent the tests say so and pass.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/corpus.rs"]
mod corpus;
mod support;
#[path = "support/writing.rs"]
mod writing;

use std::sync::Arc;

use belvedere_core::completion::Completion;
use belvedere_core::event::FinishReason;
use belvedere_core::message::{Part, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_providers::openai::{OpenAi, hosts};
use belvedere_providers::{endpoint, wire};
use corpus::Row;
use serde_json::{Map, Value, json};
use support::Read;
use writing::streamed;

/// The recordings of a wire. Google's embeddings have one of their own.
fn rows(wire: &str) -> Vec<Row> {
    let least = match wire {
        "openai.chat" => 230,
        "anthropic.messages" => 51,
        _ => 12,
    };
    let rows = corpus::rows(&[wire], least).into_iter().flatten();
    rows.filter(|row| wire != "embeddings" || row.facts["provider"] != "google").collect()
}

fn wire_of(row: &Row) -> &str {
    row.facts["endpoint"].as_str().unwrap()
}

/// The provider that was recorded, by its name here.
fn host(row: &Row) -> &str {
    let name = row.facts["provider"].as_str().unwrap();
    name.strip_prefix("compat_").unwrap_or(name)
}

/// The provider as it was recorded; at an address of its own where its name has none.
fn provider(row: &Row) -> Arc<dyn Provider> {
    if wire_of(row) == "anthropic.messages" {
        return wire(wire_of(row), None).unwrap();
    }
    let host = hosts::find(host(row)).unwrap_or(&hosts::ANY);
    Arc::new(OpenAi::new(host).with_base_url("https://host.example/v1".parse().unwrap()))
}

/// Null is absent.
fn strip(map: &mut Map<String, Value>) {
    map.retain(|_, value| !value.is_null());
}

/// Takes away what two requests may differ in and mean the same, each with its reason.
fn normal_chat(mut body: Value) -> Value {
    let map = body.as_object_mut().unwrap();
    strip(map);
    // The older name of one limit; each host is sent the one it documents.
    if let Some(limit) = map.remove("max_completion_tokens") {
        map.insert("max_tokens".into(), limit);
    }
    // Usage is always asked for on a stream: ledgers stand on it.
    map.remove("stream_options");
    // Absent is false.
    if map.get("stream") == Some(&json!(false)) {
        map.remove("stream");
    }
    // Mistral's word and OpenAI's for the same.
    if map.get("tool_choice") == Some(&json!("any")) {
        map.insert("tool_choice".into(), json!("required"));
    }
    // No tools are none.
    if map.get("tools") == Some(&json!([])) {
        map.remove("tools");
    }
    for tool in map.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        let tool = tool.as_object_mut().unwrap();
        // A function without a type is one all the same.
        if tool.contains_key("function") {
            tool.insert("type".into(), json!("function"));
        }
    }
    for message in map.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        normal_message(message.as_object_mut().unwrap());
    }
    body
}

fn normal_message(message: &mut Map<String, Value>) {
    strip(message);
    // The same thinking under two names is sent under one; empty thinking says nothing.
    let thinking = message.remove("reasoning_content").or(message.get("reasoning").cloned());
    message.remove("reasoning");
    if let Some(thinking) = thinking.filter(|text| *text != "") {
        message.insert("reasoning".into(), thinking);
    }
    // Nothing is said beside calls, and no calls are none.
    message.retain(|_, value| *value != json!([]));
    if let Some(items) = message.get_mut("content").and_then(Value::as_array_mut) {
        items.iter_mut().filter_map(Value::as_object_mut).for_each(strip);
        for item in items.iter_mut() {
            // Thinking in several texts is sent as one.
            if let Some(texts) = item.get("thinking").and_then(Value::as_array) {
                let text: String = texts.iter().filter_map(|t| t["text"].as_str()).collect();
                item["thinking"] = json!([{"type": "text", "text": text}]);
            }
        }
        // One plain text may be a list of one, and a string.
        if let [only] = items.as_slice()
            && only.as_object().is_some_and(|map| map.len() == 2)
            && only["type"] == "text"
        {
            let text = only["text"].clone();
            message.insert("content".into(), text);
        }
    }
}

fn normal_messages(mut body: Value) -> Value {
    let map = body.as_object_mut().unwrap();
    strip(map);
    if map.get("stream") == Some(&json!(false)) {
        map.remove("stream");
    }
    // A choice among no tools is none.
    if !map.contains_key("tools") {
        map.remove("tool_choice");
    }
    for message in map.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        // A text may be a list of one.
        if message["content"].is_string() {
            message["content"] = json!([{"type": "text", "text": message["content"]}]);
        }
        for block in message["content"].as_array_mut().into_iter().flatten() {
            let block = block.as_object_mut().unwrap();
            // No fault is the default.
            if block.get("is_error") == Some(&json!(false)) {
                block.remove("is_error");
            }
        }
    }
    body
}

fn normal_embeddings(mut body: Value) -> Value {
    let map = body.as_object_mut().unwrap();
    // The form of the vectors is between the client and the endpoint: numbers are asked for.
    map.remove("encoding_format");
    // Mistral's name.
    if let Some(dimension) = map.remove("output_dimension") {
        map.insert("dimensions".into(), dimension);
    }
    // One text may be a list of one.
    if map["input"].is_string() {
        map.insert("input".into(), json!([map["input"]]));
    }
    body
}

/// The first place where two values differ.
fn difference(was: &Value, is: &Value, path: &str) -> Option<String> {
    match (was, is) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).find_map(|key| {
            let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
            difference(&of(a), &of(b), &format!("{path}.{key}"))
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(i, (a, b))| difference(a, b, &format!("{path}[{i}]")))
        }
        _ => (was != is).then(|| format!("{path}: was {was}, is {is}")),
    }
}

/// Reads each recorded request by the endpoint and writes it by the provider of its host; the share that comes out
/// as it was must not fall below `least` percent.
fn requests(wire_name: &str, normal: fn(Value) -> Value, least: usize) {
    let mut rows = rows(wire_name);
    rows.retain(|row| row.facts["request"].is_object());
    let endpoint = endpoint(wire_name).unwrap();
    let mut wrong = Vec::new();
    for row in &rows {
        let sent = http::Request::post("/").body(row.facts["request"].to_string().into()).unwrap();
        let again = endpoint.request(&sent).and_then(|request| provider(row).encode(&request));
        match again {
            Err(error) => wrong.push(format!("{}: {error}", row.id())),
            Ok(again) => {
                let (was, is) = (
                    normal(row.facts["request"].clone()),
                    normal(serde_json::from_slice(again.body()).unwrap()),
                );
                wrong.extend(difference(&was, &is, "").map(|what| format!("{}: {what}", row.id())));
            }
        }
    }
    let right = rows.len() - wrong.len();
    println!("{wire_name}: {right} of {} recorded requests are reproduced", rows.len());
    wrong.iter().for_each(|line| println!("{line}"));
    assert!(right * 100 >= rows.len() * least, "{right} of {}", rows.len());
}

#[test]
fn recorded_chat_requests_are_reproduced() {
    requests("openai.chat", normal_chat, 95);
}

#[test]
fn recorded_messages_requests_are_reproduced() {
    requests("anthropic.messages", normal_messages, 95);
}

#[test]
fn recorded_embedding_requests_are_reproduced() {
    requests("embeddings", normal_embeddings, 95);
}

/// Writes each recorded answer whole and as a stream, and reads it again; gives how many stay what they were.
fn answers(wire_name: &str, normal: fn(Completion) -> Completion) {
    let endpoint = endpoint(wire_name).unwrap();
    let provider = wire(wire_name, None).unwrap();
    for row in rows(wire_name) {
        let mut request = row.asked();
        let read = row.read(self::provider(&row).as_ref(), &[&row.body]);
        if read.error.is_some() {
            continue;
        }
        let was = normal(read.completion());
        let (parts, body) = endpoint.whole(&request, &read.completion()).into_parts();
        let whole = Read::new(provider.as_ref(), &request, &parts, [body.as_ref()]);
        assert!(whole.error.is_none(), "{}: {:?}", row.id(), whole.error);
        assert_eq!(normal(whole.completion()), was, "{}: whole", row.id());
        request.stream = wire_name != "embeddings";
        let (head, out) = streamed(endpoint.as_ref(), &request, &read.events, None).into_parts();
        let stream = Read::new(provider.as_ref(), &request, &head, [out.as_ref()]);
        let cut = Read::new(provider.as_ref(), &request, &head, out.chunks(7));
        assert_eq!(cut.essence(), stream.essence(), "{}: cut", row.id());
        assert!(stream.error.is_none(), "{}: {:?}", row.id(), stream.error);
        assert_eq!(normal(stream.completion()), was, "{}: stream", row.id());
    }
}

#[test]
fn s20_recorded_messages_stay_what_they_were_whole_and_streamed() {
    answers("anthropic.messages", |mut answer| {
        // Empty blocks have no part, but a number: the parts that sources name move up.
        answer.choices[0].sources.iter_mut().for_each(|source| source.part = None);
        // A part that came in pieces or whole has its notices, too.
        answer.notices.clear();
        answer
    });
}

#[test]
fn s20_recorded_chats_stay_what_they_were_whole_and_streamed() {
    answers("openai.chat", |mut answer| {
        answer.notices.clear();
        // Ids that the server did not give are derived.
        answer.id = answer.id.filter(|id| !id.starts_with("chatcmpl-"));
        for choice in &mut answer.choices {
            for source in &mut choice.sources {
                (source.part, source.raw) = (None, Value::Null);
                // Clients ask for a title: one that is unknown is empty.
                source.title.get_or_insert_default();
            }
            for part in &mut choice.parts {
                match part {
                    Part::ToolCall { id, by: ToolBy::Client, extra, .. } => {
                        *id = Default::default();
                        // Azure's filters have no place on OpenAI's own wire.
                        extra.remove("azure.content_filter");
                    }
                    Part::Text { extra, .. } => drop(extra.remove("azure.content_filter")),
                    _ => {}
                }
            }
            // An answer that tells no reason is written as one that stopped.
            let finish = choice.finish.get_or_insert_default();
            finish.reason.get_or_insert(FinishReason::Stop);
            (finish.raw, finish.stop_sequence) = (None, None);
        }
        answer
    });
}

#[test]
fn s20_recorded_embeddings_stay_what_they_were() {
    answers("embeddings", |mut answer| {
        answer.usage = None;
        answer
    });
}
