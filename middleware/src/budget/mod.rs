//! Budgets of money or tokens, and their ledger.

mod account;
mod config;
mod dollars;
mod entry;
mod hold;
mod ledger;
mod line;
mod meter;
mod period;
mod stream;
mod tariff;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::clock::Clock;
use belvedere_core::context::Context;
use belvedere_core::duration;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::events::{End, Events};
use belvedere_core::hooks::Signal;
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service, Stack};
use belvedere_core::store::Store;
use belvedere_core::usage::Money;
use futures_util::future::BoxFuture;

use crate::quota::Seen;
pub use config::{Abandoned, Allowance, Config, OnStoreFailure, UnknownPrice};
pub use dollars::Dollars;
pub use ledger::{Balance, Entries, Ledger};
pub use line::{Entry, Line, Why};
pub use meter::Meter;
pub use period::Every;

use account::Account;
use config::Unit;
use hold::{Guard, Hold, Reserving};
use ledger::{Held, Reserved};
use tariff::{Bound, Tariff};

/// Holds calls to a budget: so much money, or so many tokens, in each period, for each key. Clones share it.
///
/// Before a call is made, the most that it can cost is reserved: what it has the model read, by estimate or as
/// [somebody counted](belvedere_core::context::Call::set_input_tokens), and its
/// `max_tokens`, at the price of the model it names. When it ends, however it does, it is settled by what its attempts
/// used: all of them, so retries, lost hedges, and calls that were cancelled are in it. What is left of the reservation
/// is given back. So calls at once can't spend the same money.
///
/// A stream without `max_tokens` reserves `top_up` tokens at a time. No event is handed out that is not covered: when
/// too little is left for the next step, the stream ends with `BudgetExceeded`, and the error has what came. An attempt
/// that follows one which had begun to answer is reserved for in the same way.
///
/// The promise is that nothing is let through beyond its reservation. What calls cost beyond their estimate is in the
/// ledger when it is known, and counts from then on: input that has more tokens than a third of its bytes, attempts
/// that failed unseen, and models dearer than the first of a route.
///
/// - Past `soft`, a [`Signal::Quota`] warns once in a period. At the limit a call is refused with `BudgetExceeded`, before
///   anything is sent, and [`Signal::Quota`] says so.
/// - A call whose price is unknown is refused, unless `unknown_price` says otherwise. Unknown is never nothing.
/// - When the store fails nobody gets through, unless `on_store_failure` is `open`.
/// - An answer that its caller leaves is closed, and estimated by what came; with `abandoned: drain` it is read on, so
///   that the provider tells.
///
/// How much is used can be read: by layers further in from [`Call::budget_used`](belvedere_core::context::Call), by others
/// from a [`Meter`], exactly from the [`Ledger`].
///
/// Place it outside of everything that makes attempts, and of `limit`, `choose` and `cache`: a hit is a line of nothing.
/// It costs two changes of the store for each call, and each event a comparison.
///
/// ```
/// use std::sync::Arc;
/// use belvedere_core::error::ErrorKind;
/// use belvedere_core::layer::Layer;
/// use belvedere_core::service::Stack;
/// use belvedere_core::store::MemoryStore;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::budget::Budget;
///
/// let simulation = Simulation::new(1);
/// let store = Arc::new(MemoryStore::new(Arc::new(simulation.clock.clone())));
/// let config = serde_json::from_str(r#"{"limit": {"tokens": 30, "every": "1d"}}"#)?;
/// let budget = Budget::build(config, store)?;
/// let stack = budget.layer(Stack::new(ScriptedService::always(Answer::text("hello"))));
/// let ask = |max_tokens| {
///     let mut request = belvedere_core::request::Request::from("hi");
///     request.max_tokens = Some(max_tokens);
///     simulation.run(async { stack.call(simulation.context(), request).await?.collect().await })
/// };
/// assert!(ask(10).is_ok());
/// assert_eq!(ask(30).unwrap_err().kind(), ErrorKind::BudgetExceeded);
/// let balance = simulation.run(budget.ledger().balance(&simulation.clock, &Default::default()))?;
/// assert_eq!((balance.settled, balance.open, balance.is_conserved()), (9, 0, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Budget {
    state: Arc<State>,
}

/// What the calls of a budget share.
#[derive(Debug)]
struct State {
    unit: Unit,
    every: Every,
    soft: Option<f64>,
    on_store_failure: OnStoreFailure,
    abandoned: Abandoned,
    drain_for: Duration,
    tariff: Tariff,
    ledger: Ledger,
}

impl Budget {
    /// A budget whose ledger is kept in `store`. The name in [`Config::store`] is for whoever builds from a document.
    ///
    /// # Errors
    /// `ConfigInvalid` that says what is missing or not allowed.
    pub fn build(config: Config, store: Arc<dyn Store>) -> Result<Self> {
        let (unit, limit) = config.check()?;
        let state = State {
            unit,
            every: config.limit.every,
            soft: config.soft,
            on_store_failure: config.on_store_failure,
            abandoned: config.abandoned,
            drain_for: config.drain_for,
            tariff: Tariff::new(&config, unit),
            ledger: Ledger::new(&config, unit, limit, store),
        };
        Ok(Budget { state: Arc::new(state) })
    }

