//! A call that is recorded on a wire, kept as a file, read again and verified by the same wire.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use belvedere_core::client::Client;
use belvedere_core::credentials::{ApiKeys, Secret};
use belvedere_core::http::Http;
use belvedere_core::request::Request;
use belvedere_core::testing::cassette::{Cassette, Recorder, Scrub, verify};
use belvedere_core::testing::{Reply, Simulation};
use belvedere_providers::endpoint;
use belvedere_providers::openai::{OpenAi, hosts};
use serde_json::json;

fn recorded() -> (Cassette, OpenAi) {
    let simulation = Simulation::new(1);
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"a\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let body = json!([
        {"text": chunk("\"content\":\"Hel\"", "null")}, {"text": chunk("\"content\":\"lo\"", "\"stop\"")},
        {"text": "data: [DONE]\n\n"},
    ]);
    let reply: Reply =
        serde_json::from_value(json!({"headers": {"content-type": "text/event-stream"}, "body": body}))
            .unwrap();
    simulation.network.push(reply);
    let refused = json!({"status": 429, "headers": {"retry-after": "3"}, "body": [{"text": "{\"error\":{\"message\":\"slow down\"}}"}]});
    simulation.network.push(serde_json::from_value(refused).unwrap());
    let clock = Arc::new(simulation.clock.clone());
    let recorder = Recorder::new(Arc::new(simulation.network.clone()), clock, Scrub::default());
    let mut lent = simulation.lent();
    lent.transport = Arc::new(recorder.clone());
    let provider = OpenAi::new(hosts::find("openai").unwrap()).with_model("m");
    let keys = ApiKeys::bearer(&[Secret::new("a-key-of-this-test")]).unwrap();
    let client = Client::new(Http::new(provider.clone(), keys), lent);
    simulation.run(async move {
        let answer = client.stream(Request::from("hi")).await.unwrap().collect().await.unwrap();
        assert_eq!(answer.text(), "Hello");
        assert!(client.complete(Request::from("hi")).await.is_err());
    });
    (recorder.cassette(), provider)
}

#[test]
fn what_was_recorded_is_verified_by_its_wire() {
    let (cassette, provider) = recorded();
    let text = cassette.to_json().unwrap();
    assert!(!text.contains("a-key-of-this-test"), "{text}");
    let mut cassette = Cassette::from_json(&text).unwrap();
    let wire = endpoint("openai.chat").unwrap();
    let answers = verify(&cassette, &provider, wire.as_ref()).unwrap();
    let answer = answers[0].as_ref().unwrap().clone();
    assert_eq!(
        (answer.text().as_str(), answers[1].as_ref().unwrap_err().kind().name()),
        ("Hello", "rate_limited")
    );

    cassette.exchanges[0].expected = Some(serde_json::to_value(&answer).unwrap());
    assert!(verify(&cassette, &provider, wire.as_ref()).is_ok());
    cassette.exchanges[0].expected = Some(json!({"choices": []}));
    let fault = verify(&cassette, &provider, wire.as_ref()).unwrap_err();
    assert_eq!(fault.message(), "cassette: exchanges[0].expected: the wire reads another answer");
}

#[test]
fn a_request_that_is_written_otherwise_today_is_named() {
    let (mut cassette, provider) = recorded();
    let sent =
        cassette.exchanges[0].request.body.as_text().unwrap().replace("\"stream\":true", "\"stream\":1");
    cassette.exchanges[0].request.body.0 = sent.into();
    let fault = verify(&cassette, &provider, endpoint("openai.chat").unwrap().as_ref()).unwrap_err();
    assert!(fault.message().starts_with("cassette: exchanges[0].request: "), "{fault}");
}
