//! A service that plays a script.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::stream;

use super::answer::{Answer, Step};
use crate::context::{AttemptTicket, Context};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::events::{End, Events};
use crate::request::Request;
use crate::service::{Info, Service};

/// A service that gives scripted answers in order, records the requests, and counts the calls that are alive.
/// Like the driver of a provider it enters each call as an attempt, with its usage and its end. Clones share it.
#[derive(Clone, Default)]
pub struct ScriptedService(Arc<Shared>);

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    live: AtomicUsize,
    dropped: AtomicUsize,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    always: Option<Answer>,
    requests: Vec<Request>,
}

impl ScriptedService {
    /// A service that gives these answers, then an `Unexpected` error.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let service = ScriptedService::default();
        service.script().answers.extend(answers);
        service
    }

    /// A service that gives the same answer to every call.
    pub fn always(answer: Answer) -> Self {
        let service = ScriptedService::default();
        service.script().always = Some(answer);
        service
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an answer to the end of the script.
    pub fn push(&self, answer: Answer) {
        self.script().answers.push_back(answer);
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.script().requests.clone()
    }

    /// How many calls were made.
    pub fn calls(&self) -> usize {
        self.script().requests.len()
    }

    /// How many calls or their streams are neither over nor dropped.
    pub fn live(&self) -> usize {
        self.0.live.load(Ordering::Acquire)
    }

    /// How many calls or their streams were dropped before they were over.
    pub fn dropped(&self) -> usize {
        self.0.dropped.load(Ordering::Acquire)
    }
}

#[async_trait]
impl Service for ScriptedService {
    fn info(&self) -> Info {
        Info::new("scripted", "scripted").with_model(Some("scripted-1".into()))
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let info = self.info();
        let answer = {
            let mut script = self.script();
            script.requests.push(request.clone());
            script.answers.pop_front().or_else(|| script.always.clone())
        };
        let ticket = cx.attempt(info.name, request.model.clone().or(info.model));
        let mut live = Live::begin(&self.0, ticket);
        let Some(Answer { opening, steps }) = answer else {
            return Err(
                live.failed(Error::new(ErrorKind::Unexpected, "the scripted service has no answer left"))
            );
        };
        if let Some(wire) = &cx.wire {
            wire.set_dialing();
        }
        for step in opening {
            if let Err(error) = play(step, &cx).await {
                return Err(live.failed(error));
            }
        }
        if let Some(wire) = &cx.wire {
            wire.set_connected();
        }
        Ok(Events::new(stream::unfold((steps.into(), Some(live)), move |state| next(state, cx.clone()))))
    }
}

type Rest = (VecDeque<Step>, Option<Live>);

async fn next((mut steps, mut live): Rest, cx: Context) -> Option<(Result<Event>, Rest)> {
    while let Some(step) = steps.pop_front() {
        match play(step, &cx).await {
            Ok(None) => {}
            Ok(Some(event)) => {
                if let (Event::Usage(usage), Some(live)) = (&event, &live) {
                    live.ticket.usage(usage);
                }
                live.as_mut()?.finish_seen |= matches!(event, Event::Finish { .. });
                return Some((Ok(event), (steps, live)));
            }
            Err(error) => {
                let error = live.take()?.failed(error);
                return Some((Err(error), (VecDeque::new(), None)));
            }
        }
    }
    live.take()?.over();
    None
}

/// Lets one step happen: an event, a failure, or nothing that shows.
async fn play(step: Step, cx: &Context) -> Result<Option<Event>> {
    match step {
        Step::Wait(duration) => cx.lent.clock.sleep(duration).await,
        Step::Stall => std::future::pending().await,
        Step::Fail(error) => return Err(error),
        Step::Connect => {
            if let Some(wire) = &cx.wire {
                wire.set_connected();
            }
        }
        Step::Alive => touch(cx),
        Step::Event(event) => {
            touch(cx);
            return Ok(Some(event));
        }
    }
    Ok(None)
}

fn touch(cx: &Context) {
    if let Some(wire) = &cx.wire {
        wire.touch(cx.lent.clock.now());
    }
}

impl fmt::Debug for ScriptedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedService")
            .field("live", &self.live())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

/// A call that is alive. Dropped before it is over, it was cancelled.
struct Live {
    shared: Arc<Shared>,
    ticket: AttemptTicket,
    finish_seen: bool,
    over: bool,
}

impl Live {
    fn begin(shared: &Arc<Shared>, ticket: AttemptTicket) -> Self {
        shared.live.fetch_add(1, Ordering::AcqRel);
        Live { shared: shared.clone(), ticket, finish_seen: false, over: false }
    }

    fn failed(&mut self, error: Error) -> Error {
        let error = self.ticket.stamp(error);
        self.ticket.end(End::of(&error));
        self.over = true;
        error
    }

