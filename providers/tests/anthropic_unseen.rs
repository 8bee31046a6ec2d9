//! Answers of Anthropic's wire that no recording shows: every kind of block, of piece and of end that the wire's
//! reference names, and fields of a type that it does not.
//!
//! Reference: <https://docs.anthropic.com/en/api/messages> and the types of Anthropic's official clients.

#![cfg(feature = "anthropic")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use belvedere_core::event::FinishReason;
use belvedere_core::message::Part;
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_core::usage::Class;
use belvedere_providers::anthropic::Anthropic;
use serde_json::{Value, json};
use support::{Read, head};

/// Reads a stream of these events, whole and byte by byte.
fn streamed(events: &[Value]) -> Read {
    let mut request = Request::from("hi");
    request.stream = true;
    let body: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("ping")))
        .collect();
    let head = head(200, [("content-type", "text/event-stream")]);
    let read = Read::new(&Anthropic::default(), &request, &head, [body.as_bytes()]);
    let bytes = Read::new(&Anthropic::default(), &request, &head, body.as_bytes().chunks(1));
    assert_eq!(bytes.essence(), read.essence());
    read
}

fn whole(body: &Value) -> Read {
    let head = head(200, [("content-type", "application/json")]);
    Read::new(&Anthropic::default(), &Request::from("hi"), &head, [body.to_string().as_bytes()])
}

fn message(content: Value) -> Value {
    json!({
        "type": "message", "id": "msg_1", "role": "assistant", "model": "m", "content": content,
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 5}
    })
}

fn start() -> Value {
    let mut message = message(json!([]));
    message["stop_reason"] = json!(null);
    json!({"type": "message_start", "message": message})
}

fn ends(reason: &str) -> [Value; 2] {
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    [
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ]
}

/// A stream of one block, which begins as `block` and grows by these pieces.
fn of_block(block: Value, pieces: &[Value]) -> Read {
    let mut events =
        vec![start(), json!({"type": "content_block_start", "index": 0, "content_block": block})];
    let piece = |delta: &Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    events.extend(pieces.iter().map(piece));
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.extend(ends("end_turn"));
    streamed(&events)
}

/// What an answer's parts are on the wire when they go back, before words: no turn may end in thinking.
fn sent_back(read: &Read) -> Value {
    assert!(read.error.is_none(), "{:?}", read.error);
    let mut message = read.completion().message();
    message.parts.push(Part::text("words"));
    let sent = Anthropic::new("m").encode(&Request::new([message])).unwrap();
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    let mut content = sent["messages"][0]["content"].as_array().unwrap().clone();
    assert_eq!(content.pop(), Some(json!({"type": "text", "text": "words"})));
    content.into()
}

/// Every block that the wire's reference has in an answer, but for text and thinking.
fn blocks() -> Vec<Value> {
    let result =
        |kind: &str, content: Value| json!({"type": kind, "tool_use_id": "srvtoolu_1", "content": content});
    vec![
        json!({"type": "redacted_thinking", "data": "secret"}),
        json!({"type": "tool_use", "id": "toolu_1", "name": "click", "input": {"x": 1}, "toolset_name": "browser"}),
        json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {},
               "caller": {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}}),
        json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_regex", "input": {"query": "q"}}),
        result(
            "web_search_tool_result",
            json!([{"type": "web_search_result", "url": "u", "title": "t",
               "encrypted_content": "e", "page_age": null}]),
        ),
        result(
            "web_fetch_tool_result",
            json!({"type": "web_fetch_tool_result_error", "error_code": "unavailable"}),
        ),
        result("advisor_tool_result", json!({"type": "advisor_result", "text": "t"})),
        result(
            "code_execution_tool_result",
            json!({"type": "encrypted_code_execution_result",
               "encrypted_stdout": "e", "stderr": "", "return_code": 0, "content": []}),
        ),
        result(
            "bash_code_execution_tool_result",
            json!({"type": "bash_code_execution_result", "stdout": "o",
               "stderr": "", "return_code": 0, "content": [{"type": "bash_code_execution_output", "file_id": "f"}]}),
        ),
        result(
            "text_editor_code_execution_tool_result",
            json!({"type": "text_editor_code_execution_create_result", "is_file_update": false}),
        ),
        result(
            "tool_search_tool_result",
            json!({"type": "tool_search_tool_search_result",
               "tool_references": [{"type": "tool_reference", "tool_name": "f"}]}),
        ),
        json!({"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "s", "input": {"a": 1}}),
        json!({"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": false,
               "content": [{"type": "text", "text": "hi", "citations": null}]}),
        json!({"type": "container_upload", "file_id": "file_1"}),
        json!({"type": "compaction", "content": "so far", "encrypted_content": "e", "signature": "s"}),
        json!({"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": {"type": "refusal"}}),
        json!({"type": "mcp_tool_listing", "mcp_server_name": "s", "tools": []}),
    ]
}

