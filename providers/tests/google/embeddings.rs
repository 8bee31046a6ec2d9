//! Requests for embeddings, as official clients of both servers send them, and answers in the form of each.

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::ErrorKind;
use belvedere_core::event::Event;
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_core::usage::{Class, Usage};
use belvedere_providers::google::Google;
use serde_json::{Value, json};

use crate::support::Read;
use crate::{endpoint, incoming};

fn asked(method: &str, body: Value) -> Request {
    endpoint().request(&incoming(&format!("/v1beta/models/e-1:{method}"), &body)).unwrap()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn vectors(count: u32) -> Completion {
    let mut fold = belvedere_core::completion::Fold::default();
    for index in 0..count {
        fold.event(&Event::Embedding { index, vector: vec![0.5, f64::from(index)].into() });
    }
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(7));
    fold.event(&Event::Usage(usage.into()));
    fold.into_completion()
}

#[test]
fn every_method_is_read() {
    let content = |text: &str| json!({"parts": [{"text": text}], "role": "user"});
    let one = |text: &str| json!({"content": content(text), "taskType": "T", "outputDimensionality": 8});
    let config = json!({"taskType": "T", "outputDimensionality": 8});
    let apart = |text: &str| json!({"content": content(text), "embedContentConfig": config});
    for (method, body, texts) in [
        ("batchEmbedContents", json!({"requests": [one("a"), one("b")]}), vec!["a", "b"]),
        ("batchEmbedContents", json!({"requests": [apart("a"), apart("b")]}), vec!["a", "b"]),
        ("embedContent", one("a"), vec!["a"]),
        ("embedContent", apart("a"), vec!["a"]),
        (
            "predict",
            json!({"instances": [{"content": "a", "taskType": "T"}], "parameters": {"outputDimensionality": 8.0}}),
            vec!["a"],
        ),
    ] {
        let request = asked(method, body);
        assert_eq!((request.operation, request.dimensions), (Operation::Embed, Some(8)), "{method}");
        assert_eq!((&**request.input, request.model.as_deref()), (&*owned(&texts), Some("e-1")));
        assert_eq!(request.extra["taskType"], "T");
    }
}

#[test]
fn what_the_client_writes_is_read_and_answered_in_its_form() {
    let vertex = Google::vertex("p", "global").unwrap();
    for (provider, texts) in
        [(&Google::default(), vec!["a", "b"]), (&vertex, vec!["a", "b"]), (&vertex, vec!["a"])]
    {
        let mut request = Request::default();
        request.operation = Operation::Embed;
        (request.model, request.dimensions) = (Some("e-1".into()), Some(8));
        request.input = owned(&texts).into();
        request.extra.insert("taskType".into(), "RETRIEVAL_QUERY".into());
        let sent = provider.encode(&request).unwrap();
        let mut read = endpoint().request(&sent).unwrap();
        let (head, body) = endpoint().whole(&read, &vectors(texts.len() as u32)).into_parts();
        let answer = Read::new(provider, &request, &head, [body.as_ref()]).completion();
        let got: Vec<f64> = answer.embeddings.iter().map(|one| one.vector[1]).collect();
        assert_eq!(got, (0..texts.len()).map(|n| n as f64).collect::<Vec<_>>());
        // Of several texts Vertex AI has no place for the sum of their tokens.
        let told = answer.usage.as_deref().and_then(|usage| usage.get(&Class::Input));
        assert_eq!(told, (texts.len() == 1 || provider.name == "google").then_some(7));
        assert_eq!(provider.encode(&read).unwrap().body(), sent.body(), "the form is not sent");
        read.extra.remove("google.generate");
        assert_eq!(read, request);
    }
}

#[test]
fn a_single_text_has_a_single_vector() {
    let request = asked("embedContent", json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}}));
    assert_eq!(**request.input, owned(&["ab"]));
    let answer = endpoint().whole(&request, &vectors(1));
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["embedding"], json!({"values": [0.5, 0.0]}));
    assert_eq!(body["usageMetadata"]["promptTokenCount"], 7);
}

#[test]
fn a_fault_of_a_request_for_embeddings_names_the_field() {
    let picture = json!({"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]});
    let one = |task: &str| json!({"content": {"parts": [{"text": "a"}]}, "taskType": task});
    for (method, body, message) in [
        ("batchEmbedContents", json!({}), "requests: is missing; texts to embed are needed"),
        ("predict", json!({}), "instances: is missing; texts to embed are needed"),
        ("embedContent", json!({}), "content: is missing; an object is needed"),
        ("embedContent", json!({ "content": picture }), "content.parts[0]: must be text"),
        (
            "batchEmbedContents",
            json!({"requests": [one("A"), one("B")]}),
            "requests[1]: must ask for the same as the first one",
        ),
    ] {
        let refused = endpoint().request(&incoming(&format!("/v1/models/e:{method}"), &body)).unwrap_err();
        assert_eq!((refused.kind(), refused.message()), (ErrorKind::InvalidRequest, message));
    }
}
