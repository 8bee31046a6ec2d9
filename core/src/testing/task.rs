//! Futures polled by hand.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;

/// A future that is polled by hand. It knows whether it was woken since, so a missing wake shows.
pub struct Task<'a, T> {
    future: BoxFuture<'a, T>,
    flag: Arc<Flag>,
    waker: Waker,
}

#[derive(Debug)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl<'a, T> Task<'a, T> {
    /// A task that was not polled yet; it counts as woken.
    pub fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Task { future: Box::pin(future), waker: Waker::from(flag.clone()), flag }
    }

    /// Polls once, woken or not.
    pub fn poll(&mut self) -> Poll<T> {
        self.flag.0.store(false, Ordering::Release);
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// True when it was woken since the last poll.
    pub fn is_woken(&self) -> bool {
        self.flag.0.load(Ordering::Acquire)
    }

    /// Polls as long as it wakes itself. Pending means that something else has to wake it.
    pub fn poll_until_idle(&mut self) -> Poll<T> {
        loop {
            let polled = self.poll();
            if polled.is_ready() || !self.is_woken() {
                return polled;
            }
        }
    }
}

impl<T> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("woken", &self.is_woken()).finish_non_exhaustive()
    }
}

/// Runs a future that waits for nothing but itself.
///
/// # Panics
/// When it waits for something else: time is moved, and spawned work is run, by a
/// [`Simulation`](super::Simulation).
pub fn run<T>(future: impl Future<Output = T> + Send) -> T {
    match Task::new(future).poll_until_idle() {
        Poll::Ready(value) => value,
        #[expect(clippy::panic, reason = "a test that can't go on fails")]
        Poll::Pending => panic!("the future waits, and nothing here will wake it"),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_task_knows_whether_it_was_woken() {
        let cancel = crate::cancel::Cancel::new();
        let mut task = Task::new(cancel.cancelled());
        assert!(task.is_woken(), "a new task wants its first poll");
        assert!(task.poll().is_pending());
        assert!(!task.is_woken());
        cancel.cancel();
        assert!(task.is_woken());
        assert!(task.poll().is_ready());
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    #[should_panic(expected = "nothing here will wake it")]
    fn a_future_that_can_not_go_on_fails_the_test() {
        run(std::future::pending::<()>());
    }
}
