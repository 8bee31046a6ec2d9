//! The reservation of a call, from its start to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use belvedere_core::context::{Attempt, Context};
use belvedere_core::error::{Error, Result};
use belvedere_core::events::EndKind;
use belvedere_core::hooks::Signal;
use belvedere_core::spawner::Spawner;
use belvedere_core::usage::Usage;
use futures_util::future::BoxFuture;

use super::State;
use super::entry::Settled;
use super::ledger::{Held, Reserved};
use super::line::{Line, Why};
use super::tariff::{Bound, Cost};
use crate::quota::{Seen, spent};

/// The reservation of a call, and what it needs to be settled.
pub(super) struct Hold {
    pub(super) state: Arc<State>,
    pub(super) cx: Context,
    pub(super) held: Held,
    /// What the call has the model read, by estimate.
    pub(super) input: u64,
    /// How many attempts the call had made before, in front of this layer.
    pub(super) before: usize,
    pub(super) seen: Seen,
}

/// How long it is waited before a settlement is tried again that a store refused to take.
const AGAIN: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
];

impl Hold {
    /// Reserves more. An error when the limit stands against it, or the store.
    pub(super) async fn top_up(&mut self, more: i64) -> Result<()> {
        let clock = self.cx.lent.clock.clone();
        match self.state.ledger.top_up(clock.as_ref(), &mut self.held, more).await {
            Ok(None) => Ok(()),
            Ok(Some(used)) => Err(self.state.refused(&self.cx, &self.held.account, used, more)),
            Err(error) => self.state.store_failed(&self.cx, error),
        }
    }

    /// Settles by what the attempts used: that is read now. What is returned has still to be waited for; `None` where it
    /// is done.
    pub(super) fn settle(self: Box<Self>, end: EndKind) -> Option<Finishing> {
        let settled = self.settled(end);
        if self.state.ledger.settle_now(self.cx.lent.clock.as_ref(), &self.held, &settled) {
            return None;
        }
        let spawner = self.cx.lent.spawner.clone();
        Some(Finishing { work: Some(Box::pin(self.write(settled))), spawner })
    }

    /// Gives back in the background what may have been reserved though the store failed. If that fails, too, it counts as
    /// spent.
    pub(super) fn forget(mut self: Box<Self>) {
        let lent = self.cx.lent.clone();
        let nothing = Settled::new(0, Vec::new());
        let forgetting = async move {
            let _ = self.state.ledger.settle(self.cx.lent.clock.as_ref(), &mut self.held, &nothing).await;
        };
        lent.spawner.spawn("budget releasing", Box::pin(forgetting));
    }

    async fn write(mut self: Box<Self>, settled: Settled) {
        let lent = self.cx.lent.clone();
        let Err(error) = self.state.ledger.settle(lent.clock.as_ref(), &mut self.held, &settled).await else {
            return;
        };
        lent.hooks.emit(|| Signal::StoreFailed { layer: "budget".into(), error });
        lent.spawner.spawn("budget settling", Box::pin(self.write_later(settled)));
    }

    /// Tries again for a while. If nothing helps, the reservation stands until its lease is over, and counts as spent.
    async fn write_later(mut self: Box<Self>, settled: Settled) {
        let clock = self.cx.lent.clock.clone();
        for pause in AGAIN {
            clock.sleep(pause).await;
            if self.state.ledger.settle(clock.as_ref(), &mut self.held, &settled).await.is_ok() {
                return;
            }
        }
    }

    /// What the ledger will say of the call.
    fn settled(&self, end: EndKind) -> Settled {
        self.cx
            .call
            .with_attempts(|attempts| self.settled_by(attempts.get(self.before..).unwrap_or_default(), end))
    }

