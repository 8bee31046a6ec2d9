//! What Google documents of its answers and no recording shows.

#[path = "google/answers.rs"]
mod answers;
mod support;

use answers::{answer, array, ends, kind, of, rich, says, sse, streamed, whole};
use belvedere_core::error::ErrorKind;
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::message::Part;
use belvedere_core::request::{Operation, Request};
use belvedere_core::usage::Class;
use belvedere_providers::google::Google;
use serde_json::{Value, json};
use support::{Read, head};

fn call(fields: Value) -> Value {
    says(json!([{ "functionCall": fields }]))
}

fn inputs(frames: &[Value]) -> Vec<String> {
    let of = |part: Part| match part {
        Part::ToolCall { input, .. } => Some(input),
        _ => None,
    };
    answer(frames).choices.remove(0).parts.into_iter().filter_map(of).collect()
}

/// A field of a part's own.
fn own(part: &Part, name: &str) -> Option<Value> {
    serde_json::to_value(part).ok()?.get("google.generate")?.get(name).cloned()
}

#[test]
fn a_signature_may_come_with_any_piece_of_a_call() {
    for at in 0..3 {
        let mut frames = vec![
            call(json!({"name": "f", "id": "c", "willContinue": true})),
            call(json!({"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": true})),
            call(json!({})),
            ends("STOP"),
        ];
        frames[at]["candidates"][0]["content"]["parts"][0]["thoughtSignature"] = "c2ln".into();
        let parts = answer(&frames).choices.remove(0).parts;
        assert_eq!(parts.len(), 1, "{parts:?}");
        assert_eq!(own(&parts[0], "thoughtSignature"), Some("c2ln".into()), "with piece {at}");
    }
}

