//! Answers of Google's wire: the hard cases of streams by their ids, and what only this wire has.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "google/mutations.rs"]
mod mutations;
mod support;

use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::message::{MediaKind, MediaSource, Part, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_core::usage::Class;
use belvedere_providers::google::Google;
use mutations::mutations;
use serde_json::{Value, json};
use support::{Read, head};

fn asked(stream: bool) -> Request {
    let mut request = Request::from("hi");
    request.stream = stream;
    request
}

fn streamed(body: &str) -> Read {
    let head = head(200, [("content-type", "text/event-stream")]);
    Read::new(&Google::default(), &asked(true), &head, [body.as_bytes()])
}

fn array(body: &str) -> Read {
    let head = head(200, [("content-type", "application/json; charset=UTF-8")]);
    Read::new(&Google::default(), &asked(true), &head, [body.as_bytes()])
}

fn whole(body: &str) -> Read {
    let head = head(200, [("content-type", "application/json; charset=UTF-8")]);
    Read::new(&Google::default(), &asked(false), &head, [body.as_bytes()])
}

/// A stream of these frames, with the line ends that Google has.
fn sse(frames: &[Value]) -> String {
    frames.iter().map(|frame| format!("data: {frame}\r\n\r\n")).collect()
}

/// A frame of one candidate that says these parts.
fn says(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
           "modelVersion": "gemini-x", "responseId": "r1"})
}

fn ends(reason: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": reason}],
           "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "thoughtsTokenCount": 3,
                             "totalTokenCount": 9}})
}

fn kind(read: &Read) -> Option<ErrorKind> {
    read.error.as_ref().map(Error::kind)
}

fn answer(frames: &[Value]) -> Completion {
    let read = streamed(&sse(frames));
    assert_eq!(kind(&read), None, "{:?}", read.error);
    read.completion()
}

fn parts(answer: &Completion) -> Value {
    serde_json::to_value(&answer.choices[0].parts).unwrap()
}

/// A stream with a part of every kind.
fn rich() -> Vec<Value> {
    vec![
        says(json!([{"text": "think", "thought": true}])),
        says(json!([{"text": "so", "thought": true, "thoughtSignature": "s0"}])),
        says(json!([{"text": "Hello"}])),
        says(json!([{"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s1"}])),
        says(json!([{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}])),
        says(json!([{"toolCall": {"toolType": "FILE_SEARCH", "id": "t"}}, {"toolResponse": {"id": "t"}}])),
        says(json!([{"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thought": true}])),
        says(json!([{"functionCall": {"name": "f", "args": {"a": 1}, "id": "c"}, "thoughtSignature": "s2"}])),
        says(json!([{"text": "", "thoughtSignature": "s3"}])),
        ends("STOP"),
    ]
}

