//! Observers: who sees all of a stream, and is told its one end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use super::{End, EndKind, Events};
use crate::context::Context;
use crate::error::Result;
use crate::event::Event;
use crate::spawner::Spawner;

impl Events {
    /// Shows every event and the one end to `observer`, also when the stream is dropped.
    pub fn observe(self, cx: &Context, observer: impl Observer) -> Events {
        self.observed(Watch::new(cx, Box::new(observer)))
    }

    fn observed(self, watch: Watch) -> Events {
        Events::new(Observed { inner: self, watch, closing: None })
    }
}

/// Sees every event of a stream and its one end.
pub trait Observer: Send + 'static {
    /// Sees an event on its way to the caller.
    fn event(&mut self, _event: &Event) {}

    /// Sees the end: exactly once, also when the call's future or its stream is dropped. What is held locally is
    /// released here; what takes time (settling a ledger, fsync) is returned and driven before the terminal item
    /// is handed out or, after a drop, by the tracked spawner.
    fn end(self: Box<Self>, end: End<'_>) -> Closing;
}

/// What an observer still has to do after the end.
#[derive(Default)]
pub enum Closing {
    /// Nothing.
    #[default]
    Done,
    /// This work.
    Work(BoxFuture<'static, ()>),
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Closing::Done => "Done",
            Closing::Work(_) => "Work",
        })
    }
}

/// Observes a call from its first poll to the end of its stream: no gap without an observer.
///
/// # Errors
/// Those of the call.
pub async fn watch(
    cx: &Context,
    call: impl Future<Output = Result<Events>>,
    observer: impl Observer,
) -> Result<Events> {
    let mut watch = Watch::new(cx, Box::new(observer));
    match call.await {
        Ok(events) => Ok(events.observed(watch)),
        Err(error) => {
            if let Closing::Work(work) = watch.end(End::of(&error)) {
                work.await;
            }
            Err(error)
        }
    }
}

/// An observer that is told the end even when nobody polls any more.
struct Watch {
    observer: Option<Box<dyn Observer>>,
    spawner: Arc<dyn Spawner>,
}

impl Watch {
    fn new(cx: &Context, observer: Box<dyn Observer>) -> Self {
        Watch { observer: Some(observer), spawner: cx.lent.spawner.clone() }
    }

    fn end(&mut self, end: End<'_>) -> Closing {
        self.observer.take().map_or(Closing::Done, |o| o.end(end))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Closing::Work(work) = self.end(End::Cancelled) {
            self.spawner.spawn("observer closing", work);
        }
    }
}

/// A stream with its observer. While `closing` is there, the terminal item waits for it.
struct Observed {
    inner: Events,
    watch: Watch,
    closing: Option<(BoxFuture<'static, ()>, Option<Result<Event>>)>,
}

impl Stream for Observed {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.closing.is_none() {
            let item = match this.inner.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(item) => item,
            };
            let closing = match &item {
                Some(Ok(event)) => {
                    if let Some(observer) = &mut this.watch.observer {
                        observer.event(event);
                    }
                    Closing::Done
                }
                Some(Err(error)) => this.watch.end(End::of(error)),
                None if this.inner.end == Some(EndKind::Cancelled) => this.watch.end(End::Cancelled),
                None => this.watch.end(End::Finished),
            };
            match closing {
                Closing::Done => return Poll::Ready(item),
                Closing::Work(work) => this.closing = Some((work, item)),
            }
        }
        if let Some((work, _)) = &mut this.closing
            && work.as_mut().poll(cx).is_pending()
        {
            return Poll::Pending;
        }
        Poll::Ready(this.closing.take().and_then(|(_, item)| item))
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some((work, _)) = self.closing.take() {
            self.watch.spawner.spawn("observer closing", work);
        }
    }
}
