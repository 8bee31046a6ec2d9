//! The hard cases of framing.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const LIMIT: usize = 256 << 10;

/// Characters of two, three and four bytes, and a family joined by zero-width joiners.
const WORDS: &str = "\u{e9}\u{20ac}\u{1f980}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";

#[test]
fn s1_utf8_cut_across_chunks_is_whole_again() {
    let body = format!("event: {WORDS}\ndata: {WORDS}\ndata: x\n\n");
    let frames = whole(Framing::Sse, &body).frames;
    assert_eq!(frames, [(Some(WORDS.to_owned()), format!("{WORDS}\nx").into_bytes())]);
    assert_splits(Framing::Sse, &body);
    assert_splits(Framing::Lines, format!("{{\"a\":\"{WORDS}\"}}\n\"{WORDS}\""));
    assert_splits(Framing::JsonArray, format!("[\"{WORDS}\",{{\"{WORDS}\":1}}]"));
}

#[test]
fn s1_bad_bytes_are_replaced_in_names_and_kept_in_data() {
    let frames = whole(Framing::Sse, b"event: a\xFFb\ndata: \xFF\xC3\n\n").frames;
    assert_eq!(frames, [(Some("a\u{fffd}b".to_owned()), b"\xFF\xC3".to_vec())]);
}

#[test]
fn s2_cr_and_lf_in_different_chunks_are_one_line_end() {
    let body = "data: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n";
    assert_eq!(events(body), ["1\n2", "3"]);
    assert_splits(Framing::Sse, body);
    let empty_between: [&[u8]; 4] = [b"data: 1\r", b"", b"\ndata: 2\r\n\r", b"\n"];
    let outcome = run(Framer::new(Framing::Sse, ROOM), empty_between);
    assert_eq!(outcome.data(), ["1\n2"]);
}

#[test]
fn s3_all_line_ends_are_equal() {
    let lf = "event: e\ndata: 1\n\n: c\ndata: 2\ndata: 3\n\n\n\ndata: 4\n\n";
    let expected = whole(Framing::Sse, lf);
    assert_eq!(expected.data(), ["1", "2\n3", "4"]);
    assert_eq!(whole(Framing::Sse, lf.replace('\n', "\r\n")), expected);
    assert_eq!(whole(Framing::Sse, lf.replace('\n', "\r")), expected);
    let mut ends = ["\n", "\r\n", "\r"].into_iter().cycle();
    let mixed: String =
        lf.chars().map(|c| if c == '\n' { ends.next().unwrap().into() } else { c.to_string() }).collect();
    assert_eq!(whole(Framing::Sse, &mixed), expected);
    assert_splits(Framing::Sse, &mixed);
}

/// One long line, and many short ones: in pieces of any size, each byte is searched once.
#[test]
fn s3_the_search_is_linear_for_any_cutting() {
    let long = format!("data: {}\r\n\r\n", "x".repeat(512 << 10));
    let short = "data: 12345\r\n\r\n".repeat(8 << 10);
    for body in [long, short] {
        for size in [1, 7, 4096, body.len()] {
            SEARCHED.set(0);
            let outcome = run(Framer::new(Framing::Sse, ROOM), body.as_bytes().chunks(size));
            assert!(!outcome.frames.is_empty());
            assert!(SEARCHED.get() <= body.len(), "{} steps in pieces of {size}", SEARCHED.get());
        }
    }
}

#[test]
fn s4_exactly_one_byte_order_mark_is_taken() {
    for framing in ALL {
        assert_eq!(whole(framing, "\u{feff}[1]").frames, whole(framing, "[1]").frames);
        assert_splits(framing, "\u{feff}[1]\n");
        assert_splits(framing, "\u{feff}\u{feff}data: 1\n\n");
        for part in [&b""[..], b"\xEF", b"\xEF\xBB", b"\xEF\xBBdata: 1\n\n"] {
            assert_splits(framing, part);
        }
    }
    assert_eq!(events("\u{feff}data: 1\n\n"), ["1"]);
    assert_eq!(events("\u{feff}\u{feff}data: 1\n\ndata: 2\n\n"), ["2"]);
    assert_eq!(whole(Framing::Json, b"\xEF\xBB").frames, [(None, b"\xEF\xBB".to_vec())]);
}

#[test]
fn s5_comments_yield_nothing_and_hold_nothing() {
    let mut framer = Framer::new(Framing::Sse, LIMIT);
    for _ in 0..3600 {
        for piece in [&b":"[..], b" keep-alive", b"\n", b"\n:\n\n"] {
            framer.feed(piece, &mut |frame| panic!("{frame:?}")).unwrap();
        }
    }
    assert!(capacity(&framer) < 64, "{} bytes", capacity(&framer));
    let glued = ": one\ndata: 1\n: two\ndata: 2\n\n:\n";
    assert_eq!(events(glued), ["1\n2"]);
    assert_splits(Framing::Sse, glued);
}

