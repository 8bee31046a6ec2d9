//! Taking before a call is made.

use std::sync::Arc;
use std::time::Duration;

use belvedere_core::clock::Clock;
use belvedere_core::context::{Call, Context};
use belvedere_core::duration;
use belvedere_core::error::{Error, ErrorKind, Result, RetryAfter};
use belvedere_core::hooks::Signal;
use belvedere_core::request::{Operation, Request};
use belvedere_core::store::{Level, Rate, Store, Take};
use futures_util::future::BoxFuture;

use super::rates::{Ask, Levels, Short, Unit, time_of};
use super::{OnStoreFailure, State};
use crate::quota::{Key, input_tokens, within};

/// Where a call's tokens were taken from.
#[derive(Debug, Clone)]
pub(super) enum Reserved {
    /// From this process.
    Here,
    /// From the store.
    There(Arc<dyn Store>),
    /// From nowhere: the store failed, and that opens the limit.
    Nowhere,
}

/// A call that takes what it asks for.
pub(super) enum Reserving<'a> {
    /// It has it, or is refused.
    Done(Result<Reserved>),
    /// It waits: for its turn, or for a store.
    Waits(BoxFuture<'a, Result<Reserved>>),
}

/// Why a store let nobody through.
enum Refusal {
    Short(Short),
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Failed(error)
    }
}

impl State {
    /// What a request asks for.
    pub(super) fn ask(&self, call: &Call, request: &Request) -> Ask {
        let Some(rate) = self.rates.tokens else { return Ask { input: 0, tokens: 0 } };
        let answers = u64::from(request.n.unwrap_or(1));
        let input = match request.operation {
            Operation::Models => 0,
            _ => input_tokens(call, request),
        };
        let tokens = match (request.operation, request.max_tokens) {
            (Operation::Chat, Some(output)) => input.saturating_add(output.saturating_mul(answers)),
            // What is only guessed makes no request too large.
            (Operation::Chat, None) => {
                input.saturating_add(self.config.output.saturating_mul(answers)).min(rate.burst.max(input))
            }
            _ => input,
        };
        Ask { input, tokens }
    }

