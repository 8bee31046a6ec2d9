//! Answers of the Responses wire that no recording shows: every item and event that the wire's reference names, and
//! fields of a type that it does not.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/responses> and the types of OpenAI's official clients.

#![cfg(feature = "responses")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "responses/streams.rs"]
mod streams;
mod support;

use belvedere_core::error::ErrorKind;
use belvedere_core::event::FinishReason;
use belvedere_core::message::{MediaSource, Part};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_providers::responses::Responses;
use serde_json::{Value, json};
use streams::{
    added, call, completed, created, done, frames, kind, message, read, rich, streamed, text, whole,
};
use support::{Read, head};

/// Every item that the wire's reference has in an output, but for messages, reasoning and function calls.
fn items() -> Vec<Value> {
    let item = |kind: &str, fields: Value| {
        let mut item = json!({"type": kind, "id": "i_1"});
        item.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        item
    };
    vec![
        item(
            "file_search_call",
            json!({"queries": ["q"], "status": "completed", "results": [{"file_id": "f", "score": 0.5}]}),
        ),
        item("function_call_output", json!({"call_id": "c_1", "output": "o", "status": "completed"})),
        item("web_search_call", json!({"status": "completed", "action": {"type": "open_page", "url": "u"}})),
        item(
            "computer_call",
            json!({"call_id": "c_1", "status": "completed", "pending_safety_checks": [], "actions": [{"type": "click", "x": 1, "y": 2, "button": "left"}]}),
        ),
        item(
            "computer_call_output",
            json!({"call_id": "c_1", "output": {"type": "computer_screenshot", "file_id": "f"}}),
        ),
        item("program", json!({"call_id": "c_1", "code": "1", "fingerprint": "f"})),
        item("program_output", json!({"call_id": "c_1", "result": "1", "status": "completed"})),
        item(
            "tool_search_call",
            json!({"call_id": null, "execution": "server", "arguments": {"q": 1}, "status": "completed"}),
        ),
        item(
            "tool_search_output",
            json!({"tools": [{"type": "function", "name": "f", "parameters": {}}], "status": "completed"}),
        ),
        item("additional_tools", json!({"role": "developer", "tools": []})),
        item("compaction", json!({"encrypted_content": "e"})),
        item(
            "code_interpreter_call",
            json!({"code": "1", "container_id": "c", "outputs": [{"type": "logs", "logs": "1"}], "status": "completed"}),
        ),
        item(
            "local_shell_call",
            json!({"call_id": "c_1", "action": {"type": "exec", "command": ["ls"], "env": {}}, "status": "completed"}),
        ),
        item("local_shell_call_output", json!({"output": "{}"})),
        item(
            "shell_call",
            json!({"call_id": "c_1", "action": {"commands": ["ls"]}, "environment": null, "status": "completed"}),
        ),
        item(
            "shell_call_output",
            json!({"call_id": "c_1", "output": [{"stdout": "o", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]}),
        ),
        item(
            "apply_patch_call",
            json!({"call_id": "c_1", "operation": {"type": "create_file", "path": "p", "diff": "+x"}, "status": "completed"}),
        ),
        item("apply_patch_call_output", json!({"call_id": "c_1", "output": "ok", "status": "completed"})),
        item(
            "mcp_call",
            json!({"name": "f", "arguments": "{\"a\":1}", "server_label": "s", "output": "o", "error": null, "status": "completed"}),
        ),
        item("mcp_list_tools", json!({"server_label": "s", "tools": [{"name": "f", "input_schema": {}}]})),
        item("mcp_approval_request", json!({"name": "f", "arguments": "{}", "server_label": "s"})),
        item("mcp_approval_response", json!({"approval_request_id": "a", "approve": true})),
        item(
            "custom_tool_call",
            json!({"call_id": "c_1", "name": "f", "input": "free text", "namespace": "n"}),
        ),
        item("custom_tool_call_output", json!({"call_id": "c_1", "output": "o"})),
        item("yet_to_be_invented", json!({"x": [1, {"y": null}]})),
    ]
}

fn sent_back(read: &Read) -> Value {
    assert_eq!(kind(read), None, "{:?}", read.error);
    let sent = Responses::new("m").encode(&Request::new([read.completion().message()])).unwrap();
    serde_json::from_slice::<Value>(sent.body()).unwrap()["input"].clone()
}

#[test]
fn every_item_goes_back_as_it_came() {
    for item in items() {
        assert_eq!(sent_back(&whole(&json!({"status": "completed", "output": [item]}))), json!([item]));
        let begun = json!({"type": item["type"], "id": item["id"], "status": "in_progress"});
        let events = [created(), added(0, begun), done(0, item.clone()), completed(json!([item]))];
        assert_eq!(sent_back(&read(&events)), json!([item]), "streamed");
        let mut request = Request::from("hi");
        request.stream = true;
        let (body, head) = (frames(&events), head(200, [("content-type", "text/event-stream")]));
        let bytes = Read::new(&Responses::default(), &request, &head, body.as_bytes().chunks(1));
        assert_eq!(bytes.essence(), read(&events).essence(), "byte by byte");
        let parts = read(&events).completion().choices[0].parts.clone();
        let named = match &parts[..] {
            [Part::Opaque { kind, .. }] => kind.as_str(),
            [Part::ToolCall { .. }] => "custom_tool_call",
            other => panic!("{other:?}"),
        };
        assert_eq!(json!(named), item["type"]);
    }
}

/// xAI calls its own search of X like this: the client has nothing to run.
#[test]
fn a_custom_call_of_a_tool_that_xai_runs_is_the_servers() {
    let item = json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "xs_1", "name": "x_keyword_search",
        "input": "{\"query\":\"q\"}", "status": "completed"});
    let piece = |end: &str| {
        json!({"type": format!("response.custom_tool_call_input.{end}"), "output_index": 0, "item_id": "ctc_1",
               "delta": "{\"query\":\"q\"}", "input": "{\"query\":\"q\"}"})
    };
    let mut begun = item.clone();
    begun["input"] = json!("");
    let events = [
        created(),
        added(0, begun),
        piece("delta"),
        piece("done"),
        done(0, item.clone()),
        completed(json!([item])),
    ];
    for read in [read(&events), whole(&json!({"status": "completed", "output": [item]}))] {
        assert_eq!(sent_back(&read), json!([item]));
        let answer = read.completion();
        assert_eq!((answer.tool_calls().count(), answer.finish_reason()), (0, Some(FinishReason::Stop)));
        assert!(
            matches!(&answer.choices[0].parts[..], [Part::Opaque { kind, .. }] if kind == "custom_tool_call")
        );
    }
}

