//! The behaviour that every wire protocol has.

use futures_util::StreamExt;

use crate::error::ErrorKind;
use crate::event::{Event, Notice};
use crate::events::{EndKind, Events};
use crate::provider::{Framing, Provider};
use crate::reader::recorded;
use crate::request::Request;
use crate::testing::run;

/// How many places of a long body are tried; all of them where it is shorter.
const PLACES: usize = 2048;

/// Checks a wire protocol on one recorded response that holds a whole answer: its events are the same however the
/// bytes are cut (law W1) and whatever the lines end with, they fold and unfold, and a body that breaks off is
/// Truncated and never a finished answer of less. Only usage may be missing, where a wire sends it after its
/// terminal signal: then it is unknown, not wrong.
///
/// # Panics
/// When the protocol behaves otherwise; the message says where.
pub fn provider(provider: &dyn Provider, request: &Request, head: &http::response::Parts, body: &[u8]) {
    let wire = Wire { provider, request, head };
    let whole = wire.read([body]);
    assert_eq!(
        whole.end,
        Some(EndKind::Finished),
        "the recorded answer is whole; it ended with {:?}",
        whole.error
    );
    wire.folds_and_unfolds(body);
    wire.reads_the_same_however_it_is_cut(body, &whole);
    let framing = provider.decode(request, head).map(|(framing, _)| framing);
    if matches!(framing, Ok(Framing::Sse)) {
        wire.reads_the_same_whatever_the_lines_end_with(body, &whole);
    }
    wire.never_finishes_with_less(body, &whole);
}

struct Wire<'a> {
    provider: &'a dyn Provider,
    request: &'a Request,
    head: &'a http::response::Parts,
}

/// What came of a body.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    end: Option<EndKind>,
    error: Option<ErrorKind>,
}

impl Outcome {
    fn has_usage(&self) -> bool {
        self.events.iter().any(is_usage)
    }

    fn without_usage(&self) -> Vec<Event> {
        self.events.iter().filter(|event| !is_usage(event)).cloned().collect()
    }
}

fn is_usage(event: &Event) -> bool {
    matches!(event, Event::Usage(_) | Event::Notice(Notice::UsageMismatch { .. }))
}

