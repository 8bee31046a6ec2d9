//! The services a route makes: of one target, and of several.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use belvedere_core::Result;
use belvedere_core::context::Context;
use belvedere_core::events::{Events, watch};
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service};

use super::allowance::Allowance;
use super::config::Sticky;
use super::flight::Flight;
use super::roster::Roster;
use super::round::Round;
use super::target::Goal;

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
        Round::new(self, &cx, request).run().await
    }
}

impl Routed {
    /// Asks one target, up to the first event that can't be unsaid.
    pub(super) async fn ask(&self, index: usize, cx: Context, request: Request) -> Result<Events> {
        let Some(goal) = self.goals.get(index) else { return Ok(Events::from_events(Vec::new())) };
        let cx = goal.context(cx);
        let (is_stream, clock) = (request.stream, cx.lent.clock.clone());
        let began = clock.now();
        let call = (*goal.stack).call(cx.clone(), request);
        let mut events = match self.roster.watches_ends() {
            true => watch(&cx, call, Flight::begin(&self.roster, index, &cx.lent, began)).await?,
            false => call.await?,
        };
        events.until_content().await?;
        let now = clock.now();
        self.roster.took(index, now.since(began), is_stream, now);
        Ok(events)
    }

    /// How long the call of a target is waited for before there is a second attempt.
    pub(super) fn patience(&self, index: usize, request: &Request) -> Option<Duration> {
        self.roster.patience(index, request.stream)
    }
}
