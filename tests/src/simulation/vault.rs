//! The store of a run: one that fails by plan, and whose books are checked after each change.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use belvedere::Result;
use belvedere::store::{Applied, Cursor, Entry, MemoryStore, Op, Page, Rate, Store, StoreInfo, Take};
use belvedere::testing::{FaultyStore, StoreFault, TestClock};
use futures_util::FutureExt;
use serde_json::Value;

use super::dice::Dice;
use super::promise::Allowed;
use super::scene::Scene;

/// What a store is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    /// A value is read.
    #[default]
    Get,
    /// Changes are made together.
    Apply,
    /// Units of a rate are taken.
    Take,
    /// Units of a rate are given back.
    Give,
}

impl Asked {
    /// All of them, in the order of the table.
    pub const ALL: [Asked; 4] = [Asked::Apply, Asked::Get, Asked::Take, Asked::Give];

    /// Its name in tables and logs.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Get => "get",
            Asked::Apply => "apply",
            Asked::Take => "take",
            Asked::Give => "give",
        }
    }
}

/// The names of what goes wrong with a store, in the order of the table.
pub const STORE_FAULTS: [&str; 5] = ["down", "answer lost", "slow", "no answer", "nonsense"];

/// The store of a run. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Vault(Arc<Room>);

#[derive(Debug)]
struct Room {
    memory: Arc<MemoryStore>,
    faulty: FaultyStore,
    /// Whether it never fails.
    is_sound: bool,
    asked: Arc<Mutex<Asked>>,
    scene: Scene,
    budget: Option<Allowed>,
}

/// When a store fails.
#[derive(Debug, Clone, Copy)]
enum Weather {
    /// Now and then.
    Showers,
    /// For a while, all the time.
    Outage { from: Duration, to: Duration, with: StoreFault },
}

impl Vault {
    /// A store that fails as `dice` say, or never; `budget` is what its accounts are held to.
    pub(super) fn new(scene: &Scene, clock: &TestClock, dice: Option<Dice>, budget: Option<Allowed>) -> Self {
        let lent = Arc::new(clock.clone());
        let memory = Arc::new(MemoryStore::new(lent.clone()));
        let asked = Arc::new(Mutex::new(Asked::default()));
        let (doing, watching) = (asked.clone(), scene.clone());
        let is_sound = dice.is_none();
        let weather = dice.as_ref().map(Weather::draw);
        let plan = move |_| {
            let fault = weather?.fault(dice.as_ref()?, watching.lock().elapsed)?;
            let asked = *doing.lock().unwrap_or_else(PoisonError::into_inner);
            watching.store_fault(name_of(fault), asked);
            Some(fault)
        };
        let faulty = FaultyStore::new(memory.clone(), lent, plan);
        Vault(Arc::new(Room { memory, faulty, is_sound, asked, scene: scene.clone(), budget }))
    }

    fn asks(&self, asked: Asked) -> &FaultyStore {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        &self.0.faulty
    }

    /// What is in it, whatever the weather.
    fn all(&self, prefix: &str) -> Vec<(Arc<str>, Entry)> {
        let page = self.0.memory.scan(prefix, None, NonZeroUsize::MAX).now_or_never();
        page.and_then(Result::ok).map(|page| page.entries).unwrap_or_default()
    }

    /// The accounts of its budgets.
    pub(super) fn accounts(&self) -> Vec<Account> {
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        for (key, entry) in self.all("budget/") {
            let Some((base, what)) = split(&key) else { continue };
            let account = accounts.entry(base.to_owned()).or_default();
            account.add(what, &entry.value);
        }
        accounts.into_values().collect()
    }

    /// Everything that is in it, as text.
    pub(super) fn text(&self) -> String {
        let lines = self.all("").into_iter().map(|(key, entry)| format!("{key} {:?}\n", entry.value));
        lines.collect()
    }

    /// Law W5, after each change: what is used is what was spent and what is open, and no more than there is.
    fn audit(&self) {
        let Some(budget) = self.0.budget else { return };
        for account in self.accounts() {
            if let Some(wrong) = account.wrong(budget) {
                self.0.scene.breach("W5", wrong);
            }
        }
    }
}

