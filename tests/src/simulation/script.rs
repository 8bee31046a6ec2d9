//! What an upstream does with one request: the wire's own bytes, and a fault somewhere in them.

use std::time::{Duration, SystemTime};

use belvedere::error::{ErrorKind, RetryAfter};
use belvedere::testing::Fault as Cut;
use belvedere::{Error, Event, Request};
use bytes::{Bytes, BytesMut};

use super::answer::Answer;
use super::dice::Dice;
use super::fault::{Fault, Position};
use super::prompt;
use super::wire::Wire;

/// More than a frame of a simulated answer has. In bytes.
pub(super) const FRAME_LIMIT: usize = 16 << 10;

/// What happens on one connection, in order.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// What happens before the head: connect, TLS, request, headers.
    pub(super) stages: Vec<Beat>,
    pub(super) head: http::response::Builder,
    pub(super) body: Vec<Beat>,
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    /// Where the wire stands from now on.
    pub(super) at: Position,
    pub(super) does: Does,
    /// The fault that has happened once this has.
    pub(super) fault: Option<Fault>,
}

/// What a beat does.
#[derive(Debug, Clone)]
pub(super) enum Does {
    /// Nothing but being there.
    Arrive,
    /// Bytes come.
    Bytes(Bytes),
    /// Nothing for this long.
    Wait(Duration),
    /// Nothing any more.
    Stall,
    /// The connection breaks.
    Break(Cut),
    /// The body ends.
    End,
}

/// A fault and where it happens.
pub(super) type Cell = (Fault, Position);

/// What writes a script.
pub(super) struct Writer<'a> {
    pub(super) dice: &'a Dice,
    pub(super) wire: &'a Wire,
    pub(super) request: &'a Request,
    pub(super) answer: &'a Answer,
    pub(super) cell: Option<Cell>,
    /// The wall clock, for dates.
    pub(super) wall: SystemTime,
    /// Which call asks.
    pub(super) call: usize,
    /// With which key.
    pub(super) key: String,
}

impl Script {
    /// How long it takes when it is played to its end; stalls do not count.
    pub(super) fn waits(&self) -> Duration {
        let beats = self.stages.iter().chain(&self.body);
        beats.map(|beat| if let Does::Wait(time) = beat.does { time } else { Duration::ZERO }).sum()
    }
}

fn beat(at: Position, does: Does) -> Beat {
    Beat { at, does, fault: None }
}

