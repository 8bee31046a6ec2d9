//! Requests on Google's wire: addresses, messages and what stands in them.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "google/requests.rs"]
mod requests;

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_providers::google::Google;
use requests::{body, encoded, refused, request};
use serde_json::{Value, json};

fn contents(value: Value) -> Value {
    body(json!({"messages": value}))["contents"].clone()
}

#[test]
fn the_least_request_is_whole() {
    let wire = Google::new("gemini-x");
    let mut least = Request::from("hi");
    let outgoing = wire.encode(&least).unwrap();
    let at = "https://generativelanguage.googleapis.com/v1beta/models";
    assert_eq!(
        (outgoing.method().as_str(), outgoing.uri().to_string()),
        ("POST", format!("{at}/gemini-x:generateContent"))
    );
    assert_eq!(outgoing.headers()["content-type"], "application/json");
    assert_eq!(encoded(&least), json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}));
    least.stream = true;
    least.model = Some("models/other".into());
    let outgoing = wire.encode(&least).unwrap();
    assert_eq!(outgoing.uri().to_string(), format!("{at}/other:streamGenerateContent?alt=sse"));
    assert_eq!(outgoing.headers()["accept"], "text/event-stream");
    let error = Google::default().encode(&Request::from("hi")).unwrap_err();
    assert_eq!(error.message(), "model: is missing; name one in the request or the configuration");
}

#[test]
fn each_server_has_its_addresses() {
    let uri = |wire: &Google, model: &str| {
        let request = Request::from("hi").with_model(model);
        wire.encode(&request).map(|outgoing| outgoing.uri().to_string())
    };
    let mut studio = Google::default();
    for base in ["http://h:1/a", "http://h:1/a/v1beta", "http://h:1/a/v1beta/"] {
        studio.base_url = base.parse().unwrap();
        assert_eq!(uri(&studio, "m").unwrap(), "http://h:1/a/v1beta/models/m:generateContent");
        assert_eq!(
            uri(&studio, "tunedModels/t").unwrap(),
            "http://h:1/a/v1beta/tunedModels/t:generateContent"
        );
    }
    studio.base_url = "http://h:1/v1".parse().unwrap();
    assert_eq!(uri(&studio, "m").unwrap(), "http://h:1/v1/models/m:generateContent");
    for (location, host) in [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ] {
        let vertex = Google::vertex("p", location).unwrap();
        let at = format!("https://{host}/v1/projects/p/locations/{location}");
        assert_eq!(uri(&vertex, "m").unwrap(), format!("{at}/publishers/google/models/m:generateContent"));
        assert_eq!(uri(&vertex, "endpoints/7").unwrap(), format!("{at}/endpoints/7:generateContent"));
        assert_eq!(
            uri(&vertex, "publishers/x/models/y").unwrap(),
            format!("{at}/publishers/x/models/y:generateContent")
        );
    }
    for bad in ["../x", "a?b", "a b", "a:b", "a//b"] {
        assert_eq!(uri(&studio, bad).unwrap_err().kind(), ErrorKind::InvalidRequest, "{bad}");
    }
    assert!(Google::vertex("p/../x", "global").is_err() && Google::vertex("", "eu").is_err());
    assert!(Google::vertex("p", "evil.example/").is_err());
}

#[test]
fn model_lists_are_asked_for_whole() {
    let mut request = Request::default();
    request.operation = Operation::Models;
    let at = |wire: Google| wire.encode(&request).unwrap().uri().to_string();
    assert_eq!(
        at(Google::default()),
        "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
    );
    assert_eq!(
        at(Google::vertex("p", "global").unwrap()),
        "https://aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=1000"
    );
}

