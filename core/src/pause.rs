//! The call's pause: given and taken back, seen by timers and by everyone who hands events out.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Instant;

/// What a pause does once its buffer is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PausePolicy {
    /// Stops reading: the pressure reaches the socket, and the upstream waits.
    #[default]
    Backpressure,
    /// Reads on, and keeps what came in the store.
    Spill,
    /// Closes the upstream. On resume the answer is continued as a broken one is, which needs the `repair` layer.
    Checkpoint,
}

/// What an HTTP/1.1 connection takes while nobody reads it, about: with hyper 8 KiB each to read into and to write from
/// (`INIT_BUFFER_SIZE` in its `proto::h1::io`), and as much again for its task and its queue of requests.
pub(crate) const CONNECTION: usize = 24 << 10;

/// Whether a call is paused, and how long it has been. Clones share it.
#[derive(Clone, Default)]
pub struct Pause(Arc<Shared>);

#[derive(Default)]
struct Shared {
    paused: AtomicBool,
    /// Whether it ever was: most calls never are, and their time is read without a lock.
    ever: AtomicBool,
    /// What the connection takes, in bytes of memory.
    connection: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Since when it is paused.
    since: Option<Instant>,
    /// How long it was paused before.
    before: Duration,
    waiting: Vec<Waker>,
}

impl Pause {
    /// A call that is not paused.
    pub fn new() -> Self {
        Pause::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pauses. Idempotent.
    pub fn pause(&self, now: Instant) {
        let mut state = self.lock();
        state.since.get_or_insert(now);
        self.0.ever.store(true, Ordering::Release);
        self.0.paused.store(true, Ordering::Release);
    }

    /// Goes on, and wakes everybody who waits for it. Idempotent.
    pub fn resume(&self, now: Instant) {
        let mut state = self.lock();
        if let Some(since) = state.since.take() {
            state.before = state.before.saturating_add(now.since(since));
        }
        self.0.paused.store(false, Ordering::Release);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Takes note of what the call's connection takes, in bytes of memory.
    pub(crate) fn set_connection(&self, bytes: usize) {
        self.0.connection.store(bytes, Ordering::Relaxed);
    }

    /// How much of a buffer of this size is for events: what the connection leaves, and a quarter in any case.
    pub(crate) fn room(&self, buffer: usize) -> usize {
        let connection = self.0.connection.load(Ordering::Relaxed);
        buffer.saturating_sub(connection).max(buffer / 4)
    }

    /// True while it is paused.
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Acquire)
    }

    /// How long it has been paused in all, up to `now`.
    pub fn spent(&self, now: Instant) -> Duration {
        if !self.0.ever.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        let state = self.lock();
        let current = state.since.map_or(Duration::ZERO, |since| now.since(since));
        state.before.saturating_add(current)
    }

    /// Ready while it is not paused; else the task is woken when it goes on.
    pub fn poll_running(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_paused() {
            return Poll::Ready(());
        }
        let mut state = self.lock();
        // Read again under the lock: a resume between the two would wake nobody.
        if state.since.is_none() {
            return Poll::Ready(());
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl std::fmt::Debug for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pause").field("paused", &self.is_paused()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::testing::Task;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn paused_time_adds_up_and_a_second_pause_changes_nothing() {
        let pause = Pause::new();
        assert_eq!((pause.is_paused(), pause.spent(at(5))), (false, Duration::ZERO));
        pause.pause(at(5));
        pause.pause(at(7));
        assert_eq!((pause.is_paused(), pause.spent(at(9))), (true, Duration::from_secs(4)));
        pause.resume(at(10));
        pause.resume(at(11));
        pause.pause(at(20));
        assert_eq!(pause.spent(at(21)), Duration::from_secs(6));
    }

    #[test]
    fn a_buffer_is_for_the_connection_too_but_for_three_quarters_at_most() {
        let pause = Pause::new();
        assert_eq!(pause.room(1000), 1000, "no connection");
        pause.set_connection(300);
        assert_eq!([0, 100, 400, 1000].map(|buffer| pause.room(buffer)), [0, 25, 100, 700]);
    }

    #[test]
    fn everybody_who_waits_is_woken_by_resume() {
        let pause = Pause::new();
        pause.pause(at(1));
        let mut tasks = [(); 2].map(|()| Task::new(poll_fn(|cx| pause.poll_running(cx))));
        assert!(tasks.iter_mut().all(|task| task.poll().is_pending() && !task.is_woken()));
        pause.resume(at(2));
        assert!(tasks.iter_mut().all(|task| task.is_woken() && task.poll().is_ready()));
    }
}
