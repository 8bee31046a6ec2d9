//! What Mistral has of its own.

use belvedere_core::ErrorKind;
use belvedere_core::request::{Operation, Request};
use serde_json::{Value, json};

use super::{done, finish, host, stream_from, whole_from};

fn sent(request: Value) -> Value {
    let request: Request = serde_json::from_value(request).unwrap();
    super::sent(&host("mistral"), &request)
}

fn said(content: Value) -> Value {
    json!([{ "role": "user", "content": content }])
}

#[test]
fn the_fields_have_mistrals_names() {
    let tool = json!({ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } });
    let body = sent(json!({
        "messages": [
            { "role": "user", "content": "Write a poem." },
            { "role": "assistant", "content": "Roses", "prefix": true },
        ],
        "seed": 7, "max_tokens": 9, "tools": [tool], "tool_choice": "required", "parallel_tool_calls": false,
        "stream": true, "safe_prompt": true, "prompt_mode": "reasoning",
    }));
    let expected = json!({
        "model": "m",
        "messages": [
            { "role": "user", "content": "Write a poem." },
            { "role": "assistant", "content": "Roses", "prefix": true },
        ],
        "random_seed": 7, "max_tokens": 9, "tools": [tool], "tool_choice": "any", "parallel_tool_calls": false,
        "stream": true, "safe_prompt": true, "prompt_mode": "reasoning",
    });
    assert_eq!(body, expected);
}

#[test]
fn sound_and_documents_are_texts() {
    let part =
        |part: Value| sent(json!({ "messages": said(json!([part])) }))["messages"][0]["content"][0].clone();
    assert_eq!(
        part(
            json!({ "type": "file", "file": { "file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf" } })
        ),
        json!({ "type": "document_url", "document_url": "data:application/pdf;base64,JVBERg==", "document_name": "a.pdf" })
    );
    assert_eq!(
        part(json!({ "type": "file", "file": { "file_url": "https://x.test/a.pdf" } })),
        json!({ "type": "document_url", "document_url": "https://x.test/a.pdf" })
    );
    assert_eq!(
        part(json!({ "type": "file", "file": { "file_id": "id-1" } })),
        json!({ "type": "file", "file_id": "id-1" })
    );
    assert_eq!(
        part(json!({ "type": "input_audio", "input_audio": { "data": "UklGRg==", "format": "wav" } })),
        json!({ "type": "input_audio", "input_audio": "UklGRg==" })
    );
    assert_eq!(
        part(json!({ "type": "image_url", "image_url": { "url": "https://x.test/a.png" } })),
        json!({ "type": "image_url", "image_url": { "url": "https://x.test/a.png" } })
    );
}

#[test]
fn ids_of_calls_have_nine_signs_and_stay_together() {
    let body = sent(json!({ "messages": [
        { "role": "assistant", "tool_calls": [
            { "id": "call_abc123", "type": "function", "function": { "name": "f", "arguments": "{}" } },
            { "id": "rHU0eZiMa", "type": "function", "function": { "name": "g", "arguments": "{}" } },
        ] },
        { "role": "tool", "tool_call_id": "call_abc123", "content": "1" },
        { "role": "tool", "tool_call_id": "rHU0eZiMa", "content": "2" },
    ] }));
    let messages = &body["messages"];
    let id = messages[0]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    assert_eq!(messages[1]["tool_call_id"], id);
    assert_eq!(messages[0]["tool_calls"][1]["id"], "rHU0eZiMa", "its own ids stay");
    assert_eq!(messages[2]["tool_call_id"], "rHU0eZiMa");
}

#[test]
fn references_are_sources_and_the_text_around_them_stays_one() {
    let content = json!([
        { "type": "text", "text": "Paris is the capital" },
        { "type": "reference", "reference_ids": [0, 2] },
        { "type": "text", "text": " of France." },
        { "type": "something_new", "data": 1 },
    ]);
    let message = json!({ "role": "assistant", "content": content });
    let answer = whole_from(
        &host("mistral"),
        &json!({ "choices": [{ "index": 0, "finish_reason": "stop", "message": message }] }),
    )
    .answer();
    assert_eq!(answer.text(), "Paris is the capital of France.");
    let ids: Vec<_> =
        answer.choices[0].sources.iter().map(|source| source.raw["reference_id"].clone()).collect();
    assert_eq!(ids, [0, 2]);
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": content } }] });
    let streamed = stream_from(&host("mistral"), &[chunk, finish("stop"), done()]).answer();
    assert_eq!(streamed.choices[0].sources, answer.choices[0].sources);
    assert_eq!(streamed.text(), answer.text());
}

#[test]
fn vectors_have_mistrals_words_for_size_and_kind() {
    let mut request: Request =
        serde_json::from_value(json!({ "output_dtype": "int8", "dimensions": 256 })).unwrap();
    request.operation = Operation::Embed;
    request.input = vec!["a".to_owned()].into();
    let sent = super::sent(&host("mistral"), &request);
    let expected = json!({
        "model": "m", "input": ["a"], "encoding_format": "float", "output_dimension": 256, "output_dtype": "int8",
    });
    assert_eq!(sent, expected);
}

#[test]
fn errors_come_in_both_of_its_shapes() {
    let fail = |status: u16, body: Value| super::fail(&host("mistral"), status, &body);
    let detail = json!({ "detail": [
        { "type": "extra_forbidden", "loc": ["body", "user"], "msg": "Extra inputs are not permitted", "input": "x" },
    ] });
    let error = fail(422, detail);
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(
        error.provider().unwrap().message.as_deref(),
        Some("body.user: Extra inputs are not permitted")
    );
    let error = fail(
        400,
        json!({ "object": "error", "message": "Invalid model: x", "type": "invalid_model", "param": null, "code": "1500" }),
    );
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    let error = fail(401, json!({ "detail": "Unauthorized" }));
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let error = fail(
        429,
        json!({ "object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300" }),
    );
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}
