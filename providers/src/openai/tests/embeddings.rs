//! Embeddings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::ErrorKind;
use belvedere_core::request::Operation;
use belvedere_core::usage::Class;
use serde_json::{Value, json};

use super::{Outcome, host, read};

fn embed(name: &str, body: &Value) -> Outcome {
    read(&host(name), Operation::Embed, "application/json", &[(None, body.to_string().as_bytes())])
}

fn vectors(outcome: &Outcome) -> Vec<(u32, Vec<f64>)> {
    outcome.answer().embeddings.iter().map(|e| (e.index, e.vector.to_vec())).collect()
}

#[test]
fn numbers_and_base64_give_the_same_vector() {
    let bytes: Vec<u8> = [0.5f32, -2.0].iter().flat_map(|f| f.to_le_bytes()).collect();
    for vector in [json!([0.5, -2]), json!(STANDARD.encode(bytes))] {
        let body = json!({ "object": "list", "model": "m", "data": [{ "index": 0, "embedding": vector }],
                           "usage": { "prompt_tokens": 4, "total_tokens": 4 } });
        let outcome = embed("openai", &body);
        assert_eq!(vectors(&outcome), [(0, vec![0.5, -2.0])]);
        let usage = outcome.answer().usage.unwrap();
        assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(4), None));
        assert!(usage.adds_up());
        assert_eq!(outcome.answer().choices[0].finish.as_ref().unwrap().reason, None);
    }
}

#[test]
fn rows_stand_by_their_index_or_their_place() {
    let body = json!({ "data": [{ "index": 1, "embedding": [1] }, { "index": 0, "embedding": [0] }] });
    assert_eq!(vectors(&embed("openai", &body)), [(0, vec![0.0]), (1, vec![1.0])]);
    let body = json!({ "data": [{ "embedding": [1] }, { "index": null, "embedding": [0] }] });
    assert_eq!(vectors(&embed("openai", &body)), [(0, vec![1.0]), (1, vec![0.0])]);
}

#[test]
fn perplexity_gives_signed_bytes() {
    let body = json!({ "data": [{ "index": 0, "embedding": STANDARD.encode([127u8, 128, 255]) }] });
    assert_eq!(vectors(&embed("perplexity", &body)), [(0, vec![127.0, -128.0, -1.0])]);
}

#[test]
fn googles_batch_is_read() {
    let body = json!({ "embeddings": [{ "values": [0.25] }, { "values": [0.5] }], "usageMetadata": { "promptTokenCount": 8 } });
    let outcome = embed("gemini", &body);
    assert_eq!(vectors(&outcome), [(0, vec![0.25]), (1, vec![0.5])]);
    assert_eq!(outcome.answer().usage.unwrap().input_tokens(), Some(8));
}

#[test]
fn what_is_no_vector_is_an_error() {
    for vector in
        [json!("no base64!"), json!(STANDARD.encode([1u8, 2, 3])), json!([1, null]), json!(null), json!("")]
    {
        let body = json!({ "data": [{ "index": 0, "embedding": vector }] });
        assert_eq!(embed("openai", &body).error.unwrap().kind(), ErrorKind::Malformed, "{body}");
    }
    assert_eq!(embed("openai", &json!({ "object": "list" })).error.unwrap().kind(), ErrorKind::Malformed);
    let error = json!({ "error": { "message": "bad key", "code": "invalid_api_key", "type": "invalid_request_error" } });
    assert_eq!(embed("openai", &error).error.unwrap().kind(), ErrorKind::Unauthorized);
}
