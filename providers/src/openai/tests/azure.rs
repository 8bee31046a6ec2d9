//! What Azure OpenAI has of its own.

use belvedere_core::ErrorKind;
use belvedere_core::event::FinishReason;
use belvedere_core::message::Part;
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use serde_json::{Value, json};

use super::super::OpenAi;
use super::{done, fail, host, sent, stream_from, whole_from};

fn azure() -> OpenAi {
    host("azure_openai").with_base_url("https://r.openai.azure.com/openai/v1".parse().unwrap())
}

/// The fields beside the text of a part.
fn extra(part: &Part) -> Value {
    let Part::Text { extra, .. } = part else { panic!("no text: {part:?}") };
    Value::Object(extra.clone())
}

fn findings(category: &str, filtered: bool) -> Value {
    let severity = if filtered { "high" } else { "safe" };
    json!({ category: { "filtered": filtered, "severity": severity } })
}

/// The chunks of an answer with the asynchronous filter: the first tells of the prompt, later ones of text that
/// came before them.
fn asynchronous() -> Vec<Value> {
    let prompt = json!([{ "prompt_index": 0, "content_filter_results": findings("jailbreak", false) }]);
    let told = |text: Value, found: Value, finish: Value| {
        json!({
            "id": "c", "model": "gpt-4o",
            "choices": [{ "index": 0, "delta": text, "finish_reason": finish, "content_filter_results": found }],
        })
    };
    vec![
        json!({ "id": "", "model": "", "choices": [], "prompt_filter_results": prompt }),
        told(json!({ "role": "assistant", "content": "Some" }), json!({}), Value::Null),
        told(json!({ "content": " text" }), json!({}), Value::Null),
        told(json!({}), findings("hate", false), Value::Null),
        told(json!({}), findings("violence", true), Value::Null),
        told(json!({}), findings("violence", false), Value::Null),
        told(json!({}), json!({}), json!("content_filter")),
        done(),
    ]
}

#[test]
fn what_the_filter_found_is_kept_beside_the_text_and_never_sent() {
    let azure = azure();
    let answer = stream_from(&azure, &asynchronous()).answer();
    assert_eq!(answer.text(), "Some text");
    assert_eq!(answer.finish_reason(), Some(FinishReason::ContentFilter));
    assert_eq!((answer.id.as_deref(), answer.model.as_deref()), (Some("c"), Some("gpt-4o")));
    let expected = json!({
        "azure.content_filter": {
            "content_filter_results": {
                "hate": { "filtered": false, "severity": "safe" },
                "violence": { "filtered": true, "severity": "high" },
            },
            "prompt_filter_results": [
                { "prompt_index": 0, "content_filter_results": findings("jailbreak", false) },
            ],
        },
    });
    let message = answer.message();
    assert_eq!(extra(&message.parts[0]), expected);
    let mut request = Request::from("hi");
    std::sync::Arc::make_mut(&mut request.messages).push(message);
    let sent = sent(&azure, &request);
    assert_eq!(sent["messages"][1], json!({ "role": "assistant", "content": "Some text" }));
}

#[test]
fn a_whole_answer_tells_the_same() {
    let answer = whole_from(
        &azure(),
        &json!({
            "id": "c", "model": "gpt-4o",
            "choices": [{
                "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "Hi." },
                "content_filter_results": findings("hate", false),
            }],
            "prompt_filter_results": [{ "prompt_index": 0, "content_filter_results": {} }],
        }),
    )
    .answer();
    let extra = extra(&answer.choices[0].parts[0]);
    let kept = &extra["azure.content_filter"];
    assert_eq!(kept["content_filter_results"], findings("hate", false));
    assert_eq!(kept["prompt_filter_results"][0]["prompt_index"], 0);
}

#[test]
fn a_deployment_stands_in_the_address_of_the_dated_api() {
    let mut azure = host("azure_openai")
        .with_base_url("https://r.openai.azure.com/openai?api-version=2024-10-21".parse().unwrap());
    azure.deployments = true;
    let uri = |request: &Request| azure.encode(request).map(|sent| sent.uri().to_string());
    let mut request = Request::from("hi").with_model("my-gpt.4_o");
    assert_eq!(
        uri(&request).unwrap(),
        "https://r.openai.azure.com/openai/deployments/my-gpt.4_o/chat/completions?api-version=2024-10-21"
    );
    request.operation = Operation::Embed;
    request.input = vec!["a".to_owned()].into();
    assert_eq!(
        uri(&request).unwrap(),
        "https://r.openai.azure.com/openai/deployments/my-gpt.4_o/embeddings?api-version=2024-10-21"
    );
    let error = uri(&Request::from("hi").with_model("a/../b?c")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().starts_with("model: "), "{error}");
}

#[test]
fn ones_own_data_goes_along() {
    let data = json!([{ "type": "azure_search", "parameters": { "index_name": "docs" } }]);
    let request: Request = serde_json::from_value(
        json!({ "messages": [{ "role": "user", "content": "hi" }], "data_sources": data }),
    )
    .unwrap();
    let sent = sent(&azure(), &request);
    assert_eq!(sent["data_sources"], data);
}

#[test]
fn a_filtered_prompt_is_told_by_the_inner_error() {
    let error = fail(
        &azure(),
        400,
        &json!({ "error": {
            "message": "The response was filtered", "type": null, "param": "prompt", "code": "content_filter", "status": 400,
            "innererror": { "code": "ResponsibleAIPolicyViolation", "content_filter_result": findings("hate", true) },
        } }),
    );
    assert_eq!(error.kind(), ErrorKind::ContentFiltered);
    assert_eq!(error.provider().unwrap().code.as_deref(), Some("content_filter"));
}
