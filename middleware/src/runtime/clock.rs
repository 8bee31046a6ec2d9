//! Time from tokio and the system.

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
}

impl TokioClock {
    /// A clock that begins now.
    pub fn new() -> Self {
        TokioClock { origin: TokioInstant::now(), suspended: suspended() }
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
        self.now() + suspended().saturating_sub(self.suspended)
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
}
