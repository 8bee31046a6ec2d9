//! What the analyser reads out of a request.

use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::request::ResponseFormat;
use belvedere_middleware::choose::Complexity;

use super::*;

fn of(request: impl Into<Request>) -> Complexity {
    Complexity::of(&request.into())
}

#[test]
fn a_score_is_what_its_features_add_to_it() {
    for text in ["", EASY, HARD, "```\nfn main() { let x = f(1) + 2; }\n```"] {
        let found = of(text);
        let product: f64 = found.contributions().iter().map(|(_, part)| 1.0 - part).product();
        assert!(
            (found.score - (1.0 - product)).abs() < 1e-12 && (0.0..=1.0).contains(&found.score),
            "{text}"
        );
    }
    assert_eq!(of("").score, 0.0);
    let json = serde_json::to_value(of(HARD)).unwrap();
    assert!(json["numbers"].as_f64().unwrap() > 0.2 && json["tools"] == 0.0, "{json}");
}

#[test]
fn more_of_anything_never_lowers_it() {
    let mut before = 0.0;
    for n in 0..200 {
        let score = of("Take 3 of 7, add f(x) = 2. ".repeat(n)).score;
        assert!(score >= before, "{n}: {score} < {before}");
        before = score;
    }
    assert!(before > 0.6 && before < 1.0, "{before}");
}

#[test]
fn tools_media_form_and_the_talk_before_count() {
    let plain = of(EASY).score;
    let mut tools = Request::from(EASY);
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {}}});
    tools.tools = std::sync::Arc::new(vec![serde_json::from_value(tool).unwrap(); 4]);
    assert_eq!(of(tools).tools, 0.20, "half of its weight");
    let picture = Part::Media(Media::new(MediaKind::Image, MediaSource::Id("1".into())));
    let seen = Message::new(Role::User, vec![Part::text(EASY), picture]);
    assert_eq!(of(seen).media, 0.15);
    let schema = of(Request::from(EASY).with_response_format(ResponseFormat::of::<u32>()));
    let mut object = Request::from(EASY);
    object.response_format = Some(ResponseFormat::JsonObject);
    assert!((of(object).output - 0.10).abs() < 1e-12 && (schema.output - 0.18).abs() < 1e-12);
    let talk = vec![
        Message::system("a".repeat(4_000)),
        Message::user("b".repeat(2_000)),
        Message::assistant("c".repeat(2_000)),
        Message::user(EASY),
    ];
    let found = of(talk);
    assert_eq!((found.context, found.length), (0.15, of(EASY).length), "only the last turn is read");
    assert!(found.score > plain);
}

#[test]
fn what_tools_gave_in_the_last_turn_is_read() {
    let talk = vec![
        Message::user("What is 17 * 23?"),
        Message::assistant("Let me see."),
        Message::tool("1", "3 17 42 99 1 2 3 4"),
    ];
    assert!(of(talk).numbers > 0.2);
}

#[test]
fn it_is_linear_on_hostile_texts() {
    for text in ["(", "1", "a", " ", "\n", "。", "`", "1.", "{[", "a("] {
        let found = of(text.repeat(500_000));
        assert!(found.score <= 1.0 && found.length > 0.19, "{text:?}");
    }
}

#[test]
fn it_reads_every_language_alike() {
    let scores = [
        "What is the capital of France?",
        "Was ist die Hauptstadt von Frankreich?",
        "フランスの首都はどこですか？",
        "ما هي عاصمة فرنسا؟",
    ]
    .map(|text| of(text).score);
    assert!(scores.iter().all(|score| *score < 0.15), "{scores:?}");
}