#[test]
fn every_block_goes_back_as_it_came() {
    for block in blocks() {
        assert_eq!(sent_back(&whole(&message(json!([block])))), json!([block]));
        assert_eq!(sent_back(&of_block(block.clone(), &[])), json!([block]), "streamed");
    }
}

#[test]
fn the_input_of_a_tool_comes_in_pieces_whoever_runs_it() {
    for kind in ["tool_use", "server_tool_use", "mcp_tool_use"] {
        let begun = json!({"type": kind, "id": "t_1", "name": "f", "input": {}});
        let piece = |text: &str| json!({"type": "input_json_delta", "partial_json": text});
        let read = of_block(begun.clone(), &[piece(""), piece("{\"a\""), piece(":1}")]);
        let mut complete = begun;
        complete["input"] = json!({"a": 1});
        assert_eq!(sent_back(&read), json!([complete]));
    }
}

/// A piece has every field of its kind, also those that bring nothing.
#[test]
fn a_compaction_comes_in_pieces_and_null_takes_nothing_away() {
    let begun = json!({"type": "compaction", "content": null, "encrypted_content": null});
    let pieces = [
        json!({"type": "compaction_delta", "content": "so ", "encrypted_content": null}),
        json!({"type": "compaction_delta", "content": "far", "encrypted_content": null}),
        json!({"type": "compaction_delta", "content": null, "encrypted_content": "e"}),
    ];
    let complete = json!({"type": "compaction", "content": "so far", "encrypted_content": "e"});
    assert_eq!(sent_back(&of_block(begun, &pieces)), json!([complete]));
}

