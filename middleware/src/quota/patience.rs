//! Stores that do not answer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::clock::Clock;
use belvedere_core::error::{Error, ErrorKind};

/// Waits for a store, but no longer than `limit`: a store that hangs is one that failed. What it was asked for may have
/// taken effect all the same.
///
/// A store that answers at once costs no timer.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    answer: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut answer = pin!(answer);
    let mut sleep = None;
    poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        sleep.get_or_insert_with(|| clock.sleep(limit)).as_mut().poll(cx).map(|()| {
            let message = format!(
                "the store did not answer within {limit:?}; if that is to be expected, raise `store_timeout`"
            );
            Err(Error::new(ErrorKind::Store, message))
        })
    })
    .await
}
