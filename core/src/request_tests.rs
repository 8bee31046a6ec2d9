//! Tests of requests: how they are read, shared and shown.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use serde_json::json;

#[test]
fn an_openai_body_is_a_request() {
    let request: Request = serde_json::from_value(json!({
        "model": "m", "messages": [{"role": "user", "content": "hi"}], "stop": "x", "max_completion_tokens": 5,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
                  {"type": "web_search", "max_uses": 2}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}, "strict": true}},
        "service_tier": "flex"
    }))
    .unwrap();
    assert_eq!(request.stop, ["x"]);
    assert_eq!(request.max_tokens, Some(5));
    assert_eq!(request.tool_choice, Some(ToolChoice::Function { name: "f".into() }));
    assert_eq!(request.extra["service_tier"], "flex");
    assert!(matches!(&request.tools[0], Tool::Function(f) if f.name == "f"));
    assert!(matches!(&request.tools[1], Tool::Provider(p) if p["max_uses"] == 2));
    let again: Request = serde_json::from_value(serde_json::to_value(&request).unwrap()).unwrap();
    assert_eq!(again, request);
}

#[test]
fn a_wrapped_function_needs_no_type() {
    // As recorded requests to Mistral have it.
    let function = json!({"name": "f", "description": "d", "parameters": {"type": "object"}});
    let read = |tool: Value| serde_json::from_value::<Tool>(tool).unwrap();
    let expected = Tool::Function(Function::new("f", "d", json!({"type": "object"})));
    assert_eq!(read(json!({"function": function})), expected);
    assert_eq!(read(json!({"type": "function", "function": function})), expected);
    assert_eq!(read(function), expected);
}

#[test]
fn a_clone_shares_what_is_large() {
    let request = Request::from("hi");
    assert!(Arc::ptr_eq(&request.messages, &request.clone().messages));
}

#[test]
fn header_values_do_not_print() {
    let mut options = Options::default();
    options.headers.insert("x-secret".into(), "canary-123".into());
    let text = format!("{:?}", Request::from("hi").with_options(options));
    assert!(text.contains("x-secret") && !text.contains("canary-123"));
}
