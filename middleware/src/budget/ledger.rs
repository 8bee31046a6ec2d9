//! The ledger: what was reserved, spent, and given back.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use belvedere_core::clock::Clock;
use belvedere_core::context::Call;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::request::Scope;
use belvedere_core::store::{Applied, Cursor, Durability, Effect, Expect, Op, Refusal, Revision, Store};
use bytes::Bytes;
use smol_str::SmolStr;

use super::account::{Account, life};
use super::config::{Config, Unit};
use super::entry::{self, Settled};
use super::line::Entry;
use super::meter::Meter;
use super::period::{Calendar, Every, Period};
use crate::quota::{Key, within};

/// The ledger of a budget, in double entry: each amount that is reserved is later spent or released, and every call has
/// an entry. All changes of a step are made together or not at all, so a process that dies at any point leaves nothing
/// half done: its reservations stand until their lease is over, and count as spent from then on.
///
/// Amounts are in the unit of the budget: nano-dollars or tokens. Clones share it.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Books>);

#[derive(Debug)]
struct Books {
    store: Arc<dyn Store>,
    name: String,
    limit: i64,
    every: Every,
    lease: Duration,
    keep: Duration,
    patience: Duration,
    calendar: Arc<Calendar>,
    meter: Meter,
}

/// The sums of an account in the current period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balance {
    /// How much there is.
    pub limit: i64,
    /// Reserved in all: `settled + released + open`.
    pub reserved: i64,
    /// Spent, reservations whose lease is over included.
    pub settled: i64,
    /// Given back.
    pub released: i64,
    /// Reserved for calls that run.
    pub open: i64,
}

impl Balance {
    /// Whether every amount is somewhere: `reserved = settled + released + open`, and nothing is below zero. It holds at
    /// every moment; a reading that other calls change meanwhile may say otherwise.
    pub fn is_conserved(&self) -> bool {
        let Balance { reserved, settled, released, open, .. } = *self;
        let sum = settled.checked_add(released).and_then(|sum| sum.checked_add(open));
        sum == Some(reserved) && [reserved, settled, released, open].iter().all(|amount| *amount >= 0)
    }

    /// What can still be reserved.
    pub fn left(&self) -> i64 {
        self.limit.saturating_sub(self.settled).saturating_sub(self.open).max(0)
    }
}

/// A page of entries.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Entries {
    /// The ids of the calls, in the order they began, and what the ledger says of them.
    pub entries: Vec<(SmolStr, Entry)>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<Cursor>,
}

/// A reservation.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) account: Arc<Account>,
    path: Arc<str>,
    /// When the books of its period are closed, since the Unix epoch; `None`: never.
    ends: Option<Duration>,
    pub(super) amount: i64,
    /// The version of its entry; `None` where that is not known.
    revision: Option<Revision>,
}

/// What became of a reservation.
pub(super) enum Reserved {
    /// It is made; so much is used now.
    Held { held: Held, used: i64 },
    /// There is too little left.
    Short { account: Arc<Account>, used: i64 },
    /// The store failed; whether it is made is not known.
    Failed { held: Held, error: Error },
}

/// In memory lines are kept for a look at what just happened.
const KEEP_IN_MEMORY: Duration = Duration::from_secs(60);
/// On disk they are kept as an invoice is.
const KEEP_ON_DISK: Duration = Duration::from_secs(30 * 86_400);
/// How many entries a sum reads at a time.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);
/// How often an entry is read again that somebody else changed.
const TRIES: u32 = 4;

impl Ledger {
    pub(super) fn new(config: &Config, unit: Unit, limit: i64, store: Arc<dyn Store>) -> Self {
        let keep = config.keep.unwrap_or(match store.info().durability {
            Durability::Disk => KEEP_ON_DISK,
            _ => KEEP_IN_MEMORY,
        });
        Ledger(Arc::new(Books {
            name: [config.name.as_str(), unit.name(), &config.limit.every.to_string()].join("/"),
            limit,
            every: config.limit.every,
            lease: config.lease,
            keep,
            patience: config.store_timeout,
            calendar: Arc::default(),
            meter: Meter::new(config.per.clone(), limit, config.max_keys),
            store,
        }))
    }

