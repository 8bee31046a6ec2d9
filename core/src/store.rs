//! Bytes under keys, counters and rates: the state that layers share, in memory or elsewhere.
//!
//! Every store behaves alike; [`testing::suite::store`](crate::testing::suite::store) checks it (feature
//! `testing`). Keys are text and are ordered by their bytes. They may hold ids of people: no error, and no `Debug`,
//! prints one.

mod expiring;
mod looks;
mod memory;
mod order;
mod rate;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::error::Result;

pub use memory::MemoryStore;
pub use rate::{Bucket, Level, Rate, Take};

/// Keeps bytes under keys, counters, and rates.
///
/// Dropping a future before it is ready leaves open whether it took effect; it never takes effect in part.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    note = "implement `Store`; `testing::suite::store` checks the behaviour"
)]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// What this store promises.
    fn info(&self) -> StoreInfo;

    /// The value under `key`; `None` when there is none or its time is over.
    ///
    /// # Errors
    /// `Store` when the store can't be reached or answers nonsense.
    async fn get(&self, key: &str) -> Result<Option<Entry>>;

    /// Applies all of `ops`, in order, or none of them. Each op sees the effects of those before it.
    ///
    /// # Errors
    /// `Store` when the store can't be reached. An op that is not met is no error but [`Applied::Refused`].
    async fn apply(&self, ops: &[Op]) -> Result<Applied>;

    /// Takes `units` from the rate under `key`, or says how long to wait and takes nothing. Rates have a key space
    /// of their own.
    ///
    /// # Errors
    /// `Store` when the store can't be reached.
    async fn take(&self, key: &str, rate: Rate, units: u64) -> Result<Take>;

    /// Gives `units` back that were taken and not used. More than was taken is as much as was taken.
    ///
    /// # Errors
    /// `Store` when the store can't be reached.
    async fn give(&self, key: &str, rate: Rate, units: u64) -> Result<()>;

    /// The entries whose keys begin with `prefix`, in order, after `from`.
    ///
    /// A scan in several pages gives each entry at most once, and each that stood all the while exactly once.
    ///
    /// # Errors
    /// `Store` when the store can't be reached.
    async fn scan(&self, prefix: &str, from: Option<&Cursor>, limit: NonZeroUsize) -> Result<Page>;

    /// [`apply`](Store::apply) without waiting, for a store that has all at hand and never fails: what a call does with it
    /// then costs no future. It may keep the values of `ops` instead of copies, and leave empty ones behind. Default: `None`,
    /// nothing was done, and it has to be waited for.
    fn apply_now(&self, ops: &mut [Op]) -> Option<Applied> {
        let _ = ops;
        None
    }
}

/// What a store promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoreInfo {
    /// Its name, such as `memory`.
    pub name: SmolStr,
    /// What of it survives.
    pub durability: Durability,
    /// Who sees it.
    pub reach: Reach,
    /// Whose clock counts lifetimes and rates.
    pub time: StoreTime,
}

impl StoreInfo {
    /// What a store promises.
    pub fn new(name: impl Into<SmolStr>, durability: Durability, reach: Reach, time: StoreTime) -> Self {
        StoreInfo { name: name.into(), durability, reach, time }
    }
}

/// What of a store survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Durability {
    /// Nothing survives the process.
    Memory,
    /// What was acknowledged survives the process.
    Disk,
}

/// Who sees a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reach {
    /// This process.
    Process,
    /// Every process that is connected to it.
    Shared,
}

/// Whose clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StoreTime {
    /// The lent clock, by [`Clock::boot`](crate::clock::Clock::boot).
    Lent,
    /// The store's own.
    Server,
}

/// A version of a value. Every write makes a new one; it is never used again, also not after a delete. Revisions
/// compare equal or not, and say nothing about order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// A value and its version.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value. A counter's is its number in decimal digits.
    pub value: Bytes,
    /// Its version.
    pub revision: Revision,
}

