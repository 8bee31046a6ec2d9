//! Where the figures of a key are kept in a store.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use belvedere_core::context::CallId;
use belvedere_core::store::Op;

use super::period::Period;
use crate::quota::Key;

/// The account of a key in one period: three counters, and an entry for each call.
///
/// `used` is what was reserved and not released: it is what the limit holds to. `settled` is what was spent, `released`
/// what was given back. So what was ever reserved is `used + released`, and what is open `used - settled`.
pub(super) struct Account {
    pub(super) key: Key,
    /// When the period began.
    pub(super) began: u64,
    used: Arc<str>,
    settled: Arc<str>,
    released: Arc<str>,
    /// What the entries of the calls begin with.
    calls: String,
    /// How much was used when this process looked last.
    seen: AtomicI64,
    /// Whether a signal has warned of it.
    warned: AtomicBool,
}

impl Account {
    pub(super) fn new(name: &str, key: Key, began: u64) -> Self {
        let path = |what: &str| [name, key.as_str(), &began.to_string(), what].join("/");
        Account {
            used: path("used").into(),
            settled: path("settled").into(),
            released: path("released").into(),
            calls: path("calls/"),
            seen: AtomicI64::new(0),
            warned: AtomicBool::new(false),
            began,
            key,
        }
    }

    /// Where the entry of a call is kept.
    pub(super) fn entry(&self, call: CallId) -> Arc<str> {
        [self.calls.as_str(), call.encode(&mut [0; CallId::TEXT])].concat().into()
    }

    /// Where the entry of a call is kept that is called as the one in another account.
    pub(super) fn entry_as(&self, other: &str) -> Arc<str> {
        let call = other.rsplit('/').next().unwrap_or_default();
        [self.calls.as_str(), call].concat().into()
    }

    /// How much was used when this process looked last.
    pub(super) fn seen(&self) -> i64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Takes note of how much is used. True when that passes the mark of a warning for the first time.
    pub(super) fn see(&self, used: i64, passes: bool) -> bool {
        self.seen.store(used, Ordering::Relaxed);
        passes && !self.warned.swap(true, Ordering::Relaxed)
    }

    /// What the entries of all calls begin with.
    pub(super) fn calls(&self) -> &str {
        &self.calls
    }

    /// The counters: used, settled, released.
    pub(super) fn counters(&self) -> [&Arc<str>; 3] {
        [&self.used, &self.settled, &self.released]
    }

    /// Reserves an amount; what is used may then be `max` at most.
    pub(super) fn reserve(&self, amount: i64, max: Option<i64>, life: Option<Duration>) -> Op {
        Op::Add { key: self.used.clone(), delta: amount, min: Some(0), max, ttl: life }
    }

    /// Settles a reservation: as much of it is spent, and what is left of it is released.
    pub(super) fn settle(
        &self,
        reserved: i64,
        spent: i64,
        life: Option<Duration>,
    ) -> impl Iterator<Item = Op> {
        let add = |key: &Arc<str>, delta| {
            (delta != 0).then(|| Op::Add { key: key.clone(), delta, min: Some(0), max: None, ttl: life })
        };
        let left = reserved.saturating_sub(spent);
        [add(&self.used, left.saturating_neg()), add(&self.settled, spent), add(&self.released, left.max(0))]
            .into_iter()
            .flatten()
    }
}

/// How long the counters of a period are kept: for as long as it lasts, and as a call that began in it may run.
pub(super) fn life(period: Period, lease: Duration) -> Option<Duration> {
    period.left.map(|left| left.saturating_add(lease.saturating_mul(2)))
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("began", &self.began).finish_non_exhaustive()
    }
}
