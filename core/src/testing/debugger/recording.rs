//! One call, as it went.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::dump;
use super::timeline::{Note, Timeline, What};
use crate::clock::Instant;
use crate::context::CallId;
use crate::events::EndKind;
use crate::testing::cassette::{Cassette, Heard, How, Recorder, Scrub, Taped};

/// One call as it went, up to the moment it was asked for. Its `Display` is the whole timeline, for people.
///
/// It holds no credential and nothing that looks like a secret, but it does hold what the model said.
#[derive(Clone)]
#[non_exhaustive]
pub struct Recording {
    /// The call.
    pub id: CallId,
    /// How it ended; `None` while it runs.
    pub end: Option<EndKind>,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// How many of the first entries were let go: the recording is bounded.
    pub dropped: usize,
    takes: Vec<Taped>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When, since the call began.
    pub at: Duration,
    /// Where.
    pub lane: Lane,
    /// What, in one word.
    pub what: &'static str,
    /// How many bytes it had on the wire, or how many its text has.
    pub size: Option<usize>,
    /// Its text, whole.
    pub text: String,
}

/// Where something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lane {
    /// To the call as a whole.
    Call,
    /// On the wire, in the exchange of this number.
    Wire(usize),
    /// In the stream of events that the caller reads.
    Event,
}

impl Recording {
    /// The exchanges as a cassette, to be replayed or saved. One that still runs ends where it is now; where the
    /// first chunks of an answer were let go, the note says so.
    pub fn to_cassette(&self) -> Cassette {
        let exchanges = self.takes.iter().map(|take| take.exchange.clone()).collect();
        Cassette { note: self.lost().join(" "), exchanges, ..Cassette::default() }
    }

    /// What is no longer there, in sentences.
    pub(super) fn lost(&self) -> Vec<String> {
        let takes = self.takes.iter().enumerate().filter(|(_, take)| take.dropped_chunks > 0);
        takes
            .map(|(i, take)| {
                let (chunks, bytes) = (take.dropped_chunks, take.dropped_bytes);
                format!("The first {chunks} chunks ({bytes} bytes) of exchanges[{i}] were let go.")
            })
            .collect()
    }

    /// Reads what was noted of a call.
    pub(super) fn of(
        id: CallId,
        began: Instant,
        timeline: &Timeline,
        recorder: &Recorder,
        scrub: &Scrub,
    ) -> Self {
        let takes = recorder.so_far();
        let secrets: Vec<String> = takes.iter().flat_map(|take| take.secrets.iter().cloned()).collect();
        let (notes, mut dropped) = timeline.notes(scrub, &secrets);
        let chunks: Vec<Vec<Bytes>> = takes.iter().map(|take| chunks(take, scrub)).collect();
        let end = notes.iter().find_map(|note| match note.what {
            What::Ended { how, .. } => Some(how),
            _ => None,
        });
        let mut entries = Vec::with_capacity(notes.len());
        for Note { at, what } in notes {
            match entry(at.since(began), what, &takes, &chunks) {
                Some(entry) => entries.push(entry),
                None => dropped += 1,
            }
        }
        Recording { id, end, entries, dropped, takes }
    }
}

/// The chunks of an answer as they are shown.
fn chunks(take: &Taped, scrub: &Scrub) -> Vec<Bytes> {
    let response = take.exchange.response.iter();
    let mut chunks: Vec<Bytes> = response.flat_map(|r| &r.chunks).map(|chunk| chunk.body.0.clone()).collect();
    scrub.conceal(&mut chunks, &take.secrets);
    chunks
}

/// A note with what the tape has of it; `None` where the tape has let it go.
fn entry(at: Duration, what: What, takes: &[Taped], chunks: &[Vec<Bytes>]) -> Option<Entry> {
    let (lane, what, size, text) = match what {
        What::Began => (Lane::Call, "began", None, String::new()),
        What::Paused => (Lane::Call, "paused", None, String::new()),
        What::Resumed(spent) => {
            (Lane::Call, "resumed", None, format!("after {}", crate::duration::text(spent)))
        }
        What::Ended { how, error } => (Lane::Call, dump::name(how), None, error.unwrap_or_default()),
        What::Event { name, size, text, .. } => (Lane::Event, name, size, text),
        What::Wire(i, heard) => {
            let take = takes.get(i)?;
            let (what, size, text) = wire(heard, take, chunks.get(i)?)?;
            (Lane::Wire(i), what, size, text)
        }
    };
    Some(Entry { at, lane, what, size, text })
}

fn wire(heard: Heard, take: &Taped, chunks: &[Bytes]) -> Option<(&'static str, Option<usize>, String)> {
    let (request, response) = (&take.exchange.request, take.exchange.response.as_ref());
    Some(match heard {
        Heard::Sent => ("sent", Some(request.body.0.len()), format!("{} {}", request.method, request.url)),
        Heard::Dialing => ("dialing", None, String::new()),
        Heard::Connected => ("connected", None, String::new()),
        Heard::Head => {
            let response = response?;
            let kind = response.headers.get("content-type").map(|kind| format!(" {kind}"));
            ("head", None, format!("{}{}", response.status, kind.unwrap_or_default()))
        }
        Heard::Chunk(number, size) => {
            let bytes = chunks.get(number.checked_sub(take.dropped_chunks)?)?;
            ("chunk", Some(size), String::from_utf8_lossy(bytes).into_owned())
        }
        Heard::Over => match &take.exchange.end.how {
            How::Eof => ("eof", None, String::new()),
            How::Dropped => ("dropped", None, "by our side".to_owned()),
            How::Broken(words) => ("broken", None, words.clone()),
        },
    })
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        dump::write(self, f)
    }
}

/// Numbers only: what was said stands in the timeline.
impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("id", &self.id)
            .field("end", &self.end)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}