/// What a call has beside its arguments goes back with it: who called, and whether it runs beside others.
#[test]
fn a_call_keeps_all_its_fields() {
    let mut item = call(1, "{\"a\":1}");
    item["caller"] = json!({"type": "program", "caller_id": "c_9"});
    item["async"] = json!(true);
    item["namespace"] = json!("n");
    assert_eq!(sent_back(&whole(&json!({"status": "completed", "output": [item]}))), json!([item]));
}

/// Events about items that the provider works on bring nothing that the item does not.
#[test]
fn events_of_provider_run_tools_change_nothing() {
    let names = [
        "audio.delta",
        "audio.done",
        "audio.transcript.delta",
        "audio.transcript.done",
        "code_interpreter_call_code.delta",
        "code_interpreter_call_code.done",
        "code_interpreter_call.completed",
        "code_interpreter_call.in_progress",
        "code_interpreter_call.interpreting",
        "compaction.compacting",
        "file_search_call.completed",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "shell_call_command.added",
        "shell_call_command.delta",
        "shell_call_command.done",
        "shell_call_output_content.delta",
        "shell_call_output_content.done",
        "web_search_call.completed",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "image_generation_call.completed",
        "image_generation_call.generating",
        "image_generation_call.in_progress",
        "image_generation_call.partial_image",
        "mcp_call_arguments.delta",
        "mcp_call_arguments.done",
        "mcp_call.completed",
        "mcp_call.failed",
        "mcp_call.in_progress",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "mcp_list_tools.in_progress",
        "apply_patch_call_operation_diff.delta",
        "apply_patch_call_operation_diff.done",
        "queued",
        "yet_to_be.invented",
    ];
    let plain = read(&rich());
    for at in 1..rich().len() {
        let mut events = rich();
        for name in names {
            for delta in [json!("x"), json!({"stdout": "x"})] {
                events.insert(
                    at,
                    json!({"type": format!("response.{name}"), "output_index": 2, "item_id": "ws_1",
                    "delta": delta, "code": "1", "command": "ls", "arguments": "{}", "output": [],
                    "partial_image_b64": "eA==", "partial_image_index": 0, "obfuscation": "zz"}),
                );
            }
        }
        events.insert(at, json!({"type": "keepalive", "sequence_number": 3}));
        let read = read(&events);
        assert_eq!(kind(&read), None, "{at}");
        assert_eq!(read.completion(), plain.completion(), "{at}");
    }
}

#[test]
fn an_image_is_media_of_its_type_in_any_format() {
    for (format, mime) in [("png", "image/png"), ("jpeg", "image/jpeg"), ("svg", "image/svg+xml")] {
        let item = json!({"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "eA==",
            "output_format": format});
        let read = whole(&json!({"status": "completed", "output": [item]}));
        let parts = read.completion().choices[0].parts.clone();
        let Part::Media(media) = &parts[1] else { panic!("{parts:?}") };
        let MediaSource::Data { mime: ours, data } = &media.source else { panic!("{media:?}") };
        assert_eq!((ours.as_str(), &data[..]), (mime, &b"x"[..]));
        assert_eq!(sent_back(&read), json!([item]));
    }
}

/// The event that ends a response is the end, whatever its response still says of itself.
#[test]
fn the_event_tells_the_end_where_the_response_lags_behind() {
    for status in [json!("in_progress"), json!("queued"), json!(null), json!(7)] {
        let mut events = vec![created(), added(0, message("")), text("hi"), done(0, message("hi"))];
        let mut last = completed(json!([message("hi")]));
        last["response"]["status"] = status.clone();
        events.push(last);
        assert_eq!(read(&events).completion().finish_reason(), Some(FinishReason::Stop), "{status}");
    }
}