/// The account of a key, and what of it is kept there.
fn split(key: &str) -> Option<(&str, &str)> {
    key.rsplit_once("/calls/").map(|(base, _)| (base, "call")).or_else(|| key.rsplit_once('/'))
}

/// One account of a budget: its three counters, and the sums of its entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub(super) used: i64,
    pub(super) settled: i64,
    pub(super) released: i64,
    /// Of calls that run.
    pub(super) open: i64,
    /// Of calls that ended: what they spent of what was reserved for them.
    covered: i64,
}

impl Account {
    fn add(&mut self, what: &str, value: &[u8]) {
        let count = || std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(i64::MIN);
        match what {
            "used" => self.used = count(),
            "settled" => self.settled = count(),
            "released" => self.released = count(),
            _ => {
                let entry: Value = serde_json::from_slice(value).unwrap_or_default();
                let amount = |name: &str| entry.get(name).and_then(Value::as_i64);
                let reserved = amount("reserved").unwrap_or_default();
                match amount("settled") {
                    Some(settled) => self.covered += settled.min(reserved),
                    None => self.open += reserved,
                }
            }
        }
    }

    /// What is wrong with it.
    fn wrong(&self, budget: Allowed) -> Option<String> {
        let Account { used, settled, released, open, covered } = *self;
        // The entries of a period that is long over are gone before its counters are.
        let left = used - settled;
        let is_conserved = if budget.is_once { left == open } else { left >= open || used == 0 };
        let is_positive = [used, settled, released, open].iter().all(|amount| *amount >= 0);
        let is_within = open + covered <= budget.limit;
        (!is_conserved || !is_positive || !is_within).then(|| format!("{self:?} of {}", budget.limit))
    }
}

impl Weather {
    fn draw(dice: &Dice) -> Self {
        if dice.one_in(2) {
            return Weather::Showers;
        }
        let from = dice.millis(0, 10_000);
        let with = match dice.below(2) {
            0 => StoreFault::Down,
            _ => StoreFault::Hangs,
        };
        Weather::Outage { from, to: from + dice.millis(100, 40_000), with }
    }

    /// What goes wrong now.
    fn fault(self, dice: &Dice, now: Duration) -> Option<StoreFault> {
        match self {
            Weather::Outage { from, to, with } => (from..to).contains(&now).then_some(with),
            Weather::Showers if !dice.one_in(5) => None,
            Weather::Showers => Some(match dice.below(5) {
                0 => StoreFault::Down,
                1 => StoreFault::Unsure,
                2 => StoreFault::Slow(dice.millis(1, 2000)),
                3 => StoreFault::Hangs,
                _ => StoreFault::Garbage,
            }),
        }
    }
}

fn name_of(fault: StoreFault) -> &'static str {
    match fault {
        StoreFault::Down => "down",
        StoreFault::Unsure => "answer lost",
        StoreFault::Slow(_) => "slow",
        StoreFault::Hangs => "no answer",
        _ => "nonsense",
    }
}

#[async_trait]
impl Store for Vault {
    fn info(&self) -> StoreInfo {
        self.0.faulty.info()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.asks(Asked::Get).get(key).await
    }

    async fn apply(&self, ops: &[Op]) -> Result<Applied> {
        let applied = self.asks(Asked::Apply).apply(ops).await;
        self.audit();
        applied
    }

    async fn take(&self, key: &str, rate: Rate, units: u64) -> Result<Take> {
        self.asks(Asked::Take).take(key, rate, units).await
    }

    async fn give(&self, key: &str, rate: Rate, units: u64) -> Result<()> {
        self.asks(Asked::Give).give(key, rate, units).await
    }

    async fn scan(&self, prefix: &str, from: Option<&Cursor>, limit: NonZeroUsize) -> Result<Page> {
        self.asks(Asked::Get).scan(prefix, from, limit).await
    }

    /// One that never fails answers at once.
    fn apply_now(&self, ops: &mut [Op]) -> Option<Applied> {
        let applied = self.0.is_sound.then(|| self.0.memory.apply_now(ops)).flatten();
        self.audit();
        applied
    }
}