#[test]
fn embeddings_go_to_each_server_in_its_form() {
    let mut request = Request::embed(["a", "b"]).with_model("gemini-embedding-001");
    request.dimensions = Some(3);
    request.extra.insert("taskType".into(), "RETRIEVAL_QUERY".into());
    let sent = |wire: &Google, request: &Request| {
        let outgoing = wire.encode(request).unwrap();
        (
            outgoing.uri().path().rsplit_once(':').unwrap().1.to_owned(),
            serde_json::from_slice::<Value>(outgoing.body()).unwrap(),
        )
    };
    let one = |text: &str| {
        json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]},
               "outputDimensionality": 3, "taskType": "RETRIEVAL_QUERY"})
    };
    let studio = sent(&Google::default(), &request);
    assert_eq!(studio, ("batchEmbedContents".into(), json!({"requests": [one("a"), one("b")]})));
    request.extra.remove("taskType");
    request.extra.insert("task_type".into(), "RETRIEVAL_QUERY".into());
    request.extra.insert("autoTruncate".into(), false.into());
    let instance = |text: &str| json!({"content": text, "task_type": "RETRIEVAL_QUERY"});
    assert_eq!(
        sent(&Google::vertex("p", "global").unwrap(), &request),
        (
            "predict".into(),
            json!({"instances": [instance("a"), instance("b")],
                                  "parameters": {"outputDimensionality": 3, "autoTruncate": false}})
        )
    );
}

#[test]
fn instructions_are_lifted_in_their_order() {
    let body = body(json!({"messages": [
        {"role": "system", "content": "first"},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": "second"},
        {"role": "user", "content": "there"},
    ]}));
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "first"}, {"text": "second"}]}));
    let user = |text: &str| json!({"role": "user", "parts": [{"text": text}]});
    assert_eq!(body["contents"], json!([user("hi"), user("there")]));
}

#[test]
fn results_find_their_calls_by_id_by_name_and_by_order() {
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{\"x\": 1.0}"}});
    let sent = contents(json!([
        {"role": "assistant", "content": "", "tool_calls": [call("a", "f"), call("b", "g")]},
        {"role": "tool", "tool_call_id": "b", "content": "two"},
        {"role": "tool", "tool_call_id": "a", "content": "{\"n\": 1}"},
        {"role": "user", "content": "thanks"},
    ]));
    let call = |id: &str, name: &str| json!({"functionCall": {"name": name, "args": {"x": 1.0}, "id": id}});
    assert_eq!(
        sent,
        json!([
            {"role": "model", "parts": [call("a", "f"), call("b", "g")]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "b", "name": "g", "response": {"result": "two"}}},
                {"functionResponse": {"id": "a", "name": "f", "response": {"n": 1}}},
            ]},
            {"role": "user", "parts": [{"text": "thanks"}]},
        ])
    );
    // Without ids: by order, or by the name that is given.
    let calls = |names: [&str; 3]| {
        names.map(|name| json!({"type": "tool_call", "id": "", "name": name, "input": "{}"}))
    };
    let result = |name: Option<&str>| json!({"type": "tool_result", "id": "", "name": name, "content": [], "is_error": true});
    let sent = contents(json!([
        {"role": "assistant", "content": calls(["f", "g", "h"])},
        {"role": "tool", "content": [result(None), result(Some("h")), result(None)]},
    ]));
    let names: Vec<_> =
        sent[1]["parts"].as_array().unwrap().iter().map(|p| p["functionResponse"]["name"].clone()).collect();
    assert_eq!(names, ["f", "h", "g"]);
    assert_eq!(sent[1]["parts"][0]["functionResponse"]["response"], json!({"error": ""}));
    let alone =
        refused(&request(json!({"messages": [{"role": "tool", "tool_call_id": "z", "content": "x"}]})));
    assert_eq!(
        alone,
        (
            ErrorKind::InvalidRequest,
            "messages[0].content[0].name: is missing, and no earlier call has the result's id".into()
        )
    );
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    for input in ["[1]", "{\"a\": ", "x"] {
        let call = json!({"type": "tool_call", "id": "a", "name": "f", "input": input});
        let (kind, message) =
            refused(&request(json!({"messages": [{"role": "assistant", "content": [call]}]})));
        assert_eq!(kind, ErrorKind::InvalidRequest);
        assert!(message.starts_with("messages[0].content[0].input: "), "{message}");
    }
}

