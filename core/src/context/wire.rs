//! Signs of life of one attempt's wire.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use crate::clock::Instant;
use crate::error::ErrorKind;
use crate::events::EndKind;

/// Signs of life of one attempt's wire, written by the driver and the transport, read by timers.
#[derive(Debug, Default)]
pub struct Wire {
    /// The wire of a layer further out.
    outer: Option<Arc<Wire>>,
    /// How far the connection is: it only ever grows.
    stage: AtomicU8,
    /// Nanoseconds on the clock of the last sign of life; 0 for none.
    last: AtomicU64,
    /// How the attempt ended, said by a layer that ends it.
    end: OnceLock<(EndKind, Option<ErrorKind>)>,
    notify: Notify,
    /// Who watches for the connection without a future of its own.
    watcher: AtomicWaker,
}

/// A new connection is being made for this request.
const DIALING: u8 = 1;
/// A connection is at hand.
const CONNECTED: u8 = 2;

impl Wire {
    /// A wire that tells all it is told to one further out, too.
    pub(crate) fn within(outer: Option<Arc<Wire>>) -> Self {
        Wire { outer, ..Wire::default() }
    }

    /// The transport makes a new connection for this request. A request that finds one in the pool never says so.
    pub fn set_dialing(&self) {
        self.reach(DIALING);
    }

    /// The transport has a connection at hand.
    pub fn set_connected(&self) {
        self.reach(CONNECTED);
    }

    fn reach(&self, stage: u8) {
        if self.stage.fetch_max(stage, Ordering::AcqRel) < stage {
            self.notify.notify_waiters();
            self.watcher.wake();
        }
        if let Some(outer) = &self.outer {
            outer.reach(stage);
        }
    }

    /// Whether a connection is at hand.
    pub fn is_connected(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= CONNECTED
    }

    /// Waits until the transport makes a new connection, or has one at hand.
    pub async fn dialing(&self) {
        self.reached(DIALING).await;
    }

    /// The same, to be polled by the one who asked for this wire.
    pub fn poll_dialing(&self, cx: &mut Poller<'_>) -> Poll<()> {
        // Registered before it is looked at: a change between the two is not lost.
        self.watcher.register(cx.waker());
        if self.stage.load(Ordering::Acquire) >= DIALING { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits until a connection is at hand.
    pub async fn connected(&self) {
        self.reached(CONNECTED).await;
    }

    async fn reached(&self, stage: u8) {
        let mut notified = std::pin::pin!(self.notify.notified());
        loop {
            // Registered before the stage is read: a change between the two is not lost.
            notified.as_mut().enable();
            if self.stage.load(Ordering::Acquire) >= stage {
                return;
            }
            notified.as_mut().await;
            notified.set(self.notify.notified());
        }
    }

    /// Says how the attempt ended, for a layer that ends it by dropping it: a timeout is no cancel. The first word
    /// stays.
    pub fn set_end(&self, end: EndKind, error: Option<ErrorKind>) {
        let _ = self.end.set((end, error));
    }

    /// How a layer ended this attempt: the one that asked for this wire, or one further out.
    pub(super) fn end(&self) -> Option<(EndKind, Option<ErrorKind>)> {
        self.end.get().copied().or_else(|| self.outer.as_ref()?.end())
    }

    /// Bytes came at `now`.
    pub fn touch(&self, now: Instant) {
        let nanos = u64::try_from(now.since_origin().as_nanos()).unwrap_or(u64::MAX);
        self.last.fetch_max(nanos, Ordering::AcqRel);
        if let Some(outer) = &self.outer {
            outer.touch(now);
        }
    }

    /// When bytes last came.
    pub fn last(&self) -> Option<Instant> {
        match self.last.load(Ordering::Acquire) {
            0 => None,
            nanos => Some(Instant::from_origin(Duration::from_nanos(nanos))),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_wire_only_gets_further_and_tells_the_wire_further_out() {
        use futures_util::FutureExt;
        let outer = Arc::new(Wire::default());
        let wire = Wire { outer: Some(outer.clone()), ..Wire::default() };
        assert_eq!(wire.dialing().now_or_never(), None);
        wire.set_dialing();
        assert_eq!(wire.dialing().now_or_never(), Some(()));
        assert_eq!((wire.connected().now_or_never(), wire.is_connected()), (None, false));
        wire.set_connected();
        wire.set_dialing();
        assert_eq!((wire.connected().now_or_never(), outer.is_connected()), (Some(()), true));
        wire.touch(Instant::from_origin(Duration::from_secs(7)));
        assert_eq!(outer.last(), Some(Instant::from_origin(Duration::from_secs(7))));
    }
}
