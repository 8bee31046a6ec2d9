//! How long to wait for the next attempt.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use belvedere_core::Error;
use belvedere_core::context::Context;
use belvedere_core::entropy::Entropy;

use super::Retry;

/// The waits of one call: random ones below limits that double, and those that the provider asks for.
#[derive(Debug)]
pub(super) struct Waits {
    limits: <ExponentialBuilder as BackoffBuilder>::Backoff,
    max_wait: Duration,
    /// How many retries have begun.
    begun: u32,
}

impl Waits {
    pub(super) fn new(retry: &Retry) -> Self {
        // Without backon's own jitter, which is a part of the limit on top of it, and not of our lent randomness.
        let limits = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(retry.backoff.min(retry.max_backoff))
            .with_max_delay(retry.max_backoff)
            .without_max_times()
            .build();
        Waits { limits, max_wait: retry.max_wait, begun: 0 }
    }

    pub(super) fn begun_so_far(&self) -> u32 {
        self.begun
    }

    /// Notes that a retry begins, and gives its number, from 1.
    pub(super) fn begun(&mut self) -> u32 {
        self.begun += 1;
        self.begun
    }

    /// How long to wait after `error`, or why it is not waited.
    ///
    /// The wait is random between nothing and the limit ("full jitter",
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), behind the moment that the provider
    /// named: as Envoy does it for rate limits
    /// (`rate_limited_retry_back_off`, <https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto>).
    pub(super) fn next(&mut self, error: &Error, cx: &Context) -> Result<Duration, &'static str> {
        let asked = error.retry_after().unwrap_or_default();
        if asked > self.max_wait {
            return Err("the provider asks to wait longer than `max_wait`");
        }
        let limit = self.limits.next().unwrap_or_default();
        let wait = asked.saturating_add(jitter(limit, cx.lent.entropy.as_ref()));
        let late = cx.call.deadline.is_some_and(|deadline| cx.lent.clock.now() + wait >= deadline);
        if late { Err("the call must be over before") } else { Ok(wait) }
    }
}

/// A random time up to `limit`.
fn jitter(limit: Duration, entropy: &dyn Entropy) -> Duration {
    let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    let part = (u128::from(nanos) * u128::from(entropy.next_u64())) >> 64;
    Duration::from_nanos(u64::try_from(part).unwrap_or(nanos))
}
