//! Streams of Google's wire: the hard cases by their ids.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "google/answers.rs"]
mod answers;
#[path = "google/mutations.rs"]
mod mutations;
mod support;

use answers::{answer, array, ends, kind, of, rich, says, sse, streamed, whole};
use belvedere_core::completion::Fold;
use belvedere_core::error::ErrorKind;
use belvedere_core::event::{Event, FinishReason};
use belvedere_core::message::Part;
use belvedere_core::provider::{Frame, Provider};
use belvedere_core::usage::Class;
use belvedere_providers::google::Google;
use mutations::mutations;
use serde_json::{Value, json};
use support::{Read, head};

/// A body in two pieces, cut at every place, and byte by byte.
#[test]
fn s1_any_cutting_gives_the_same_events() {
    let frames = rich();
    for (media_type, body) in
        [("text/event-stream", sse(&frames)), ("application/json", Value::Array(frames).to_string())]
    {
        let head = head(200, [("content-type", media_type)]);
        let read = |pieces: &[&[u8]]| {
            Read::new(&Google::default(), &answers::asked(true), &head, pieces.iter().copied())
        };
        let uncut = read(&[body.as_bytes()]);
        for cut in 0..=body.len() {
            let (one, two) = body.as_bytes().split_at(cut);
            assert_eq!(read(&[one, two]).essence(), uncut.essence(), "{media_type} cut at {cut}");
        }
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes).essence(), uncut.essence(), "{media_type} byte by byte");
    }
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
        let read = Read::new(&Google::default(), &answers::asked(true), &head, [body.as_bytes()]);
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
        of(u32::try_from(call).unwrap(), part).to_string()
    };
    let fragments: Vec<Vec<String>> =
        (0..3).map(|call| (0..4).map(|n| fragment(call, n)).collect()).collect();
    let end =
        json!({"candidates": [{"index": 0, "finishReason": "STOP"}, {"index": 1, "finishReason": "STOP"},
                                    {"index": 2, "finishReason": "STOP"}]})
        .to_string();
    let head = head(200, [("content-type", "text/event-stream")]);
    let request = answers::asked(true);
    let orders = interleavings();
    assert_eq!(orders.len(), 34_650);
    for order in orders {
        let mut next = [0; 3];
        let mut events = Vec::new();
        let (_, mut decoder) = Google::default().decode(&request, &head).unwrap();
        let mut frame = |text: &str| decoder.frame(Frame { name: None, data: text.as_bytes() }, &mut events);
        for call in &order {
            frame(&fragments[*call][next[*call]]).unwrap();
            next[*call] += 1;
        }
        frame(&end).unwrap();
        decoder.eof(&mut events).unwrap();
        let mut fold = Fold::default();
        events.iter().for_each(|event| fold.event(event));
        for (call, choice) in fold.completion().choices.iter().enumerate() {
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
