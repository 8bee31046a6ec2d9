//! Amazon's event stream: known bytes, every header type, both checksums, every cutting.

use bytes::{BufMut, BytesMut};

use super::super::aws_message;
use super::*;

/// A message with headers that are already bytes.
fn raw(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut message = BytesMut::new();
    message.put_u32(u32::try_from(16 + headers.len() + payload.len()).unwrap());
    message.put_u32(u32::try_from(headers.len()).unwrap());
    message.put_u32(crc32fast::hash(&message));
    message.put_slice(headers);
    message.put_slice(payload);
    message.put_u32(crc32fast::hash(&message));
    message.to_vec()
}

fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut out = BytesMut::new();
    aws_message(headers, payload.as_bytes(), &mut out);
    out.to_vec()
}

fn event(name: &str, payload: &str) -> Vec<u8> {
    message(
        &[(":event-type", name), (":content-type", "application/json"), (":message-type", "event")],
        payload,
    )
}

fn frames(body: &[u8]) -> Vec<(Option<String>, String)> {
    let outcome = whole(Framing::AwsEventStream, body);
    assert_eq!(outcome.end, Ok(false));
    outcome.frames.into_iter().map(|(name, data)| (name, String::from_utf8(data).unwrap())).collect()
}

fn ends(body: &[u8]) -> Result<bool, ErrorKind> {
    whole(Framing::AwsEventStream, body).end
}

/// The examples of the specification's own test suite: an empty message, and one with a payload.
#[test]
fn known_messages_read_and_write() {
    let empty = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
    assert_eq!(message(&[], ""), empty);
    assert_eq!(frames(&empty), [(None, String::new())]);
    let payload = message(&[], "{'foo':'bar'}");
    assert_eq!(payload[..12], [0, 0, 0, 0x1d, 0, 0, 0, 0, 0xfd, 0x52, 0x8c, 0x5a]);
    assert_eq!(payload[25..], [0xc3, 0x65, 0x39, 0x36]);
}

#[test]
fn a_frame_is_named_by_its_kind_of_message() {
    let exception = [(":message-type", "exception"), (":exception-type", "throttlingException")];
    let error = [(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "gone")];
    let body =
        [event("chunk", "{}"), message(&exception, "{1}"), message(&error, ""), message(&error, "{2}")];
    let named = |name: &str, data: &str| (Some(name.to_owned()), data.to_owned());
    assert_eq!(
        frames(&body.concat()),
        [
            named("chunk", "{}"),
            named("throttlingException", "{1}"),
            named("InternalError", "gone"),
            named("InternalError", "{2}"),
        ]
    );
    assert_eq!(frames(&message(&[(":message-type", "event")], "x")), [(None, "x".to_owned())]);
}

