//! Giving back, or taking more, once it is known what a call used.

use std::sync::Arc;

use belvedere_core::clock::Clock;
use belvedere_core::context::{Call, Context, Lent};
use belvedere_core::error::Result;
use belvedere_core::event::Event;
use belvedere_core::events::{Closing, End, Observer};
use belvedere_core::hooks::Signal;
use belvedere_core::store::{Rate, Store, Take};

use super::State;
use super::rates::{Ask, Unit};
use super::reserve::Reserved;
use crate::quota::{Key, Seen, spent, within};

/// Settles the tokens of a call at its end.
#[derive(Debug)]
pub(super) struct Settling {
    state: Arc<State>,
    lent: Arc<Lent>,
    call: Arc<Call>,
    key: Key,
    rate: Rate,
    ask: Ask,
    reserved: Reserved,
    /// How many attempts the call had made before, in front of this layer.
    before: usize,
    seen: Seen,
}

impl Settling {
    /// What is to be settled, if anything is.
    pub(super) fn of(
        state: &Arc<State>,
        cx: &Context,
        key: Key,
        ask: Ask,
        reserved: Reserved,
    ) -> Option<Settling> {
        let rate = state.rates.tokens.filter(|_| !matches!(reserved, Reserved::Nowhere))?;
        let before = cx.call.with_attempts(<[_]>::len);
        let (state, lent, call) = (state.clone(), cx.lent.clone(), cx.call.clone());
        Some(Settling { state, lent, call, key, rate, ask, reserved, before, seen: Seen::default() })
    }

    /// The tokens that the attempts of this layer used.
    fn used(&self) -> u64 {
        self.call.with_attempts(|attempts| {
            let own = attempts.get(self.before..).unwrap_or_default();
            let tokens =
                spent(own, self.ask.input, self.seen).map(|(_, usage, _)| usage.total_tokens().unwrap_or(0));
            tokens.fold(0, u64::saturating_add)
        })
    }
}

impl Observer for Settling {
    fn event(&mut self, event: &Event) {
        self.seen.event(event);
    }

    fn end(self: Box<Self>, _: End<'_>) -> Closing {
        let used = self.used();
        let now = self.lent.clock.boot();
        let (back, more) = (self.ask.tokens.saturating_sub(used), used.saturating_sub(self.ask.tokens));
        match self.reserved.clone() {
            Reserved::There(store) => Closing::Work(Box::pin(self.settle_there(store, back, more))),
            Reserved::Here => {
                let rate = match self.state.store {
                    Some(_) => self.state.rates.share(self.state.config.share).tokens.unwrap_or(self.rate),
                    None => self.rate,
                };
                if back > 0 {
                    self.state.keys.give(now, &self.key, rate, back);
                }
                if more > 0 {
                    self.state.keys.charge(now, &self.key, rate, more);
                }
                Closing::Done
            }
            Reserved::Nowhere => Closing::Done,
        }
    }
}

impl Settling {
    async fn settle_there(self: Box<Self>, store: Arc<dyn Store>, back: u64, more: u64) {
        let clock = self.lent.clock.as_ref();
        if let Err(error) = self.give_or_take(clock, store.as_ref(), back, more).await {
            // What was reserved comes back with time.
            self.lent.hooks.emit(|| Signal::StoreFailed { layer: "limit".into(), error });
        }
        let share = self.state.rates.share(self.state.config.share).tokens.filter(|_| back > 0);
        if let Some(share) = share {
            self.state.keys.give(clock.boot(), &self.key, share, back);
        }
    }

    async fn give_or_take(&self, clock: &dyn Clock, store: &dyn Store, back: u64, more: u64) -> Result<()> {
        let path = self.state.path(&self.key, Unit::Tokens);
        let patience = self.state.config.store_timeout;
        if back > 0 {
            within(clock, patience, store.give(&path, self.rate, back)).await?;
        }
        if more == 0 {
            return Ok(());
        }
        match within(clock, patience, store.take(&path, self.rate, more)).await {
            Ok(Take::Taken(_)) => Ok(()),
            // The next call of this process pays it.
            Ok(_) => {
                self.state.keys.owe(clock.boot(), &self.key, self.rate, more);
                Ok(())
            }
            Err(error) => {
                self.state.keys.owe(clock.boot(), &self.key, self.rate, more);
                Err(error)
            }
        }
    }
}