    /// What it is called in its store: its name, its unit and its period.
    pub fn name(&self) -> &str {
        self.state.ledger.name()
    }

    /// What it counts: `usd`, in nano-dollars, or `tokens`.
    pub fn unit(&self) -> &'static str {
        self.state.unit.name()
    }

    /// What was reserved, spent, and given back.
    pub fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    /// A cheap reading of how much is used.
    pub fn meter(&self) -> Meter {
        self.state.ledger.meter().clone()
    }
}

impl Layer for Budget {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(BudgetService { state: self.state.clone(), info: inner.info(), inner })
    }

    fn adopt(&mut self, previous: &dyn Layer) {
        let previous = (previous as &dyn Any).downcast_ref::<Budget>();
        if let (Some(state), Some(previous)) = (Arc::get_mut(&mut self.state), previous) {
            state.ledger.adopt(&previous.state.ledger);
        }
    }
}

/// A service under a budget.
#[derive(Debug)]
struct BudgetService {
    state: Arc<State>,
    /// Of what stands inside: what a call costs goes by its provider and its default model.
    info: Info,
    inner: Stack,
}

impl Service for BudgetService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let bound = self.state.tariff.bound(&self.info, &cx.call, &request)?;
            let Some(hold) = self.state.reserve(&cx, &bound).await? else {
                return self.inner.call(cx, request).await;
            };
            let guard = Guard::new(hold);
            let answer = self.inner.call(cx, request).await;
            match (answer, guard.release()) {
                (Ok(events), Some(hold)) => stream::metered(events, hold, &bound).await,
                (Err(error), Some(hold)) => {
                    if let Some(settling) = hold.settle(End::of(&error).kind()) {
                        settling.await;
                    }
                    Err(error)
                }
                (answer, None) => answer,
            }
        })
    }
}

impl State {
    /// Reserves what a call may cost. `None` when the store failed and that opens the budget.
    async fn reserve(self: &Arc<Self>, cx: &Context, bound: &Bound) -> Result<Option<Box<Hold>>> {
        let reserved = match self.ledger.reserve_now(cx.lent.clock.as_ref(), &cx.call, bound.amount) {
            Some(reserved) => reserved,
            None => Box::pin(Reserving::new(self, cx, bound)).await,
        };
        match reserved {
            Reserved::Held { held, used } => {
                self.noted(cx, &held, used);
                Ok(Some(self.hold(cx, held, bound)))
            }
            Reserved::Short { account, used } => Err(self.refused(cx, &account, used, bound.amount)),
            Reserved::Failed { held, error } => {
                self.hold(cx, held, bound).forget();
                self.store_failed(cx, error).map(|()| None)
            }
        }
    }

    fn hold(self: &Arc<Self>, cx: &Context, held: Held, bound: &Bound) -> Box<Hold> {
        let before = cx.call.with_attempts(<[_]>::len);
        Box::new(Hold {
            state: self.clone(),
            cx: cx.clone(),
            held,
            input: bound.input,
            before,
            seen: Seen::default(),
        })
    }

    /// Tells whom it concerns how much is used.
    fn noted(&self, cx: &Context, held: &Held, used: i64) {
        let meter = self.ledger.meter();
        cx.call.set_budget_used(meter.share(used));
        if meter.note(&held.account, used, self.soft) {
            self.signal(cx, &held.account, used, false);
        }
    }

    fn signal(&self, cx: &Context, account: &Account, used: i64, refused: bool) {
        cx.lent.hooks.emit(|| Signal::Quota {
            key: account.key.text().clone(),
            unit: self.unit.name().into(),
            refused,
            used: u64::try_from(used).unwrap_or(0),
            limit: u64::try_from(self.ledger.limit()).unwrap_or(0),
            resets_in: self.resets_in(cx.lent.clock.as_ref()),
        });
    }

    fn resets_in(&self, clock: &dyn Clock) -> Option<Duration> {
        let left = self.ledger.period(clock).0.left?;
        // A reading in whole seconds is enough, and not too early.
        Some(Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
    }

    /// The error of a call, or of a part of it, that there is too little left for.
    fn refused(&self, cx: &Context, account: &Account, used: i64, amount: i64) -> Error {
        self.ledger.meter().note(account, used, None);
        self.signal(cx, account, used, true);
        let text = |amount: i64| match self.unit {
            Unit::Usd => Money::from_nanos(amount).to_string(),
            Unit::Tokens => format!("{amount} tokens"),
        };
        let message = format!(
            "the budget of {} has no room for {}: {} are spent or reserved",
            text(self.ledger.limit()),
            text(amount),
            text(used)
        );
        let error = Error::new(ErrorKind::BudgetExceeded, message).with_operation("Budget::call");
        let error = error.with("every", self.every.to_string());
        match self.resets_in(cx.lent.clock.as_ref()) {
            Some(left) => error.with("resets_in", duration::text(left)),
            None => error,
        }
    }
}
