//! A connection that counts what it writes, and can be slow or rude.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::state::State;

/// What a response tells its connection.
#[derive(Debug)]
pub(super) struct Link {
    reset: AtomicBool,
    /// The pause between two bytes of the next head.
    head_byte: Mutex<Option<Duration>>,
}

impl Link {
    pub(super) fn new() -> Self {
        Link { reset: AtomicBool::new(false), head_byte: Mutex::new(None) }
    }

    /// Lets the connection end with a reset.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// Slows down the next head.
    pub(super) fn slow_head(&self, pause: Duration) {
        *self.head_byte.lock().unwrap_or_else(PoisonError::into_inner) = Some(pause);
    }
}

/// A connection.
pub(super) struct Socket {
    stream: TcpStream,
    link: Arc<Link>,
    state: Arc<State>,
    slow: Option<SlowHead>,
}

/// A head on its slow way.
struct SlowHead {
    pause: Duration,
    /// The end of what was written, newest byte last.
    tail: [u8; 4],
    sleep: Option<BoxFuture<'static, ()>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, link: Arc<Link>, state: Arc<State>) -> Self {
        state.stats.send_modify(|stats| {
            stats.connections.open += 1;
            stats.connections.total += 1;
        });
        Socket { stream, link, state, slow: None }
    }

    fn count(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.state.stats.send_modify(|stats| stats.bytes_out += bytes);
    }

    /// Writes one byte of a slow head, after its pause.
    fn write_slowly(&mut self, poller: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (Some(slow), Some(byte)) = (&mut self.slow, bytes.first()) else { return Poll::Ready(Ok(0)) };
        if let Some(sleep) = &mut slow.sleep {
            ready!(sleep.as_mut().poll(poller));
        }
        slow.sleep = None;
        let written = ready!(Pin::new(&mut self.stream).poll_write(poller, &[*byte]))?;
        if written > 0 {
            slow.tail.rotate_left(1);
            if let Some(last) = slow.tail.last_mut() {
                *last = *byte;
            }
            if &slow.tail == b"\r\n\r\n" {
                self.slow = None;
            } else {
                slow.sleep = Some(self.state.clock.sleep(slow.pause));
            }
        }
        Poll::Ready(Ok(written))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.link.reset.load(Ordering::Acquire) {
            // A close without lingering is a reset. Where that can't be had, it is a plain close.
            let _ = self.stream.set_zero_linger();
        }
        self.state
            .stats
            .send_modify(|stats| stats.connections.open = stats.connections.open.saturating_sub(1));
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        poller: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(poller, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        poller: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let pause = this.link.head_byte.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(pause) = pause {
            this.slow = Some(SlowHead { pause, tail: [0; 4], sleep: None });
        }
        let written = match this.slow {
            Some(_) => ready!(this.write_slowly(poller, bytes))?,
            None => ready!(Pin::new(&mut this.stream).poll_write(poller, bytes))?,
        };
        this.count(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(poller)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(poller)
    }
}