    /// Goes on with the time of the ledger it replaces.
    pub(super) fn adopt(&mut self, previous: &Ledger) {
        if let Some(books) = Arc::get_mut(&mut self.0) {
            books.calendar = previous.0.calendar.clone();
        }
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.0.meter
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn limit(&self) -> i64 {
        self.0.limit
    }

    /// Whether entries of calls that ended are kept.
    pub(super) fn keeps(&self) -> bool {
        !self.0.keep.is_zero()
    }

    /// The current period, and the time since the Unix epoch.
    pub(super) fn period(&self, clock: &dyn Clock) -> (Period, Duration) {
        let utc = self.0.calendar.utc(clock);
        (self.0.every.at(utc), utc)
    }

    fn account(&self, scope: &Scope, period: Period) -> Arc<Account> {
        self.account_of(self.0.meter.key(scope), period)
    }

    fn account_of(&self, key: Key, period: Period) -> Arc<Account> {
        self.0.meter.account(key, period.began, |key| Account::new(&self.0.name, key, period.began))
    }

    /// The sums of a scope in the current period.
    ///
    /// # Errors
    /// `Store` when the store can't be reached.
    pub async fn balance(&self, clock: &dyn Clock, scope: &Scope) -> Result<Balance> {
        let (period, utc) = self.period(clock);
        let account = self.account(scope, period);
        let mut counts = [0; 3];
        for (count, key) in counts.iter_mut().zip(account.counters()) {
            let entry = within(clock, self.0.patience, self.0.store.get(key)).await?;
            *count = entry.map_or(Ok(0), |entry| number(&entry.value))?;
        }
        let [used, mut settled, released] = counts;
        let (mut open, mut from) = (0_i64, None);
        loop {
            let page = self.page(clock, &account, from.as_ref(), PAGE).await?;
            for (_, entry) in page.entries.iter().filter(|(_, entry)| entry.settled.is_none()) {
                match u128::from(entry.until) > utc.as_millis() {
                    true => open = open.saturating_add(entry.reserved),
                    false => settled = settled.saturating_add(entry.reserved),
                }
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let reserved = used.saturating_add(released);
        Ok(Balance { limit: self.0.limit, reserved, settled, released, open })
    }

    /// The calls of a scope in the current period, in the order they began, after `from`.
    ///
    /// # Errors
    /// `Store` when the store can't be reached.
    pub async fn entries(
        &self,
        clock: &dyn Clock,
        scope: &Scope,
        from: Option<&Cursor>,
        limit: NonZeroUsize,
    ) -> Result<Entries> {
        let (period, _) = self.period(clock);
        self.page(clock, &self.account(scope, period), from, limit).await
    }

    async fn page(
        &self,
        clock: &dyn Clock,
        account: &Account,
        from: Option<&Cursor>,
        limit: NonZeroUsize,
    ) -> Result<Entries> {
        let scan = self.0.store.scan(account.calls(), from, limit);
        let page = within(clock, self.0.patience, scan).await?;
        let entries = page.entries.iter().map(|(key, entry)| {
            let call = key.strip_prefix(account.calls()).ok_or_else(nonsense)?;
            Ok((call.into(), read(&entry.value)?))
        });
        Ok(Entries { entries: entries.collect::<Result<_>>()?, next: page.next })
    }
}

/// Changes.
impl Ledger {
    /// Reserves an amount for a call, or nothing. `None` where the store has to be waited for, and nothing is done.
    pub(super) fn reserve_now(&self, clock: &dyn Clock, call: &Call, amount: i64) -> Option<Reserved> {
        let (held, mut ops) = self.reservation(clock, call, amount);
        let applied = self.0.store.apply_now(&mut ops)?;
        Some(Reserved::of(held, Ok(applied)))
    }

    /// Reserves an amount for a call, or nothing.
    pub(super) async fn reserve(&self, clock: &dyn Clock, call: &Call, amount: i64) -> Reserved {
        let (held, ops) = self.reservation(clock, call, amount);
        self.make(clock, held, ops).await
    }

    async fn make(&self, clock: &dyn Clock, held: Held, ops: [Op; 2]) -> Reserved {
        let applied = within(clock, self.0.patience, self.0.store.apply(&ops)).await;
        Reserved::of(held, applied)
    }

    /// What a reservation changes.
    fn reservation(&self, clock: &dyn Clock, call: &Call, amount: i64) -> (Held, [Op; 2]) {
        let (period, utc) = self.period(clock);
        let account = self.account(&call.scope, period);
        let path = account.entry(call.id);
        self.reservation_in(account, path, period, utc, amount)
    }

    fn reservation_in(
        &self,
        account: Arc<Account>,
        path: Arc<str>,
        period: Period,
        utc: Duration,
        amount: i64,
    ) -> (Held, [Op; 2]) {
        let life = life(period, self.0.lease);
        let ends = life.map(|life| utc.saturating_add(life));
        let held = Held { account, path, ends, amount, revision: None };
        // What costs nothing is let through whatever is left.
        let max = (amount > 0).then_some(self.0.limit);
        let ops = [
            held.account.reserve(amount, max, life),
            held.put(entry::open(amount, self.until(utc)), Expect::Any, life),
        ];
        (held, ops)
    }

    /// Reserves more for a call that runs. `Some(used)` when there is too little left.
    ///
    /// # Errors
    /// `Store` when the store can't be reached; then whether it is reserved is not known.
    pub(super) async fn top_up(&self, clock: &dyn Clock, held: &mut Held, more: i64) -> Result<Option<i64>> {
        let (_, utc) = self.period(clock);
        // What became of the step before may not be known.
        let is_open = held.revision.is_some() || self.reread(clock, held).await?;
        if !is_open || held.ends.is_some_and(|ends| ends <= utc) {
            return self.renew(clock, held, more).await;
        }
        let life = held.life(utc);
        let reserved = held.amount.saturating_add(more);
        let expect = held.revision.map_or(Expect::Any, Expect::Revision);
        let entry = entry::open(reserved, self.until(utc));
        let ops = [held.account.reserve(more, Some(self.0.limit), life), held.put(entry, expect, life)];
        // From here on, until the store has answered, the version of the entry is not known.
        let revision = held.revision.take();
        match within(clock, self.0.patience, self.0.store.apply(&ops)).await? {
            Applied::All(effects) => match effects.as_slice() {
                [Effect::Counted(_), Effect::Written(revision)] => {
                    (held.amount, held.revision) = (reserved, Some(*revision));
                    Ok(None)
                }
                _ => Err(nonsense()),
            },
            Applied::Refused { op: 0, refusal: Refusal::Bounds { count } } => {
                held.revision = revision;
                Ok(Some(count))
            }
            Applied::Refused { refusal: Refusal::Expected { .. }, .. } => self.renew(clock, held, more).await,
            Applied::Refused { .. } => Err(nonsense()),
        }
    }

    /// Reserves for a call whose entry is gone, because the period it began in was over long ago: what was reserved there
    /// counts as spent. It goes on in the books of this period.
    async fn renew(&self, clock: &dyn Clock, held: &mut Held, more: i64) -> Result<Option<i64>> {
        let (period, utc) = self.period(clock);
        let account = self.account_of(held.account.key.clone(), period);
        let path = account.entry_as(&held.path);
        let (renewed, ops) = self.reservation_in(account, path, period, utc, more);
        match self.make(clock, renewed, ops).await {
            Reserved::Held { held: renewed, .. } => {
                *held = renewed;
                Ok(None)
            }
            Reserved::Short { used, .. } => Ok(Some(used)),
            Reserved::Failed { held: renewed, error } => {
                *held = renewed;
                Err(error)
            }
        }
    }

    /// Settles a reservation by what was spent. False where that is not known to be done: the store has to be waited
    /// for, or somebody else changed the entry.
    pub(super) fn settle_now(&self, clock: &dyn Clock, held: &Held, settled: &Settled) -> bool {
        let Some(revision) = held.revision else { return false };
        let mut ops = self.settlement(clock, held, settled, revision);
        let applied = self.0.store.apply_now(&mut ops);
        applied.is_some_and(|applied| matches!(settlement_made(&ops, applied), Ok(true)))
    }

    /// Settles a reservation by what was spent. Doing it again changes nothing.
    ///
    /// # Errors
    /// `Store` when the store can't be reached; then whether it is settled is not known.
    pub(super) async fn settle(&self, clock: &dyn Clock, held: &mut Held, settled: &Settled) -> Result<()> {
        for _ in 0..TRIES {
            let Some(revision) = held.revision.take() else {
                match self.reread(clock, held).await? {
                    true => continue,
                    false => return Ok(()),
                }
            };
            let ops = self.settlement(clock, held, settled, revision);
            let applied = within(clock, self.0.patience, self.0.store.apply(&ops)).await?;
            if settlement_made(&ops, applied)? {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::Store, "the entry of the call is changed all the time"))
    }

    /// What a settlement changes.
    fn settlement(&self, clock: &dyn Clock, held: &Held, settled: &Settled, revision: Revision) -> Vec<Op> {
        let life = held.ends.and_then(|_| held.life(self.period(clock).1));
        let expect = Expect::Revision(revision);
        let mut ops = Vec::with_capacity(4);
        ops.push(match self.keeps() {
            true => held.put(settled.entry(held.amount), expect, Some(self.0.keep)),
            false => Op::Delete { key: held.path.clone(), expect },
        });
        ops.extend(held.account.settle(held.amount, settled.spent, life));
        ops
    }

    /// Reads what stands of a reservation. False when nothing of it is open.
    async fn reread(&self, clock: &dyn Clock, held: &mut Held) -> Result<bool> {
        let Some(found) = within(clock, self.0.patience, self.0.store.get(&held.path)).await? else {
            return Ok(false);
        };
        let entry = read(&found.value)?;
        (held.amount, held.revision) = (entry.reserved, Some(found.revision));
        Ok(entry.settled.is_none())
    }

    fn until(&self, utc: Duration) -> u64 {
        u64::try_from(utc.saturating_add(self.0.lease).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Held {
    /// How long what is written for it is kept: all of an account ends together.
    fn life(&self, utc: Duration) -> Option<Duration> {
        self.ends.map(|ends| ends.saturating_sub(utc))
    }

    fn put(&self, entry: Bytes, expect: Expect, ttl: Option<Duration>) -> Op {
        Op::Put { key: self.path.clone(), value: entry, ttl, expect }
    }
}

impl Reserved {
    /// What became of a reservation, by what the store says.
    fn of(held: Held, applied: Result<Applied>) -> Self {
        match applied {
            Ok(Applied::All(effects)) => match effects.as_slice() {
                [Effect::Counted(used), Effect::Written(revision)] if *used >= held.amount => {
                    Reserved::Held { used: *used, held: Held { revision: Some(*revision), ..held } }
                }
                _ => Reserved::Failed { held, error: nonsense() },
            },
            Ok(Applied::Refused { op: 0, refusal: Refusal::Bounds { count } }) => {
                Reserved::Short { account: held.account, used: count }
            }
            Ok(Applied::Refused { .. }) => Reserved::Failed { held, error: nonsense() },
            Err(error) => Reserved::Failed { held, error },
        }
    }
}

/// Whether a settlement is made, by what the store says. False when somebody else changed the entry.
fn settlement_made(ops: &[Op], applied: Applied) -> Result<bool> {
    match applied {
        Applied::All(effects) if effects.len() == ops.len() => Ok(true),
        Applied::Refused { op: 0, refusal: Refusal::Expected { .. } } => Ok(false),
        // The counters are gone: the period was over long ago.
        Applied::Refused { refusal: Refusal::Bounds { .. }, .. } => Ok(true),
        _ => Err(nonsense()),
    }
}

fn number(value: &[u8]) -> Result<i64> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or_else(nonsense)
}

fn read(value: &[u8]) -> Result<Entry> {
    serde_json::from_slice(value).map_err(|_| nonsense())
}

fn nonsense() -> Error {
    Error::new(ErrorKind::Store, "the store answered what no ledger can be")
}
