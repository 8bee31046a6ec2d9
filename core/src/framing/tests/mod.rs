//! Framing, by hard case (`s1_` .. `s10_`), by the vectors of the web platform tests, and by law W1.

mod array;
mod aws;
mod cases;
mod eventsource;
mod plain;
#[cfg(not(target_arch = "wasm32"))]
mod random;

use std::cell::Cell;

use super::{Cutter, Framer};
use crate::error::{Error, ErrorKind};
use crate::provider::Framing;

const ALL: [Framing; 5] =
    [Framing::Sse, Framing::Lines, Framing::Json, Framing::JsonArray, Framing::AwsEventStream];
const ROOM: usize = 1 << 20;

thread_local! {
    /// How many bytes were searched for the end of a line.
    static SEARCHED: Cell<usize> = const { Cell::new(0) };
}

/// Counts the steps that the search for line ends takes.
pub(super) fn searched(bytes: usize) {
    SEARCHED.set(SEARCHED.get() + bytes);
}

/// What came out of a body: its frames, and how it ended.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    frames: Vec<(Option<String>, Vec<u8>)>,
    end: Result<bool, ErrorKind>,
}

impl Outcome {
    /// The data of all frames, as text.
    fn data(&self) -> Vec<&str> {
        self.frames.iter().map(|(_, data)| std::str::from_utf8(data).unwrap()).collect()
    }
}

fn run<'a>(mut framer: Framer, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut frames = Vec::new();
    let mut each = |frame: crate::provider::Frame<'_>| {
        frames.push((frame.name.map(str::to_owned), frame.data.to_vec()));
        Ok(())
    };
    let fed = pieces.into_iter().try_for_each(|piece| framer.feed(piece, &mut each));
    let end = fed.and_then(|()| framer.eof(&mut each)).map_err(|error: Error| error.kind());
    Outcome { frames, end }
}

/// The body in one piece.
fn whole(framing: Framing, body: impl AsRef<[u8]>) -> Outcome {
    run(Framer::new(framing, ROOM), [body.as_ref()])
}

/// The data of an event stream's events.
fn events(body: impl AsRef<[u8]>) -> Vec<String> {
    whole(Framing::Sse, body).data().into_iter().map(str::to_owned).collect()
}

/// Every cut in two, every cut in three, and byte by byte: all give what the whole gives.
fn assert_splits(framing: Framing, body: impl AsRef<[u8]>) {
    let body = body.as_ref();
    let expected = whole(framing, body);
    let framer = || Framer::new(framing, ROOM);
    for first in 0..=body.len() {
        for second in first..=body.len() {
            let pieces = [&body[..first], &body[first..second], &body[second..]];
            assert_eq!(run(framer(), pieces), expected, "{framing:?} cut at {first} and {second}");
        }
    }
    assert_eq!(run(framer(), body.chunks(1)), expected, "{framing:?} byte by byte");
}

/// How much memory the framer keeps for what is unfinished.
fn capacity(framer: &Framer) -> usize {
    match &framer.cutter {
        Cutter::Sse(sse) => sse.held.capacity(),
        Cutter::Lines(lines) => lines.held.capacity(),
        Cutter::Json(json) => json.held.capacity(),
        Cutter::Array(array) => array.held.capacity(),
        Cutter::Aws(events) => events.held.capacity(),
    }
}
