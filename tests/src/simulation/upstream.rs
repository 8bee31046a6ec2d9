//! The upstream of every call: a network whose servers do what the seed says.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use belvedere::clock::Clock;
use belvedere::context::Wire as Signs;
use belvedere::message::Role;
use belvedere::testing::TestClock;
use belvedere::transport::{Body, Transport};
use belvedere::{Error, ErrorKind, Request, Result, SmolStr};
use bytes::Bytes;
use futures_util::stream;

use super::answer::Answer;
use super::dice::Dice;
use super::fault::{Fault, Position};
use super::key_of;
use super::plan::Plan;
use super::scene::{Scene, State};
use super::script::{Beat, Cell, Does, Script, Writer};
use super::wire::Wire;

/// The header that says which call a request is of.
pub(super) const CALL: &str = "x-simulated-call";

/// Answers requests by the plan of a run.
pub(super) struct Upstream {
    pub(super) plan: Arc<Plan>,
    pub(super) wire: &'static Wire,
    pub(super) scene: Scene,
    pub(super) clock: TestClock,
    pub(super) lines: AtomicU64,
    /// The names of the providers that are asked here, in the order of their keys.
    pub(super) providers: Vec<SmolStr>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstream")
    }
}

#[async_trait]
impl Transport for Upstream {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        signs: Option<Arc<Signs>>,
    ) -> Result<http::Response<Body>> {
        let call = request.headers().get(CALL).and_then(|value| value.to_str().ok()?.parse().ok());
        let call: usize = call.unwrap_or_default();
        let id = self.lines.fetch_add(1, Ordering::Relaxed);
        let provider = self.provider(&request);
        let (script, model) = self.script(call, key_of(provider), &request)?;
        let mut line = Line::open(self.scene.clone(), call, id);
        self.sent(call, provider, model.as_ref(), id);
        if let Some(signs) = &signs {
            signs.set_dialing();
        }
        let Script { stages, head, body } = script;
        for beat in stages {
            if beat.at == Position::Request
                && let Some(signs) = &signs
            {
                signs.set_connected();
            }
            play(&beat, &mut line, &self.clock).await?;
        }
        let unsound =
            |e| Error::new(ErrorKind::Unexpected, "a simulated head is no HTTP head").with_source(e);
        head.body(self.body(body, line)).map_err(unsound)
    }
}

impl Upstream {
    /// What happens to this request. The truth about its answer is noted for the laws.
    fn script(
        &self,
        call: usize,
        key: String,
        request: &http::Request<Bytes>,
    ) -> Result<(Script, Option<SmolStr>)> {
        let attempt = self.scene.of(call, |seen| {
            seen.requests += 1;
            seen.requests - 1
        });
        let read = self.wire.endpoint.request(request).inspect_err(|error| {
            self.scene.breach("endpoint", format_args!("call {call}: its request can't be read: {error}"));
        })?;
        let dice = Dice::new(self.plan.seed, 1000 + (call * 100 + attempt) as u64);
        let answer = self.answer(call, attempt, &read, &dice);
        let cell = self.plan.cell(attempt, &dice);
        let cell = cell.filter(|(fault, _)| read.stream || !fault.needs_a_stream());
        let wall = self.clock.wall();
        let writer =
            Writer { dice: &dice, wire: self.wire, request: &read, answer: &answer, cell, wall, call, key };
        let script = writer.script();
        let waits = script.waits();
        self.scene.of(call, |seen| {
            seen.scripted += waits;
            seen.lacks_usage |= cell.is_some_and(|(fault, _)| fault == Fault::MissingUsage);
        });
        self.scene.note(|| match cell {
            Some((fault, at)) => {
                format!("call {call} · request {attempt}; to come: {} at {}", fault.name(), at.name())
            }
            None => format!("call {call} · request {attempt}; no fault to come"),
        });
        Ok((script, read.model.clone()))
    }

    /// Whose key a request is signed with.
    fn provider(&self, request: &http::Request<Bytes>) -> usize {
        let signed = |index: &usize| {
            let key = key_of(*index);
            request.headers().values().any(|value| value.to_str().is_ok_and(|value| value.ends_with(&key)))
        };
        (0..self.providers.len()).find(signed).unwrap_or_default()
    }

    /// Laws B8 and W7.
    fn sent(&self, call: usize, provider: usize, model: Option<&SmolStr>, line: u64) {
        let Some(provider) = self.providers.get(provider) else { return };
        let wrong = {
            let mut state = self.scene.lock();
            let now = state.at_boot(self.clock.boot().since_origin());
            let State { circuits, rules, .. } = &mut *state;
            circuits.sent(provider, model, line, now, rules)
        };
        if let Some((law, what)) = wrong {
            self.scene.breach(law, format_args!("call {call}: {what}: {provider}, {model:?}"));
        }
    }