impl Wire<'_> {
    fn stream<'b>(&self, pieces: impl IntoIterator<Item = &'b [u8]>) -> Events {
        recorded(self.provider, self.request, self.head, pieces)
    }

    fn read<'b>(&self, pieces: impl IntoIterator<Item = &'b [u8]>) -> Outcome {
        let mut stream = self.stream(pieces);
        let (mut events, mut error) = (Vec::new(), None);
        while let Some(item) = run(stream.next()) {
            match item {
                // A last frame without its end is reported as such, and is the same answer.
                Ok(Event::Notice(Notice::Unterminated)) => {}
                Ok(event) => events.push(event),
                Err(e) => error = Some(e.kind()),
            }
        }
        Outcome { events, end: stream.end(), error }
    }

    fn folds_and_unfolds(&self, body: &[u8]) {
        let once = run(self.stream([body]).collect()).ok();
        let twice = once.clone().and_then(|c| run(c.into_events().collect()).ok());
        assert_eq!(twice, once, "an answer comes back from its events");
    }

    fn reads_the_same_however_it_is_cut(&self, body: &[u8], whole: &Outcome) {
        for at in places(body.len()) {
            let (front, back) = body.split_at_checked(at).unwrap_or((body, &[]));
            assert_eq!(&self.read([front, back]), whole, "cut at byte {at} (W1)");
        }
        assert_eq!(&self.read(body.chunks(1)), whole, "byte by byte (W1)");
        // Three does not divide the sequences of UTF-8 and CRLF evenly.
        assert_eq!(&self.read(body.chunks(3)), whole, "three bytes at a time (W1)");
    }

    fn reads_the_same_whatever_the_lines_end_with(&self, body: &[u8], whole: &Outcome) {
        let lines =
            |end: &[u8]| body.split(|byte| *byte == b'\n').map(without_cr).collect::<Vec<_>>().join(end);
        for (name, end) in [("LF", &b"\n"[..]), ("CR", b"\r"), ("CRLF", b"\r\n")] {
            let body = lines(end);
            assert_eq!(&self.read([body.as_slice()]), whole, "lines that end with {name} (S3)");
            assert_eq!(&self.read(body.chunks(1)), whole, "lines that end with {name}, byte by byte (S2)");
        }
    }

    fn never_finishes_with_less(&self, body: &[u8], whole: &Outcome) {
        for at in places(body.len()) {
            let Some((front, _)) = body.split_at_checked(at) else { continue };
            let cut = self.read([front]);
            if cut.end == Some(EndKind::Finished) {
                let missing = if cut.has_usage() { whole.events.clone() } else { whole.without_usage() };
                assert_eq!(
                    cut.events, missing,
                    "cut off after {at} bytes, it is finished and another answer (W3)"
                );
            } else {
                assert_eq!(cut.error, Some(ErrorKind::Truncated), "cut off after {at} bytes (W3)");
                assert!(
                    whole.events.starts_with(&cut.events),
                    "cut off after {at} bytes: {:?} (W2)",
                    cut.events
                );
            }
        }
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Places in a body, evenly spread, the first and the last few among them.
fn places(len: usize) -> impl Iterator<Item = usize> {
    let step = len / PLACES + 1;
    (0..len).filter(move |at| at % step == 0 || at + 8 >= len)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::error::{Error, Result};
    use crate::event::Finish;
    use crate::provider::{Decoder, Frame};
    use crate::service::Info;

    /// A wire of server-sent events: text in each, `[DONE]` in the last.
    #[derive(Debug)]
    struct Toy {
        base: http::Uri,
        /// Takes the end of the body for the end of the answer.
        gullible: bool,
    }

    impl Provider for Toy {
        fn info(&self) -> Info {
            Info::new("toy", "toy")
        }

        fn base_url(&self) -> &http::Uri {
            &self.base
        }

        fn encode(&self, _: &Request) -> Result<http::Request<Bytes>> {
            Err(Error::new(ErrorKind::Unsupported, "it only reads"))
        }

        fn decode(&self, _: &Request, _: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
            Ok((Framing::Sse, Box::new(ToyDecoder { started: false, gullible: self.gullible })))
        }
    }

    struct ToyDecoder {
        started: bool,
        gullible: bool,
    }

    fn finish(out: &mut Vec<Event>) {
        out.push(Event::PartEnd { choice: 0, part: 0 });
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
    }

    impl Decoder for ToyDecoder {
        fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
            if !std::mem::replace(&mut self.started, true) {
                out.push(Event::Start { id: None, model: None });
            }
            if frame.data == b"[DONE]" {
                finish(out);
            } else {
                let text =
                    std::str::from_utf8(frame.data).map_err(|_| Error::new(ErrorKind::Malformed, "bytes"))?;
                out.push(Event::Text { choice: 0, part: 0, delta: text.into() });
            }
            Ok(())
        }

        fn eof(&mut self, out: &mut Vec<Event>) -> Result<()> {
            if self.gullible && self.started {
                finish(out);
            }
            Ok(())
        }
    }

    fn check(gullible: bool, body: &str) {
        let toy = Toy { base: http::Uri::from_static("https://toy.test"), gullible };
        let response =
            http::Response::builder().header("content-type", "text/event-stream").body(()).unwrap();
        provider(&toy, &Request::from("hi"), &response.into_parts().0, body.as_bytes());
    }

    const BODY: &str = "\u{feff}: hello\n\ndata: grüß\ndata: 你好 👩‍👩‍👧\n\ndata:x\n\ndata: [DONE]\n\n";

    #[test]
    fn w1_a_wire_that_waits_for_its_terminal_signal_behaves() {
        check(false, BODY);
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    #[should_panic(expected = "it is finished and another answer (W3)")]
    fn s15_a_wire_that_takes_eof_for_the_end_is_found() {
        check(true, BODY);
    }
}
