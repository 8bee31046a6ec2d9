//! A stream that goes on when it breaks.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::checkpoint::Checkpoint;
use belvedere_core::completion::{Completion, Fold};
use belvedere_core::context::Context;
use belvedere_core::error::{Category, Error, ErrorKind};
use belvedere_core::event::{Event, FinishReason, Notice};
use belvedere_core::events::{EndKind, Events};
use belvedere_core::request::Request;
use belvedere_core::service::Stack;
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use super::attempt::{self, is_repairable};
use super::bill::Bill;
use super::joint::{Joint, Turn};
use super::way::{Mark, Way};
use super::{Policy, Repair};

/// Why an answer goes on that was left.
const RESUMED: &str = "the answer is resumed from a checkpoint";

/// The events of one answer, from as many attempts as it takes.
pub(super) struct Repaired {
    repair: Arc<Repair>,
    inner: Stack,
    cx: Context,
    request: Request,
    state: State,
    /// What was asked of the present attempt.
    way: Way,
    joint: Joint,
    /// Events to be handed out before more is asked for.
    out: VecDeque<Event>,
    /// What was handed out, with what stands in `out`.
    handed: Fold,
    bill: Bill,
    /// How many further attempts were made here.
    repairs: u32,
    /// How many attempts the call had made before the present one.
    attempts_before: usize,
    /// Going on from where it broke was refused, or failed: it is not asked for any more.
    refused: bool,
    finished: bool,
    /// The error that the present attempt is to repair.
    cause: Option<Error>,
}

enum State {
    /// An attempt is made.
    Calling(BoxFuture<'static, Result<Events>>),
    /// An attempt answers.
    Live(Events),
    /// It ends with this error.
    Failed(Error),
    /// It is over, or between two attempts.
    Over,
}

impl Repaired {
    /// The answer to `request`, which no attempt has been made for yet.
    pub(super) fn new(repair: Arc<Repair>, inner: Stack, cx: Context, request: Request) -> Self {
        let joint = match repair.policy {
            Policy::Fail => Joint::Through,
            Policy::Restart | Policy::Continue => Joint::fresh(Vec::new()),
        };
        Repaired {
            repair,
            inner,
            cx,
            request,
            state: State::Over,
            way: Way::Anew,
            joint,
            out: VecDeque::new(),
            handed: Fold::default(),
            bill: Bill::default(),
            repairs: 0,
            attempts_before: 0,
            refused: false,
            finished: false,
            cause: None,
        }
    }

    /// Goes on with the first attempt.
    ///
    /// # Errors
    /// Its error, when that is not repaired.
    pub(super) fn begun(mut self, answer: Result<Events>) -> Result<Self> {
        match answer {
            Ok(events) => self.live(events),
            Err(error) => self.broke(error, true),
        }
        match self.state {
            State::Failed(error) => Err(error),
            _ => Ok(self),
        }
    }

    /// Goes on with the answer of an earlier call. Its first attempt is the first of this call: no budget is asked.
    pub(super) fn resume(mut self, checkpoint: &Checkpoint) -> Self {
        let partial = &checkpoint.partial;
        self.bill = Bill::after(partial);
        let complete = !partial.choices.is_empty() && partial.choices.iter().all(|c| c.finish.is_some());
        let mut events = checkpoint.events();
        if complete {
            events.extend(partial.choices.iter().filter_map(|choice| {
                Some(Event::Finish { choice: choice.index, finish: choice.finish.clone()? })
            }));
        }
        events.into_iter().for_each(|event| self.hand(event));
        if !complete {
            self.cause = Some(Error::new(ErrorKind::Truncated, RESUMED));
            self.begin(self.next_way(), Duration::ZERO);
        }
        self
    }

    /// An attempt answers.
    fn live(&mut self, events: Events) {
        self.bill.open();
        self.state = State::Live(events);
    }

