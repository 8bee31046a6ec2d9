//! Spawned work, run by hand.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::task::Task;
use crate::spawner::Spawner;

/// A spawner whose tasks run when [`run_until_idle`](TestSpawner::run_until_idle) says so, in the order they were
/// spawned. Clones share it.
#[derive(Clone, Default)]
pub struct TestSpawner(Arc<Shared>);

#[derive(Default)]
struct Shared {
    tasks: Mutex<VecDeque<Named>>,
    /// Tasks that have not ended, the one being polled included.
    open: AtomicUsize,
}

struct Named {
    name: &'static str,
    task: Task<'static, ()>,
}

impl TestSpawner {
    /// A spawner without tasks.
    pub fn new() -> Self {
        TestSpawner::default()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Named>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls every task that was woken, round by round, until none is. True when any was polled.
    pub fn run_until_idle(&self) -> bool {
        let mut polled = false;
        while let Some(mut named) = self.take_woken() {
            polled = true;
            // Polled outside the lock: a task may spawn another.
            if named.task.poll().is_pending() {
                self.lock().push_back(named);
            } else {
                drop(named);
                self.0.open.fetch_sub(1, Ordering::AcqRel);
            }
        }
        polled
    }

    fn take_woken(&self) -> Option<Named> {
        let mut tasks = self.lock();
        let at = tasks.iter().position(|named| named.task.is_woken())?;
        tasks.remove(at)
    }

    /// How many tasks have not ended.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// The names of the tasks that wait.
    pub fn names(&self) -> Vec<&'static str> {
        self.lock().iter().map(|named| named.name).collect()
    }
}

impl Spawner for TestSpawner {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        self.lock().push_back(Named { name, task: Task::new(task) });
    }
}

impl fmt::Debug for TestSpawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSpawner").field("tasks", &self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::cancel::Cancel;

    #[test]
    fn tasks_run_by_hand_and_may_spawn_more() {
        let spawner = TestSpawner::new();
        let gate = Cancel::new();
        let (inner, waits) = (spawner.clone(), gate.clone());
        spawner.spawn(
            "outer",
            Box::pin(async move {
                inner.spawn("inner", Box::pin(async move { waits.cancelled().await }));
            }),
        );
        assert_eq!(spawner.open(), 1);
        assert!(spawner.run_until_idle());
        assert_eq!((spawner.open(), spawner.names()), (1, vec!["inner"]));
        assert!(!spawner.run_until_idle(), "nobody was woken");
        gate.cancel();
        assert!(spawner.run_until_idle());
        assert_eq!(spawner.open(), 0);
    }
}