#[test]
fn every_stop_reason_has_a_meaning() {
    let reasons = [
        ("end_turn", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("stop_sequence", FinishReason::Stop),
        ("tool_use", FinishReason::ToolCalls),
        ("pause_turn", FinishReason::Pause),
        ("compaction", FinishReason::Pause),
        ("refusal", FinishReason::Refusal),
        ("model_context_window_exceeded", FinishReason::Length),
        ("yet_to_be_invented", FinishReason::Other),
    ];
    for (raw, ours) in reasons {
        let mut body = message(json!([{"type": "text", "text": "x"}]));
        body["stop_reason"] = json!(raw);
        let mut events = vec![start()];
        events.extend(ends(raw));
        for read in [whole(&body), streamed(&events)] {
            let finish = read.completion().choices[0].finish.clone().unwrap();
            assert_eq!((finish.reason, finish.raw.as_deref()), (Some(ours), Some(raw)));
        }
    }
}

#[test]
fn citations_of_every_kind_are_sources() {
    let web = json!({"type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "c"});
    let place =
        json!({"type": "char_location", "document_title": "d", "cited_text": "c", "document_index": 0});
    let search = json!({"type": "search_result_location", "source": "s", "title": "t", "cited_text": "c"});
    let cited = json!({"type": "text", "text": "x", "citations": [web, place, search]});
    let pieces: Vec<Value> = [json!({"type": "text_delta", "text": "x"})]
        .into_iter()
        .chain([&web, &place, &search].map(|c| json!({"type": "citations_delta", "citation": c})))
        .collect();
    let begun = json!({"type": "text", "text": "", "citations": []});
    for read in [whole(&message(json!([cited]))), of_block(begun, &pieces)] {
        let sources = read.completion().choices[0].sources.clone();
        let found: Vec<_> = sources.iter().map(|s| (s.url.as_deref(), s.title.as_deref(), s.part)).collect();
        assert_eq!(
            found,
            [(Some("u"), Some("t"), Some(0)), (None, Some("d"), Some(0)), (Some("s"), Some("t"), Some(0))]
        );
    }
}

/// A wrong type of one field costs that field, and nothing else.
#[test]
fn s12_no_odd_field_costs_the_answer() {
    let events = vec![
        start(),
        json!({"type": "content_block_start", "index": 0,
               "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "t"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1,
               "content_block": {"type": "text", "text": "", "citations": null}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "x"}}),
        json!({"type": "content_block_stop", "index": 1}),
        ends("end_turn")[0].clone(),
        ends("end_turn")[1].clone(),
    ];
    let body = message(json!([{"type": "thinking", "thinking": "t", "signature": "s"},
                              {"type": "text", "text": "x", "citations": null}]));
    // The content is the answer.
    let is_content = |pointer: &String| ["/content", "/content/0", "/content/1"].contains(&pointer.as_str());
    for pointer in pointers(&body).into_iter().filter(|pointer| !is_content(pointer)) {
        for odd in odd_values() {
            let mut odd_body = body.clone();
            *odd_body.pointer_mut(&pointer).unwrap() = odd.clone();
            let read = whole(&odd_body);
            assert!(read.error.is_none(), "{pointer} = {odd}: {:?}", read.error);
        }
    }
    for (at, event) in events.iter().enumerate() {
        for pointer in
            pointers(event).into_iter().filter(|p| !p.ends_with("/stop_reason") && !p.ends_with("/delta"))
        {
            for odd in odd_values() {
                let mut odd_events = events.clone();
                *odd_events[at].pointer_mut(&pointer).unwrap() = odd.clone();
                let read = streamed(&odd_events);
                assert!(read.error.is_none(), "{at}{pointer} = {odd}: {:?}", read.error);
            }
        }
    }
}

fn odd_values() -> [Value; 6] {
    [json!(null), json!(7), json!(-1.5), json!(true), json!([]), json!({})]
}

/// The places of all values but the type of the whole.
fn pointers(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, inner)| (key.clone(), inner)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, inner)| (at.to_string(), inner)).collect(),
        _ => Vec::new(),
    };
    let below = |(key, inner): (String, &Value)| {
        let own = format!("/{key}");
        let further = pointers(inner).into_iter().map(move |rest| format!("/{key}{rest}"));
        std::iter::once(own).chain(further).collect::<Vec<_>>()
    };
    inner.into_iter().flat_map(below).filter(|pointer| pointer != "/type").collect()
}

/// "A `compaction` entry's tokens are not included in the top-level `usage` fields": they are billed all the same.
#[test]
fn the_tokens_of_a_compaction_are_counted_once() {
    let mut body = message(json!([{"type": "text", "text": "x"}]));
    let entry = |kind: &str, input: u64, output: u64| {
        json!({"type": kind, "input_tokens": input, "output_tokens": output, "cache_read_input_tokens": 0,
               "cache_creation_input_tokens": 0})
    };
    body["usage"]["iterations"] = json!([entry("compaction", 100, 10), entry("message", 3, 5)]);
    let usage = whole(&body).completion().usage.unwrap();
    assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(103), Some(15)));
    let reported = usage.reported.unwrap();
    assert_eq!((reported.input_tokens, reported.output_tokens), (Some(3), Some(5)));
}

/// Text that a server escaped by halves of a character.
#[test]
fn x10_half_a_character_costs_that_character() {
    let body = r#"{"type":"message","content":[{"type":"text","text":"a\ud83dz"}],"stop_reason":"end_turn"}"#;
    let head = head(200, [("content-type", "application/json")]);
    let read = Read::new(&Anthropic::default(), &Request::from("hi"), &head, [body.as_bytes()]);
    assert_eq!(read.error.as_ref().map(|e| e.kind()), None);
    assert_eq!(read.completion().text(), "a\u{fffd}z");
    assert!(matches!(&read.completion().choices[0].parts[..], [Part::Text { .. }]));
}