#[test]
fn s20_stream_array_and_whole_give_the_same_answer() {
    let frames = rich();
    let of_stream = streamed(&sse(&frames));
    assert_eq!(of_stream.essence(), array(&Value::Array(frames.clone()).to_string()).essence());
    // Joined by hand: texts of one kind in a row are one part.
    let mut all: Vec<Value> = Vec::new();
    for frame in &frames {
        all.extend(frame["candidates"][0]["content"]["parts"].as_array().unwrap().iter().cloned());
    }
    let mut body = ends("STOP");
    body["candidates"][0]["content"]["parts"] = all.into();
    (body["modelVersion"], body["responseId"]) = ("gemini-x".into(), "r1".into());
    assert_eq!(whole(&body.to_string()).completion(), of_stream.completion());
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
fn s11_an_error_after_200_is_an_error_wherever_it_comes() {
    let error =
        json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    let all = rich();
    for at in 0..=all.len() {
        for frame in [
            format!("data: {error}\n\n"),
            format!("event: error\ndata: {error}\n\n"),
            format!("data: [{error}]\n\n"),
        ] {
            for done in ["", "data: [DONE]\n\n"] {
                let body = sse(&all[..at]) + &frame + &sse(&all[at..]) + done;
                let read = streamed(&body);
                assert_eq!(kind(&read), Some(ErrorKind::Overloaded), "at {at}: {frame}");
                let said = read.error.as_ref().unwrap().provider().unwrap();
                assert_eq!(said.message.as_deref(), Some("The model is overloaded."));
                assert!(!read.events.iter().any(|e| matches!(e, Event::Finish { .. })));
            }
        }
        let mut elements = all.clone();
        elements.insert(at, error.clone());
        assert_eq!(kind(&array(&Value::Array(elements).to_string())), Some(ErrorKind::Overloaded), "at {at}");
    }
    for body in [error.to_string(), format!("[{error}]")] {
        assert_eq!(kind(&whole(&body)), Some(ErrorKind::Overloaded));
        assert_eq!(kind(&array(&body)), Some(ErrorKind::Overloaded));
        let head = head(503, [("content-type", "application/json")]);
        let read = Read::new(&Google::default(), &asked(true), &head, [body.as_bytes()]);
        assert_eq!(kind(&read), Some(ErrorKind::Overloaded));
    }
}

#[test]
fn y17_a_bad_request_after_the_first_part_is_the_providers_state() {
    let error = json!({"error": {"code": 400, "message": "bad state", "status": "INVALID_ARGUMENT"}});
    assert_eq!(kind(&streamed(&sse(std::slice::from_ref(&error)))), Some(ErrorKind::InvalidRequest));
    let late = [says(json!([{"text": "a"}])), error];
    assert_eq!(kind(&streamed(&sse(&late))), Some(ErrorKind::Overloaded));
}

#[test]
fn s12_an_absent_null_or_odd_field_costs_no_answer() {
    let mut all = rich();
    all[2]["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": [{"web": {"uri": "u"}}], "webSearchQueries": ["q"],
               "groundingSupports": [{"groundingChunkIndices": [0], "segment": {"endIndex": 1}}]});
    all[2]["candidates"][0]["logprobsResult"] = json!({"chosenCandidates": [{"token": "a"}]});
    for (at, frame) in all.iter().enumerate() {
        for mutated in mutations(frame) {
            let mut frames = all.clone();
            frames[at] = mutated.clone();
            let read = streamed(&sse(&frames));
            let end_lost = at == all.len() - 1 && kind(&read) == Some(ErrorKind::Truncated);
            // A candidate with another number has no end.
            let strayed =
                mutated.to_string().contains("\"index\":7") && kind(&read) == Some(ErrorKind::Truncated);
            assert!(kind(&read).is_none() || end_lost || strayed, "{mutated}: {:?}", read.error);
        }
    }
    let body = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}],
                      "usageMetadata": {"promptTokenCount": 1}, "promptFeedback": {"blockReason": "X"}});
    for mutated in mutations(&body) {
        assert_eq!(kind(&whole(&mutated.to_string())), None, "{mutated}");
    }
    assert_eq!(
        answer(&[json!({"usageMetadata": {}}), says(json!([{"text": "a"}])), ends("STOP")]).text(),
        "a"
    );
}

/// A frame for one of several candidates.
fn of(index: u32, part: Value) -> Value {
    json!({"candidates": [{"index": index, "content": {"parts": [part]}}]})
}

/// All orders in which three lists of four can be merged.
fn interleavings() -> Vec<Vec<usize>> {
    fn merge(left: [usize; 3], order: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
        if left == [0; 3] {
            return all.push(order.clone());
        }
        for list in 0..3 {
            if left[list] > 0 {
                let mut less = left;
                less[list] -= 1;
                order.push(list);
                merge(less, order, all);
                order.pop();
            }
        }
    }
    let mut all = Vec::new();
    merge([4; 3], &mut Vec::new(), &mut all);
    all
}