    fn settled_by(&self, attempts: &[Attempt], end: EndKind) -> Settled {
        let keeps = self.state.ledger.keeps();
        let mut lines = Vec::with_capacity(attempts.len().max(1));
        let (mut in_all, mut unknown) = (0_i64, None);
        for (i, (attempt, usage, estimated)) in spent(attempts, self.input, self.seen).enumerate() {
            let cost = self.state.tariff.cost(attempt, &usage);
            in_all = in_all.saturating_add(cost.charge.unwrap_or(0));
            if cost.charge.is_none() {
                unknown.get_or_insert(i);
            }
            if keeps {
                lines.push(line(i, attempt, usage, estimated, cost, end));
            }
        }
        // What is not known is charged as what was reserved for it.
        if let Some(i) = unknown {
            let rest = self.held.amount.saturating_sub(in_all).max(0);
            in_all = in_all.saturating_add(rest);
            if let Some(line) = lines.get_mut(i) {
                line.charged = rest;
            }
        }
        if attempts.is_empty() && keeps {
            lines.push(Line::unasked());
        }
        Settled::new(in_all, lines)
    }
}

fn line(
    index: usize,
    attempt: &Attempt,
    usage: Arc<Usage>,
    estimated: bool,
    cost: Cost,
    end: EndKind,
) -> Line {
    Line {
        why: Why::of(attempt, end),
        attempt: u32::try_from(index + 1).unwrap_or(u32::MAX),
        provider: attempt.provider.clone(),
        model: attempt.model.clone(),
        target: attempt.target.clone(),
        usage,
        cost: cost.money,
        charged: cost.charge.unwrap_or(0),
        estimated: estimated || cost.assumed,
    }
}

/// A reservation that is settled as cancelled when the call is dropped before it has answered.
pub(super) struct Guard(Option<Box<Hold>>);

impl Guard {
    pub(super) fn new(hold: Box<Hold>) -> Self {
        Guard(Some(hold))
    }

    /// The call has answered: from here on its reservation is somebody else's.
    pub(super) fn release(mut self) -> Option<Box<Hold>> {
        self.0.take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(hold) = self.0.take() {
            // Dropped unfinished, it is finished in the background.
            drop(hold.settle(EndKind::Cancelled));
        }
    }
}

/// A reservation that is being made. Dropped before that is known, it is waited for in the background, and given back.
pub(super) struct Reserving {
    work: Option<BoxFuture<'static, Reserved>>,
    state: Arc<State>,
    cx: Context,
    bound: Bound,
}

impl Reserving {
    pub(super) fn new(state: &Arc<State>, cx: &Context, bound: &Bound) -> Self {
        let (ledger, call, clock) = (state.ledger.clone(), cx.call.clone(), cx.lent.clock.clone());
        let amount = bound.amount;
        let work = async move { ledger.reserve(clock.as_ref(), &call, amount).await };
        Reserving { work: Some(Box::pin(work)), state: state.clone(), cx: cx.clone(), bound: *bound }
    }
}

impl Future for Reserving {
    type Output = Reserved;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Reserved> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let reserved = std::task::ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(reserved)
    }
}

impl Drop for Reserving {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        let (state, cx, bound) = (self.state.clone(), self.cx.clone(), self.bound);
        let spawner = cx.lent.spawner.clone();
        let giving_back = async move {
            if let Reserved::Held { held, .. } | Reserved::Failed { held, .. } = work.await {
                state.hold(&cx, held, &bound).forget();
            }
        };
        spawner.spawn("budget releasing", Box::pin(giving_back));
    }
}

/// Work at the end of a call. Dropped before it is done, it goes on in the background.
pub(super) struct Finishing {
    work: Option<BoxFuture<'static, ()>>,
    spawner: Arc<dyn Spawner>,
}

impl Future for Finishing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        std::task::ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(())
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.spawner.spawn("budget settling", work);
        }
    }
}

impl State {
    /// Goes on without the ledger, or does not, as the budget is told.
    pub(super) fn store_failed(&self, cx: &Context, error: Error) -> Result<()> {
        cx.lent.hooks.emit(|| Signal::StoreFailed { layer: "budget".into(), error: error.clone() });
        match self.on_store_failure {
            super::OnStoreFailure::Open => Ok(()),
            super::OnStoreFailure::Closed => {
                Err(error.with("option", "on_store_failure").with_operation("Budget::call"))
            }
        }
    }
}