    /// Notes an event that is handed out next.
    fn hand(&mut self, event: Event) {
        if let Event::Finish { choice, .. } = &event {
            // What no part of a later attempt has taken up is complete as it is.
            let open = self.handed.open().iter().filter(|open| open.choice == *choice);
            let ends: Vec<Event> = open.map(|o| Event::PartEnd { choice: o.choice, part: o.part }).collect();
            ends.into_iter().for_each(|end| self.hand(end));
        }
        if matches!(&event, Event::Notice(Notice::Layer { layer, .. }) if layer == "repair") {
            self.bill.told();
        }
        self.note(&event);
        self.out.push_back(event);
    }

    fn note(&mut self, event: &Event) {
        self.handed.event(event);
        match event {
            Event::Finish { .. } => self.finished = true,
            Event::Notice(Notice::Restart { .. }) => self.finished = false,
            _ => {}
        }
    }

    /// Takes an event of the present attempt; gives it back when it goes straight on.
    fn take(&mut self, event: Event) -> Option<Event> {
        let event = match event {
            Event::Usage(usage) => Event::Usage(self.bill.note(usage)),
            Event::Finish { .. } => {
                if let Some(usage) = self.bill.owed().filter(|_| !self.finished) {
                    self.join(Event::Usage(usage));
                }
                event
            }
            event => event,
        };
        if matches!(self.joint, Joint::Through) && self.out.is_empty() {
            self.note(&event);
            return Some(event);
        }
        self.join(event);
        None
    }

    fn join(&mut self, event: Event) {
        if matches!(self.state, State::Live(_)) && self.is_broken_json(&event) {
            self.refused = true;
            let what = "the continued answer is not the JSON that was asked for";
            return self.broke(Error::new(ErrorKind::Malformed, what), false);
        }
        let mut out = Vec::new();
        let turn = self.joint.event(event, &self.handed, &mut out);
        out.into_iter().for_each(|event| self.hand(event));
        match turn {
            Turn::On => {}
            Turn::To(joint) => self.joint = joint,
            Turn::Lost => self.step_down(),
            Turn::Unclear => {
                self.state = State::Over;
                self.bill.close();
                self.refused = true;
                self.mend();
            }
            Turn::Void => {
                let what = "the rest of the answer was restarted on its way";
                self.broke(Error::new(ErrorKind::Malformed, what), false);
            }
        }
    }

    /// Whether the answer ends as a JSON value that was joined and is none.
    fn is_broken_json(&self, event: &Event) -> bool {
        let (Joint::Joined(joined), Event::Finish { finish, .. }) = (&self.joint, event) else {
            return false;
        };
        let is_whole = matches!(finish.reason, None | Some(FinishReason::Stop));
        joined.json
            && is_whole
            && serde_json::from_str::<serde::de::IgnoredAny>(&self.handed.completion().text()).is_err()
    }

    /// Asks for less of a target that was not, or can't be, given the beginning of its answer.
    fn step_down(&mut self) {
        self.state = State::Over;
        self.bill.close();
        match self.cause.clone() {
            // The target has begun to answer: it is an attempt like any other.
            Some(cause) if !self.cx.call.attempt_budget.draw() => self.fail(cause),
            _ => self.begin(self.way.lower(&self.request), Duration::ZERO),
        }
    }

    /// The present attempt broke; `calling`: before it answered.
    fn broke(&mut self, error: Error, calling: bool) {
        // The attempt ends before another begins.
        self.state = State::Over;
        self.bill.close();
        let is_unsent = calling && self.made() == self.attempts_before;
        let is_asked_on = self.way.is_on() && !self.joint.is_begun();
        if is_asked_on && is_unsent && error.kind() == ErrorKind::Unsupported {
            return self.begin(self.way.lower(&self.request), Duration::ZERO);
        }
        if is_asked_on && error.category() == Category::Validation {
            self.refused = true;
        } else if !self.finished && is_repairable(&error) {
            self.cause = Some(error);
        } else {
            return self.fail(error);
        }
        self.mend();
    }

    /// Makes another attempt because of what broke, or ends with it.
    fn mend(&mut self) {
        let cause =
            self.cause.clone().unwrap_or_else(|| Error::new(ErrorKind::Truncated, "the answer broke"));
        match self.draw(&cause) {
            Some(wait) => self.begin(self.next_way(), wait),
            None => self.fail(cause),
        }
    }