#[test]
fn s13_interleaved_pieces_of_calls_go_to_their_own_call() {
    // Pieces of a call have no id: they can interleave between candidates only.
    let fragment = |call: usize, n: usize| {
        let piece = |value: &str, more: bool| {
            json!({"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": value, "willContinue": true}],
                                    "willContinue": more}})
        };
        let part = match n {
            0 => json!({"functionCall": {"name": format!("f{call}"), "willContinue": true}}),
            1 => piece(&format!("{call}x"), true),
            2 => piece("y", true),
            _ => json!({"functionCall": {}}),
        };
        format!("data: {}\n\n", of(u32::try_from(call).unwrap(), part))
    };
    let fragments: Vec<Vec<String>> =
        (0..3).map(|call| (0..4).map(|n| fragment(call, n)).collect()).collect();
    let end = json!({"candidates": [{"index": 0, "finishReason": "STOP"}, {"index": 1, "finishReason": "STOP"},
                                    {"index": 2, "finishReason": "STOP"}]});
    let orders = interleavings();
    assert_eq!(orders.len(), 34_650);
    for order in orders {
        let mut next = [0; 3];
        let mut body = String::new();
        for call in &order {
            body.push_str(&fragments[*call][next[*call]]);
            next[*call] += 1;
        }
        body.push_str(&format!("data: {end}\n\n"));
        let read = streamed(&body);
        assert_eq!(kind(&read), None, "{order:?}");
        for (call, choice) in read.completion().choices.iter().enumerate() {
            let [Part::ToolCall { name, input, .. }] = choice.parts.as_slice() else {
                panic!("{order:?}: {choice:?}")
            };
            let expected = (format!("f{call}"), format!("{{\"a\":\"{call}xy\"}}"));
            assert_eq!((name.to_string(), input.clone()), expected, "{order:?}");
            assert_eq!(choice.finish.as_ref().unwrap().reason, Some(FinishReason::ToolCalls));
        }
    }
}

#[test]
fn s14_a_piece_without_its_call_is_an_error_and_never_a_guess() {
    let piece = |id: &str| {
        says(json!([{"functionCall": {"id": id, "partialArgs": [{"jsonPath": "$.a", "numberValue": 1}]}}]))
    };
    let open = |name: &str, id: &str| {
        says(json!([{"functionCall": {"name": name, "id": id, "willContinue": true}}]))
    };
    assert_eq!(kind(&streamed(&sse(&[piece("")]))), Some(ErrorKind::Malformed));
    assert_eq!(kind(&streamed(&sse(&[open("f", "a"), piece("b")]))), Some(ErrorKind::Malformed));
    let after_text = [open("f", ""), says(json!([{"text": "x"}])), piece("")];
    assert_eq!(kind(&streamed(&sse(&after_text))), Some(ErrorKind::Malformed));
    // A name opens the next call, also where the one before was not told to be complete.
    let answer = answer(&[open("f", "a"), piece("a"), open("g", ""), piece(""), ends("STOP")]);
    let calls: Vec<_> = answer.tool_calls().map(|call| (call.name, call.input)).collect();
    assert_eq!(calls, [("f", "{\"a\":1}"), ("g", "{\"a\":1}")]);
}

#[test]
fn a_call_that_is_cut_off_does_not_pass_for_whole() {
    let open = says(json!([{"functionCall": {"name": "f", "willContinue": true,
                            "partialArgs": [{"jsonPath": "$.a", "stringValue": "x", "willContinue": true}]}}]));
    let answer = answer(&[open, ends("MAX_TOKENS")]);
    let call = answer.tool_calls().next().unwrap();
    assert!(belvedere_core::message::arguments(call.input).is_err(), "{}", call.input);
    assert_eq!(answer.finish_reason(), Some(FinishReason::Length));
}

