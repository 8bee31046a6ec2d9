//! When a further attempt may begin.

use std::future::poll_fn;
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::context::Context;
use belvedere_core::error::{Error, ErrorKind, Status, TimeoutPhase};
use belvedere_core::events::Events;
use belvedere_core::request::Request;
use belvedere_core::service::Stack;

/// The longest wait that a provider may ask for; past it, the caller decides.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether another attempt may do better: the wire broke or the provider did, and nobody has given up on it yet.
pub(super) fn is_repairable(error: &Error) -> bool {
    use ErrorKind::{Malformed, Network, Overloaded, Timeout, Truncated};
    let kind = match error.kind() {
        Network | Overloaded | Truncated | Malformed => true,
        Timeout(phase) => phase != TimeoutPhase::Total,
        _ => false,
    };
    kind && error.status() == Status::Temporary
}

/// How long to wait after `error` before the further attempt of this number, from 0; `None`: it is too long.
///
/// The wait is random between nothing and a limit that doubles ("full jitter",
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
pub(super) fn wait(error: &Error, backoff: Duration, number: u32, cx: &Context) -> Option<Duration> {
    let limit = backoff.saturating_mul(2_u32.saturating_pow(number)).min(PATIENCE);
    let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let random = Duration::from_millis(match millis {
        0 => 0,
        millis => cx.lent.entropy.next_u64() % (millis + 1),
    });
    let asked = error.retry_after().unwrap_or_default();
    let wait = random.max(asked);
    let late = cx.call.deadline.is_some_and(|deadline| cx.lent.clock.now() + wait >= deadline);
    (asked <= PATIENCE && !late).then_some(wait)
}

/// Makes an attempt, after a wait, and not while the call is paused.
pub(super) async fn begin(inner: Stack, cx: Context, request: Request, wait: Duration) -> Result<Events> {
    if !wait.is_zero() {
        cx.lent.clock.sleep(wait).await;
    }
    poll_fn(|poller| cx.call.pause.poll_running(poller)).await;
    inner.call(cx, request).await
}
