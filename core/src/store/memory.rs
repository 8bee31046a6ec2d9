//! The store in memory.

use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::expiring::{Change, Expiring, Slot};
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

struct State {
    /// The latest moment seen.
    now: Instant,
    entries: Expiring<Held>,
    buckets: Expiring<Bucket>,
    revisions: u64,
    /// What was there before each change that is being made; empty in between.
    before: Vec<Option<Slot<Held>>>,
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
        let state = State {
            now: Instant::default(),
            entries: Expiring::ordered(),
            buckets: Expiring::new(),
            revisions: 0,
            before: Vec::new(),
        };
        MemoryStore { clock, state: Mutex::new(state) }
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
        let mut ops = ops.to_vec();
        Ok(self.state().apply(&mut ops))
    }

    async fn take(&self, key: &str, rate: Rate, units: u64) -> Result<Take> {
        Ok(self.state().with_bucket(key, |bucket, now| bucket.take(now, rate, units)))
    }

    async fn give(&self, key: &str, rate: Rate, units: u64) -> Result<()> {
        self.state().with_bucket(key, |bucket, now| bucket.give(now, rate, units));
        Ok(())
    }

    async fn scan(&self, prefix: &str, from: Option<&Cursor>, limit: NonZeroUsize) -> Result<Page> {
        let mut state = self.state();
        let now = state.now;
        let mut found = state.entries.range(now, prefix, from.map(Cursor::key));
        let take = found.by_ref().take(limit.get());
        let entries: Vec<_> = take.map(|(key, held)| (key.clone(), held.entry())).collect();
        let more = found.next().is_some();
        let next = entries.last().filter(|_| more).map(|(key, _)| Cursor::after(key.clone()));
        Ok(Page { entries, next })
    }

    fn apply_now(&self, ops: &mut [Op]) -> Option<Applied> {
        Some(self.state().apply(ops))
    }
}

impl State {
    /// Works on the bucket under a key; a full one when there is none.
    fn with_bucket<R>(&mut self, key: &str, work: impl FnOnce(&mut Bucket, Instant) -> R) -> R {
        let now = self.now;
        let change = |there: Option<&Slot<Bucket>>| {
            let before = there.map(|slot| slot.value).unwrap_or_default();
            let mut bucket = before;
            let result = work(&mut bucket, now);
            let change = match bucket == before {
                true => Change::Keep,
                false => Change::Set(bucket, Some(bucket.full_at())),
            };
            Ok::<_, Infallible>((result, change))
        };
        let Ok((result, _)) = self.buckets.change(now, key, || key.into(), change);
        result
    }

    /// Makes all changes, or none: when one is refused, those before it are taken back. Values are taken out of `ops`.
    fn apply(&mut self, ops: &mut [Op]) -> Applied {
        let revisions = self.revisions;
        let mut effects = Vec::with_capacity(ops.len());
        self.before.clear();
        for (i, op) in ops.iter_mut().enumerate() {
            match self.change(op) {
                Ok((effect, there)) => {
                    effects.push(effect);
                    self.before.push(there);
                }
                Err(refusal) => {
                    let made = ops.iter().zip(self.before.drain(..));
                    for (op, there) in made.rev() {
                        self.entries.restore(op.key(), there);
                    }
                    self.revisions = revisions;
                    return Applied::Refused { op: i, refusal };
                }
            }
        }
        self.before.clear();
        Applied::All(effects)
    }

    /// Makes one change. What was there before comes back.
    fn change(&mut self, op: &mut Op) -> Result<(Effect, Option<Slot<Held>>), Refusal> {
        let value = match op {
            Op::Put { value, .. } => std::mem::take(value),
            _ => Bytes::new(),
        };
        let (now, op) = (self.now, &*op);
        let key = op.key();
        let revision = Revision(self.revisions + 1);
        let ends = |ttl: &Option<Duration>| ttl.map(|ttl| now + ttl);
        let changed = self.entries.change(
            now,
            key,
            || key.clone(),
            |there| match op {
                Op::Put { ttl, expect, .. } => {
                    check(there, *expect)?;
                    let held = Held { value: Value::Bytes(value), revision };
                    Ok((Effect::Written(revision), Change::Set(held, ends(ttl))))
                }
                Op::Delete { expect, .. } => {
                    check(there, *expect)?;
                    Ok((Effect::Deleted, Change::Delete))
                }
                Op::Add { delta, min, max, ttl, .. } => {
                    let (count, end) = match there {
                        Some(slot) => (slot.value.value.count().ok_or(Refusal::NotACounter)?, slot.end),
                        None => (0, ends(ttl)),
                    };
                    let within =
                        |sum: &i64| min.is_none_or(|min| min <= *sum) && max.is_none_or(|max| *sum <= max);
                    let sum = count.checked_add(*delta).filter(within).ok_or(Refusal::Bounds { count })?;
                    Ok((Effect::Counted(sum), Change::Set(Held { value: Value::Count(sum), revision }, end)))
                }
            },
        )?;
        self.revisions = revision.0;
        Ok(changed)
    }
}

/// Whether what is there is what was expected.
fn check(there: Option<&Slot<Held>>, expect: Expect) -> Result<(), Refusal> {
    let found = there.map(|slot| slot.value.revision);
    let met = match expect {
        Expect::Any => true,
        Expect::Absent => found.is_none(),
        Expect::Revision(revision) => found == Some(revision),
    };
    if met { Ok(()) } else { Err(Refusal::Expected { found }) }
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