    /// Takes what a call asks for, and waits for it as long as it may.
    pub(super) fn reserve<'a>(&'a self, cx: &'a Context, key: &'a Key, ask: Ask) -> Reserving<'a> {
        let clock = cx.lent.clock.as_ref();
        let left = match cx.call.deadline {
            Some(deadline) => deadline.since(clock.now()).min(self.config.wait),
            None => self.config.wait,
        };
        if let Some(store) = &self.store {
            return Reserving::Waits(Box::pin(self.reserve_there(store, cx, key, ask, left)));
        }
        match self.keys.enter(clock.boot(), key, &self.rates, ask, left) {
            Ok(None) => Reserving::Done(Ok(Reserved::Here)),
            Ok(Some(place)) => Reserving::Waits(Box::pin(async move {
                let waited = place.wait(clock, &self.rates, clock.now() + left).await;
                waited.map(|()| Reserved::Here).map_err(|short| self.refused(cx, key, short))
            })),
            Err(short) => Reserving::Done(Err(self.refused(cx, key, short))),
        }
    }

    /// The same with a store. Who waits for it asks it again, and has no place among those of other processes.
    async fn reserve_there(
        &self,
        store: &Arc<dyn Store>,
        cx: &Context,
        key: &Key,
        ask: Ask,
        mut left: Duration,
    ) -> Result<Reserved> {
        loop {
            let short = match self.take(cx, store, key, ask).await? {
                Ok(reserved) => return Ok(reserved),
                Err(short) => short,
            };
            match short {
                Short::Until { wait, .. } if wait <= left => {
                    left -= wait;
                    cx.lent.clock.sleep(wait).await;
                }
                _ => return Err(self.refused(cx, key, short)),
            }
        }
    }

    async fn take(
        &self,
        cx: &Context,
        store: &Arc<dyn Store>,
        key: &Key,
        ask: Ask,
    ) -> Result<Result<Reserved, Short>> {
        let clock = cx.lent.clock.as_ref();
        let error = match self.take_there(clock, store.as_ref(), key, ask).await {
            Ok(()) => {
                self.keys.note(clock.boot(), key, &self.rates.share(self.config.share), ask);
                return Ok(Ok(Reserved::There(store.clone())));
            }
            Err(Refusal::Short(short)) => return Ok(Err(short)),
            Err(Refusal::Failed(error)) => error,
        };
        cx.lent.hooks.emit(|| Signal::StoreFailed { layer: "limit".into(), error: error.clone() });
        match self.config.on_store_failure {
            OnStoreFailure::Closed => {
                Err(error.with("option", "on_store_failure").with_operation("Limit::call"))
            }
            OnStoreFailure::Open => Ok(Ok(Reserved::Nowhere)),
            OnStoreFailure::Degraded => {
                let share = self.rates.share(self.config.share);
                Ok(self.keys.take(clock.boot(), key, &share, ask).map(|()| Reserved::Here))
            }
        }
    }

    /// Takes a request and tokens from a store, or nothing.
    async fn take_there(
        &self,
        clock: &dyn Clock,
        store: &dyn Store,
        key: &Key,
        ask: Ask,
    ) -> Result<(), Refusal> {
        if let Some(rate) = self.rates.requests {
            self.take_units(clock, store, key, Unit::Requests, rate, 1).await?;
        }
        let Some(rate) = self.rates.tokens else { return Ok(()) };
        let taken = match self.pay(clock, store, key, rate).await {
            Ok(()) => self.take_units(clock, store, key, Unit::Tokens, rate, ask.tokens).await,
            unpaid => unpaid,
        };
        if let (Err(_), Some(rate)) = (&taken, self.rates.requests) {
            // The request is not made. If it can't be given back, it comes back with time.
            let path = self.path(key, Unit::Requests);
            let _ = within(clock, self.config.store_timeout, store.give(&path, rate, 1)).await;
        }
        taken
    }

    /// Pays the store what is owed to it.
    async fn pay(&self, clock: &dyn Clock, store: &dyn Store, key: &Key, rate: Rate) -> Result<(), Refusal> {
        let mut owed = self.keys.claim(clock.boot(), key);
        while owed > 0 {
            let part = owed.min(rate.burst);
            let paid = self.take_units(clock, store, key, Unit::Tokens, rate, part).await;
            if let Err(refusal) = paid {
                self.keys.owe(clock.boot(), key, rate, owed);
                return Err(refusal);
            }
            owed -= part;
        }
        Ok(())
    }

    async fn take_units(
        &self,
        clock: &dyn Clock,
        store: &dyn Store,
        key: &Key,
        unit: Unit,
        rate: Rate,
        units: u64,
    ) -> Result<(), Refusal> {
        let path = self.path(key, unit);
        match within(clock, self.config.store_timeout, store.take(&path, rate, units)).await? {
            Take::Taken(level) | Take::Wait(_, level) if level.remaining > rate.burst => {
                Err(nonsense().into())
            }
            Take::Wait(wait, _) if wait > time_of(rate, units) => Err(nonsense().into()),
            Take::Taken(_) => Ok(()),
            Take::Wait(wait, level) => Err(Refusal::Short(Short::Until { unit, rate, wait, level })),
            Take::Never => Err(Refusal::Short(Short::Never { unit, rate, asked: units })),
        }
    }

    /// Where a quota is kept in a store.
    pub(super) fn path(&self, key: &Key, unit: Unit) -> String {
        [self.config.name.as_str(), key.as_str(), unit.name()].join("/")
    }

    /// How the quotas of a key stand.
    pub(super) async fn levels(&self, clock: &dyn Clock, key: &Key) -> Result<Levels> {
        let Some(store) = &self.store else {
            return Ok(self.keys.levels(clock.boot(), key, &self.rates));
        };
        let level = async |rate: Option<Rate>, unit| -> Result<Option<Level>> {
            let Some(rate) = rate else { return Ok(None) };
            let path = self.path(key, unit);
            match within(clock, self.config.store_timeout, store.take(&path, rate, 0)).await? {
                Take::Taken(level) | Take::Wait(_, level) => Ok(Some(level)),
                Take::Never => Err(nonsense()),
            }
        };
        let requests = level(self.rates.requests, Unit::Requests).await?;
        Ok(Levels { requests, tokens: level(self.rates.tokens, Unit::Tokens).await? })
    }

    /// The error of a call that got nothing.
    fn refused(&self, cx: &Context, key: &Key, short: Short) -> Error {
        let (unit, rate, used, resets_in) = match short {
            Short::Until { unit, rate, level, .. } => {
                (unit, rate, rate.burst.saturating_sub(level.remaining), Some(level.full_after))
            }
            Short::Never { unit, rate, .. } => (unit, rate, 0, None),
        };
        cx.lent.hooks.emit(|| Signal::Quota {
            key: key.text().clone(),
            unit: unit.name().into(),
            refused: true,
            used,
            limit: rate.burst,
            resets_in,
        });
        let limit = format!("{} in {}", rate.units, duration::text(rate.per));
        let error = match short {
            Short::Until { wait, level, .. } => {
                let message = format!("the limit of {} is reached", unit.name());
                Error::new(ErrorKind::RateLimited, message)
                    .with_retry_after(RetryAfter::after(rounded(wait)))
                    .with("remaining", level.remaining.to_string())
            }
            Short::Never { asked, .. } => {
                let message = format!(
                    "the request needs about {asked} {}, and no more than {} are ever there at once",
                    unit.name(),
                    rate.burst
                );
                Error::new(ErrorKind::InvalidRequest, message)
            }
        };
        let per: Vec<String> = self.config.per.iter().map(ToString::to_string).collect();
        let error = if per.is_empty() { error } else { error.with("per", per.join(", ")) };
        error.with("limit", limit).with_operation("Limit::call")
    }
}

/// Up to whole milliseconds: who waits for what a message says, is let through.
fn rounded(wait: Duration) -> Duration {
    let millis = wait.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

fn nonsense() -> Error {
    Error::new(ErrorKind::Store, "the store answered what no rate can be")
}