#[test]
fn every_word_for_the_end_has_a_meaning() {
    let ends = [
        ("completed", json!(null), FinishReason::Stop, "completed"),
        ("incomplete", json!({"reason": "max_output_tokens"}), FinishReason::Length, "max_output_tokens"),
        ("incomplete", json!({"reason": "content_filter"}), FinishReason::ContentFilter, "content_filter"),
        ("incomplete", json!({"reason": "steered"}), FinishReason::Other, "steered"),
        ("incomplete", json!(null), FinishReason::Other, "incomplete"),
        ("cancelled", json!(null), FinishReason::Other, "cancelled"),
    ];
    for (status, details, ours, raw) in ends {
        let response = json!({"id": "r", "object": "response", "status": status, "incomplete_details": details,
            "output": [message("hi")], "error": null});
        let last = json!({"type": format!("response.{status}"), "response": response});
        for read in [whole(&response), read(&[created(), last])] {
            let finish = read.completion().choices[0].finish.clone().unwrap();
            assert_eq!((finish.reason, finish.raw.as_deref()), (Some(ours), Some(raw)));
            assert_eq!(read.completion().text(), "hi");
        }
    }
}

/// <https://platform.openai.com/docs/api-reference/responses/object>, `error.code`: what the provider could not do is
/// tried again, what it will not take is not.
#[test]
fn a_response_that_failed_tells_whose_fault_it_was() {
    let table = [
        ("server_error", ErrorKind::Overloaded),
        ("vector_store_timeout", ErrorKind::Overloaded),
        ("rate_limit_exceeded", ErrorKind::RateLimited),
        ("invalid_prompt", ErrorKind::InvalidRequest),
        ("bio_policy", ErrorKind::ContentFiltered),
        ("misalignment_policy_violation", ErrorKind::ContentFiltered),
        ("image_content_policy_violation", ErrorKind::ContentFiltered),
        ("data_residency_mismatch", ErrorKind::InvalidRequest),
        ("invalid_image", ErrorKind::InvalidRequest),
        ("invalid_image_format", ErrorKind::InvalidRequest),
        ("invalid_base64_image", ErrorKind::InvalidRequest),
        ("invalid_image_url", ErrorKind::InvalidRequest),
        ("image_too_large", ErrorKind::InvalidRequest),
        ("image_too_small", ErrorKind::InvalidRequest),
        ("image_parse_error", ErrorKind::InvalidRequest),
        ("invalid_image_mode", ErrorKind::InvalidRequest),
        ("image_file_too_large", ErrorKind::InvalidRequest),
        ("unsupported_image_media_type", ErrorKind::InvalidRequest),
        ("empty_image_file", ErrorKind::InvalidRequest),
        ("failed_to_download_image", ErrorKind::InvalidRequest),
        ("image_file_not_found", ErrorKind::InvalidRequest),
    ];
    for (code, expected) in table {
        let error = json!({"code": code, "message": "m"});
        let response =
            json!({"id": "r", "object": "response", "status": "failed", "error": error, "output": []});
        let failed = json!({"type": "response.failed", "response": response});
        let event =
            json!({"type": "error", "code": code, "message": "m", "param": null, "sequence_number": 2});
        for read in [whole(&response), read(&[created(), failed]), read(&[created(), event])] {
            let error = read.error.unwrap();
            assert_eq!(error.kind(), expected, "{code}");
            assert_eq!(error.provider().unwrap().code.as_deref(), Some(code));
        }
    }
}

/// A wrong type of one field costs that field, and nothing else.
#[test]
fn s12_no_odd_field_costs_the_answer() {
    let events = rich();
    for (at, event) in events.iter().enumerate() {
        for pointer in pointers(event).into_iter().filter(|pointer| !is_vital(pointer)) {
            for odd in [json!(null), json!(7), json!(-1.5), json!(true), json!("odd"), json!([]), json!({})] {
                let mut odd_events = events.clone();
                *odd_events[at].pointer_mut(&pointer).unwrap() = odd.clone();
                let read = read(&odd_events);
                assert!(read.error.is_none(), "{at}{pointer} = {odd}: {:?}", read.error);
            }
        }
    }
}

/// Without these a piece has no place.
fn is_vital(pointer: &str) -> bool {
    matches!(pointer, "/type" | "/item" | "/item/type" | "/output_index" | "/item_id" | "/response/error")
}

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
    inner.into_iter().flat_map(below).collect()
}

/// Text that a server escaped by halves of a character.
#[test]
fn x10_half_a_character_costs_that_character() {
    let body = r#"{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a\ud83dz"}]}]}"#;
    let head = head(200, [("content-type", "application/json")]);
    let whole = Read::new(&Responses::default(), &Request::from("hi"), &head, [body.as_bytes()]);
    let stream = streamed(&format!("data: {{\"type\":\"response.completed\",\"response\":{body}}}\n\n"));
    for read in [whole, stream] {
        assert_eq!(kind(&read), None);
        assert_eq!(read.completion().text(), "a\u{fffd}z");
    }
}
