//! The server's side of OpenAI's embeddings and of its list of models.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/writing.rs"]
mod writing;

use std::sync::Arc;

use belvedere_core::completion::{Completion, Embedding};
use belvedere_core::endpoint::Endpoint;
use belvedere_core::event::{Event, Model};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_providers::openai::{EmbeddingsEndpoint, OpenAi, OpenAiEndpoint, hosts};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Read, head};

fn provider() -> OpenAi {
    OpenAi::new(hosts::find("openai").unwrap())
}

fn read(request: &Request, response: &http::Response<Bytes>) -> Read {
    let headers = response.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let (parts, body) = (head(response.status().as_u16(), headers), response.body());
    let read = Read::new(&provider(), request, &parts, [body.as_ref()]);
    let cut = Read::new(&provider(), request, &parts, body.chunks(3));
    assert_eq!(cut.essence(), read.essence());
    assert!(read.error.is_none(), "{:?}", read.error);
    read
}

fn post(body: &Value) -> http::Request<Bytes> {
    http::Request::post("/v1/embeddings").body(body.to_string().into()).unwrap()
}

proptest! {
    #[test]
    fn embeddings_are_read_as_they_were_written(
        texts in prop::collection::vec("[a-z\"]{1,9}", 1..4),
        numbers in prop::collection::vec(any::<i16>(), 1..9),
        dimensions in prop::option::of(1u32..100),
        base64 in any::<bool>(),
    ) {
        let mut request = Request::embed(texts.clone()).with_model("e");
        request.dimensions = dimensions;
        let sent = provider().encode(&request).unwrap();
        prop_assert_eq!(EmbeddingsEndpoint.request(&sent).unwrap(), request.clone());
        if base64 {
            let body = json!({"input": texts, "model": "e", "encoding_format": "base64"});
            request = EmbeddingsEndpoint.request(&post(&body)).unwrap();
        }
        let vector: Arc<[f64]> = numbers.iter().map(|n| f64::from(*n) / 64.0).collect();
        let mut answer = Completion::default();
        answer.model = Some("e".into());
        answer.embeddings = (0..2).map(|index| Embedding { index, vector: vector.clone() }).collect();
        let response = EmbeddingsEndpoint.whole(&request, &answer);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        prop_assert_eq!(body["data"][0]["embedding"].is_string(), base64);
        let found = read(&request, &response).completion();
        prop_assert_eq!((found.embeddings, found.model), (answer.embeddings, answer.model));
    }
}

#[test]
fn tokens_to_embed_stay_as_they_are() {
    let body = json!({"model": "e", "input": [[1, 2], [3]]});
    let request = EmbeddingsEndpoint.request(&post(&body)).unwrap();
    assert!(request.input.is_empty());
    let sent = provider().encode(&request).unwrap();
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    assert_eq!(sent["input"], json!([[1, 2], [3]]));
}

#[test]
fn faults_name_the_path() {
    for (body, fault) in [
        (json!({"input": 3}), "input: must be a string, or an array"),
        (json!({}), "input: is missing"),
        (json!({"input": "x", "dimensions": "many"}), "dimensions: must be a whole number"),
    ] {
        let error = EmbeddingsEndpoint.request(&post(&body)).unwrap_err();
        assert!(error.message().starts_with(fault), "{}", error.message());
    }
}

#[test]
fn a_list_of_models_is_read_as_it_was_written() {
    let mut request = Request::default();
    request.operation = Operation::Models;
    let asked = provider().encode(&request).unwrap();
    assert!(OpenAiEndpoint.accepts(asked.method(), asked.uri().path()));
    assert_eq!(OpenAiEndpoint.request(&asked).unwrap(), request);
    let mut model = Model::default();
    (model.id, model.name) = ("m-1".into(), Some("M 1".into()));
    model.raw = json!({"id": "m-1", "object": "model", "created": 7, "owned_by": "us", "name": "M 1"});
    let mut bare = Model::default();
    bare.id = "m-2".into();
    let mut answer = Completion::default();
    answer.models = vec![model.clone(), bare];
    let response = OpenAiEndpoint.whole(&request, &answer);
    let found = read(&request, &response).completion();
    assert_eq!(found.models[0], model);
    assert_eq!(found.models[1].raw, json!({"id": "m-2", "object": "model", "created": 0, "owned_by": ""}));
    let events = [Event::Start { id: None, model: None }, Event::Model(Box::new(model.clone()))];
    let streamed = writing::streamed(&OpenAiEndpoint, &request, &events, None);
    assert_eq!(read(&request, &streamed).completion().models, [model]);
}
