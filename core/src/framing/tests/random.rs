//! Law W1 on random bodies: for any cutting the frames are the same. For server-sent events they are also those
//! of a second, plain reading of the specification.

use proptest::prelude::*;

use super::*;

/// What bodies are made of: enough structure to reach every state, and noise.
fn token() -> impl Strategy<Value = Vec<u8>> {
    let fixed: Vec<&[u8]> = vec![
        b"data:",
        b"data: ",
        b"data",
        b"event:",
        b"event: name",
        b"id: 1",
        b"retry: 1",
        b":",
        b" ",
        b"\n",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\xEF\xBB\xBF",
        b"\xEF",
        b"\xBB",
        b"\xBF",
        b"\0",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"\"",
        b"\\",
        b"\\\"",
        b"1",
        b"-2.5",
        b"null",
        b"[DONE]",
        b"{\"a\":[1,\"]\\\"\"]}",
        b"\xC3\xA9",
        b"\xF0\x9F\xA6\x80",
    ];
    prop_oneof![9 => prop::sample::select(fixed).prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..4)]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(token(), 0..40).prop_map(|tokens| tokens.concat())
}

/// The pieces of `body` between the cuts.
pub(super) fn pieces<'a>(body: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    cuts.sort_unstable();
    let mut rest = body;
    let mut pieces = Vec::new();
    for cut in cuts.iter().rev() {
        let (head, tail) = rest.split_at(*cut);
        pieces.push(tail);
        rest = head;
    }
    pieces.push(rest);
    pieces.reverse();
    pieces
}

/// WHATWG HTML 9.2.5 and 9.2.6, in the order of the text.
fn plain_reading(body: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let mut lines = vec![Vec::new()];
    let mut bytes = body.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if(|next| **next == b'\n');
                lines.push(Vec::new());
            }
            b'\n' => lines.push(Vec::new()),
            byte => lines.last_mut().unwrap().push(*byte),
        }
    }
    lines.pop();
    let (mut events, mut name, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (&line[..], &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if line.is_empty() {
            if data.pop().is_some() {
                let name = String::from_utf8_lossy(&name).into_owned();
                events.push(((!name.is_empty()).then_some(name), std::mem::take(&mut data)));
            }
            name.clear();
        } else if field == b"data" {
            data.extend_from_slice(value);
            data.push(b'\n');
        } else if field == b"event" {
            name = value.to_vec();
        }
    }
    events
}

proptest! {
    #[test]
    fn w1_any_cutting_gives_the_same_frames(
        body in body(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        limit in prop_oneof![Just(ROOM), 0_usize..64],
    ) {
        for framing in ALL {
            let expected = run(Framer::new(framing, limit), [&body[..]]);
            prop_assert_eq!(&run(Framer::new(framing, limit), pieces(&body, &cuts)), &expected);
            prop_assert_eq!(&run(Framer::new(framing, limit), body.chunks(1)), &expected);
        }
        let strict = || Framer::new(Framing::Sse, limit).strict();
        prop_assert_eq!(run(strict(), pieces(&body, &cuts)), run(strict(), [&body[..]]));
    }

    #[test]
    fn strict_events_are_those_of_a_plain_reading(body in body()) {
        let outcome = run(Framer::new(Framing::Sse, ROOM).strict(), [&body[..]]);
        prop_assert_eq!(outcome.frames, plain_reading(&body));
    }

    #[test]
    fn the_elements_of_any_array_come_out(
        elements in prop::collection::vec(prop_oneof!["[0-9]{1,4}", "[ -~\u{e9}]{0,6}".prop_map(|s| serde_json::json!({"k": [s]}).to_string())], 0..6),
    ) {
        let body = format!("[{}]", elements.join(" ,\n"));
        let outcome = whole(Framing::JsonArray, body);
        prop_assert_eq!(outcome.data(), elements);
    }
}
