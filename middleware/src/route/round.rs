//! One call on its way through the targets.

use std::pin::{Pin, pin};
use std::time::Duration;

use belvedere_core::SmolStr;
use belvedere_core::clock::Instant;
use belvedere_core::context::Context;
use belvedere_core::error::{Error, Result};
use belvedere_core::event::{Event, Notice};
use belvedere_core::events::Events;
use belvedere_core::hooks::Signal;
use belvedere_core::request::Request;
use futures_util::StreamExt;
use futures_util::future::{Either, select};

use super::condition::{is_final, is_of_target};
use super::order::Order;
use super::service::{Routed, no_target};

/// One call on its way through the targets.
pub(super) struct Round<'a> {
    route: &'a Routed,
    cx: &'a Context,
    request: &'a Request,
    order: Order,
    /// Who failed, and how, in order.
    failed: Vec<(usize, Error)>,
    /// What the caller is told ahead of the answer.
    notices: Vec<Notice>,
}

/// Who answers.
struct Answer {
    index: usize,
    events: Events,
    is_hedge: bool,
}

impl<'a> Round<'a> {
    pub(super) fn new(route: &'a Routed, cx: &'a Context, request: &'a Request) -> Self {
        let order = Order::of(route, cx, request);
        Round { route, cx, request, order, failed: Vec::new(), notices: Vec::new() }
    }

    /// Asks one target after the other until one answers.
    pub(super) async fn run(&mut self) -> Result<Events> {
        let mut asked = self.order.first(self.route, self.cx);
        while let Some(index) = asked {
            if let Some(answer) = self.ask(index).await {
                return Ok(self.answered(answer));
            }
            asked = self.fallback();
        }
        Err(self.error())
    }

    /// The target that is asked after the last failure.
    fn fallback(&mut self) -> Option<usize> {
        let (from, error) = self.failed.last()?;
        let (from, reason) = (*from, error.kind());
        let Round { route, order, .. } = self;
        let to = order.next(|index| route.goals.get(index).is_some_and(|goal| goal.takes(reason)))?;
        // The call's first attempt is free, whoever makes it. Where nobody has sent anything yet, this is the one.
        let call = &self.cx.call;
        if !call.with_attempts(<[_]>::is_empty) && !call.attempt_budget.draw() {
            return None;
        }
        self.fell_back(from, to);
        Some(to)
    }

    /// Says that another target takes the place of the one that failed last.
    fn fell_back(&mut self, from: usize, to: usize) {
        let Some((_, error)) = self.failed.last() else { return };
        let (from, to, call) = (self.name(from), self.name(to), self.cx.call.id);
        let reason = error.kind();
        self.cx.lent.hooks.emit(|| Signal::Fallback { call, from: from.clone(), to: to.clone(), reason });
        let reason = format!("{reason}: {}", error.message());
        self.notices.push(Notice::FellBack { from, to, reason });
    }

    /// Asks a target, and another one beside it when it is slow.
    async fn ask(&mut self, index: usize) -> Option<Answer> {
        let began = self.cx.lent.clock.now();
        let mut first = pin!(self.attempt(index));
        if let Some(patience) = self.route.patience(index, self.request) {
            match select(first.as_mut(), self.cx.lent.clock.sleep(patience)).await {
                Either::Left((answer, _)) => return self.settle(index, answer, false),
                Either::Right(_) => {}
            }
            if let Some(second) = self.begin_hedge(index, patience) {
                // Boxed: few calls are that slow, and all of them would be larger.
                return Box::pin(self.race((index, first, began), second)).await;
            }
        }
        let answer = first.await;
        self.settle(index, answer, false)
    }

    fn attempt(&self, index: usize) -> impl Future<Output = Result<Events>> + Send + use<'a> {
        self.route.ask(index, self.cx, self.request)
    }

    fn settle(&mut self, index: usize, answer: Result<Events>, is_hedge: bool) -> Option<Answer> {
        match answer {
            Ok(events) => Some(Answer { index, events, is_hedge }),
            Err(error) => {
                self.failed.push((index, error));
                None
            }
        }
    }

    /// The target that is asked beside a slow one, if there may be one: the next in turn, or the same again.
    fn begin_hedge(&mut self, index: usize, patience: Duration) -> Option<usize> {
        let Context { lent, call, .. } = self.cx;
        // Time stands still in a pause, and meanwhile all may have become slow.
        let is_slow = !call.pause.is_paused() && self.route.patience(index, self.request).is_some();
        // A provider takes two requests with one key for one.
        let is_twice = self.order.is_alone() && call.options.idempotency_key.is_some();
        if !is_slow || is_twice || !self.route.allowance.take() {
            return None;
        }
        if !call.attempt_budget.draw() {
            self.route.allowance.earn(1.0);
            return None;
        }
        let second = self.order.next_ready().unwrap_or(index);
        let (target, call) = (self.name(second), call.id);
        lent.hooks.emit(|| Signal::Hedge { call, target, after: patience });
        Some(second)
    }

    /// Waits for the first of two attempts that has content. The other one is dropped, and its connection closed.
    async fn race(
        &mut self,
        (index, first, began): (usize, Pin<&mut (impl Future<Output = Result<Events>> + Send)>, Instant),
        second: usize,
    ) -> Option<Answer> {
        let other = pin!(self.attempt(second));
        match select(first, other).await {
            Either::Left((Err(error), other)) => {
                let reason = error.kind();
                self.failed.push((index, error));
                if !is_of_target(reason) {
                    return None;
                }
                if second != index {
                    self.fell_back(index, second);
                }
                let answer = other.await;
                self.settle(second, answer, true)
            }
            // The second attempt is an extra: its failure changes nothing, unless it is a verdict.
            Either::Right((Err(error), first)) => {
                let reason = error.kind();
                self.failed.push((second, error));
                if is_final(reason) {
                    return None;
                }
                let answer = first.await;
                self.settle(index, answer, false)
            }
            Either::Left((answer, _)) => self.settle(index, answer, false),
            Either::Right((answer, _)) => {
                // How long the first would have taken is not known; it is longer than this.
                let now = self.cx.lent.clock.now();
                self.route.roster.took(index, now.since(began), self.request.stream, now);
                self.settle(second, answer, true)
            }
        }
    }

    /// The answer, behind what there is to say about it.
    fn answered(&mut self, answer: Answer) -> Events {
        let target = self.name(answer.index);
        if let Some(hedge) = &self.route.roster.hedge {
            self.route.allowance.earn(hedge.max);
        }
        if answer.is_hedge {
            self.notices.push(Notice::Hedged { target: target.clone() });
        }
        self.cx.call.set_answered_by(target);
        if self.notices.is_empty() {
            return answer.events;
        }
        let notices = std::mem::take(&mut self.notices).into_iter().map(|notice| Ok(Event::Notice(notice)));
        Events::new(futures_util::stream::iter(notices).chain(answer.events))
    }

    /// The last error, with what each target failed with.
    fn error(&mut self) -> Error {
        let told = |(index, error): &(usize, Error)| {
            format!("{} ({}: {})", self.name(*index), error.kind(), error.message())
        };
        let targets: Vec<String> = self.failed.iter().map(told).collect();
        match self.failed.pop() {
            Some((_, error)) if targets.len() > 1 => error.with("targets", targets.join(", ")),
            Some((_, error)) => error,
            None => no_target(),
        }
    }

    fn name(&self, index: usize) -> SmolStr {
        self.route.goals.get(index).map(|goal| goal.name.clone()).unwrap_or_default()
    }
}
