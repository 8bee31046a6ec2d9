//! The call's cancel signal: set once, seen by everyone who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, RawWakerVTable, Waker};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

/// A signal that is given once. Clones share it.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Default)]
struct Shared {
    given: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// A signal that is not given yet.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Gives the signal. Idempotent.
    pub fn cancel(&self) {
        self.0.given.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// True once the signal was given.
    pub fn is_cancelled(&self) -> bool {
        self.0.given.load(Ordering::Acquire)
    }

    /// Waits for the signal.
    pub async fn cancelled(&self) {
        wait(self.0.clone()).await;
    }

    /// A waiter for code that polls.
    pub(crate) fn waiter(&self) -> Waiter {
        Waiter { cancel: self.clone(), waiting: None }
    }
}

/// Waits for a [`Cancel`] by polling; it begins to listen when it first has to wait.
pub(crate) struct Waiter {
    cancel: Cancel,
    waiting: Option<Waiting>,
}

struct Waiting {
    given: BoxFuture<'static, ()>,
    /// Who is woken.
    task: Waker,
    /// The table of the waker that `task` is a clone of. A clone may have another one of the same kind, and then
    /// [`Waker::will_wake`] says no.
    table: &'static RawWakerVTable,
}

impl Waiting {
    /// Whether this task is the one that is woken. As long as `task` lives, nothing else has its address.
    fn wakes(&self, task: &Waker) -> bool {
        task.data() == self.task.data()
            && (std::ptr::eq(task.vtable(), self.table) || task.will_wake(&self.task))
    }
}

impl Waiter {
    /// Ready once the signal was given. Pending registers nothing: call [`listen`](Waiter::listen) before waiting.
    pub(crate) fn is_given(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Ready once the signal was given; else the task is woken when it is. A task that waits already is not
    /// registered anew: most events are waited for by the same one.
    pub(crate) fn listen(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_given() {
            return Poll::Ready(());
        }
        if self.waiting.as_ref().is_some_and(|waiting| waiting.wakes(cx.waker())) {
            return Poll::Pending;
        }
        let given = match self.waiting.take() {
            Some(waiting) => waiting.given,
            None => Box::pin(wait(self.cancel.0.clone())),
        };
        let table = cx.waker().vtable();
        let waiting = self.waiting.insert(Waiting { given, task: cx.waker().clone(), table });
        waiting.given.as_mut().poll(cx)
    }
}

async fn wait(shared: Arc<Shared>) {
    let mut notified = std::pin::pin!(shared.notify.notified());
    // Registered before the flag is read: a signal between the two is not lost.
    notified.as_mut().enable();
    if !shared.given.load(Ordering::Acquire) {
        notified.await;
    }
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel").field("given", &self.is_cancelled()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::testing::Task;

    #[test]
    fn the_task_that_waited_last_is_woken_however_often_it_polled() {
        let cancel = Cancel::new();
        let mut waiter = cancel.waiter();
        assert!(
            Task::new(poll_fn(|cx| waiter.listen(cx))).poll().is_pending(),
            "a task that is gone by then"
        );
        let mut last = Task::new(poll_fn(|cx| waiter.listen(cx)));
        for _ in 0..3 {
            assert!(last.poll().is_pending());
        }
        assert!(!last.is_woken());
        cancel.cancel();
        assert!(last.is_woken() && last.poll().is_ready());
        drop(last);
        assert!(Task::new(poll_fn(|cx| waiter.listen(cx))).poll().is_ready(), "and ready it stays");
    }

    #[test]
    fn a_task_is_told_from_another() {
        let cancel = Cancel::new();
        let mut waiter = cancel.waiter();
        let (one, other) = (Waker::noop(), Waker::from(std::sync::Arc::new(Nobody)));
        assert!(waiter.listen(&mut Context::from_waker(one)).is_pending());
        let wakes = |waiter: &Waiter, task: &Waker| waiter.waiting.as_ref().unwrap().wakes(task);
        assert!(wakes(&waiter, one) && !wakes(&waiter, &other));
        assert!(waiter.listen(&mut Context::from_waker(&other)).is_pending());
        assert!(!wakes(&waiter, one) && wakes(&waiter, &other) && wakes(&waiter, &other.clone()));
    }

    struct Nobody;

    impl std::task::Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
}
