//! Media and other content on every wire.

use std::sync::Arc;

use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::request::Request;
use bytes::Bytes;
use serde_json::json;

use super::{hold, media, probe, said, targets};

#[test]
fn f2_media_of_every_kind_and_source_are_sent_or_named() {
    for (target, provider) in targets() {
        for probe in media() {
            hold(target, &*provider, &probe);
        }
    }
}

fn picture() -> Part {
    let source = MediaSource::Data { mime: "image/png".into(), data: Bytes::from_static(b"data") };
    Part::Media(Media::new(MediaKind::Image, source))
}

/// A call, and its result that is a text and a picture.
fn call_and_result(request: &mut Request) {
    let call = Part::ToolCall {
        id: "call_1".into(),
        name: "get_time".into(),
        input: r#"{"city":"Rome"}"#.into(),
        by: Default::default(),
        extra: Default::default(),
    };
    let result = Part::ToolResult {
        id: "call_1".into(),
        name: Some("get_time".into()),
        content: vec![Part::text("see"), picture()],
        is_error: false,
        extra: Default::default(),
    };
    let messages = Arc::make_mut(&mut request.messages);
    messages.push(Message::new(Role::Assistant, vec![call]));
    messages.push(Message::new(Role::Tool, vec![result]));
}

#[test]
fn f2_pictures_in_results_and_instructions_and_of_the_model_are_sent_or_named() {
    // Generating takes one prompt; there is no place for turns.
    for (target, provider) in targets().filter(|(target, _)| target.wire != "ollama.generate") {
        let in_result = probe("messages[2].content[0].content[1]", "a picture in a result", call_and_result);
        let lacks = hold(target, &*provider, &in_result);
        if lacks.is_empty() {
            let mut request = target.plain(&*provider);
            call_and_result(&mut request);
            let body = super::sent(&*provider, &request).1.to_string();
            assert!(body.contains("ZGF0YQ=="), "{}: the picture is gone: {body}", target.name());
        }
        for (role, what) in [
            (Role::System, "instructions"),
            (Role::Developer, "instructions"),
            (Role::Assistant, "the model"),
        ] {
            let lacks = hold(
                target,
                &*provider,
                &probe("messages[1].content[0]", what, move |r| {
                    said(role, picture())(r);
                }),
            );
            if lacks.is_empty() {
                let mut request = target.plain(&*provider);
                said(role, picture())(&mut request);
                let body = super::sent(&*provider, &request).1.to_string();
                assert!(
                    body.contains("ZGF0YQ=="),
                    "{}: the picture of {what} is gone: {body}",
                    target.name()
                );
            }
        }
    }
}

#[test]
fn f1_a_part_of_another_wire_is_named_and_taken_out_with_its_message() {
    for (target, provider) in targets() {
        let mut request = target.plain(&*provider);
        let before = request.messages.len();
        let parts = vec![
            Part::text("a"),
            Part::opaque("toy.wire", "thing", json!({ "type": "thing" })),
            Part::text("b"),
        ];
        let messages = Arc::make_mut(&mut request.messages);
        messages.push(Message::new(Role::Assistant, parts));
        messages.push(Message::new(Role::Assistant, vec![Part::opaque("toy.wire", "thing", json!({}))]));
        messages.push(Message::user("go on"));
        let lacks: Vec<_> =
            provider.fit(&mut request).into_iter().map(|lack| lack.parameter.to_string()).collect();
        assert_eq!(
            lacks,
            [format!("messages[{before}].content[1]"), format!("messages[{}].content[0]", before + 1)]
        );
        let left: Vec<String> = request.messages.iter().map(Message::text).collect();
        assert_eq!(left, ["hi", "ab", "go on"], "{}", target.name());
    }
}

#[test]
fn f2_the_name_of_a_speaker_is_sent_or_named() {
    for (target, provider) in targets() {
        let name = |request: &mut Request| Arc::make_mut(&mut request.messages)[0].name = Some("ann".into());
        hold(target, &*provider, &probe("messages[0].name", "a name", name));
    }
}

#[test]
fn f2_a_request_that_fits_is_not_copied() {
    for (target, provider) in targets() {
        let mut request = target.plain(&*provider);
        let shared = request.clone();
        assert_eq!(provider.fit(&mut request), []);
        assert!(
            Arc::ptr_eq(&request.messages, &shared.messages) && Arc::ptr_eq(&request.tools, &shared.tools)
        );
    }
}