#[test]
fn headers_of_every_type_are_passed_over() {
    let mut headers = Vec::new();
    let values: [(u8, &[u8]); 10] = [
        (0, b""),
        (1, b""),
        (2, b"1"),
        (3, b"12"),
        (4, b"1234"),
        (5, b"12345678"),
        (6, b"\0\x02ab"),
        (7, b"\0\x02cd"),
        (8, b"12345678"),
        (9, b"0123456789abcdef"),
    ];
    for (kind, value) in values {
        headers.extend_from_slice(&[1, b'a' + kind, kind]);
        headers.extend_from_slice(value);
    }
    // A name that is not text names nothing.
    headers.extend_from_slice(b"\x0b:event-type\x06\0\x01x\x0b:event-type\x07\0\x01e");
    assert_eq!(frames(&raw(&headers, b"p")), [(Some("e".to_owned()), "p".to_owned())]);
    for cut in 1..headers.len() {
        assert!(matches!(ends(&raw(&headers[..cut], b"")), Ok(false) | Err(ErrorKind::Malformed)));
    }
    for bad in [&b"\x01a\x0a"[..], b"\x01a", b"\x05a", b"\x01a\x07\0\x02\xff\xfe", b"\x01a\x07\0"] {
        assert_eq!(ends(&raw(bad, b"p")), Err(ErrorKind::Malformed), "{bad:?}");
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let good = event("messageStart", r#"{"role":"assistant"}"#);
    for at in 0..good.len() {
        for bit in [0x01, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= bit;
            let outcome = whole(Framing::AwsEventStream, &bad);
            assert_eq!((outcome.frames.len(), outcome.end), (0, Err(ErrorKind::Malformed)), "byte {at}");
        }
    }
}

#[test]
fn what_came_before_a_bad_message_is_given() {
    let mut body = [event("a", "1"), event("b", "2")].concat();
    *body.last_mut().unwrap() ^= 1;
    let outcome = whole(Framing::AwsEventStream, &body);
    assert_eq!((outcome.data(), outcome.end), (vec!["1"], Err(ErrorKind::Malformed)));
}

#[test]
fn lengths_that_contradict_each_other_are_malformed() {
    for (total, headers) in [(0_u32, 0_u32), (15, 0), (16, 1), (20, 5), (20, u32::MAX)] {
        let mut body = BytesMut::new();
        body.put_u32(total);
        body.put_u32(headers);
        body.put_u32(crc32fast::hash(&body));
        assert_eq!(ends(&body), Err(ErrorKind::Malformed), "{total} {headers}");
    }
}

#[test]
fn s10_a_length_past_the_limit_keeps_no_memory() {
    let mut body = BytesMut::new();
    body.put_u32(u32::MAX);
    body.put_u32(0);
    body.put_u32(crc32fast::hash(&body));
    let mut framer = Framer::new(Framing::AwsEventStream, 1024);
    let error = framer.feed(&body, &mut |_| Ok(())).unwrap_err();
    assert_eq!((error.kind(), capacity(&framer)), (ErrorKind::Malformed, 0));
    assert!(error.to_string().contains("1024"), "{error}");
    let message = event("a", &"x".repeat(2000));
    let fits = |limit| Framer::new(Framing::AwsEventStream, limit).feed(&message, &mut |_| Ok(())).is_ok();
    assert!(fits(message.len()) && !fits(message.len() - 1));
}

#[test]
fn w1_any_cutting_gives_the_same_frames() {
    let body = [event("a", "{}"), event("bc", ""), message(&[], "payload")].concat();
    assert_splits(Framing::AwsEventStream, &body);
    let mut bad = body.clone();
    bad[body.len() - 1] ^= 1;
    assert_splits(Framing::AwsEventStream, &bad);
    // No byte order mark is taken away: these are lengths.
    assert_splits(Framing::AwsEventStream, b"\xEF\xBB\xBF\0\0\0\0\0\0\0\0\0");
}

#[test]
fn a_frame_within_one_piece_is_not_copied() {
    let body = [event("a", "1"), event("b", "2")].concat();
    let mut framer = Framer::new(Framing::AwsEventStream, ROOM);
    framer.feed(&body, &mut |_| Ok(())).unwrap();
    assert_eq!(capacity(&framer), 0);
    assert_eq!(framer, Framer::new(Framing::AwsEventStream, ROOM));
}

#[test]
fn a_message_that_is_cut_off_is_no_frame() {
    let body = event("a", "1");
    for cut in 0..body.len() {
        let outcome = whole(Framing::AwsEventStream, &body[..cut]);
        assert_eq!((outcome.frames.len(), outcome.end), (0, Ok(false)), "{cut}");
    }
}

#[test]
fn texts_that_are_too_long_for_a_header_are_cut_between_characters() {
    let long = "\u{e9}".repeat(40_000);
    let body = message(&[(&long, "x"), (":event-type", &long)], "p");
    let [(Some(name), data)] = &frames(&body)[..] else { unreachable!() };
    assert_eq!((name.len(), data.as_str()), (65_534, "p"));
}

#[cfg(not(target_arch = "wasm32"))]
mod random {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn w1_what_was_written_is_read_in_any_cutting(
            messages in prop::collection::vec(
                ("[a-zA-Z]{0,12}", prop::collection::vec(any::<u8>(), 0..80)), 0..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            flip in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut body = BytesMut::new();
            for (name, payload) in &messages {
                aws_message(&[(":event-type", name), (":message-type", "event")], payload, &mut body);
            }
            let whole = run(Framer::new(Framing::AwsEventStream, ROOM), [&body[..]]);
            let written: Vec<_> = messages.iter().map(|(n, p)| (Some(n.clone()), p.clone())).collect();
            prop_assert_eq!(&whole, &Outcome { frames: written, end: Ok(false) });
            if let Some(at) = flip.filter(|_| !body.is_empty()) {
                let at = at.index(body.len());
                body[at] ^= 0x10;
            }
            let expected = run(Framer::new(Framing::AwsEventStream, ROOM), [&body[..]]);
            let pieces = super::super::random::pieces(&body, &cuts);
            prop_assert_eq!(&run(Framer::new(Framing::AwsEventStream, ROOM), pieces), &expected);
            prop_assert_eq!(&run(Framer::new(Framing::AwsEventStream, ROOM), body.chunks(1)), &expected);
        }
    }
}
