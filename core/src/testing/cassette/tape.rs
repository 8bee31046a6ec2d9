//! What a recorder keeps while and after exchanges run.

use bytes::Bytes;

use super::form::{Answered, Chunk, Content, Ending, Exchange, How};
use super::{Cassette, Scrub};
use crate::clock::Instant;

/// The exchanges of a recorder by the order in which their requests were sent. Beyond its bound the oldest chunks go.
pub(super) struct Tape {
    takes: Vec<Taped>,
    /// The memory of all chunks.
    bytes: usize,
    bound: usize,
}

/// One exchange on the tape.
#[derive(Clone)]
pub(in crate::testing) struct Taped {
    /// As far as it came.
    pub(in crate::testing) exchange: Exchange,
    /// What was found to be secret in it.
    pub(in crate::testing) secrets: Vec<String>,
    /// How many of its first chunks were let go.
    pub(in crate::testing) dropped_chunks: usize,
    /// How many bytes they had.
    pub(in crate::testing) dropped_bytes: usize,
    began: Instant,
    over: bool,
}

impl Taped {
    fn at_us(&self, now: Instant) -> u64 {
        u64::try_from(now.since(self.began).as_micros()).unwrap_or(u64::MAX)
    }

    /// Lets the first chunks go until `excess` bytes of memory are free, and says how many are.
    fn drop_first(&mut self, excess: usize) -> usize {
        let Some(response) = &mut self.exchange.response else { return 0 };
        let (mut chunks, mut freed) = (0, 0);
        for chunk in &response.chunks {
            if freed >= excess {
                break;
            }
            chunks += 1;
            freed += held(chunk);
            self.dropped_bytes += chunk.body.0.len();
        }
        response.chunks.drain(..chunks);
        self.dropped_chunks += chunks;
        freed
    }
}

impl Tape {
    /// A tape on which the chunks of answers take so many bytes of memory.
    pub(super) fn new(bound: usize) -> Self {
        Tape { takes: Vec::new(), bytes: 0, bound }
    }

    pub(super) fn len(&self) -> usize {
        self.takes.len()
    }

    /// Enters a request that goes out now, and gives its place.
    pub(super) fn begin(&mut self, now: Instant, request: &http::Request<Bytes>, scrub: &Scrub) -> usize {
        let mut secrets = Vec::new();
        let request = scrub.request(request, &mut secrets);
        let end = Ending { at_us: 0, how: How::Dropped };
        self.takes.push(Taped {
            exchange: Exchange { request, response: None, end, expected: None },
            secrets,
            dropped_chunks: 0,
            dropped_bytes: 0,
            began: now,
            over: false,
        });
        self.takes.len() - 1
    }

    pub(super) fn head(&mut self, place: usize, now: Instant, head: &http::response::Parts, scrub: &Scrub) {
        let Some(take) = self.takes.get_mut(place) else { return };
        let mut headers = scrub.headers(&head.headers, &mut take.secrets);
        scrub.texts(headers.values_mut(), &take.secrets);
        let at_us = take.at_us(now);
        let status = head.status.as_u16();
        take.exchange.response = Some(Answered { at_us, status, headers, chunks: Vec::new() });
    }

    /// Keeps a chunk, and gives its number in its answer.
    pub(super) fn chunk(&mut self, place: usize, now: Instant, bytes: &Bytes, scrub: &Scrub) -> usize {
        let Some(take) = self.takes.get_mut(place) else { return 0 };
        let chunk = Chunk { at_us: take.at_us(now), body: Content(bytes.clone()) };
        let Some(response) = &mut take.exchange.response else { return 0 };
        self.bytes += held(&chunk);
        response.chunks.push(chunk);
        let number = take.dropped_chunks + response.chunks.len() - 1;
        if self.bytes > self.bound {
            self.shrink(scrub);
        }
        number
    }

    /// Lets the oldest chunks go, a quarter of the bound at a time: each time all are searched for secrets before, so
    /// that none is cut in two.
    fn shrink(&mut self, scrub: &Scrub) {
        for take in &mut self.takes {
            scrub.answer(&mut take.exchange, &take.secrets);
        }
        self.bytes = self.takes.iter().map(answered).sum();
        let room = self.bound / 4 * 3;
        for take in &mut self.takes {
            self.bytes -= take.drop_first(self.bytes.saturating_sub(room));
        }
    }

    /// Closes an exchange; the first end stays.
    pub(super) fn end(&mut self, place: usize, now: Instant, how: How, scrub: &Scrub) {
        let Some(take) = self.takes.get_mut(place).filter(|take| !take.over) else { return };
        let before = answered(take);
        take.over = true;
        take.exchange.end = Ending { at_us: take.at_us(now), how };
        scrub.answer(&mut take.exchange, &take.secrets);
        self.bytes = self.bytes.saturating_sub(before) + answered(take);
    }

    /// The exchanges that are over.
    pub(super) fn cassette(&self) -> Cassette {
        let over = self.takes.iter().filter(|take| take.over);
        Cassette { exchanges: over.map(|take| take.exchange.clone()).collect(), ..Cassette::default() }
    }

    /// All exchanges. One that is not over ends now, by us.
    pub(super) fn so_far(&self, now: Instant, scrub: &Scrub) -> Vec<Taped> {
        let mut takes = self.takes.clone();
        for take in takes.iter_mut().filter(|take| !take.over) {
            take.exchange.end.at_us = take.at_us(now);
            scrub.answer(&mut take.exchange, &take.secrets);
        }
        takes
    }
}

/// The memory of an answer's chunks.
fn answered(take: &Taped) -> usize {
    take.exchange.response.iter().flat_map(|response| &response.chunks).map(held).sum()
}

fn held(chunk: &Chunk) -> usize {
    size_of::<Chunk>() + chunk.body.0.len()
}
