//! Time from tokio and the system.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use belvedere_core::clock::{Clock, Instant};
use futures_util::future::BoxFuture;
use tokio::time::Instant as TokioInstant;

/// Tokio's time: paused and advanced with the runtime's own in tests.
///
/// Sleeping needs a running tokio runtime with its timer on.
#[derive(Debug, Clone)]
pub struct TokioClock {
    origin: TokioInstant,
    /// How long the machine had been suspended when this clock began.
    suspended: Duration,
    look: Arc<Look>,
}

/// A look at how long the machine has been suspended: it takes two further readings of clocks, and a call asks for
/// [`boot`](Clock::boot) a dozen times.
#[derive(Debug)]
struct Look {
    /// When it was taken, in nanoseconds of running time.
    at: AtomicU64,
    /// What it said, in nanoseconds.
    suspended: AtomicU64,
}

/// For so long a look is good. Who asks so soon after a suspend does not know of it yet.
const GOOD_FOR: u64 = 1_000_000;

impl Look {
    fn new() -> Self {
        Look { at: AtomicU64::new(0), suspended: AtomicU64::new(nanos(suspended())) }
    }

    /// How long the machine had been suspended at `now`, or a moment before.
    fn suspended(&self, now: Duration) -> Duration {
        let now = nanos(now);
        if now.saturating_sub(self.at.load(Ordering::Relaxed)) >= GOOD_FOR {
            self.at.store(now, Ordering::Relaxed);
            // It only ever grows, whoever looks last.
            self.suspended.fetch_max(nanos(suspended()), Ordering::Relaxed);
        }
        Duration::from_nanos(self.suspended.load(Ordering::Relaxed))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl TokioClock {
    /// A clock that begins now.
    pub fn new() -> Self {
        TokioClock { origin: TokioInstant::now(), suspended: suspended(), look: Arc::new(Look::new()) }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        TokioClock::new()
    }
}

/// [`boot`](Clock::boot) counts suspend on Linux and Android, by `CLOCK_BOOTTIME` (clock_gettime(2)). Elsewhere it
/// is what [`now`](Clock::now) is.
impl Clock for TokioClock {
    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn boot(&self) -> Instant {
        // Suspended time is added to `now`, so that a paused clock pauses both.
        let now = self.now();
        now + self.look.suspended(now.since_origin()).saturating_sub(self.suspended)
    }

    fn wall(&self) -> SystemTime {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that is lent")]
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that is lent")]
        Box::pin(tokio::time::sleep(duration))
    }
}

/// How long the machine has been suspended since it was started.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn suspended() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    // The later reading first: the time between the two readings must not count as suspend.
    let boot = read(ClockId::Boottime);
    boot.saturating_sub(read(ClockId::Monotonic))
}

/// How long the machine has been suspended since it was started: not known here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn suspended() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_pauses_all_but_the_wall() {
        let clock = TokioClock::new();
        let (now, boot) = (clock.now(), clock.boot());
        assert_eq!(now, clock.now());
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().since(now), Duration::from_secs(3600));
        let counted = clock.boot().since(boot);
        assert!(counted >= Duration::from_secs(3599) && counted <= Duration::from_secs(3601), "{counted:?}");
    }

    #[test]
    fn w15_suspend_is_counted_by_boot_only() {
        let slept = TokioClock { suspended: Duration::ZERO, ..TokioClock::new() };
        let awake = TokioClock { suspended: suspended(), ..slept.clone() };
        assert!(
            slept.boot().since_origin() >= awake.boot().since_origin().saturating_sub(Duration::from_secs(1))
        );
        assert!(awake.boot().since(awake.now()) <= Duration::from_secs(1));
    }

    #[test]
    fn q13_a_suspend_is_seen_within_a_millisecond_and_never_unseen() {
        let look = Look { at: AtomicU64::new(5_000_000), suspended: AtomicU64::new(u64::MAX) };
        assert_eq!(look.suspended(Duration::from_micros(5_999)), Duration::from_nanos(u64::MAX));
        assert_eq!(look.at.load(Ordering::Relaxed), 5_000_000, "it is good for a millisecond");
        assert_eq!(look.suspended(Duration::from_millis(6)), Duration::from_nanos(u64::MAX));
        assert_eq!(look.at.load(Ordering::Relaxed), 6_000_000, "then it is taken anew");
        let early = Look { at: AtomicU64::new(0), suspended: AtomicU64::new(0) };
        let seen = early.suspended(Duration::from_millis(1));
        assert!(suspended().abs_diff(seen) <= Duration::from_secs(1), "{seen:?}");
    }
}
