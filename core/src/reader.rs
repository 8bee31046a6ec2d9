//! Reading a response without doing any I/O: bytes in, events and one outcome out.
//!
//! The driver feeds it from a socket, tools and tests from memory: all of them read by the same code.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Notice};
use crate::events::Events;
use crate::framing::{Each, Framer};
use crate::http::Limits;
use crate::provider::{Decoder, Frame, Framing, Provider};
use crate::request::Request;

/// Reads one response.
pub struct Reader {
    framer: Framer,
    decoder: Box<dyn Decoder>,
    /// The status was not success.
    failed: bool,
    raw: bool,
    /// All bytes of a stream of server-sent events that has had no event yet; `None` once it has, or is too long.
    prologue: Option<Vec<u8>>,
    /// What the decoder writes to; empty between calls.
    out: Vec<Event>,
    ready: VecDeque<Event>,
    /// Sum of the classes and the provider's total, where the latest usage does not add up.
    mismatch: Option<(u64, u64)>,
    outcome: Outcome,
}

/// How much of a stream without an event is kept, to look for an error in it. In bytes.
const PROLOGUE: usize = 64 << 10;

/// What is known of the end of a response.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// More may come.
    Open,
    /// The answer is complete.
    Finished,
    /// There is no (more of an) answer.
    Failed(Error),
}

impl Reader {
    /// A reader for the response with this head.
    ///
    /// # Errors
    /// `Malformed` when the content type is none the wire knows.
    pub fn new(
        provider: &dyn Provider,
        request: &Request,
        head: &http::response::Parts,
        limits: &Limits,
    ) -> Result<Self> {
        let failed = !head.status.is_success();
        let (framing, decoder) = provider.decode(request, head)?;
        let limit = match framing {
            _ if failed => limits.error_body,
            Framing::Json => limits.body,
            _ => limits.frame,
        };
        Ok(Reader {
            framer: Framer::new(framing, limit),
            decoder,
            failed,
            raw: false,
            prologue: (framing == Framing::Sse && !failed).then(Vec::new),
            out: Vec::new(),
            ready: VecDeque::new(),
            mismatch: None,
            outcome: Outcome::Open,
        })
    }