/// The end of the stream, where 1 to 4 bytes may be missing.
#[test]
fn s6_a_last_event_without_its_end_is_given_when_it_is_whole() {
    let unit =
        |end: Result<bool, ErrorKind>, data: &[&str]| (end, data.iter().map(|d| d.to_string()).collect());
    let lenient = |body: &str| -> (_, Vec<String>) { (whole(Framing::Sse, body).end, events(body)) };
    for rest in ["", "\n", "\r\n", "\n: comment", "\nid: 7", "\nda", "\ndata", "\nevent: e"] {
        let body = format!("data: 1\n\nevent: e\ndata: {{\"a\":1}}{rest}");
        assert_eq!(lenient(&body), unit(Ok(true), &["1", "{\"a\":1}"]), "{rest:?}");
        assert_splits(Framing::Sse, &body);
        let name = whole(Framing::Sse, &body).frames.pop().unwrap().0;
        assert_eq!(name.as_deref(), Some("e"));
    }
    assert_eq!(lenient("data: [DONE]"), unit(Ok(true), &["[DONE]"]));
    assert_eq!(lenient("data:[DONE]\n"), unit(Ok(true), &["[DONE]"]));
    assert_eq!(lenient("data: {\ndata: }"), unit(Ok(true), &["{\n}"]));
    assert_eq!(lenient("data: [DONE]\n\n"), unit(Ok(false), &["[DONE]"]));
    for cut in ["{\"a\":1", "[DON", "\"text", "12", "-1", "tru", "", "plain words"] {
        assert_eq!(lenient(&format!("data: {cut}")), unit(Ok(false), &[]), "{cut:?}");
    }
    for cut in [": comment", "event: e", "id: 7", "d", "event: e\n", ""] {
        assert_eq!(lenient(cut), unit(Ok(false), &[]), "{cut:?}");
    }
    assert_eq!(lenient("event: early\ndata: {}\nevent: la").1, ["{}"]);
    assert_eq!(whole(Framing::Sse, "data: {}\nevent: la").frames.pop().unwrap().0, None);
}

#[test]
fn s6_strict_discards_a_last_event_without_its_end() {
    for rest in ["", "\n", "\r\n", "\n: comment"] {
        for data in ["{\"a\":1}", "[DONE]"] {
            let body = format!("data: 1\n\ndata: {data}{rest}");
            let outcome = run(Framer::new(Framing::Sse, ROOM).strict(), [body.as_bytes()]);
            assert_eq!((outcome.data(), outcome.end), (vec!["1"], Ok(false)), "{body:?}");
        }
    }
    let lines = run(Framer::new(Framing::Lines, ROOM).strict(), [&b"{}"[..]]);
    assert_eq!(lines.data(), ["{}"], "other framings have no strict mode");
}

#[test]
fn s7_all_events_of_a_chunk_are_drained() {
    for count in 1..=64 {
        let body: String = (0..count).map(|n| format!("data: {n}\n\n")).collect();
        let expected: Vec<String> = (0..count).map(|n: i32| n.to_string()).collect();
        assert_eq!(events(&body), expected);
        let lines: String = (0..count).map(|n| format!("{n}\n")).collect();
        assert_eq!(whole(Framing::Lines, lines).data(), expected);
        let array = format!("[{}]", expected.join(","));
        assert_eq!(whole(Framing::JsonArray, array).data(), expected);
    }
}

#[test]
fn s8_data_lines_join_with_a_line_feed() {
    let body = "data: a\ndata\ndata: b\ndata:\n\ndata: {\ndata: }\n\n";
    assert_eq!(events(body), ["a\n\nb\n", "{\n}"]);
    assert_splits(Framing::Sse, body);
}

#[test]
fn s9_the_space_after_the_colon_is_optional_and_one() {
    let body = "data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\nevent:n\ndata:a\n\nevent: n\ndata:a\n\n";
    assert_eq!(events(body), ["a", "a", " a", "\ta", "a", "a"]);
    let names: Vec<_> = whole(Framing::Sse, body).frames.into_iter().filter_map(|(name, _)| name).collect();
    assert_eq!(names, ["n", "n"]);
    assert_splits(Framing::Sse, body);
}

