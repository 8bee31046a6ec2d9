//! The store in memory.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::expiring::{Expiring, Slot};
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
    entries: Expiring<Held>,
    buckets: Expiring<Bucket>,
    revisions: u64,
}

/// A value and its version.
struct Held {
    value: Value,
    revision: Revision,
}

/// What is kept under a key. A number stays one, so that counting reads and writes no digits.
enum Value {
    Bytes(Bytes),
    Count(i64),
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
        Ok(state.entries.get(state.now, key).map(|slot| slot.value.entry()))
    }

    async fn apply(&self, ops: &[Op]) -> Result<Applied> {
        Ok(self.state().apply(ops))
    }

    async fn take(&self, key: &str, rate: Rate, units: u64) -> Result<Take> {
        let mut state = self.state();
        let now = state.now;
        let mut bucket = state.bucket(key);
        let take = bucket.take(now, rate, units);
        if matches!(take, Take::Taken(_)) {
            state.buckets.insert(key, || key.into(), bucket, Some(bucket.full_at()));
        }
        Ok(take)
    }

    async fn give(&self, key: &str, rate: Rate, units: u64) -> Result<()> {
        let mut state = self.state();
        let now = state.now;
        let mut bucket = state.bucket(key);
        bucket.give(now, rate, units);
        state.buckets.insert(key, || key.into(), bucket, Some(bucket.full_at()));
        Ok(())
    }

    async fn scan(&self, prefix: &str, from: Option<&Cursor>, limit: NonZeroUsize) -> Result<Page> {
        let state = self.state();
        let mut found = state.entries.range(state.now, prefix, from.map(Cursor::key));
        let take = found.by_ref().take(limit.get());
        let entries: Vec<_> = take.map(|(key, held)| (key.clone(), held.entry())).collect();
        let more = found.next().is_some();
        let next = entries.last().filter(|_| more).map(|(key, _)| Cursor::after(key.clone()));
        Ok(Page { entries, next })
    }
}

impl State {
    /// The bucket under a key; a full one when there is none.
    fn bucket(&self, key: &str) -> Bucket {
        self.buckets.get(self.now, key).map(|slot| slot.value).unwrap_or_default()
    }

    /// Makes all changes, or none: when one is refused, those before it are taken back.
    fn apply(&mut self, ops: &[Op]) -> Applied {
        let revisions = self.revisions;
        let mut effects = Vec::with_capacity(ops.len());
        let mut before = Vec::with_capacity(ops.len());
        for (op, change) in ops.iter().enumerate() {
            match self.change(change) {
                Ok((effect, there)) => {
                    effects.push(effect);
                    before.push((change.key(), there));
                }
                Err(refusal) => {
                    for (key, there) in before.into_iter().rev() {
                        self.entries.restore(key, there);
                    }
                    self.revisions = revisions;
                    return Applied::Refused { op, refusal };
                }
            }
        }
        Applied::All(effects)
    }

    /// Makes one change. What was there before comes back.
    fn change(&mut self, op: &Op) -> Result<(Effect, Option<Slot<Held>>), Refusal> {
        match op {
            Op::Put { key, value, ttl, expect } => {
                self.check(key, *expect)?;
                let end = self.end(*ttl);
                let (revision, before) = self.write(key, Value::Bytes(value.clone()), end);
                Ok((Effect::Written(revision), before))
            }
            Op::Delete { key, expect } => {
                self.check(key, *expect)?;
                Ok((Effect::Deleted, self.entries.remove(key)))
            }
            Op::Add { key, delta, min, max, ttl } => {
                let (count, end) = match self.entries.get(self.now, key) {
                    Some(there) => (there.value.value.count().ok_or(Refusal::NotACounter)?, there.end),
                    None => (0, self.end(*ttl)),
                };
                let within =
                    |sum: &i64| min.is_none_or(|min| min <= *sum) && max.is_none_or(|max| *sum <= max);
                let sum = count.checked_add(*delta).filter(within).ok_or(Refusal::Bounds { count })?;
                let (_, before) = self.write(key, Value::Count(sum), end);
                Ok((Effect::Counted(sum), before))
            }
        }
    }

    fn check(&self, key: &str, expect: Expect) -> Result<(), Refusal> {
        if expect == Expect::Any {
            return Ok(());
        }
        let found = self.entries.get(self.now, key).map(|there| there.value.revision);
        let met = match expect {
            Expect::Any => true,
            Expect::Absent => found.is_none(),
            Expect::Revision(revision) => found == Some(revision),
        };
        if met { Ok(()) } else { Err(Refusal::Expected { found }) }
    }

    fn write(
        &mut self,
        key: &Arc<str>,
        value: Value,
        end: Option<Instant>,
    ) -> (Revision, Option<Slot<Held>>) {
        self.revisions += 1;
        let revision = Revision(self.revisions);
        (revision, self.entries.insert(key, || key.clone(), Held { value, revision }, end))
    }

    fn end(&self, ttl: Option<Duration>) -> Option<Instant> {
        ttl.map(|ttl| self.now + ttl)
    }
}

impl Held {
    fn entry(&self) -> Entry {
        let value = match &self.value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::Count(count) => Bytes::from(count.to_string()),
        };
        Entry { value, revision: self.revision }
    }
}

impl Value {
    /// The number of a counter.
    fn count(&self) -> Option<i64> {
        match self {
            Value::Bytes(digits) => std::str::from_utf8(digits).ok()?.parse().ok(),
            Value::Count(count) => Some(*count),
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
