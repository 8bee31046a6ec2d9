//! The services a route makes: of one target, and of several.

use std::sync::Arc;
use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::context::Context;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::events::{Events, watch};
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service};
use futures_util::future::{BoxFuture, Either};

use super::allowance::Allowance;
use super::config::Sticky;
use super::flight::Flight;
use super::roster::Roster;
use super::round::Round;
use super::target::Goal;

/// The error of a call that no target can take.
pub(super) fn no_target() -> Error {
    Error::new(ErrorKind::ConfigInvalid, "the route has no target to ask")
}

/// One target that nothing can stand in for: nothing is read ahead, and nothing is watched.
#[derive(Debug)]
pub(super) struct Single(pub(super) Goal);

impl Service for Single {
    fn info(&self) -> Info {
        self.0.info.clone()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        let call = cx.call.clone();
        let answer = self.0.stack.call(self.0.context(cx), request);
        Box::pin(async move {
            let events = answer.await?;
            call.set_answered_by(self.0.name.clone());
            Ok(events)
        })
    }
}

/// Targets that stand in for each other.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) goals: Vec<Goal>,
    pub(super) roster: Arc<Roster>,
    pub(super) sticky: Option<Sticky>,
    pub(super) allowance: Arc<Allowance>,
}

impl Service for Routed {
    fn info(&self) -> Info {
        let mut info = match self.goals.first() {
            Some(goal) => goal.info.clone(),
            None => Info::new("route", "route"),
        };
        info.resumes = self.goals.iter().any(|goal| goal.info.resumes);
        info
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move { Round::new(self, &cx, &request).run().await })
    }
}

impl Routed {
    /// Asks one target, up to the first event that can't be unsaid.
    pub(super) async fn ask(&self, index: usize, cx: &Context, request: &Request) -> Result<Events> {
        let clock = cx.lent.clock.as_ref();
        let began = clock.now();
        let mut events = self.call_of(index, cx, request, began)?.await?;
        events.until_content().await?;
        let now = clock.now();
        self.roster.took(index, now.since(began), request.stream, now);
        Ok(events)
    }

    /// The call of a target, watched where its end matters.
    fn call_of(
        &self,
        index: usize,
        cx: &Context,
        request: &Request,
        began: Instant,
    ) -> Result<impl Future<Output = Result<Events>> + Send + use<'_>> {
        let goal = self.goals.get(index).ok_or_else(no_target)?;
        let cx = goal.context(cx.clone());
        if !self.roster.watches_ends() {
            return Ok(Either::Left(goal.stack.call(cx, goal.request(request))));
        }
        let flight = Flight::begin(&self.roster, index, &cx.lent, began);
        let call = goal.stack.call(cx.clone(), goal.request(request));
        Ok(Either::Right(watch(&cx, call, flight)))
    }

    /// How long the call of a target is waited for before there is a second attempt.
    pub(super) fn patience(&self, index: usize, request: &Request) -> Option<Duration> {
        self.roster.patience(index, request.stream)
    }
}