/// Feeds `piece` up to a GiB. True when it was refused; the memory kept must stay below the limit.
fn is_refused(framing: Framing, start: &str, piece: &[u8]) -> bool {
    let mut framer = Framer::new(framing, LIMIT);
    let mut each = |_: crate::provider::Frame<'_>| Ok(());
    framer.feed(start.as_bytes(), &mut each).unwrap();
    for n in 0..(1 << 30) / piece.len() {
        let fed = framer.feed(piece, &mut each);
        assert!(capacity(&framer) <= LIMIT, "{framing:?} keeps {} bytes", capacity(&framer));
        if let Err(error) = fed {
            assert_eq!(error.kind(), ErrorKind::Malformed);
            assert_eq!(error.context(), [("limit_bytes", LIMIT.to_string())]);
            assert!(n * piece.len() <= 2 * LIMIT, "refused only after {n} pieces");
            return true;
        }
    }
    false
}

#[test]
fn s10_what_never_ends_is_refused() {
    let piece = [b'x'; 64 << 10];
    for framing in [Framing::Sse, Framing::Lines, Framing::Json] {
        assert!(is_refused(framing, "", &piece), "{framing:?}");
        assert!(is_refused(framing, "", b"x"), "{framing:?}");
    }
    for start in ["data: ", ": ", "event: ", "data: 1\n\ndata: 2\n"] {
        assert!(is_refused(Framing::Sse, start, &piece), "{start:?}");
    }
    assert!(is_refused(Framing::Sse, "", b"data: one more line\n"), "an event that never ends");
    for start in ["[\"", "[{\"a\":\"", "[1", "{"] {
        assert!(is_refused(Framing::JsonArray, start, &piece), "{start:?}");
    }
    assert!(is_refused(Framing::JsonArray, "[", b"[[[[[[[[[[[[[[[["));
}

#[test]
fn s10_the_limit_is_the_same_for_any_cutting() {
    let fits = |framing, limit, body: &str| {
        let outcome = run(Framer::new(framing, limit), [body.as_bytes()]);
        let bytewise = run(Framer::new(framing, limit), body.as_bytes().chunks(1));
        assert_eq!(outcome, bytewise, "{framing:?} {body:?}");
        outcome.end.is_ok()
    };
    for (framing, body, need) in [
        (Framing::Sse, "data: 123\n\n", 9),
        (Framing::Sse, "data: 1\ndata: 2\n\n", 9),
        (Framing::Sse, "data: 1\n\n: long comment\n", 14),
        (Framing::Lines, "123\n4\r\n", 3),
        (Framing::Json, "{\"a\":1}", 7),
        (Framing::JsonArray, " [ 123 , \"456\" ] ", 5),
    ] {
        assert!(fits(framing, need, body), "{framing:?} {body:?}");
        assert!(!fits(framing, need - 1, body), "{framing:?} {body:?}");
    }
}

#[test]
fn s10_an_event_name_has_a_limit_of_its_own() {
    let body = |length: usize| format!("event: {}\ndata: 1\n\n", "n".repeat(length));
    assert_eq!(whole(Framing::Sse, body(4096)).end, Ok(false));
    assert_eq!(whole(Framing::Sse, body(4097)).end, Err(ErrorKind::Malformed));
    let pieces = run(Framer::new(Framing::Sse, ROOM), body(4097).as_bytes().chunks(1));
    assert_eq!(pieces.end, Err(ErrorKind::Malformed));
}

#[test]
fn an_error_of_the_reader_comes_at_once() {
    for (framing, body) in
        [(Framing::Sse, "data: 1\n\ndata: 2\n\n"), (Framing::Lines, "1\n2\n"), (Framing::JsonArray, "[1,2]")]
    {
        let mut seen = 0;
        let error = Framer::new(framing, ROOM).feed(body.as_bytes(), &mut |_| {
            seen += 1;
            Err(Error::new(ErrorKind::Overloaded, "busy"))
        });
        assert_eq!((error.unwrap_err().kind(), seen), (ErrorKind::Overloaded, 1), "{framing:?}");
    }
    let error = Framer::new(Framing::Json, ROOM).eof(&mut |_| Err(Error::new(ErrorKind::Overloaded, "busy")));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Overloaded);
}

#[test]
fn an_event_in_one_chunk_is_not_copied() {
    let chunk = b"event: e\ndata: {\"a\":1}\n\ndata: 2\r\n\r\n";
    let mut framer = Framer::new(Framing::Sse, ROOM);
    let mut count = 0;
    framer
        .feed(chunk, &mut |frame| {
            count += 1;
            assert!(chunk.as_ptr_range().contains(&frame.data.as_ptr()));
            Ok(())
        })
        .unwrap();
    assert_eq!((count, capacity(&framer)), (2, 0));
}

#[test]
fn debug_prints_no_answer() {
    for framing in ALL {
        let mut framer = Framer::new(framing, ROOM);
        framer.feed(b"[\"private", &mut |_| Ok(())).unwrap();
        let shown = format!("{framer:?}");
        assert!(!shown.contains("private") && !shown.contains("112"), "{shown}");
    }
}
