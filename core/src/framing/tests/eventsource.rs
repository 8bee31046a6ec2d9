//! What the `eventsource/format-*` vectors of the web platform tests and the examples of WHATWG HTML 9.2 check,
//! said in our own bodies. They hold for a strict framer. The `format-mime-*` vectors are about content types,
//! which a framer does not see.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Name and data of each event, strictly; for any cut in two the same.
fn strict(body: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let body = body.as_ref();
    let framer = || Framer::new(Framing::Sse, ROOM).strict();
    let outcome = run(framer(), [body]);
    for at in 0..=body.len() {
        assert_eq!(run(framer(), [&body[..at], &body[at..]]), outcome, "cut at {at}");
    }
    assert_eq!(outcome.end, Ok(false));
    let text = |data: Vec<u8>| String::from_utf8(data).unwrap();
    outcome.frames.into_iter().map(|(name, data)| (name.unwrap_or("message".into()), text(data))).collect()
}

/// The data of each event; none has a name.
fn messages(body: impl AsRef<[u8]>) -> Vec<String> {
    let events = strict(body);
    assert!(events.iter().all(|(name, _)| name == "message"), "{events:?}");
    events.into_iter().map(|(_, data)| data).collect()
}

#[test]
fn format_bom() {
    // The mark is taken at the very start only: later it makes an unknown field.
    assert_eq!(messages("\u{feff}data:one\n\n\u{feff}data:two\n\ndata:three\n\n"), ["one", "three"]);
}

#[test]
fn format_bom_2() {
    assert_eq!(messages("\u{feff}\u{feff}data:one\n\ndata:two\n\n"), ["two"]);
}

#[test]
fn format_comments() {
    let long = "y".repeat(500);
    let body = format!("data:a\r:\0\n:\r\ndata:b\n:{long}\rdata:c\n:data:no\r:{long}\ndata:d\n\n");
    assert_eq!(messages(body), ["a\nb\nc\nd"]);
}

#[test]
fn format_data_before_final_empty_line() {
    assert_eq!(messages("retry:500\ndata:first\n\nid:x\ndata:second"), ["first"]);
    assert_eq!(messages("data:first\n\ndata:second\n"), ["first"]);
}

#[test]
fn format_field_data() {
    assert_eq!(messages("data:\n\ndata\ndata\n\ndata:x\n\n"), ["", "\n", "x"]);
}

#[test]
fn format_field_event() {
    let expected = [("named".to_owned(), "a".to_owned()), ("message".to_owned(), "b".to_owned())];
    assert_eq!(strict("event:named\ndata:a\n\ndata:b\n\n"), expected);
    // The last name counts, and an event without data takes its name with it.
    assert_eq!(strict("event:x\n\nevent:y\nevent:named\ndata:a\n\ndata:b\n\n"), expected);
}

#[test]
fn format_field_event_empty() {
    assert_eq!(messages("event: \ndata:a\n\nevent\ndata:b\n\nevent:x\nevent:\ndata:c\n\n"), ["a", "b", "c"]);
}

#[test]
fn format_field_id() {
    assert_eq!(
        messages("id:1\ndata:a\n\nid\ndata:b\n\nid:\0\ndata:c\n\nid:\u{2026}\ndata:d\n\nid:2\n\n"),
        ["a", "b", "c", "d"]
    );
}

#[test]
fn format_field_parsing() {
    let body = "data:\0\ndata:  b\rDATA:no\ndata\0:no\ndata:c\r\0data:no\nda-ta:no\rdata_no\ndata:d\rdata:\r\n data:no\n\n";
    assert_eq!(messages(body), ["\0\n b\nc\nd\n"]);
}

#[test]
fn format_field_retry() {
    for retry in ["retry:100", "retry:100x", "retry", "retry:", "retry:-1"] {
        assert_eq!(messages(format!("{retry}\ndata:a\n\n{retry}\n\n")), ["a"], "{retry}");
    }
}

#[test]
fn format_field_unknown() {
    assert_eq!(
        messages("data:a\n data\ndata\nfield:no\nno colon\n:no\ndatax:no\nda\ndata:b\n\n"),
        ["a\n\nb"]
    );
}

#[test]
fn format_leading_space() {
    assert_eq!(messages("data:\ta\rdata: \ndata:  \ndata: b\n\n"), ["\ta\n\n \nb"]);
}

#[test]
fn format_newlines() {
    assert_eq!(messages("data:a\r\ndata\ndata:b\r\n\r"), ["a\n\nb"]);
    assert_eq!(
        messages("data:a\r\rdata:b\n\ndata:c\r\n\r\ndata:d\n\r\ndata:e\r\n\n"),
        ["a", "b", "c", "d", "e"]
    );
}

#[test]
fn format_null_character() {
    assert_eq!(messages("data:\0\n\n\n\n"), ["\0"]);
}

#[test]
fn format_utf_8() {
    assert_eq!(messages("data:gr\u{fc}n\u{2026}\n\n"), ["gr\u{fc}n\u{2026}"]);
}

#[test]
fn event_data() {
    let body = "data:a\ndata: b\n\n:\nother:no\n\nother:no\nData:no\n\ndata\n\ndata:end\n\n";
    assert_eq!(messages(body), ["a\nb", "", "end"]);
}

#[test]
fn the_examples_of_the_specification() {
    assert_eq!(messages("data: PRICE\ndata: +2\ndata: 10\n\n"), ["PRICE\n+2\n10"]);
    let comment_then_ids = ": note\n\ndata: one\nid: 1\n\ndata:two\nid\n\ndata:  three\n\n";
    assert_eq!(messages(comment_then_ids), ["one", "two", " three"]);
    assert_eq!(messages("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
    assert_eq!(messages("data:same\n\ndata: same\n\n"), ["same", "same"]);
}