impl Writer<'_> {
    /// Writes the script.
    pub(super) fn script(&self) -> Script {
        let mut script = Script { stages: self.stages(), ..Script::default() };
        let (head, mut body) = match self.status() {
            Some(response) => {
                let (parts, bytes) = response.into_parts();
                let (fault, at) = self.cell.unzip();
                let at = at.unwrap_or(Position::Headers);
                // A fault of the head has happened with the head, whether its body is read or not.
                let there = Beat { at, does: Does::Arrive, fault };
                if at == Position::Headers {
                    script.stages.push(there);
                    (parts, vec![beat(at, Does::Bytes(bytes))])
                } else {
                    (parts, vec![there, beat(at, Does::Bytes(bytes))])
                }
            }
            None => self.body(),
        };
        script.head = head
            .headers
            .iter()
            .fold(http::Response::builder().status(head.status), |b, (n, v)| b.header(n, v));
        body.push(beat(Position::Terminal, Does::End));
        script.body = body;
        script
    }

    /// What happens until the head is there.
    fn stages(&self) -> Vec<Beat> {
        use Position::{Connect, Headers, Request, Tls};
        let mut stages = Vec::new();
        for at in [Connect, Tls, Request, Headers] {
            stages.push(beat(at, Does::Arrive));
            if self.dice.one_in(4) {
                stages.push(beat(at, Does::Wait(self.dice.millis(1, 300))));
            }
            if let Some((fault, position)) = self.cell
                && position == at
                && let Some(does) = self.breaks(fault)
            {
                stages.push(Beat { at, does, fault: Some(fault) });
            }
        }
        stages
    }

    /// What a fault of the connection does, wherever it is.
    fn breaks(&self, fault: Fault) -> Option<Does> {
        Some(match fault {
            Fault::Dns => Does::Break(Cut::Dns),
            Fault::Refused => Does::Break(Cut::Refused),
            Fault::Handshake => Does::Break(Cut::Tls),
            Fault::Reset => Does::Break(Cut::Reset),
            Fault::Closed => Does::Break(Cut::Closed),
            Fault::Stall => Does::Stall,
            Fault::Slow => Does::Wait(self.dice.millis(500, 90_000)),
            _ => return None,
        })
    }

    /// The whole response of a fault of the head.
    fn status(&self) -> Option<http::Response<Bytes>> {
        let (fault, _) = self.cell?;
        let delay = Duration::from_millis(self.dice.within(0, 120_000));
        let echo = format!("Incorrect API key provided: {}. The input was: {}", self.key, prompt(self.call));
        let error = |kind| Error::new(kind, echo.clone());
        let of = |status: u16, error: Error| {
            let mut response = self.wire.endpoint.error(&error);
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
            response
        };
        Some(match fault {
            Fault::BadRequest => of(400, error(ErrorKind::InvalidRequest)),
            Fault::Unauthorized => of(401, error(ErrorKind::Unauthorized)),
            Fault::NotFound => of(404, error(ErrorKind::ModelNotFound)),
            Fault::RateLimited => of(429, error(ErrorKind::RateLimited)),
            Fault::RateLimitedFor => {
                of(429, error(ErrorKind::RateLimited).with_retry_after(RetryAfter::after(delay)))
            }
            Fault::RateLimitedUntil => {
                // Also dates that have passed.
                let date = self.wall + delay - Duration::from_secs(60);
                of(429, error(ErrorKind::RateLimited).with_retry_after(RetryAfter::at(date)))
            }
            Fault::ServerError => of(500, error(ErrorKind::Overloaded)),
            Fault::UnavailableFor => {
                of(503, error(ErrorKind::Overloaded).with_retry_after(RetryAfter::after(delay)))
            }
            Fault::Overloaded => of(529, error(ErrorKind::Overloaded)),
            Fault::Redirect => {
                let mut response = page(307, &echo);
                let elsewhere = http::HeaderValue::from_static("https://elsewhere.example/v1");
                response.headers_mut().insert(http::header::LOCATION, elsewhere);
                response
            }
            Fault::HtmlError => page(502, &echo),
            Fault::WrongContentType => page(200, &echo),
            Fault::EmptyBody => http::Response::from_parts(self.frames().0, Bytes::new()),
            Fault::PlainError => {
                let plain = self.wire.endpoint.error(&error(ErrorKind::Overloaded)).into_body();
                http::Response::from_parts(self.frames().0, plain)
            }
            _ => return None,
        })
    }

    /// The head of the answer, and its frames, each with where it stands.
    fn frames(&self) -> (http::response::Parts, Vec<(Position, Bytes)>) {
        if !self.request.stream {
            return self.whole();
        }
        let (head, mut encoder) = self.wire.endpoint.stream(self.request);
        let usage = self.cell.is_none_or(|(fault, _)| fault != Fault::MissingUsage);
        let events = self.answer.events.iter().filter(|event| usage || !matches!(event, Event::Usage(_)));
        let last = self.answer.events.iter().rposition(is_content).unwrap_or_default();
        let (mut frames, mut begun, mut out) = (Vec::new(), false, BytesMut::new());
        for (index, event) in events.enumerate() {
            encoder.event(event, &mut out);
            let at = match is_content(event) {
                _ if index > last => Position::Terminal,
                true if !std::mem::replace(&mut begun, true) => Position::FirstToken,
                _ if begun => Position::Middle,
                _ => Position::Preamble,
            };
            if !out.is_empty() {
                frames.push((at, out.split().freeze()));
            }
        }
        if self.cell.is_none_or(|(fault, _)| fault != Fault::MissingTerminal) {
            encoder.end(None, &mut out);
        }
        frames.push((Position::Terminal, out.freeze()));
        (head.into_parts().0, frames)
    }

    /// A body of one JSON value, cut in four.
    fn whole(&self) -> (http::response::Parts, Vec<(Position, Bytes)>) {
        let mut answer = belvedere::completion::Fold::default();
        self.answer.events.iter().for_each(|event| answer.event(event));
        let mut answer = answer.into_completion();
        if self.cell.is_some_and(|(fault, _)| fault == Fault::MissingUsage) {
            answer.usage = None;
        }
        let (head, mut bytes) = self.wire.endpoint.whole(self.request, &answer).into_parts();
        if self.cell.is_some_and(|(fault, _)| fault == Fault::MissingTerminal) {
            bytes.truncate(bytes.len().saturating_sub(1));
        }
        let mut quarter = |at: Position, of: usize| (at, bytes.split_to(bytes.len() / of));
        let frames = vec![
            quarter(Position::Preamble, 4),
            quarter(Position::FirstToken, 3),
            quarter(Position::Middle, 2),
            quarter(Position::Terminal, 1),
        ];
        (head, frames)
    }

    /// The head and the body of an answer, with the fault in it.
    fn body(&self) -> (http::response::Parts, Vec<Beat>) {
        let (head, frames) = self.frames();
        let mut beats = Vec::new();
        let here = self.cell.filter(|(_, at)| *at >= Position::Preamble);
        let place = here.and_then(|(_, at)| self.place(&frames, at));
        for (index, (at, bytes)) in frames.iter().enumerate() {
            if let (true, Some(cell)) = (place == Some(index), here) {
                if !self.disturb(cell, bytes, &mut beats) {
                    return (head, self.paced(beats));
                }
                continue;
            }
            beats.push(beat(*at, Does::Bytes(bytes.clone())));
        }
        self.ending(here, &frames, &mut beats);
        (head, self.paced(beats))
    }

    /// Which frame the fault meets.
    fn place(&self, frames: &[(Position, Bytes)], at: Position) -> Option<usize> {
        let there: Vec<usize> =
            frames.iter().enumerate().filter(|(_, (of, _))| *of == at).map(|(index, _)| index).collect();
        // A wire without frames in this place is met before the next one.
        let next = frames.iter().position(|(of, _)| *of >= at);
        there.get(self.dice.index(there.len().max(1))).copied().or(next)
    }

    /// Writes the frame that the fault meets. False when nothing follows.
    fn disturb(&self, cell: Cell, bytes: &Bytes, beats: &mut Vec<Beat>) -> bool {
        match self.last_beats(cell, bytes) {
            Some(last) => beats.extend(last),
            None => {
                self.go_on(cell, bytes, beats);
                return true;
            }
        }
        false
    }

    /// The frame of a fault that ends the body; `None` when the fault does not.
    fn last_beats(&self, (fault, at): Cell, bytes: &Bytes) -> Option<Vec<Beat>> {
        let mark = |does| Beat { at, does, fault: Some(fault) };
        let head = || beat(at, Does::Bytes(self.head_of(bytes)));
        Some(match fault {
            Fault::Reset | Fault::Closed | Fault::Stall => {
                [head()].into_iter().chain(self.breaks(fault).map(mark)).collect()
            }
            Fault::CutFrame => vec![head(), mark(Does::End)],
            Fault::CutCharacter => {
                let cut = Bytes::from_static(b"data: {\"text\":\"\xf0\x9f\x8c");
                vec![mark(Does::Bytes(cut)), beat(at, Does::End)]
            }
            Fault::ErrorEvent => {
                let echo = format!("The key {} asked: {}", self.key, prompt(self.call));
                let (mut out, error) = (BytesMut::new(), Error::new(ErrorKind::Overloaded, echo));
                let (_, mut encoder) = self.wire.endpoint.stream(self.request);
                encoder.end(Some(&error), &mut out);
                vec![mark(Does::Bytes(out.freeze()))]
            }
            Fault::KeepAlive => {
                let life = (0..self.dice.within(1, 12)).flat_map(|_| {
                    let wait = Does::Wait(self.dice.millis(100, 20_000));
                    [mark(Does::Bytes(self.wire.comment())), beat(at, wait)]
                });
                life.chain([beat(at, Does::Stall)]).collect()
            }
            _ => return None,
        })
    }

    /// The frame of a fault that more follows.
    fn go_on(&self, (fault, at): Cell, bytes: &Bytes, beats: &mut Vec<Beat>) {
        let mark = |does| Beat { at, does, fault: Some(fault) };
        let frame = || beat(at, Does::Bytes(bytes.clone()));
        let garbage = match fault {
            Fault::Slow => {
                beats.extend(self.breaks(fault).map(mark));
                return beats.push(frame());
            }
            Fault::Trickle => {
                let every = self.dice.within(1, 400);
                for byte in bytes.iter().take(200) {
                    beats.push(mark(Does::Bytes(Bytes::copy_from_slice(&[*byte]))));
                    beats.push(beat(at, Does::Wait(Duration::from_millis(every))));
                }
                return beats.push(beat(at, Does::Bytes(bytes.slice(bytes.len().min(200)..))));
            }
            Fault::GarbageBytes => Bytes::from_static(b"\x00\xff\xfe\x80garbage\xc3\x28\n\n"),
            Fault::GarbageJson => self.wire.frame(r#"{"garbage": [1, 2"#),
            Fault::OversizedFrame => self.wire.frame(&format!("{{\"x\":\"{}\"}}", "x".repeat(FRAME_LIMIT))),
            Fault::UnknownEvent => self.wire.unknown(),
            _ => return beats.push(frame()),
        };
        // Before what is to come, or behind a first token that has come.
        let garbage = mark(Does::Bytes(garbage));
        beats.extend(if at == Position::FirstToken { [frame(), garbage] } else { [garbage, frame()] });
    }

    /// What follows the last frame.
    fn ending(&self, here: Option<Cell>, frames: &[(Position, Bytes)], beats: &mut Vec<Beat>) {
        let at = Position::Terminal;
        let Some((fault, Position::Terminal)) = here else { return };
        let does = match fault {
            Fault::DuplicateTerminal => frames.last().map(|(_, bytes)| Does::Bytes(bytes.clone())),
            Fault::BytesAfterTerminal => {
                Some(Does::Bytes(match self.request.stream && self.dice.one_in(2) {
                    true => self.wire.comment(),
                    false => Bytes::from(vec![b'\n'; 100_000]),
                }))
            }
            Fault::OpenAfterTerminal => Some(Does::Stall),
            Fault::MissingTerminal | Fault::MissingUsage => Some(Does::Arrive),
            _ => None,
        };
        beats.extend(does.map(|does| Beat { at, does, fault: Some(fault) }));
    }

    /// A beginning of a frame: nothing of it, all of it, or what lies between.
    fn head_of(&self, bytes: &Bytes) -> Bytes {
        bytes.slice(..self.dice.index(bytes.len() + 1))
    }

    /// The beats as the network brings them: in pieces of another size than frames, with time between them.
    fn paced(&self, beats: Vec<Beat>) -> Vec<Beat> {
        let size = self.dice.pick([1, 7, 64, 1000, 1000, 1000]);
        let pause = self.dice.pick([0, 0, 0, 20, 2000]);
        let mut out = Vec::with_capacity(beats.len());
        for beat in beats {
            let Does::Bytes(mut bytes) = beat.does else {
                out.push(beat);
                continue;
            };
            while bytes.len() > size && bytes.len() <= 2000 {
                out.push(Beat { does: Does::Bytes(bytes.split_to(size)), ..beat });
            }
            out.push(Beat { does: Does::Bytes(bytes), ..beat });
            if pause > 0 && self.dice.one_in(3) {
                out.push(Beat { at: beat.at, does: Does::Wait(self.dice.millis(1, pause)), fault: None });
            }
        }
        out
    }
}

fn is_content(event: &Event) -> bool {
    event.delta().is_some() || matches!(event, Event::ToolStart { .. })
}

fn page(status: u16, text: &str) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::from(format!("<html><body>{text}</body></html>")));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let html = http::HeaderValue::from_static("text/html");
    response.headers_mut().insert(http::header::CONTENT_TYPE, html);
    response
}
