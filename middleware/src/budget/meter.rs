//! How much of a budget is used, as far as this process knows.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belvedere_core::request::Scope;
use foldhash::fast::RandomState;

use super::account::Account;
use crate::quota::{Key, Per};

/// How much of a budget is used, as this process saw it last: a cheap reading for who chooses a model or shows a gauge.
/// It takes nothing and asks no store. Clones share it.
#[derive(Clone)]
pub struct Meter(Arc<Seats>);

struct Seats {
    per: Vec<Per>,
    limit: i64,
    most: usize,
    /// What is remembered of the keys. It can be forgotten at any time.
    seats: Mutex<HashMap<Key, Arc<Account>, RandomState>>,
}

impl Meter {
    pub(super) fn new(per: Vec<Per>, limit: i64, most: NonZeroUsize) -> Self {
        Meter(Arc::new(Seats { per, limit, most: most.get(), seats: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Account>, RandomState>> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The share of its budget that a scope had used when it last called, reservations included: 1 is all of it.
    /// `None` when it has not called in this process.
    pub fn used(&self, scope: &Scope) -> Option<f64> {
        let used = self.lock().get(&self.key(scope))?.seen();
        Some(self.share(used))
    }

    pub(super) fn key(&self, scope: &Scope) -> Key {
        Key::of(&self.0.per, scope)
    }

    /// An amount as a share of the limit.
    pub(super) fn share(&self, used: i64) -> f64 {
        // Rounded; nothing is decided by it.
        match self.0.limit {
            0 => 1.0,
            limit => used as f64 / limit as f64,
        }
    }

    /// The account of a key in the period that began then; made anew where it is not known.
    pub(super) fn account(&self, key: Key, began: u64, open: impl FnOnce(Key) -> Account) -> Arc<Account> {
        let mut seats = self.lock();
        if let Some(account) = seats.get(&key).filter(|account| account.began == began) {
            return account.clone();
        }
        if seats.len() >= self.0.most {
            seats.retain(|_, account| account.began >= began);
        }
        if seats.len() >= self.0.most {
            seats.clear();
        }
        let account = Arc::new(open(key.clone()));
        seats.insert(key, account.clone());
        account
    }

    /// Takes note of how much is used. True when it has passed `soft` for the first time in this period.
    pub(super) fn note(&self, account: &Account, used: i64, soft: Option<f64>) -> bool {
        account.see(used, soft.is_some_and(|soft| self.share(used) >= soft))
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("keys", &self.lock().len()).finish_non_exhaustive()
    }
}
