//! Answers of Google's wire: what each part becomes, and what only this wire has.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "google/answers.rs"]
mod answers;
mod support;

use answers::{answer, array, ends, kind, of, rich, says, sse, streamed, whole};
use belvedere_core::completion::Completion;
use belvedere_core::error::ErrorKind;
use belvedere_core::event::FinishReason;
use belvedere_core::message::{MediaKind, MediaSource, Part, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_core::usage::Class;
use belvedere_providers::google::Google;
use serde_json::{Value, json};
use support::{Read, head};

fn parts(answer: &Completion) -> Value {
    serde_json::to_value(&answer.choices[0].parts).unwrap()
}

#[test]
fn every_part_is_told_and_goes_back_as_it_came() {
    let answer = answer(&rich());
    let own = |fields: Value| json!({"google.generate": fields});
    let mut expected = json!([
        {"type": "reasoning", "text": "think"},
        {"type": "reasoning", "text": "so", "signature": "s0", "wire": "google.generate"},
        {"type": "text", "text": "Hello"},
        {"type": "tool_call", "id": "", "name": "executableCode", "by": "provider",
         "input": "{\"code\":\"1\",\"language\":\"PYTHON\"}"},
        {"type": "opaque", "kind": "codeExecutionResult", "wire": "google.generate",
         "data": {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}},
        {"type": "tool_call", "id": "t", "name": "FILE_SEARCH", "input": "", "by": "provider"},
        {"type": "opaque", "kind": "toolResponse", "wire": "google.generate", "data": {"toolResponse": {"id": "t"}}},
        {"type": "media", "kind": "image", "source": {"data": {"mime": "image/png", "data": "aGk="}}},
        {"type": "tool_call", "id": "c", "name": "f", "input": "{\"a\":1}"},
        {"type": "text", "text": ""},
    ]);
    for (at, fields) in [
        (3, json!({"thoughtSignature": "s1"})),
        (7, json!({"thought": true})),
        (8, json!({"thoughtSignature": "s2"})),
        (9, json!({"thoughtSignature": "s3"})),
    ] {
        let own = own(fields);
        expected[at].as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    }
    assert_eq!(parts(&answer), expected);
    assert_eq!(answer.finish_reason(), Some(FinishReason::ToolCalls));
    let sent = Google::new("m").encode(&Request::from(answer.message())).unwrap();
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    let theirs: Vec<Value> = rich()
        .iter()
        .flat_map(|frame| frame["candidates"][0]["content"]["parts"].as_array().unwrap().clone())
        .filter(|part| *part != json!({"text": ""}))
        .collect();
    assert_eq!(sent["contents"], json!([{"role": "model", "parts": theirs}]));
}

#[test]
fn a_blocked_prompt_is_an_answer_of_the_filter() {
    let body = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": "g",
                      "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7}});
    for read in [
        whole(&body.to_string()),
        streamed(&sse(std::slice::from_ref(&body))),
        array(&json!([body]).to_string()),
    ] {
        let answer = read.completion();
        let finish = answer.choices[0].finish.clone().unwrap();
        assert_eq!(kind(&read), None);
        assert_eq!(finish.reason, Some(FinishReason::ContentFilter));
        assert_eq!(finish.raw.as_deref(), Some("PROHIBITED_CONTENT"));
        assert_eq!(answer.usage.unwrap().get(&Class::Input), Some(7));
    }
}

#[test]
fn several_candidates_are_several_choices() {
    let frames = [
        of(1, json!({"text": "b"})),
        of(0, json!({"text": "a"})),
        of(1, json!({"text": "B"})),
        json!({"candidates": [{"index": 0, "finishReason": "STOP"}, {"index": 1, "finishReason": "MAX_TOKENS"}]}),
    ];
    let answer = answer(&frames);
    let text = |i: usize| answer.choices[i].parts[0].as_text().unwrap().to_owned();
    assert_eq!((text(0), text(1)), ("a".into(), "bB".into()));
    assert_eq!(answer.choices[1].finish.as_ref().unwrap().reason, Some(FinishReason::Length));
}

#[test]
fn pictures_are_parts_and_sound_is_joined() {
    let sound =
        |data: &str| says(json!([{"inlineData": {"mimeType": "audio/L16;rate=24000", "data": data}}]));
    let picture =
        says(json!([{"inlineData": {"mimeType": "image/png", "data": "_-8"}, "thoughtSignature": "s"}]));
    let file = says(json!([{"fileData": {"fileUri": "gs://b/x.mp4", "mimeType": "video/mp4"}}]));
    let answer = answer(&[sound("AAE="), sound("AgM="), picture.clone(), picture, file, ends("STOP")]);
    let media: Vec<_> = answer.choices[0]
        .parts
        .iter()
        .map(|part| match part {
            Part::Media(media) => (media.kind, media.source.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let data = |mime: &str, data: &'static [u8]| MediaSource::Data { mime: mime.into(), data: data.into() };
    let picture = (MediaKind::Image, data("image/png", &[0xff, 0xef]));
    assert_eq!(
        media,
        [
            (MediaKind::Audio, data("audio/L16;rate=24000", &[0, 1, 2, 3])),
            picture.clone(),
            picture,
            (MediaKind::Video, MediaSource::Url("gs://b/x.mp4".into())),
        ]
    );
}

#[test]
fn grounding_citations_and_pages_are_sources() {
    let grounding = json!({
        "webSearchQueries": ["q1", "q2"], "searchEntryPoint": {"renderedContent": "<p>"},
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"retrievedContext": {"uri": "gs://b", "text": "B"}}],
        "groundingSupports": [{"segment": {"endIndex": 5, "text": "Hello"}, "groundingChunkIndices": [1]}],
    });
    let mut last = ends("STOP");
    last["candidates"][0]["groundingMetadata"] = grounding.clone();
    last["candidates"][0]["citationMetadata"] =
        json!({"citationSources": [{"startIndex": 1, "uri": "https://c"}]});
    last["candidates"][0]["urlContextMetadata"] = json!({"urlMetadata": [{"retrievedUrl": "https://d"}]});
    // Told twice, it is one source.
    let answer = answer(&[says(json!([{"text": "Hello"}])), last.clone(), last]);
    let sources: Vec<_> = answer.choices[0]
        .sources
        .iter()
        .map(|s| (s.url.as_deref(), s.title.as_deref(), s.quote.as_deref()))
        .collect();
    assert_eq!(
        sources,
        [
            (Some("https://a"), Some("A"), None),
            (Some("gs://b"), None, Some("B")),
            (None, None, None),
            (Some("https://c"), None, None),
            (Some("https://d"), None, None),
        ]
    );
    assert_eq!(answer.choices[0].sources[1].raw["groundingSupports"], grounding["groundingSupports"]);
    assert_eq!(answer.choices[0].sources[2].raw["webSearchQueries"], json!(["q1", "q2"]));
    assert_eq!(answer.usage.unwrap().get(&Class::WebSearchCalls), Some(2));
}

#[test]
fn logprobs_are_kept_as_they_came() {
    let mut frame = says(json!([{"text": "a"}]));
    let result = json!({"chosenCandidates": [{"token": "a", "logProbability": -0.1}], "topCandidates": []});
    frame["candidates"][0]["logprobsResult"] = result.clone();
    frame["candidates"][0]["avgLogprobs"] = json!(-0.1);
    let answer = answer(&[frame, ends("STOP")]);
    assert_eq!(answer.choices[0].logprobs, [json!({"avgLogprobs": -0.1, "logprobsResult": result})]);
}

#[test]
fn a_body_that_is_no_answer_is_an_error() {
    for (body, expected) in [
        ("{}", ErrorKind::Malformed),
        ("{\"message\":\"hi\"}", ErrorKind::Malformed),
        ("7", ErrorKind::Malformed),
        ("", ErrorKind::Truncated),
        ("{\"candidates\":[{\"content\":{\"par", ErrorKind::Truncated),
    ] {
        assert_eq!(kind(&whole(body)), Some(expected), "{body}");
    }
    assert_eq!(kind(&streamed("data: canary\n\n")), Some(ErrorKind::Malformed));
    assert!(!format!("{:?}", streamed("data: canary\n\n").error.unwrap()).contains("canary"));
    for nothing in ["", "data: [DONE]\n\n", ": comment\n\n"] {
        assert_eq!(kind(&streamed(nothing)), Some(ErrorKind::Truncated), "{nothing:?}");
    }
    let html = head(200, [("content-type", "text/html")]);
    let error = Google::default().decode(&Request::from("hi"), &html).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[test]
fn model_lists_of_both_servers_give_models() {
    let mut request = Request::default();
    request.operation = Operation::Models;
    let head = head(200, [("content-type", "application/json")]);
    for (body, expected) in [
        (
            r#"{"models":[{"name":"models/gemini-x","displayName":"X"},{"name":"tunedModels/y"},{}]}"#,
            vec![("gemini-x", Some("X")), ("tunedModels/y", None)],
        ),
        (r#"{"publisherModels":[{"name":"publishers/google/models/gemini-x"}]}"#, vec![("gemini-x", None)]),
        ("{}", Vec::new()),
    ] {
        let answer = Read::new(&Google::default(), &request, &head, [body.as_bytes()]).completion();
        let models: Vec<_> = answer.models.iter().map(|m| (m.id.as_str(), m.name.as_deref())).collect();
        assert_eq!(models, expected);
    }
}

#[test]
fn embeddings_of_both_servers_give_vectors() {
    let head = head(200, [("content-type", "application/json")]);
    let read = |body: &str| Read::new(&Google::default(), &Request::embed(["a"]), &head, [body.as_bytes()]);
    let studio =
        read(r#"{"embeddings":[{"values":[0.1,1]},{"values":[2]}],"usageMetadata":{"promptTokenCount":3}}"#);
    let vertex = read(
        r#"{"predictions":[{"embeddings":{"values":[0.1,1],"statistics":{"token_count":1.0,"truncated":false}}},
            {"embeddings":{"values":[2],"statistics":{"token_count":2}}}],"metadata":{"billableCharacterCount":2}}"#,
    );
    for answer in [studio.completion(), vertex.completion()] {
        let vectors: Vec<_> = answer.embeddings.iter().map(|e| (e.index, e.vector.to_vec())).collect();
        assert_eq!(vectors, [(0, vec![0.1, 1.0]), (1, vec![2.0])]);
        assert_eq!(answer.usage.unwrap().get(&Class::Input), Some(3));
    }
    assert_eq!(kind(&read("{}")), Some(ErrorKind::Malformed));
    assert_eq!(
        kind(&read(r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#)),
        Some(ErrorKind::RateLimited)
    );
}

#[test]
fn provider_tools_are_named_as_the_providers() {
    let answer = answer(&rich());
    let by_provider: Vec<_> = answer.choices[0]
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall { name, by: ToolBy::Provider, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(by_provider, ["executableCode", "FILE_SEARCH"]);
    assert_eq!(answer.tool_calls().map(|call| call.id).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn a_body_without_a_content_type_is_what_was_asked_for() {
    let body = sse(&rich());
    let read = Read::new(&Google::default(), &answers::asked(true), &head(200, []), [body.as_bytes()]);
    assert_eq!(read.essence(), streamed(&body).essence());
}
