//! Tasks on tokio.

use std::sync::{Arc, OnceLock};

use belvedere_core::spawner::Spawner;
use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Handle};

/// Runs tasks on tokio. Clones share what they know.
///
/// A task goes to the runtime it is given in. Outside of one (a stream dropped on a thread of the host language)
/// it goes to the first runtime this spawner has met; where there was none, it runs on a thread of its own.
/// A task that panics ends alone.
#[derive(Debug, Clone, Default)]
pub struct TokioSpawner(Arc<OnceLock<Handle>>);

impl TokioSpawner {
    /// A spawner that knows the current runtime, if there is one.
    pub fn new() -> Self {
        let spawner = TokioSpawner::default();
        spawner.meet();
        spawner
    }

    /// Remembers the current runtime, if it is the first.
    pub(crate) fn meet(&self) {
        if self.0.get().is_none()
            && let Ok(handle) = Handle::try_current()
        {
            self.0.get_or_init(|| handle);
        }
    }
}

impl Spawner for TokioSpawner {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.meet();
        match Handle::try_current().ok().or_else(|| self.0.get().cloned()) {
            Some(handle) => drop(handle.spawn(task)),
            None => alone(name, task),
        }
    }
}

/// Runs a task where no runtime is. One that cannot even have a thread is dropped, which cancels it.
fn alone(name: &'static str, task: BoxFuture<'static, ()>) {
    let run = move || {
        if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
            runtime.block_on(task);
        }
    };
    drop(std::thread::Builder::new().name(name.to_owned()).spawn(run));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_task_runs_inside_outside_and_without_a_runtime() {
        let (done, ends) = mpsc::channel();
        let task = |word: &'static str| -> BoxFuture<'static, ()> {
            let done = done.clone();
            Box::pin(async move { done.send(word).unwrap() })
        };
        TokioSpawner::default().spawn("t", task("without"));
        assert_eq!(ends.recv(), Ok("without"));
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let spawner = TokioSpawner::default();
        runtime.block_on(async { spawner.spawn("t", task("inside")) });
        assert_eq!(ends.recv(), Ok("inside"));
        spawner.spawn("t", task("outside"));
        assert_eq!(ends.recv(), Ok("outside"));
    }

    #[tokio::test]
    async fn a_panic_ends_one_task_only() {
        let (done, end) = tokio::sync::oneshot::channel();
        let spawner = TokioSpawner::new();
        spawner.spawn("t", Box::pin(async { panic!("on purpose") }));
        spawner.spawn("t", Box::pin(async move { done.send(7).unwrap() }));
        assert_eq!(end.await, Ok(7));
    }
}
