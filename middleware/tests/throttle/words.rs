//! Text cut by word and by line, without a speed.

use super::*;

fn text(part: u32, delta: &str) -> Event {
    Event::Text { choice: 0, part, delta: delta.into() }
}

fn pieces(by: &str, deltas: &[&str]) -> Vec<String> {
    let outcome = go(throttle(&format!(r#"{{"by":"{by}"}}"#)), Answer::deltas(deltas.iter().copied()));
    assert_eq!((outcome.end, outcome.took), (Some(EndKind::Finished), Duration::ZERO));
    outcome.texts().into_iter().map(str::to_owned).collect()
}

#[test]
fn deltas_are_cut_and_joined_to_words() {
    assert_eq!(
        pieces("word", &["Hel", "lo, wor", "ld! How ar", "e you?"]),
        ["Hello, ", "world! ", "How ", "are ", "you?"]
    );
    assert_eq!(pieces("word", &["one two three"]), ["one ", "two ", "three"]);
    assert_eq!(pieces("word", &["你好，", "世界"]), ["你", "好，", "世", "界"]);
}

#[test]
fn deltas_are_cut_and_joined_to_lines() {
    assert_eq!(pieces("line", &["a\nb", "c\n", "\nend"]), ["a\n", "bc\n", "\n", "end"]);
    assert_eq!(pieces("line", &["a\r", "\nb"]), ["a\r\n", "b"]);
}

#[test]
fn a_character_that_came_whole_is_not_cut() {
    let family = "👩‍👩‍👧";
    assert_eq!(
        pieces("word", &[&format!("{family}{family} e\u{301}")]),
        [&format!("{family}{family} "), "e\u{301}"]
    );
}

#[test]
fn other_events_keep_their_place_and_are_not_joined_over() {
    let tool = |delta: &str| Event::ToolInput { choice: 0, part: 2, delta: delta.into() };
    let mut events = vec![
        Event::Start { id: None, model: None },
        Event::Reasoning { choice: 0, part: 0, delta: "so we".into() },
        Event::Reasoning { choice: 0, part: 0, delta: "ll then".into() },
        Event::PartEnd { choice: 0, part: 0 },
        text(1, "Hel"),
        Event::Raw { name: None, data: "{}".into() },
        text(1, "lo you"),
        Event::PartEnd { choice: 0, part: 1 },
        Event::ToolStart { choice: 0, part: 2, id: "1".into(), name: "find".into(), by: Default::default() },
        tool("{\"a b\""),
        tool(":1}"),
        Event::PartEnd { choice: 0, part: 2 },
        text(3, ""),
        text(3, "x y"),
        text(3, ""),
        Event::PartEnd { choice: 0, part: 3 },
        Event::Finish { choice: 0, finish: Default::default() },
    ];
    let outcome = go(throttle(r#"{"by":"word"}"#), Answer::events(events.clone()));
    let seen: Vec<Event> = outcome.events.into_iter().map(|(_, event)| event).collect();
    let reasoning = |delta: &str| Event::Reasoning { choice: 0, part: 0, delta: delta.into() };
    events.splice(13..15, [text(3, "x "), text(3, "y")]);
    events.splice(6..7, [text(1, "lo "), text(1, "you")]);
    events.splice(1..3, [reasoning("so "), reasoning("well "), reasoning("then")]);
    assert_eq!(seen, events);
}

#[test]
fn an_unfinished_piece_goes_out_after_the_window() {
    let answer =
        Answer::deltas(["Hel", "lo you", " there"]).with(2, Step::Wait(ms(400))).with(4, Step::Wait(SECOND));
    let outcome = go(throttle(r#"{"by":"word","window":"500ms"}"#), answer);
    assert_eq!(outcome.deltas(), [(400, "Hello "), (900, "you"), (1400, " "), (1400, "there")]);
    let stalled = Answer::deltas(["line without an ", "end"]).with(2, Step::Wait(ms(1500)));
    let outcome = go(throttle(r#"{"by":"line"}"#), stalled);
    assert_eq!(outcome.deltas(), [(1000, "line without an "), (1500, "end")]);
}

#[test]
fn a_line_that_is_too_long_to_be_held_goes_out_as_far_as_it_came() {
    let line = "x".repeat(10_000);
    let outcome = go(throttle(r#"{"by":"line"}"#), Answer::deltas([line.as_str(); 5]));
    assert_eq!(outcome.texts().iter().map(|text| text.len()).collect::<Vec<_>>(), [40_000, 10_000]);
    assert_eq!(outcome.took, Duration::ZERO);
}

#[test]
fn every_word_is_a_word_of_its_own_also_in_a_very_long_answer() {
    let words = "word ".repeat(200_000);
    let outcome = go(throttle(r#"{"by":"word"}"#), Answer::text(&words));
    assert_eq!(outcome.texts().len(), 200_000);
}
