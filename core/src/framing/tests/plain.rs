//! Lines, and bodies that are one frame.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn lines_are_frames_and_blank_ones_are_not() {
    let body = "{\"a\":1}\r\n\n \t\r\n{\"b\":\"\\n\"}\n[]\n";
    let outcome = whole(Framing::Lines, body);
    assert_eq!(outcome.data(), ["{\"a\":1}", "{\"b\":\"\\n\"}", "[]"]);
    assert_eq!(outcome.end, Ok(false));
    assert!(outcome.frames.iter().all(|(name, _)| name.is_none()));
    assert_splits(Framing::Lines, body);
}

#[test]
fn the_last_line_needs_no_line_feed() {
    for body in ["1\n{\"a\":", "1\n{\"a\":\r"] {
        let outcome = whole(Framing::Lines, body);
        assert_eq!((outcome.data(), outcome.end), (vec!["1", "{\"a\":"], Ok(false)));
        assert_splits(Framing::Lines, body);
    }
    assert_eq!(whole(Framing::Lines, "1\n\r").data(), ["1"]);
    assert_eq!(whole(Framing::Lines, "").data(), [""; 0]);
}

#[test]
fn a_carriage_return_alone_is_no_line_end_here() {
    assert_eq!(whole(Framing::Lines, "1\r2\n").data(), ["1\r2"]);
}

#[test]
fn a_whole_body_is_one_frame_also_when_empty() {
    for body in ["{\"a\":[1,2]}", "", "\n", "<html>"] {
        assert_eq!(
            whole(Framing::Json, body),
            Outcome { frames: vec![(None, body.as_bytes().to_vec())], end: Ok(false) }
        );
        assert_splits(Framing::Json, body);
    }
    assert_eq!(run(Framer::new(Framing::Json, ROOM), []).frames.len(), 1);
}