#[test]
fn media_go_as_data_or_at_an_address() {
    let media = |kind, source| Part::Media(Media::new(kind, source));
    let data = MediaSource::Data { mime: "image/png".into(), data: "hi".into() };
    let mut tagged = Media::new(MediaKind::Video, MediaSource::Url("https://h/v".into()));
    tagged.extra =
        json!({"google.generate": {"mimeType": "video/mp4", "videoMetadata": {"fps": 1}}, "detail": "low"})
            .as_object()
            .unwrap()
            .clone();
    tagged.name = Some("v".into());
    let message = Message::new(
        Role::User,
        vec![
            media(MediaKind::Image, data),
            media(MediaKind::File, MediaSource::Url("gs://b/x.PDF?y".into())),
            media(MediaKind::File, MediaSource::Id("files/abc".into())),
            Part::Media(tagged),
        ],
    );
    let request = Request::from(message);
    let expected = |name: Option<&str>| {
        let mut video = json!({"mimeType": "video/mp4", "fileUri": "https://h/v"});
        video.as_object_mut().unwrap().extend(name.map(|name| ("displayName".to_owned(), json!(name))));
        json!([
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x.PDF?y"}},
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
            {"fileData": video, "videoMetadata": {"fps": 1}},
        ])
    };
    assert_eq!(encoded(&request)["contents"][0]["parts"], expected(None));
    let vertex = Google::vertex("p", "global").unwrap().encode(&request.clone().with_model("m")).unwrap();
    let vertex: Value = serde_json::from_slice(vertex.body()).unwrap();
    assert_eq!(vertex["contents"][0]["parts"], expected(Some("v")), "Vertex AI takes names of files");
    let bare = MediaSource::Data { mime: "".into(), data: "hi".into() };
    let (kind, message) =
        refused(&Request::from(Message::new(Role::User, vec![media(MediaKind::Image, bare)])));
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::InvalidRequest, "messages[0].content[0]: the media type is missing")
    );
}

#[test]
fn what_only_another_wire_reads_is_left_out_or_refused() {
    let reasoning = |text: &str, wire: &str| Part::Reasoning {
        text: text.into(),
        signature: Some("s".into()),
        wire: wire.into(),
        extra: Default::default(),
    };
    let sent = |part: Part| {
        encoded(&Request::from(Message::new(Role::Assistant, vec![part, Part::text("x")])))["contents"][0]["parts"].clone()
    };
    let text = json!({"text": "x"});
    assert_eq!(
        sent(reasoning("t", "google.generate")),
        json!([{"text": "t", "thought": true, "thoughtSignature": "s"}, text])
    );
    assert_eq!(sent(reasoning("t", "anthropic.messages")), json!([{"text": "t", "thought": true}, text]));
    assert_eq!(sent(reasoning("", "anthropic.messages")), json!([text]));
    for part in [
        Part::opaque("anthropic.messages", "redacted_thinking", json!({"type": "redacted_thinking"})),
        serde_json::from_value(
            json!({"type": "tool_call", "id": "a", "name": "web_search", "input": "{}", "by": "provider"}),
        )
        .unwrap(),
    ] {
        let (kind, message) = refused(&Request::from(Message::new(Role::Assistant, vec![part])));
        assert_eq!(kind, ErrorKind::Unsupported);
        assert!(message.starts_with("messages[0].content[0]: is a "), "{message}");
    }
    let foreign = json!({"openai.chat": {"a": 1}, "cache_control": {}, "google.generate": {"new": 1}});
    let part = Part::Text { text: "y".into(), extra: foreign.as_object().unwrap().clone() };
    assert_eq!(sent(part), json!([{"text": "y", "new": 1}, text]));
}

#[test]
fn an_empty_text_goes_only_where_nothing_else_does() {
    let parts = |content: Value| contents(json!([{"role": "user", "content": content}]))[0]["parts"].clone();
    assert_eq!(parts(json!("")), json!([{"text": ""}]));
    let text = |text: &str| json!({"type": "text", "text": text});
    assert_eq!(parts(json!([text(""), text("a"), text("")])), json!([{"text": "a"}]));
    let signed = json!({"type": "text", "text": "", "google.generate": {"thoughtSignature": "s"}});
    assert_eq!(
        parts(json!([text("a"), signed])),
        json!([{"text": "a"}, {"text": "", "thoughtSignature": "s"}])
    );
}
