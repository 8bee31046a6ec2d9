//! The store in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::expiring::Expiring;
use super::rate::{Bucket, Rate, Take};
use super::{
    Applied, Cursor, Durability, Effect, Entry, Expect, Op, Page, Reach, Refusal, Revision, Store, StoreInfo,
    StoreTime,
};
use crate::clock::{Clock, Instant};
use crate::error::Result;

/// A store in memory: of this process, gone with it. The default.
///
/// Lifetimes and rates are counted by [`Clock::boot`] of the lent clock, so a suspend neither stretches a lifetime
/// nor hides the units that came back in it. A clock that goes back is held where it was (Q9). What is over is
/// swept away as the store is used.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The latest moment seen.
    now: Instant,
    entries: Expiring<Entry>,
    buckets: Expiring<Bucket>,
    revisions: u64,
}

impl MemoryStore {
    /// An empty store; `clock` counts lifetimes and rates.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryStore { clock, state: Mutex::default() }
    }

    /// The state at this moment, a little swept.
    fn state(&self) -> MutexGuard<'_, State> {
        let now = self.clock.boot();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = state.now.max(now);
        let now = state.now;
        state.entries.sweep(now);
        state.buckets.sweep(now);
        state
    }

    /// How many entries and rates are held, those that are over and not yet swept included.
    pub fn held(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.entries.len() + state.buckets.len()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("held", &self.held()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn info(&self) -> StoreInfo {
        StoreInfo::new("memory", Durability::Memory, Reach::Process, StoreTime::Lent)
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let state = self.state();
        Ok(state.entries.get(state.now, key).map(|(entry, _)| entry.clone()))
    }

    async fn apply(&self, ops: &[Op]) -> Result<Applied> {
        let mut state = self.state();
        let mut staged = Staged::new(&state);
        let mut effects = Vec::with_capacity(ops.len());
        for (op, change) in ops.iter().enumerate() {
            match staged.stage(change) {
                Ok(effect) => effects.push(effect),
                Err(refusal) => return Ok(Applied::Refused { op, refusal }),
            }
        }
        let Staged { changes, revisions, .. } = staged;
        state.commit(changes, revisions);
        Ok(Applied::All(effects))
    }

    async fn take(&self, key: &str, rate: Rate, units: u64) -> Result<Take> {
        let mut state = self.state();
        let now = state.now;
        let mut bucket = state.bucket(key);
        let take = bucket.take(now, rate, units);
        if matches!(take, Take::Taken(_)) {
            state.buckets.insert(key.into(), bucket, Some(bucket.full_at()));
        }
        Ok(take)
    }

    async fn give(&self, key: &str, rate: Rate, units: u64) -> Result<()> {
        let mut state = self.state();
        let now = state.now;
        let mut bucket = state.bucket(key);
        bucket.give(now, rate, units);
        state.buckets.insert(key.into(), bucket, Some(bucket.full_at()));
        Ok(())
    }

    async fn scan(&self, prefix: &str, from: Option<&Cursor>, limit: NonZeroUsize) -> Result<Page> {
        let state = self.state();
        let mut found = state.entries.range(state.now, prefix, from.map(Cursor::key));
        let take = found.by_ref().take(limit.get());
        let entries: Vec<_> = take.map(|(key, entry)| (key.clone(), entry.clone())).collect();
        let more = found.next().is_some();
        let next = entries.last().filter(|_| more).map(|(key, _)| Cursor::after(key.clone()));
        Ok(Page { entries, next })
    }
}

impl State {
    /// The bucket under a key; a full one when there is none.
    fn bucket(&self, key: &str) -> Bucket {
        self.buckets.get(self.now, key).map(|(bucket, _)| *bucket).unwrap_or_default()
    }

    fn commit(&mut self, changes: BTreeMap<Arc<str>, Option<Written>>, revisions: u64) {
        self.revisions = revisions;
        for (key, change) in changes {
            match change {
                Some(Written { entry, end }) => self.entries.insert(key, entry, end),
                None => self.entries.remove(&key),
            }
        }
    }
}

/// The changes of one `apply`, over a state that is not touched until all of them are met.
struct Staged<'a> {
    state: &'a State,
    changes: BTreeMap<Arc<str>, Option<Written>>,
    revisions: u64,
}

#[derive(Clone)]
struct Written {
    entry: Entry,
    end: Option<Instant>,
}

impl<'a> Staged<'a> {
    fn new(state: &'a State) -> Self {
        Staged { state, changes: BTreeMap::new(), revisions: state.revisions }
    }

    fn get(&self, key: &str) -> Option<Written> {
        match self.changes.get(key) {
            // What was written in this very step may have a lifetime of nothing.
            Some(change) => change.clone().filter(|w| w.end.is_none_or(|end| self.state.now < end)),
            None => {
                self.state.entries.get(self.state.now, key).map(|(e, end)| Written { entry: e.clone(), end })
            }
        }
    }

    fn stage(&mut self, op: &Op) -> Result<Effect, Refusal> {
        match op {
            Op::Put { key, value, ttl, expect } => {
                self.check(key, *expect)?;
                let end = self.end(*ttl);
                Ok(Effect::Written(self.write(key, value.clone(), end)))
            }
            Op::Delete { key, expect } => {
                self.check(key, *expect)?;
                self.changes.insert(key.clone(), None);
                Ok(Effect::Deleted)
            }
            Op::Add { key, delta, min, max, ttl } => {
                let (count, end) = match self.get(key) {
                    Some(there) => (count(&there.entry.value).ok_or(Refusal::NotACounter)?, there.end),
                    None => (0, self.end(*ttl)),
                };
                let within =
                    |sum: &i64| min.is_none_or(|min| min <= *sum) && max.is_none_or(|max| *sum <= max);
                let sum = count.checked_add(*delta).filter(within).ok_or(Refusal::Bounds { count })?;
                self.write(key, Bytes::from(sum.to_string()), end);
                Ok(Effect::Counted(sum))
            }
        }
    }

    fn check(&self, key: &str, expect: Expect) -> Result<(), Refusal> {
        let found = self.get(key).map(|there| there.entry.revision);
        let met = match expect {
            Expect::Any => true,
            Expect::Absent => found.is_none(),
            Expect::Revision(revision) => found == Some(revision),
        };
        if met { Ok(()) } else { Err(Refusal::Expected { found }) }
    }

    fn write(&mut self, key: &Arc<str>, value: Bytes, end: Option<Instant>) -> Revision {
        self.revisions += 1;
        let revision = Revision(self.revisions);
        self.changes.insert(key.clone(), Some(Written { entry: Entry { value, revision }, end }));
        revision
    }

    fn end(&self, ttl: Option<Duration>) -> Option<Instant> {
        ttl.map(|ttl| self.state.now + ttl)
    }
}

/// The number of a counter.
fn count(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
