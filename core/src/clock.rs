//! Time, lent. One trait for now and for waiting: never half of time is faked.

use std::fmt::Debug;
use std::ops::Add;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

/// A moment of a [`Clock`], as time since that clock began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The moment this long after the clock began.
    pub const fn from_origin(since: Duration) -> Self {
        Instant(since)
    }

    /// Time since the clock began.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// Time since `earlier`; zero when `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(duration))
    }
}

/// Lends time.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Monotonic time that stands still while the machine is suspended. Timeouts are measured by it.
    fn now(&self) -> Instant;

    /// Monotonic time that also counts suspend. Windows and expiries are measured by it.
    fn boot(&self) -> Instant;

    /// The wall clock; may jump. For records and dates only.
    fn wall(&self) -> SystemTime;

    /// Waits on [`now`](Clock::now) for `duration`. Dropping the future ends the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