#[test]
fn a_piece_without_a_value_ends_its_text_and_takes_nothing_away() {
    let piece = |fields: Value| call(json!({"partialArgs": [fields], "willContinue": true}));
    let frames = [
        call(json!({"name": "f", "willContinue": true})),
        piece(json!({"jsonPath": "$.a", "stringValue": "Bos", "willContinue": true})),
        piece(json!({"jsonPath": "$.a", "stringValue": "ton", "willContinue": true})),
        piece(json!({"jsonPath": "$.a"})),
        piece(json!({"jsonPath": "$.b", "nullValue": "NULL_VALUE"})),
        call(json!({})),
        ends("STOP"),
    ];
    assert_eq!(inputs(&frames), [r#"{"a":"Boston","b":null}"#]);
}

#[test]
fn calls_without_arguments_have_none() {
    for args in [json!({"name": "f"}), json!({"name": "f", "args": null}), json!({"name": "f", "args": {}})] {
        let input = inputs(&[call(args), ends("STOP")]).remove(0);
        assert!(matches!(input.as_str(), "" | "{}"), "{input}");
    }
    let both =
        [says(json!([{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}}])), ends("STOP")];
    assert_eq!(inputs(&both).len(), 2);
}

#[test]
fn s18_the_newest_finish_reasons_have_ours() {
    for (raw, expected) in [
        ("ESCALATION", FinishReason::ContentFilter),
        ("PUP_LIMITED_DISABLED", FinishReason::ContentFilter),
        ("CONTINUATION", FinishReason::Pause),
        ("NO_IMAGE", FinishReason::Other),
        ("TOO_MANY_TOOL_CALLS", FinishReason::Error),
        ("MISSING_THOUGHT_SIGNATURE", FinishReason::Error),
        ("MODEL_ARMOR", FinishReason::ContentFilter),
    ] {
        assert_eq!(answer(&[ends(raw)]).finish_reason(), Some(expected), "{raw}");
    }
}

#[test]
fn a_blocked_prompt_in_a_stream_is_told_in_its_only_frame() {
    for reason in
        ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK"]
    {
        let frame = json!({"promptFeedback": {"blockReason": reason, "blockReasonMessage": "no"},
                           "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}});
        for read in [
            streamed(&sse(std::slice::from_ref(&frame))),
            array(&json!([frame]).to_string()),
            whole(&frame.to_string()),
        ] {
            let answer = read.completion();
            assert_eq!(answer.finish_reason(), Some(FinishReason::ContentFilter), "{reason}");
            let usage = answer.usage.as_deref().map(|usage| (usage.get(&Class::Input), usage.adds_up()));
            assert_eq!(usage, Some((Some(9), true)));
        }
    }
    // Feedback that blocks nothing is no end.
    let ratings = json!({"promptFeedback": {"safetyRatings": []}});
    assert_eq!(kind(&streamed(&sse(&[ratings]))), Some(ErrorKind::Truncated));
}

#[test]
fn grounding_may_come_in_the_last_frame_alone() {
    let last = json!({"candidates": [{"finishReason": "STOP", "groundingMetadata": {
        "webSearchQueries": ["a", "b"], "searchEntryPoint": {"renderedContent": "<p>"},
        "groundingChunks": [{"web": {"uri": "https://example.com/a", "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 2, "text": "hi"}, "groundingChunkIndices": [0]}],
    }}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}});
    let answer = answer(&[says(json!([{"text": "hi"}])), last]);
    let urls: Vec<_> = answer.choices[0].sources.iter().filter_map(|s| s.url.as_deref()).collect();
    assert_eq!(urls, ["https://example.com/a"]);
    let usage = answer.usage.as_deref().unwrap();
    assert_eq!((usage.get(&Class::WebSearchCalls), usage.adds_up()), (Some(2), true));
    assert_eq!(answer.text(), "hi");
}

#[test]
fn candidates_take_turns_and_each_has_its_own_end() {
    let end = |index: u32, word: &str| json!({"candidates": [{"index": index, "finishReason": word}]});
    let frames = [
        of(1, json!({"text": "b"})),
        of(0, json!({"text": "a"})),
        end(1, "MAX_TOKENS"),
        of(0, json!({"text": "A"})),
        end(0, "STOP"),
    ];
    let answer = answer(&frames);
    let said: Vec<_> = answer
        .choices
        .iter()
        .map(|c| (c.index, c.parts[0].as_text().unwrap(), c.finish.clone().unwrap().reason.unwrap()))
        .collect();
    assert_eq!(said, [(0, "aA", FinishReason::Stop), (1, "b", FinishReason::Length)]);
    let half = sse(&[of(1, json!({"text": "b"})), of(0, json!({"text": "a"})), end(1, "STOP")]);
    assert_eq!(kind(&streamed(&half)), Some(ErrorKind::Truncated), "one of two has not ended");
}

#[test]
fn errors_come_as_objects_and_in_arrays() {
    let inner = json!({"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}]}});
    for body in [inner.to_string(), json!([inner]).to_string()] {
        for (status, stream) in [(429, true), (429, false), (200, false)] {
            let head = head(status, [("content-type", "application/json; charset=UTF-8")]);
            let read = Read::new(&Google::default(), &answers::asked(stream), &head, [body.as_bytes()]);
            let error = read.error.unwrap();
            assert_eq!(error.kind(), ErrorKind::RateLimited, "{status} {body}");
            assert_eq!(error.retry_after().map(|delay| delay.as_secs()), Some(17));
        }
        assert_eq!(kind(&array(&body)), Some(ErrorKind::RateLimited));
        assert_eq!(kind(&streamed(&format!("data: {body}\n\n"))), Some(ErrorKind::RateLimited));
    }
}

#[test]
fn a_mark_of_the_byte_order_and_empty_lines_cost_nothing() {
    let body = sse(&rich());
    let plain = streamed(&body);
    assert_eq!(streamed(&format!("\u{feff}{body}")).essence(), plain.essence());
    assert_eq!(streamed(&format!(": wait\n\n\n\n{body}: bye\n\n")).essence(), plain.essence());
    let one = ends("STOP").to_string();
    assert_eq!(whole(&format!("\u{feff}{one}")).completion(), whole(&one).completion());
    let list = Value::Array(rich()).to_string();
    assert_eq!(array(&format!("\u{feff}{list}")).essence(), plain.essence());
}

#[test]
fn what_follows_the_end_in_a_stream_is_read() {
    // The counts come in a frame of their own, after the last word.
    let counts =
        json!({"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}});
    let bare = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]});
    let answer = answer(&[bare.clone(), bare, counts, json!({"candidates": [], "modelVersion": "m"})]);
    assert_eq!(answer.text(), "aa");
    assert_eq!(answer.usage.as_deref().and_then(|usage| usage.total_tokens()), Some(5));
}

#[test]
fn parts_yet_to_be_known_are_carried_back() {
    for part in [
        json!({"functionResponse": {"name": "f", "response": {}}}),
        json!({"audioTranscription": {"text": "hi"}}),
        json!({"thoughtSignature": "c2ln"}),
        json!({"inlineData": {"mimeType": "image/png", "data": "not base64!"}}),
    ] {
        let parts = answer(&[says(json!([part.clone()])), ends("STOP")]).choices.remove(0).parts;
        assert!(matches!(&parts[..], [Part::Opaque { data, .. }] if *data == part), "{parts:?}");
    }
}

#[test]
fn s12_an_odd_field_costs_no_embedding() {
    let mut asked = Request::from("");
    asked.operation = Operation::Embed;
    let head = head(200, [("content-type", "application/json")]);
    let odd = [Value::Null, json!("4"), json!([]), json!({"tokenCount": "4"}), json!({"token_count": null})];
    for odd in odd {
        for body in [
            json!({"embeddings": [{"values": [1, 2], "statistics": odd, "shape": [2]}], "usageMetadata": odd}),
            json!({"embedding": {"values": [1, 2]}, "usageMetadata": odd, "truncated": true}),
            json!({"predictions": [{"embeddings": {"values": [1, 2], "statistics": odd}}], "metadata": odd}),
        ] {
            let body = body.to_string();
            let read = Read::new(&Google::default(), &asked, &head, [body.as_bytes()]);
            assert!(read.error.is_none(), "{body}: {:?}", read.error);
            assert!(
                read.events
                    .iter()
                    .any(|e| matches!(e, Event::Embedding { vector, .. } if vector[..] == [1.0, 2.0]))
            );
        }
    }
}
