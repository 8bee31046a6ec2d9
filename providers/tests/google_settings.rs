//! Tools and settings of requests on Google's wire, and what the wire lacks.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "google/requests.rs"]
mod requests;

use std::sync::Arc;

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Effort, Reasoning, Request, Tool};
use belvedere_providers::google::Google;
use requests::{body, encoded, refused, request};
use serde_json::{Value, json};

fn config(value: Value) -> Value {
    let mut all = json!({"messages": []});
    all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    body(all)["generationConfig"].clone()
}

#[test]
fn parameters_stand_in_the_generation_config() {
    assert_eq!(
        config(json!({
            "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "stop": ["a"], "seed": -7, "n": 2,
            "presence_penalty": 0.1, "frequency_penalty": 0.2, "logprobs": true, "top_logprobs": 3,
        })),
        json!({
            "maxOutputTokens": 5, "temperature": 0.5, "topP": 0.9, "topK": 4, "stopSequences": ["a"], "seed": -7,
            "candidateCount": 2, "presencePenalty": 0.1, "frequencyPenalty": 0.2, "responseLogprobs": true,
            "logprobs": 3,
        })
    );
}

#[test]
fn the_form_of_an_answer_goes_in_its_dialect() {
    let format = |schema: Value| json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
    let own = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let other = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {}}});
    let json = "application/json";
    assert_eq!(config(format(own.clone())), json!({"responseMimeType": json, "responseSchema": own}));
    assert_eq!(config(format(other.clone())), json!({"responseMimeType": json, "responseJsonSchema": other}));
    assert_eq!(
        config(json!({"response_format": {"type": "json_object"}})),
        json!({"responseMimeType": json})
    );
    let (kind, message) = refused(&request(
        json!({"messages": [], "response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}),
    ));
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::InvalidRequest, "response_format.json_schema.schema: is missing")
    );
}

#[test]
fn functions_go_in_one_dialect_and_tools_as_they_are() {
    let own = json!({"type": "object", "properties": {}});
    let other = json!({"type": "object", "additionalProperties": false});
    let function = |name: &str, parameters: &Value| json!({"name": name, "description": "d", "parameters": parameters, "cache_control": {}});
    let tools = |tools: Value| body(json!({"messages": [], "tools": tools}))["tools"].clone();
    let search = json!({"type": "googleSearch"});
    let code = json!({"type": "code", "codeExecution": {}});
    assert_eq!(
        tools(json!([search, function("f", &own), code, function("g", &own)])),
        json!([
            {"googleSearch": {}},
            {"functionDeclarations": [
                {"name": "f", "description": "d", "parameters": own},
                {"name": "g", "description": "d", "parameters": own},
            ]},
            {"codeExecution": {}},
        ])
    );
    assert_eq!(
        tools(json!([function("f", &own), function("g", &other)]))[0]["functionDeclarations"],
        json!([
            {"name": "f", "description": "d", "parametersJsonSchema": own},
            {"name": "g", "description": "d", "parametersJsonSchema": other},
        ])
    );
    let mut native = Request::from("hi");
    native.tools = Arc::new(vec![Tool::Provider(json!({"urlContext": {}}).as_object().unwrap().clone())]);
    assert_eq!(encoded(&native)["tools"], json!([{"urlContext": {}}]));
}

#[test]
fn the_choice_of_a_tool_is_a_mode() {
    let calling = |choice: Value, strict: bool| {
        let tools = json!([{"name": "f", "strict": strict}]);
        body(json!({"messages": [], "tools": tools, "tool_choice": choice}))["toolConfig"].clone()
    };
    let mode = |mode: &str| json!({"functionCallingConfig": {"mode": mode}});
    assert_eq!(calling(json!("auto"), false), mode("AUTO"));
    assert_eq!(calling(json!("none"), false), mode("NONE"));
    assert_eq!(calling(json!("required"), false), mode("ANY"));
    let named = json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}});
    assert_eq!(calling(json!({"type": "function", "function": {"name": "f"}}), false), named);
    assert_eq!((calling(Value::Null, false), calling(Value::Null, true)), (Value::Null, mode("VALIDATED")));
    assert_eq!(body(json!({"messages": [], "tool_choice": "auto"})).get("toolConfig"), None);
}

#[test]
fn thinking_is_asked_for_as_the_model_takes_it() {
    let config = |model: &str, effort: Effort| {
        let mut request = Request::from("hi").with_model(model);
        let mut reasoning = Reasoning::default();
        reasoning.effort = Some(effort);
        request.reasoning = Some(reasoning);
        encoded(&request)["generationConfig"]["thinkingConfig"].clone()
    };
    assert_eq!(
        config("gemini-2.5-flash", Effort::Low),
        json!({"thinkingBudget": 1024, "includeThoughts": true})
    );
    assert_eq!(
        config("gemini-3-flash", Effort::Low),
        json!({"thinkingLevel": "low", "includeThoughts": true})
    );
    assert_eq!(config("gemini-2.5-flash", Effort::None), json!({"thinkingBudget": 0}));
}

#[test]
fn the_requests_own_fields_win() {
    let sent = body(json!({
        "messages": [{"role": "system", "content": "ours"}, {"role": "user", "content": "hi"}],
        "temperature": 0.1, "max_tokens": 5, "reasoning": {"effort": "low"},
        "tools": [{"name": "f"}], "tool_choice": "auto",
        "generationConfig": {"temperature": 0.9, "thinkingConfig": {"includeThoughts": false}},
        "tool_config": {"retrievalConfig": {"languageCode": "en"}},
        "systemInstruction": {"parts": [{"text": "theirs"}]},
        "safetySettings": [{"category": "c"}], "cachedContent": "cachedContents/x",
    }));
    assert_eq!(
        sent["generationConfig"],
        json!({"temperature": 0.9, "maxOutputTokens": 5, "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": false}})
    );
    assert_eq!(
        sent["tool_config"],
        json!({"retrievalConfig": {"languageCode": "en"}, "functionCallingConfig": {"mode": "AUTO"}})
    );
    assert_eq!(sent["systemInstruction"]["parts"][0]["text"], "theirs");
    assert_eq!(
        (&sent["safetySettings"][0]["category"], &sent["cachedContent"]),
        (&json!("c"), &json!("cachedContents/x"))
    );
}

#[test]
fn what_the_wire_lacks_is_named() {
    let mut request = Request::from("hi");
    (request.user, request.parallel_tool_calls) = (Some("u".into()), Some(false));
    let lacks = Google::new("gemini-x").fit(&mut request);
    let names: Vec<_> = lacks.iter().map(|lack| lack.parameter.as_str()).collect();
    assert_eq!(names, ["user", "parallel_tool_calls"]);
    let picture = Media::new(MediaKind::Image, MediaSource::Url("https://h/x.png".into()));
    let (kind, message) = refused(&Request::from(Message::new(Role::System, vec![Part::Media(picture)])));
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::Unsupported, "messages[0].content: Google's wire takes text only as instruction")
    );
}
