//! The call's cancel signal: set once, seen by everyone who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

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
    waiting: Option<BoxFuture<'static, ()>>,
}

impl Waiter {
    /// Ready once the signal was given. Pending registers nothing: call [`listen`](Waiter::listen) before waiting.
    pub(crate) fn is_given(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Ready once the signal was given; else the task is woken when it is.
    pub(crate) fn listen(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(wait(self.cancel.0.clone())));
        waiting.as_mut().poll(cx)
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
