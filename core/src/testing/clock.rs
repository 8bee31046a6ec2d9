//! A clock that is moved by hand.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

use crate::clock::{Clock, Instant};

/// A clock that moves only when it is told to. Clones share it.
///
/// Its three times differ from the start, so that a timer on the wrong one shows: `now` begins at 10 s, `boot` at
/// 20 s, and the wall clock at 2026-01-01T00:00:00Z. Sleepers are woken in the order of their deadlines, and in
/// the order they began where those are equal. No runtime is needed.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<State>>);

struct State {
    now: Duration,
    boot: Duration,
    wall: SystemTime,
    begun: u64,
    /// By deadline, then by the order they began.
    sleepers: BTreeMap<(Duration, u64), Option<Waker>>,
}

/// 2026-01-01T00:00:00Z in seconds since the Unix epoch.
const WALL: Duration = Duration::from_secs(1_767_225_600);

impl TestClock {
    /// A clock at its beginning.
    pub fn new() -> Self {
        TestClock(Arc::new(Mutex::new(State {
            now: Duration::from_secs(10),
            boot: Duration::from_secs(20),
            wall: SystemTime::UNIX_EPOCH + WALL,
            begun: 0,
            sleepers: BTreeMap::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass on all three, in one step, and wakes the sleepers that are due.
    /// [`Simulation::advance`](super::Simulation::advance) lets the woken run in between.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.now = state.now.saturating_add(by);
        state.boot = state.boot.saturating_add(by);
        state.wall = state.wall.checked_add(by).unwrap_or(state.wall);
        let due = state.take_due();
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Suspends the machine: `boot` and the wall clock move, `now` stands still, nobody is woken.
    pub fn suspend(&self, for_: Duration) {
        let mut state = self.lock();
        state.boot = state.boot.saturating_add(for_);
        state.wall = state.wall.checked_add(for_).unwrap_or(state.wall);
    }

    /// Sets the wall clock, forwards or backwards, as a time server or a person does. The others do not move.
    pub fn jump_wall(&self, to: SystemTime) {
        self.lock().wall = to;
    }

    /// Moves `now` and `boot` backwards, which no monotonic clock may do and some have done (governor#299).
    pub fn step_back(&self, by: Duration) {
        let mut state = self.lock();
        state.now = state.now.saturating_sub(by);
        state.boot = state.boot.saturating_sub(by);
    }

    /// How many sleeps are neither over nor dropped. Not 0 at the end of a test: a timer leaked.
    pub fn pending_sleeps(&self) -> usize {
        self.lock().sleepers.len()
    }

    /// When the next sleeper is due that somebody waits for, on [`Clock::now`]; `None` when nobody waits.
    pub fn next_deadline(&self) -> Option<Instant> {
        let state = self.lock();
        let waited_for = state.sleepers.iter().find(|(_, waker)| waker.is_some());
        waited_for.map(|((deadline, _), _)| Instant::from_origin(*deadline))
    }
}

impl Default for TestClock {
    fn default() -> Self {
        TestClock::new()
    }
}

impl State {
    /// The wakers of the sleepers that are due, in order. They stay on the list until they see it themselves.
    fn take_due(&mut self) -> Vec<Waker> {
        let due = self.sleepers.range_mut(..=(self.now, u64::MAX));
        due.filter_map(|(_, waker)| waker.take()).collect()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant::from_origin(self.lock().now)
    }

    fn boot(&self) -> Instant {
        Instant::from_origin(self.lock().boot)
    }

    fn wall(&self) -> SystemTime {
        self.lock().wall
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.lock();
        let key = (state.now.saturating_add(duration), state.begun);
        state.begun += 1;
        state.sleepers.insert(key, None);
        drop(state);
        Box::pin(Sleep { clock: self.clone(), key })
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("TestClock")
            .field("now", &state.now)
            .field("pending_sleeps", &state.sleepers.len())
            .finish_non_exhaustive()
    }
}

struct Sleep {
    clock: TestClock,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if state.now >= self.key.0 {
            state.sleepers.remove(&self.key);
            return Poll::Ready(());
        }
        // The latest waker counts: a future may move from one task to another between polls.
        state.sleepers.insert(self.key, Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::testing::Task;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_three_times_move_as_told() {
        let clock = TestClock::new();
        let at = |clock: &TestClock| (clock.now().since_origin(), clock.boot().since_origin(), clock.wall());
        let (now, boot, wall) = at(&clock);
        clock.advance(SECOND);
        assert_eq!(at(&clock), (now + SECOND, boot + SECOND, wall + SECOND));
        clock.suspend(SECOND);
        assert_eq!(at(&clock), (now + SECOND, boot + 2 * SECOND, wall + 2 * SECOND));
        clock.jump_wall(wall);
        assert_eq!(at(&clock), (now + SECOND, boot + 2 * SECOND, wall));
        clock.step_back(SECOND);
        assert_eq!(at(&clock), (now, boot + SECOND, wall));
    }

    #[test]
    fn sleepers_wake_at_their_deadline_and_not_by_suspend() {
        let clock = TestClock::new();
        let mut late = Task::new(clock.sleep(2 * SECOND));
        let mut early = Task::new(clock.sleep(SECOND));
        assert!(late.poll().is_pending() && early.poll().is_pending());
        assert_eq!(clock.next_deadline(), Some(clock.now() + SECOND));
        clock.suspend(10 * SECOND);
        clock.jump_wall(clock.wall() + 10 * SECOND);
        assert!(!early.is_woken() && !late.is_woken());
        clock.advance(SECOND);
        assert!(early.is_woken() && !late.is_woken());
        assert!(early.poll().is_ready());
        assert_eq!(clock.pending_sleeps(), 1);
        drop(late);
        assert_eq!(clock.pending_sleeps(), 0, "a dropped sleep is gone");
    }

    #[test]
    fn a_sleep_of_nothing_is_over_at_once() {
        let clock = TestClock::new();
        assert!(Task::new(clock.sleep(Duration::ZERO)).poll().is_ready());
        assert_eq!(clock.pending_sleeps(), 0);
    }
}