/// One change of a store.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// Writes a value.
    Put {
        /// The key.
        key: Arc<str>,
        /// The value.
        value: Bytes,
        /// How long it lives; `None` for ever. Each write sets it anew.
        ttl: Option<Duration>,
        /// What must be there.
        expect: Expect,
    },
    /// Deletes a value, if there is one.
    Delete {
        /// The key.
        key: Arc<str>,
        /// What must be there.
        expect: Expect,
    },
    /// Adds to a counter; one that is not there begins at 0.
    Add {
        /// The key.
        key: Arc<str>,
        /// What is added.
        delta: i64,
        /// The least it may be afterwards.
        min: Option<i64>,
        /// The most it may be afterwards.
        max: Option<i64>,
        /// How long a counter lives that this op begins; `None` for ever. A later add does not change it.
        ttl: Option<Duration>,
    },
}

impl Op {
    /// Writes a value that lives for ever, whatever is there.
    pub fn put(key: impl Into<Arc<str>>, value: impl Into<Bytes>) -> Self {
        Op::Put { key: key.into(), value: value.into(), ttl: None, expect: Expect::Any }
    }

    /// Deletes a value, whatever is there.
    pub fn delete(key: impl Into<Arc<str>>) -> Self {
        Op::Delete { key: key.into(), expect: Expect::Any }
    }

    /// Adds to a counter without bounds that lives for ever.
    pub fn add(key: impl Into<Arc<str>>, delta: i64) -> Self {
        Op::Add { key: key.into(), delta, min: None, max: None, ttl: None }
    }

    /// The key it changes.
    pub fn key(&self) -> &Arc<str> {
        match self {
            Op::Put { key, .. } | Op::Delete { key, .. } | Op::Add { key, .. } => key,
        }
    }
}

/// What must be there for a change to be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expect {
    /// Anything or nothing.
    #[default]
    Any,
    /// Nothing.
    Absent,
    /// This version.
    Revision(Revision),
}

/// What became of [`Store::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refusal is no error"]
pub enum Applied {
    /// Every op was applied; one effect each, in order.
    All(Vec<Effect>),
    /// No op was applied, because of this one.
    Refused {
        /// Its index.
        op: usize,
        /// What stood in its way.
        refusal: Refusal,
    },
}

/// What an op did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It wrote this version.
    Written(Revision),
    /// It deleted what was there, if anything was.
    Deleted,
    /// The counter now stands here.
    Counted(i64),
}

/// What stood in the way of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// This version is there, or nothing, and something else was expected.
    Expected {
        /// What is there.
        found: Option<Revision>,
    },
    /// The counter would leave its bounds, or overflow.
    Bounds {
        /// Where it stands.
        count: i64,
    },
    /// The value is not a counter.
    NotACounter,
}

/// Where a scan goes on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(Arc<str>);

impl Cursor {
    /// After this key.
    pub fn after(key: impl Into<Arc<str>>) -> Self {
        Cursor(key.into())
    }

    /// The key it stands after.
    pub fn key(&self) -> &str {
        &self.0
    }
}

/// A page of a scan.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys and what is under them, in the order of the keys.
    pub entries: Vec<(Arc<str>, Entry)>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<Cursor>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("bytes", &self.value.len()).field("revision", &self.revision.0).finish()
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Put { value, ttl, expect, .. } => f
                .debug_struct("Put")
                .field("bytes", &value.len())
                .field("ttl", ttl)
                .field("expect", expect)
                .finish_non_exhaustive(),
            Op::Delete { expect, .. } => {
                f.debug_struct("Delete").field("expect", expect).finish_non_exhaustive()
            }
            Op::Add { delta, min, max, ttl, .. } => f
                .debug_struct("Add")
                .field("delta", delta)
                .field("min", min)
                .field("max", max)
                .field("ttl", ttl)
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor")
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("entries", &self.entries.len()).field("next", &self.next).finish()
    }
}
