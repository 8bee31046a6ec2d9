//! Work that outlives a call, lent and tracked.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

/// Runs tasks in the background.
pub trait Spawner: Send + Sync + Debug + 'static {
    /// Runs `task` to its end; `name` says what it is, for people.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>);
}

/// A spawner that knows how much of what it was given is still running.
#[derive(Debug)]
pub struct Tracked {
    inner: Arc<dyn Spawner>,
    open: Arc<Open>,
}

#[derive(Debug, Default)]
struct Open {
    count: AtomicUsize,
    idle: Notify,
}

/// Counts one task, also when it is dropped before its end.
struct Ticket(Arc<Open>);

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

impl Tracked {
    /// Tracks what goes through it to `inner`.
    pub fn new(inner: Arc<dyn Spawner>) -> Self {
        Tracked { inner, open: Arc::default() }
    }

    /// The spawner behind it, for what nobody waits for.
    pub fn inner(&self) -> &Arc<dyn Spawner> {
        &self.inner
    }

    /// How many tasks have not ended.
    pub fn open(&self) -> usize {
        self.open.count.load(Ordering::Acquire)
    }

    /// Waits until no task is open.
    pub async fn idle(&self) {
        let mut notified = std::pin::pin!(self.open.idle.notified());
        loop {
            notified.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            notified.as_mut().await;
            notified.set(self.open.idle.notified());
        }
    }
}

impl Spawner for Tracked {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.open.count.fetch_add(1, Ordering::AcqRel);
        let ticket = Ticket(self.open.clone());
        let tracked = async move {
            let _ticket = ticket;
            task.await;
        };
        self.inner.spawn(name, Box::pin(tracked));
    }
}