    /// The script is over: an end with a `Finish`, or the end that a cut wire makes.
    fn over(mut self) {
        if self.finish_seen {
            self.ticket.end(End::Finished);
        } else {
            self.ticket.end(End::Truncated(&Error::new(ErrorKind::Truncated, "the script has no Finish")));
        }
        self.over = true;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.live.fetch_sub(1, Ordering::AcqRel);
        if !self.over {
            self.shared.dropped.fetch_add(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::clock::Clock;
    use crate::events::EndKind;
    use crate::testing::{Simulation, Task};

    fn call(simulation: &Simulation, service: &ScriptedService) -> (Context, Result<Events>) {
        let cx = simulation.context();
        (cx.clone(), simulation.run(service.call(cx, Request::from("hi"))))
    }

    fn ends(cx: &Context) -> Vec<Option<EndKind>> {
        cx.call.attempts().into_iter().map(|a| a.end).collect()
    }

    #[test]
    fn answers_come_in_order_and_requests_are_kept() {
        let simulation = Simulation::new(1);
        let refused = Error::new(ErrorKind::RateLimited, "slow down");
        let service = ScriptedService::new([Answer::refused(refused), Answer::text("hello")]);
        let (cx, error) = call(&simulation, &service);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::RateLimited);
        assert_eq!(ends(&cx), [Some(EndKind::Failed)]);
        let (cx, events) = call(&simulation, &service);
        assert_eq!(simulation.run(events.unwrap().collect()).unwrap().text(), "hello");
        assert_eq!(ends(&cx), [Some(EndKind::Finished)]);
        let (_, error) = call(&simulation, &service);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unexpected);
        let texts: Vec<_> = service.requests().iter().map(|r| r.messages[0].text()).collect();
        assert_eq!(texts, ["hi"; 3]);
        assert_eq!((service.calls(), service.live(), service.dropped()), (3, 0, 0));
    }

    #[test]
    fn a_cut_answer_is_truncated_and_a_failing_one_failed() {
        let simulation = Simulation::new(1);
        let failing = Answer::text("hello").with(2, Step::Fail(Error::new(ErrorKind::Network, "reset")));
        let service = ScriptedService::new([Answer::text("hello").cut(2), failing]);
        for kind in [ErrorKind::Truncated, ErrorKind::Network] {
            let (cx, events) = call(&simulation, &service);
            let error = simulation.run(events.unwrap().collect()).unwrap_err();
            assert_eq!((error.kind(), error.partial().unwrap().text()), (kind, "hello".to_owned()));
            assert_eq!(ends(&cx), [Some(End::of(&error).kind())]);
        }
        assert_eq!((service.live(), service.dropped()), (0, 0));
    }

    #[test]
    fn a_drop_is_seen_before_and_after_the_first_event() {
        let simulation = Simulation::new(1);
        let service = ScriptedService::new([
            Answer::text("hello").opening(Step::Stall),
            Answer::text("hello").with(1, Step::Stall),
        ]);
        let cx = simulation.context();
        let mut waiting = Task::new(service.call(cx.clone(), Request::from("hi")));
        assert!(simulation.poll(&mut waiting).is_pending());
        assert_eq!(service.live(), 1);
        drop(waiting);
        assert_eq!((service.live(), service.dropped(), ends(&cx)), (0, 1, vec![Some(EndKind::Cancelled)]));
        let (cx, events) = call(&simulation, &service);
        let mut events = events.unwrap();
        assert!(simulation.run(events.next()).unwrap().is_ok());
        assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
        drop(events);
        assert_eq!((service.live(), service.dropped(), ends(&cx)), (0, 2, vec![Some(EndKind::Cancelled)]));
    }

    #[test]
    fn delays_pass_on_the_lent_clock_and_signs_of_life_show() {
        let simulation = Simulation::new(1);
        let second = Duration::from_secs(1);
        let answer = Answer::text("hello")
            .opening(Step::Wait(second))
            .opening(Step::Connect)
            .opening(Step::Wait(second))
            .with(0, Step::Wait(second))
            .with(1, Step::Alive);
        let service = ScriptedService::always(answer);
        let began = simulation.clock.now();
        let (cx, wire) = simulation.context().with_wire();
        let mut waiting = Task::new(service.call(cx, Request::from("hi")));
        assert!(simulation.poll(&mut waiting).is_pending());
        assert!(!wire.is_connected());
        simulation.advance(second);
        assert!(simulation.poll(&mut waiting).is_pending());
        assert!(wire.is_connected());
        simulation.advance(second);
        assert_eq!(wire.last(), None, "no sign of life yet");
        let mut events = match simulation.poll(&mut waiting) {
            std::task::Poll::Ready(events) => events.unwrap(),
            std::task::Poll::Pending => panic!("the opening takes two seconds"),
        };
        assert!(simulation.run(events.next()).unwrap().is_ok());
        assert_eq!(wire.last().unwrap().since(began), 3 * second, "a sign of life, and then an event");
    }
}