#[test]
fn s15_finished_needs_the_terminal_signal() {
    let content = says(json!([{"text": "a"}]));
    let finish = json!({"candidates": [{"finishReason": "STOP"}]});
    let usage = json!({"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1}});
    for subset in 0..16 {
        let has = |bit: u8| subset >> bit & 1 == 1;
        let mut frames = Vec::new();
        for (bit, frame) in [(0, &content), (1, &finish), (2, &usage)] {
            frames.extend(has(bit).then(|| frame.clone()));
        }
        let done = if has(3) { "data: [DONE]\n\n" } else { "" };
        let read = streamed(&(sse(&frames) + done));
        let expected = if has(1) { None } else { Some(ErrorKind::Truncated) };
        assert_eq!(kind(&read), expected, "{subset:04b}");
        if !has(3) {
            assert_eq!(kind(&array(&Value::Array(frames).to_string())), expected, "{subset:04b} as an array");
        }
    }
    let two = json!({"candidates": [{"index": 0, "finishReason": "STOP"}, {"index": 1}]});
    assert_eq!(kind(&streamed(&sse(&[two]))), Some(ErrorKind::Truncated), "each candidate has an end");
}

#[test]
fn s16_the_end_is_the_end_of_the_body() {
    // The reason came, and then more of the answer.
    let late = [says(json!([{"text": "a"}])), ends("STOP"), says(json!([{"text": "b"}]))];
    assert_eq!(answer(&late).text(), "ab");
    let body = sse(&rich());
    let noisy = streamed(&format!("{body}data: [DONE]\n\ndata: late\n\n{body}"));
    assert_eq!(noisy.essence(), streamed(&body).essence());
}

#[test]
fn s17_usage_is_read_whatever_the_end() {
    for reason in ["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "NEW_WORD"] {
        let usage = answer(&[says(json!([{"text": "a"}])), ends(reason)]).usage.unwrap();
        let of = |class: Class| usage.get(&class);
        assert_eq!((of(Class::Input), of(Class::Output), of(Class::Reasoning)), (Some(4), Some(2), Some(3)));
        assert!(usage.adds_up(), "{reason}");
    }
    // Usage so far survives a cut, and metadata without counts takes none away.
    let mut first = says(json!([{"text": "a"}]));
    first["usageMetadata"] = json!({"promptTokenCount": 4, "totalTokenCount": 4});
    let read = streamed(&sse(&[first.clone()]));
    assert_eq!(read.completion().usage.unwrap().get(&Class::Input), Some(4));
    let bare =
        json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"trafficType": "ON_DEMAND"}});
    assert_eq!(answer(&[first, bare]).usage.unwrap().get(&Class::Input), Some(4));
}

#[test]
fn s18_every_finish_reason_is_told_and_an_unknown_one_stays_unknown() {
    use FinishReason::*;
    for (raw, expected) in [
        ("STOP", Stop),
        ("MAX_TOKENS", Length),
        ("SAFETY", ContentFilter),
        ("RECITATION", ContentFilter),
        ("IMAGE_SAFETY", ContentFilter),
        ("MALFORMED_FUNCTION_CALL", Error),
        ("UNEXPECTED_TOOL_CALL", Error),
        ("OTHER", Other),
        ("LANGUAGE", Other),
        ("stop", Other),
        ("SOMETHING_NEW", Other),
    ] {
        let finish = answer(&[ends(raw)]).choices[0].finish.clone().unwrap();
        assert_eq!((finish.reason, finish.raw.as_deref()), (Some(expected), Some(raw)));
    }
    let number = json!({"candidates": [{"finishReason": 2}]}).to_string();
    assert_eq!(whole(&number).completion().finish_reason(), Some(Length), "enum-encoding=int");
    let none = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}).to_string();
    assert_eq!(whole(&none).completion().finish_reason(), None);
    let calls = says(json!([{"functionCall": {"name": "f"}}]));
    assert_eq!(answer(&[calls.clone(), ends("SAFETY")]).finish_reason(), Some(ContentFilter));
    assert_eq!(answer(&[calls, ends("STOP")]).finish_reason(), Some(ToolCalls));
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