    /// Draws a further attempt, and gives how long to wait for it; `None` when there is none.
    fn draw(&mut self, cause: &Error) -> Option<Duration> {
        if self.repair.policy == Policy::Fail || self.repairs >= self.repair.attempts {
            return None;
        }
        let wait = attempt::wait(cause, self.repair.backoff, self.repairs, &self.cx)?;
        if !self.cx.call.attempt_budget.draw() {
            return None;
        }
        self.repairs += 1;
        Some(wait)
    }

    /// What is asked of the next attempt.
    fn next_way(&self) -> Way {
        // With an idempotency key only the same request may be sent.
        let is_bound = self.refused || self.cx.call.options.idempotency_key.is_some();
        Way::after(&self.handed, &self.request, self.repair.policy, is_bound)
    }

    /// Makes the next attempt.
    fn begin(&mut self, way: Way, wait: Duration) {
        let reason = match &self.cause {
            // Nothing broke: somebody came back.
            Some(cause) if cause.message() == RESUMED => RESUMED.to_owned(),
            Some(cause) => format!("{}: {}", cause.kind(), cause.message()),
            None => String::new(),
        };
        let mark = Mark { reason, notices: self.bill.notices() };
        let request;
        (request, self.joint) = way.ask(self.request.clone(), &self.handed, &self.repair.ask, mark);
        self.way = way;
        self.attempts_before = self.made();
        let call = attempt::begin(self.inner.clone(), self.cx.clone(), request, wait);
        self.state = State::Calling(Box::pin(call));
    }

    /// How many attempts the call has made.
    fn made(&self) -> usize {
        self.cx.call.with_attempts(<[_]>::len)
    }

    /// Says what the attempts used, where that has not been said.
    fn settle(&mut self) {
        if self.finished {
            return;
        }
        let said = self.handed.completion().usage.as_ref();
        if let Some(total) = self.bill.total().filter(|total| said != Some(total)) {
            if !self.handed.is_started() {
                self.hand(Event::Start { id: None, model: None });
            }
            self.hand(Event::Usage(total));
        }
        if self.repairs > 0 && self.handed.is_started() {
            self.bill.notices().into_iter().for_each(|notice| self.hand(notice));
        }
    }

    /// Ends with `error`, with what was handed out inside.
    fn fail(&mut self, error: Error) {
        // Nobody has seen the beginning of an answer that never came to its content: it is no secret.
        if let Joint::Fresh(fresh) = std::mem::replace(&mut self.joint, Joint::Through) {
            fresh.into_held().into_iter().for_each(|event| self.hand(event));
        }
        self.settle();
        let attempts = u32::try_from(self.made()).unwrap_or(u32::MAX);
        let mut error = error.with_attempts(attempts);
        let partial = self.handed.completion().clone();
        if partial != Completion::default() {
            error = error.with_partial(partial);
        }
        self.state = State::Failed(if self.repairs > 0 { error.into_persistent() } else { error });
    }
}

impl Stream for Repaired {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.out.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match &mut this.state {
                State::Live(events) => match ready!(events.poll_next_unpin(poller)) {
                    Some(Ok(event)) => {
                        if let Some(event) = this.take(event) {
                            return Poll::Ready(Some(Ok(event)));
                        }
                    }
                    Some(Err(error)) => this.broke(error, false),
                    None => {
                        let is_cancelled = events.end() == Some(EndKind::Cancelled);
                        this.state = State::Over;
                        let cancelled = || Err(Error::new(ErrorKind::Cancelled, "the call was cancelled"));
                        return Poll::Ready(is_cancelled.then(cancelled));
                    }
                },
                State::Calling(call) => match ready!(call.as_mut().poll(poller)) {
                    Ok(events) => this.live(events),
                    Err(error) => this.broke(error, true),
                },
                State::Failed(_) => {
                    let failed = std::mem::replace(&mut this.state, State::Over);
                    return Poll::Ready(match failed {
                        State::Failed(error) => Some(Err(error)),
                        _ => None,
                    });
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}
