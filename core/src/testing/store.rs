//! A store that fails as it is told.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Applied, Cursor, Entry, Level, Op, Page, Rate, Store, StoreInfo, Take};

/// What goes wrong with one operation of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// The store can't be reached.
    Down,
    /// It is done, and the answer is lost.
    Unsure,
    /// It is done after this long.
    Slow(Duration),
    /// It is never answered, and not done.
    Hangs,
    /// It is not done, and answered with what no such operation can give.
    Garbage,
}

/// A store in front of another one that fails by a plan: the number of an operation, counted from 0, says what goes
/// wrong with it.
///
/// ```
/// use std::sync::Arc;
/// use belvedere_core::store::{MemoryStore, Op, Store};
/// use belvedere_core::testing::{FaultyStore, Simulation, StoreFault};
///
/// let simulation = Simulation::new(1);
/// let clock = Arc::new(simulation.clock.clone());
/// let memory = Arc::new(MemoryStore::new(clock.clone()));
/// let store = FaultyStore::new(memory, clock, |n| (n == 0).then_some(StoreFault::Down));
/// assert!(simulation.run(store.apply(&[Op::add("n", 1)])).is_err());
/// assert!(simulation.run(store.apply(&[Op::add("n", 1)])).is_ok());
/// ```
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    plan: Mutex<Plan>,
}

struct Plan {
    operations: u64,
    fault: Box<dyn FnMut(u64) -> Option<StoreFault> + Send>,
}

impl FaultyStore {
    /// A store that fails by `plan`; it is slow on `clock`.
    pub fn new(
        inner: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        plan: impl FnMut(u64) -> Option<StoreFault> + Send + 'static,
    ) -> Self {
        FaultyStore { inner, clock, plan: Mutex::new(Plan { operations: 0, fault: Box::new(plan) }) }
    }

    /// How many operations it was asked for.
    pub fn operations(&self) -> u64 {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).operations
    }

    /// Lets an operation go wrong as planned.
    async fn play<T>(&self, operation: impl Future<Output = Result<T>>, garbage: Result<T>) -> Result<T> {
        let fault = {
            let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
            let number = plan.operations;
            plan.operations += 1;
            (plan.fault)(number)
        };
        match fault {
            None => operation.await,
            Some(StoreFault::Down) => Err(failed("the store can't be reached")),
            Some(StoreFault::Unsure) => {
                operation.await?;
                Err(failed("the answer of the store is lost"))
            }
            Some(StoreFault::Slow(duration)) => {
                self.clock.sleep(duration).await;
                operation.await
            }
            Some(StoreFault::Hangs) => std::future::pending().await,
            Some(StoreFault::Garbage) => garbage,
        }
    }
}

fn failed(what: &str) -> Error {
    Error::new(ErrorKind::Store, what)
}

#[async_trait]
impl Store for FaultyStore {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.play(self.inner.get(key), Err(failed("the store answers nonsense"))).await
    }

    async fn apply(&self, ops: &[Op]) -> Result<Applied> {
        self.play(self.inner.apply(ops), Ok(Applied::All(Vec::new()))).await
    }

    async fn take(&self, key: &str, rate: Rate, units: u64) -> Result<Take> {
        let level = Level { remaining: u64::MAX, full_after: Duration::MAX };
        self.play(self.inner.take(key, rate, units), Ok(Take::Wait(Duration::MAX, level))).await
    }

    async fn give(&self, key: &str, rate: Rate, units: u64) -> Result<()> {
        self.play(self.inner.give(key, rate, units), Err(failed("the store answers nonsense"))).await
    }

    async fn scan(&self, prefix: &str, from: Option<&Cursor>, limit: NonZeroUsize) -> Result<Page> {
        self.play(self.inner.scan(prefix, from, limit), Err(failed("the store answers nonsense"))).await
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("operations", &self.operations()).finish_non_exhaustive()
    }
}
