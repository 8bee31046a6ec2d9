//! The services a route makes: of one target, and of several.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::events::{Events, watch};
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service};

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

#[async_trait]
impl Service for Single {
    fn info(&self) -> Info {
        self.0.info.clone()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let call = cx.call.clone();
        let events = (*self.0.stack).call(self.0.context(cx), request).await?;
        call.set_answered_by(self.0.name.clone());
        Ok(events)
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

#[async_trait]
impl Service for Routed {
    fn info(&self) -> Info {
        let mut info = match self.goals.first() {
            Some(goal) => goal.info.clone(),
            None => Info::new("route", "route"),
        };
        info.resumes = self.goals.iter().any(|goal| goal.info.resumes);
        info
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        Round::new(self, &cx, &request).run().await
    }
}

impl Routed {
    /// Asks one target, up to the first event that can't be unsaid.
    pub(super) async fn ask(&self, index: usize, cx: &Context, request: &Request) -> Result<Events> {
        let goal = self.goals.get(index).ok_or_else(no_target)?;
        let (cx, clock) = (goal.context(cx.clone()), cx.lent.clock.as_ref());
        let began = clock.now();
        let call = (*goal.stack).call(cx.clone(), goal.request(request));
        let mut events = match self.roster.watches_ends() {
            true => watch(&cx, call, Flight::begin(&self.roster, index, &cx.lent, began)).await?,
            false => call.await?,
        };
        events.until_content().await?;
        let now = clock.now();
        self.roster.took(index, now.since(began), request.stream, now);
        Ok(events)
    }

    /// How long the call of a target is waited for before there is a second attempt.
    pub(super) fn patience(&self, index: usize, request: &Request) -> Option<Duration> {
        self.roster.patience(index, request.stream)
    }
}
