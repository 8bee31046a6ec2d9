//! Text at a regular cadence.

use super::*;

#[test]
fn a_burst_is_spread_over_the_window() {
    let outcome = go(throttle(r#"{"by":"250ms"}"#), Answer::text("abcdefghij"));
    assert_eq!(outcome.deltas(), [(0, "ab"), (250, "cd"), (500, "ef"), (750, "gh"), (1000, "ij")]);
    assert_eq!(outcome.took, SECOND, "the end comes with the last piece");
}

#[test]
fn what_comes_between_two_beats_goes_out_together() {
    let mut answer = Answer::deltas(["a", "b", "c", "d", "e", "f"]);
    for n in 0..5 {
        answer = answer.with(2 + 2 * n, Step::Wait(ms(20)));
    }
    let outcome = go(throttle(r#"{"by":"50ms","window":"50ms"}"#), answer);
    assert_eq!(outcome.deltas(), [(0, "a"), (50, "bc"), (100, "de"), (150, "f")]);
}

#[test]
fn a_burst_between_raw_frames_keeps_the_beat() {
    let raw = || Event::Raw { name: None, data: "{}".into() };
    let mut answer = Answer::deltas(["ab", "cd", "ef", "gh"]);
    for n in 0..4 {
        answer = answer.with(1 + 2 * n, Step::Event(raw()));
    }
    let outcome = go(throttle(r#"{"by":"500ms","window":"500ms"}"#), answer);
    assert_eq!(outcome.deltas(), [(0, "ab"), (0, "cd"), (500, "ef"), (500, "gh")]);
}

#[test]
fn with_a_speed_a_beat_hands_out_what_the_speed_lets_through() {
    let outcome = go(throttle(r#"{"bytes":"20/s","by":"100ms"}"#), Answer::text("abcdefghi"));
    assert_eq!(outcome.deltas(), [(0, "ab"), (100, "cd"), (200, "ef"), (300, "gh"), (400, "i")]);
    let outcome = go(throttle(r#"{"tokens":"10/s","by":"100ms"}"#), Answer::text("你好世界"));
    assert_eq!(outcome.deltas(), [(0, "你"), (100, "好"), (200, "世"), (300, "界")]);
}

#[test]
fn a_beat_that_does_not_fit_the_speed_loses_nothing_of_it() {
    // 1.275 bytes a beat: two of them, paid by 400 ms.
    let outcome = go(throttle(r#"{"bytes":"5/s","by":"255ms"}"#), Answer::text("abcdef"));
    assert_eq!(outcome.deltas(), [(0, "ab"), (400, "cd"), (800, "ef")]);
}

#[test]
fn characters_stay_whole() {
    let outcome = go(throttle(r#"{"by":"100ms","window":"300ms"}"#), Answer::text("👩‍👩‍👧e\u{301}x"));
    assert_eq!(outcome.texts(), ["👩‍👩‍👧", "e\u{301}", "x"]);
}

#[test]
fn a_beat_longer_than_the_window_is_the_window() {
    let outcome = go(throttle(r#"{"by":"1h","window":"1s"}"#), Answer::text("ab"));
    assert_eq!((outcome.deltas(), outcome.took), (vec![(0, "a"), (1000, "b")], SECOND));
}