    /// Gives each frame as `Event::Raw`, too.
    pub fn with_raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// Takes a piece of the body in. What was decoded before a fault in the same piece is delivered first.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.feed_by(chunk, |framer, each| framer.feed(chunk, each));
    }

    /// The same for a piece that is shared, which is copied less.
    pub(crate) fn feed_shared(&mut self, chunk: &Bytes) {
        self.feed_by(chunk, |framer, each| framer.feed_shared(chunk, each));
    }

    fn feed_by(&mut self, chunk: &[u8], feed: impl FnOnce(&mut Framer, Each<'_>) -> Result<()>) {
        if !matches!(self.outcome, Outcome::Open) {
            return;
        }
        self.reuse();
        let Reader { framer, decoder, out, raw, prologue, .. } = self;
        if let Some(before) = prologue {
            before.extend_from_slice(chunk);
        }
        let mut decoder_spoke = false;
        let outcome = feed(framer, &mut |frame| {
            *prologue = None;
            let outcome = decode(decoder.as_mut(), frame, *raw, out);
            decoder_spoke |= outcome.is_err();
            outcome
        });
        if prologue.as_ref().is_some_and(|before| before.len() > PROLOGUE) {
            *prologue = None;
        }
        match outcome {
            Err(_) if self.failed && !decoder_spoke => self.settle_by_status(),
            outcome => self.settle(outcome),
        }
    }

    /// The body ended.
    pub fn eof(&mut self) {
        if !matches!(self.outcome, Outcome::Open) {
            return;
        }
        let Reader { framer, decoder, out, raw, prologue, .. } = self;
        let mut last = 0;
        let before = prologue.take();
        let mut seen = false;
        let outcome = framer.eof(&mut |frame| {
            seen = true;
            last = out.len();
            decode(decoder.as_mut(), frame, *raw, out)
        });
        // A gateway's error may come as plain JSON under the content type of the stream that was asked for.
        let outcome = match before.as_deref().map(<[u8]>::trim_ascii) {
            Some(body) if !seen && outcome.is_ok() && body.first() == Some(&b'{') => {
                decode(decoder.as_mut(), Frame { name: None, data: body }, *raw, out).map(|()| false)
            }
            _ => outcome,
        };
        if matches!(outcome, Ok(true)) {
            out.insert(last.min(out.len()), Event::Notice(Notice::Unterminated));
        }
        let outcome = outcome.and_then(|_| if is_finished(out) { Ok(()) } else { decoder.eof(out) });
        let outcome = match outcome {
            Ok(()) if !is_finished(&self.out) => Err(truncated()),
            other => other,
        };
        self.settle(outcome);
    }

    /// The body broke with `error`. An answer whose terminal signal had come is whole all the same.
    pub fn broken(&mut self, error: Error) {
        if !matches!(self.outcome, Outcome::Open) {
            return;
        }
        if self.failed {
            return self.settle_by_status();
        }
        let outcome = match self.decoder.eof(&mut self.out) {
            Ok(()) if is_finished(&self.out) => Ok(()),
            _ => Err(error),
        };
        self.settle(outcome);
    }

    /// An error status whose body can't be read: the status says enough.
    fn settle_by_status(&mut self) {
        let outcome = self.decoder.frame(Frame { name: None, data: b"" }, &mut self.out);
        self.settle(outcome.and(Err(truncated())));
    }

    /// Has the decoder write to the memory that the events before were read from.
    fn reuse(&mut self) {
        if self.ready.is_empty() && self.out.capacity() == 0 {
            self.out = std::mem::take(&mut self.ready).into();
        }
    }

    /// Moves what the decoder wrote to where it is read from, and notes the outcome.
    fn settle(&mut self, outcome: Result<()>) {
        let finished = is_finished(&self.out);
        let mut mismatches = Vec::new();
        for (at, event) in self.out.iter().enumerate() {
            match event {
                Event::Usage(usage) => {
                    self.mismatch = match (usage.adds_up(), usage.total_tokens(), &usage.reported) {
                        (false, Some(classes), Some(r)) => r.total_tokens.map(|reported| (classes, reported)),
                        _ => None,
                    };
                }
                Event::Finish { .. } => {
                    if let Some((classes, reported)) = self.mismatch.take() {
                        mismatches.push((at, Event::Notice(Notice::UsageMismatch { classes, reported })));
                    }
                }
                _ => {}
            }
        }
        for (at, notice) in mismatches.into_iter().rev() {
            self.out.insert(at, notice);
        }
        if self.ready.is_empty() {
            self.ready = std::mem::take(&mut self.out).into();
        } else {
            self.ready.extend(self.out.drain(..));
        }
        if finished {
            self.outcome = Outcome::Finished;
        } else if let Err(error) = outcome {
            self.outcome = Outcome::Failed(error);
        }
    }

    /// The next event, in order.
    #[expect(clippy::should_implement_trait, reason = "`None` is not the end: more may be fed")]
    pub fn next(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// What is known of the end. It holds once [`next`](Reader::next) gives nothing.
    pub fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the body ended without the provider's terminal signal")
}

fn decode(decoder: &mut dyn Decoder, frame: Frame<'_>, raw: bool, out: &mut Vec<Event>) -> Result<()> {
    // Nothing follows the terminal signal.
    if is_finished(out) {
        return Ok(());
    }
    if raw {
        let data = Bytes::copy_from_slice(frame.data);
        out.push(Event::Raw { name: frame.name.map(SmolStr::from), data });
    }
    decoder.frame(frame, out)
}

/// A decoder writes `Finish` last, so the last event tells.
fn is_finished(out: &[Event]) -> bool {
    matches!(out.last(), Some(Event::Finish { .. }))
}

/// The events of a response that was recorded, in the pieces it came in.
///
/// An error status gives a stream of one error, as does a content type the wire does not know.
pub fn recorded<'a>(
    provider: &dyn Provider,
    request: &Request,
    head: &http::response::Parts,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Events {
    let mut items = Vec::new();
    match Reader::new(provider, request, head, &Limits::default()) {
        Err(error) => items.push(Err(error)),
        Ok(mut reader) => {
            pieces.into_iter().for_each(|piece| reader.feed(piece));
            reader.eof();
            items.extend(std::iter::from_fn(|| reader.next()).map(Ok));
            if let Outcome::Failed(error) = reader.outcome {
                items.push(Err(error));
            }
        }
    }
    Events::new(futures_util::stream::iter(items))
}