    /// What the model says to this request. The whole answers that may come of it are noted.
    fn answer(&self, call: usize, attempt: usize, request: &Request, dice: &Dice) -> Answer {
        let (mark, has) = (format!("c{call}.a{attempt}"), self.wire.has);
        let truths = self.scene.of(call, |seen| seen.truths.clone());
        let note = |wholes: Vec<Answer>| {
            self.scene.of(call, |seen| seen.truths.extend(wholes.into_iter().map(Arc::new)));
        };
        let Some((given, asked)) = begun(request) else {
            let answer = match truths.last() {
                Some(before) if dice.one_in(2) => before.again(dice, &mark),
                _ => Answer::draw(dice, has, &mark),
            };
            note(vec![answer.clone()]);
            return answer;
        };
        let Some(base) = truths.iter().rev().find(|truth| truth.text().starts_with(&given)) else {
            self.scene
                .breach("W2", format_args!("call {call}: a beginning of no answer was sent: {given:?}"));
            return Answer::draw(dice, has, &mark);
        };
        let (sent, wholes) = base.go_on(dice, has, &mark, &given, repeated(&given, asked, dice));
        note(wholes);
        sent
    }

    fn body(&self, beats: Vec<Beat>, line: Line) -> Body {
        let clock = self.clock.clone();
        Body::new(stream::unfold((VecDeque::from(beats), Some(line)), move |(mut beats, mut line)| {
            let clock = clock.clone();
            async move {
                loop {
                    let beat = beats.pop_front()?;
                    match play(&beat, line.as_mut()?, &clock).await {
                        Err(error) => return Some((Err(error), (VecDeque::new(), None))),
                        Ok(Some(bytes)) => return Some((Ok(bytes), (beats, line))),
                        Ok(None) if matches!(beat.does, Does::End) => return None,
                        Ok(None) => {}
                    }
                }
            }
        }))
    }
}

/// The beginning of its answer that a model is given, and whether it is only shown it and asked to go on.
fn begun(request: &Request) -> Option<(String, bool)> {
    let messages = request.messages.as_slice();
    let (last, before) = messages.split_last()?;
    let asked = last.role != Role::Assistant;
    let given = if asked { before.last().filter(|message| message.role == Role::Assistant)? } else { last };
    Some((given.text(), asked))
}

/// What a model repeats of the beginning it was given: nothing, all of it, or, when it was asked, an end.
fn repeated<'g>(given: &'g str, asked: bool, dice: &Dice) -> &'g str {
    /// The least end that counts as a repetition, in characters.
    const LEAST: usize = 8;
    match dice.below(4) {
        0 => given,
        1 if asked => {
            let least = given.char_indices().rev().nth(LEAST).map_or(0, |(at, _)| at);
            let starts: Vec<usize> =
                given.char_indices().map(|(at, _)| at).filter(|at| *at <= least).collect();
            let from = starts.get(dice.index(starts.len())).copied().unwrap_or_default();
            given.get(from..).unwrap_or_default()
        }
        _ => "",
    }
}

/// Lets one beat happen: bytes, a break, or nothing that shows.
async fn play(beat: &Beat, line: &mut Line, clock: &TestClock) -> Result<Option<Bytes>> {
    line.at(beat.at);
    if let Some(fault) = beat.fault {
        line.fault((fault, beat.at));
    }
    match &beat.does {
        Does::Arrive | Does::End => Ok(None),
        Does::Bytes(bytes) => Ok(Some(bytes.clone())),
        Does::Wait(time) => {
            clock.sleep(*time).await;
            Ok(None)
        }
        Does::Stall => std::future::pending().await,
        Does::Break(cut) => Err(cut.error()),
    }
}

/// An open connection of a call. It is closed when it is dropped.
struct Line {
    scene: Scene,
    call: usize,
    id: u64,
    at: Option<Position>,
    fault: Option<Fault>,
}

impl Line {
    fn open(scene: Scene, call: usize, id: u64) -> Self {
        scene.of(call, |seen| seen.lines.push((id, Position::Connect)));
        Line { scene, call, id, at: None, fault: None }
    }

    /// The wire stands here now.
    fn at(&mut self, at: Position) {
        if self.at.replace(at) == Some(at) {
            return;
        }
        let Line { call, id, .. } = *self;
        self.scene.of(call, |seen| {
            seen.stands = Some(at);
            seen.lines.iter_mut().filter(|(of, _)| *of == id).for_each(|(_, stands)| *stands = at);
        });
        self.scene.note(|| format!("call {call} · line {id}: {}", at.name()));
    }

    /// The fault has happened; it is told once.
    fn fault(&mut self, cell: Cell) {
        if self.fault.replace(cell.0).is_none() {
            self.scene.fault(self.call, cell);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Line { call, id, .. } = *self;
        self.scene.of(call, |seen| seen.lines.retain(|(of, _)| *of != id));
        self.scene.lock().circuits.closed(id);
        self.scene.note(|| format!("call {call} · line {id}: closed"));
    }
}
