//! Observers: who sees all of a stream, and is told its one end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use super::{End, EndKind, Events, Source};
use crate::context::Context;
use crate::error::Result;
use crate::event::Event;
use crate::spawner::Spawner;

impl Events {
    /// Shows every event and the one end to `observer`, also when the stream is dropped.
    pub fn observe(self, cx: &Context, observer: impl Observer) -> Events {
        self.observed(Watch::new(cx, Box::new(observer)))
    }

    /// Observers of layers that stand next to each other share one wrapper: each costs a call an event and no more. So
    /// they do where a layer between them has read ahead: what is there already is shown at once.
    fn observed(mut self, mut watch: Watch) -> Events {
        let goes_on = self.end.is_none() && self.control.is_none();
        if let (Some(Source::Observed(observed)), true) = (&mut self.stream, goes_on) {
            self.ahead.iter().flatten().for_each(|event| watch.event(event));
            observed.watches.push(watch);
            return self;
        }
        let spawner = watch.spawner.clone();
        let mut watches = Vec::with_capacity(USUAL);
        watches.push(watch);
        let observed = Observed { inner: self, watches, spawner, closing: None };
        Events::from_source(Source::Observed(Box::new(observed)))
    }
}

/// How many layers observe a stream, as a rule: there is room for them from the start.
const USUAL: usize = 4;

/// Sees every event of a stream and its one end.
pub trait Observer: Send + 'static {
    /// Sees an event on its way to the caller: once, in order. What was read ahead inside of it is seen at once.
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

/// Observes a call from this moment on to the end of its stream: no gap without an observer. An answer that is there as a
/// [whole](Events::whole) is shown at once, with its end.
///
/// # Errors
/// Those of the call.
pub fn watch<C, O>(cx: &Context, call: C, observer: O) -> impl Future<Output = Result<Events>> + use<C, O>
where
    C: Future<Output = Result<Events>>,
    O: Observer,
{
    // Boxed before the future is made, which stays small: it is part of the futures of several layers.
    let mut watch = Watch::new(cx, Box::new(observer));
    async move {
        let answer = call.await;
        if answer.as_ref().is_ok_and(|events| !events.is_whole()) {
            return answer.map(|events| events.observed(watch));
        }
        let closing = match &answer {
            Ok(events) => {
                events.whole().into_iter().flatten().for_each(|event| watch.event(event));
                watch.end(End::Finished)
            }
            Err(error) => watch.end(End::of(error)),
        };
        match closing {
            Closing::Done => answer,
            // Boxed: most observers have nothing left to do, and all calls would be larger.
            Closing::Work(work) => Box::pin(work.map(|()| answer)).await,
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

    #[inline]
    fn event(&mut self, event: &Event) {
        if let Some(observer) = &mut self.observer {
            observer.event(event);
        }
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

/// A stream with its observers, innermost first. While `closing` is there, the terminal item waits for it.
pub(super) struct Observed {
    inner: Events,
    watches: Vec<Watch>,
    spawner: Arc<dyn Spawner>,
    closing: Option<Box<Ending>>,
}

/// What observers still do at the end, and the item that waits for it.
struct Ending {
    work: BoxFuture<'static, ()>,
    item: Option<Result<Event>>,
}

impl Observed {
    #[inline]
    pub(super) fn poll_next(&mut self, cx: &mut Poller<'_>) -> Poll<Option<Result<Event>>> {
        if self.closing.is_some() {
            return self.poll_closing(cx);
        }
        let polled = self.inner.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(event))) = &polled {
            self.watches.iter_mut().for_each(|watch| watch.event(event));
            return polled;
        }
        match polled {
            Poll::Ready(item) => self.poll_end(item, cx),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_end(&mut self, item: Option<Result<Event>>, cx: &mut Poller<'_>) -> Poll<Option<Result<Event>>> {
        match self.end(&item) {
            Closing::Done => Poll::Ready(item),
            Closing::Work(work) => {
                self.closing = Some(Box::new(Ending { work, item }));
                self.poll_closing(cx)
            }
        }
    }

    fn poll_closing(&mut self, cx: &mut Poller<'_>) -> Poll<Option<Result<Event>>> {
        if let Some(ending) = &mut self.closing
            && ending.work.as_mut().poll(cx).is_pending()
        {
            return Poll::Pending;
        }
        Poll::Ready(self.closing.take().and_then(|ending| ending.item))
    }

    /// As [`Events::poll_whole`], of what is observed.
    pub(super) fn poll_whole(&mut self, cx: &mut Poller<'_>) -> bool {
        self.closing.is_none() && self.inner.poll_whole(cx)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.inner.end == Some(EndKind::Cancelled)
    }

    /// Tells all observers the end, and gives what they still have to do, one after the other.
    fn end(&mut self, item: &Option<Result<Event>>) -> Closing {
        let end = match item {
            Some(Err(error)) => End::of(error),
            _ if self.is_cancelled() => End::Cancelled,
            _ => End::Finished,
        };
        let mut works = Vec::new();
        for watch in &mut self.watches {
            if let Closing::Work(work) = watch.end(end) {
                works.push(work);
            }
        }
        if works.len() < 2 {
            return works.pop().map_or(Closing::Done, Closing::Work);
        }
        Closing::Work(Box::pin(async move {
            for work in works {
                work.await;
            }
        }))
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(ending) = self.closing.take() {
            self.spawner.spawn("observer closing", ending.work);
        }
    }
}
