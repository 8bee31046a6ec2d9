//! Answers of Bedrock's wires: what every kind of block becomes, and the hard cases of streams.

#![cfg(feature = "bedrock")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "bedrock/documented.rs"]
mod documented;
#[path = "bedrock/hard_cases.rs"]
mod hard_cases;
#[path = "bedrock/invoke.rs"]
mod invoke;
#[path = "bedrock/samples.rs"]
mod samples;
mod support;

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_core::usage::Class;
use belvedere_providers::bedrock::InvokeAnthropic;
use samples::{
    PAGE, answer, begin, blocks, body, converse, delta, ending, events, kind, passage, start, streamed, whole,
};
use serde_json::{Map, Value, json};
use support::{Read, head};

fn call(id: &str, name: &str, input: &str, by: ToolBy) -> Part {
    Part::ToolCall { id: id.into(), name: name.into(), input: input.into(), by, extra: Map::new() }
}

#[test]
fn every_kind_of_block_has_its_part() {
    let wire = "bedrock.converse";
    let citations = json!({"citations": [passage()]});
    let source = MediaSource::Data { mime: "image/png".into(), data: "image".into() };
    let blocks = blocks();
    let expected = vec![
        Part::Reasoning {
            text: "Let me think.".into(),
            signature: Some("c2ln".into()),
            wire: wire.into(),
            extra: Map::new(),
        },
        Part::opaque(wire, "reasoningContent", blocks[1].clone()),
        Part::text("I will look it up."),
        call("s1", "nova_grounding", "{\"q\":\"x\"}", ToolBy::Provider),
        Part::opaque(wire, "toolResult", blocks[4].clone()),
        Part::Text { text: "It is so.".into(), extra: Map::from_iter([(wire.to_owned(), citations)]) },
        Part::opaque(wire, "citationsContent", blocks[6].clone()),
        Part::Media(Media::new(MediaKind::Image, source)),
        call("c1", "f", "{\"n\":1}", ToolBy::Client),
        call("c2", "g", "{}", ToolBy::Client),
    ];
    let answer = whole(&answer()).completion();
    assert_eq!(answer.choices[0].parts, expected);
    let sources: Vec<_> = answer.choices[0]
        .sources
        .iter()
        .map(|s| (s.part, s.url.as_deref(), s.title.as_deref(), s.quote.as_deref()))
        .collect();
    assert_eq!(sources, [(Some(5), None, Some("Doc"), Some("quoted")), (Some(6), Some(PAGE), None, None)]);
    let usage = answer.usage.unwrap();
    assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(5), Some(7)));
}

#[test]
fn s20_stream_and_whole_give_the_same_answer() {
    let read = streamed(&body(&events()));
    assert_eq!(kind(&read), None);
    assert_eq!(read.completion(), whole(&answer()).completion());
}

#[test]
fn an_answer_is_carried_back_as_it_was() {
    for read in [whole(&answer()), streamed(&body(&events()))] {
        let request = Request::new([read.completion().message()]).with_model("m");
        let sent = converse().encode(&request).unwrap();
        let sent: Value = serde_json::from_slice(sent.body()).unwrap();
        assert_eq!(sent["messages"], json!([{"role": "assistant", "content": blocks()}]));
    }
}

#[test]
fn w1_any_cutting_gives_the_same_events() {
    let mut request = Request::from("hi");
    request.stream = true;
    let head = head(200, [("content-type", "application/vnd.amazon.eventstream")]);
    let body = body(&events());
    let read = |pieces: &[&[u8]]| Read::new(&converse(), &request, &head, pieces.iter().copied());
    let uncut = read(&[&body]);
    for cut in 0..=body.len() {
        let (one, two) = body.split_at(cut);
        assert_eq!(read(&[one, two]).essence(), uncut.essence(), "cut at {cut}");
    }
}

#[test]
fn blocks_yet_to_be_invented_are_carried_back() {
    let block = json!({"hologram": {"format": "h1", "source": {"bytes": "aGk="}}});
    let mut answer = answer();
    answer["output"]["message"]["content"] = json!([block]);
    let parts = whole(&answer).completion().choices[0].parts.clone();
    assert_eq!(parts, [Part::opaque("bedrock.converse", "hologram", block.clone())]);
    let mut all = vec![start(), begin(0, json!({"hologram": {"format": "h1"}}))];
    all.push(delta(0, json!({"hologram": {"source": {"bytes": "aGk="}}})));
    all.extend(ending("end_turn"));
    assert_eq!(streamed(&body(&all)).completion().choices[0].parts, parts);
}

#[test]
fn an_answer_of_another_content_type_is_malformed() {
    let head = head(200, [("content-type", "text/html")]);
    assert_eq!(converse().decode(&Request::from("hi"), &head).err().unwrap().kind(), ErrorKind::Malformed);
}

#[test]
fn error_statuses_are_told_by_the_header_and_the_body() {
    let kinds = [
        (400, "ValidationException", "Input is too long for requested model.", ErrorKind::ContextTooLong),
        (400, "ValidationException", "The provided model identifier is invalid.", ErrorKind::ModelNotFound),
        (400, "ServiceQuotaExceededException", "x", ErrorKind::QuotaExhausted),
        (403, "AccessDeniedException", "x", ErrorKind::Forbidden),
        (403, "ExpiredTokenException", "x", ErrorKind::Unauthorized),
        (404, "ResourceNotFoundException", "x", ErrorKind::InvalidRequest),
        (408, "ModelTimeoutException", "x", ErrorKind::Overloaded),
        (424, "ModelErrorException", "x", ErrorKind::Overloaded),
        (429, "ModelNotReadyException", "x", ErrorKind::Overloaded),
        (429, "ThrottlingException", "x", ErrorKind::RateLimited),
        (500, "InternalServerException", "x", ErrorKind::Overloaded),
        (503, "ServiceUnavailableException", "x", ErrorKind::Overloaded),
    ];
    for (status, name, text, expected) in kinds {
        let body = json!({ "message": text }).to_string();
        let head = head(status, [("x-amzn-errortype", name), ("x-amzn-requestid", "r1")]);
        for provider in [&converse() as &dyn Provider, &InvokeAnthropic::in_region("us-east-1").unwrap()] {
            let read = Read::new(provider, &Request::from("hi"), &head, [body.as_bytes()]);
            assert_eq!(kind(&read), Some(expected), "{status} {name}");
            let said = read.error.as_ref().unwrap().provider().unwrap();
            assert_eq!(said.request_id.as_deref(), Some("r1"));
        }
    }
}
