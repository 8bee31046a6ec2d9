//! The stream of an answer, and the observers that see all of it.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use futures_core::Stream;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, future::BoxFuture};

use crate::cancel::{Cancel, Waiter};
use crate::completion::{Completion, Fold};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Notice};
use crate::spawner::Spawner;

/// The events of one answer, in order, until its one end.
///
/// The stream yields `Ok(event)` until it is over. It is over when it yields `None` (Finished, or Cancelled after
/// [`Canceller::cancel`]) or one `Err` (Truncated or Failed), after which it yields `None` for ever.
/// [`end`](Events::end) says which. Dropping it cancels the call and closes the upstream connection.
pub struct Events {
    /// Gone once the stream is over.
    stream: Option<BoxStream<'static, Result<Event>>>,
    ahead: VecDeque<Result<Event>>,
    finish_seen: bool,
    end: Option<EndKind>,
    /// The error it ended with: also who collects after it was read gets no answer.
    failure: Option<Error>,
    cancel: Option<Waiter>,
    #[cfg(debug_assertions)]
    laws: crate::laws::Laws,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// With the provider's terminal signal. A finish reason `length` is Finished, too.
    Finished,
    /// The wire ended without the provider's terminal signal.
    Truncated,
    /// With an error.
    Failed,
    /// By its owner, or because the stream was dropped.
    Cancelled,
}

/// How a stream ended, with the error where there is one.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// With the provider's terminal signal.
    Finished,
    /// The wire ended without the provider's terminal signal.
    Truncated(&'a Error),
    /// With an error.
    Failed(&'a Error),
    /// By its owner, or because the stream was dropped.
    Cancelled,
}

impl<'a> End<'a> {
    /// The end that `error` means.
    pub fn of(error: &'a Error) -> Self {
        match error.kind() {
            ErrorKind::Truncated => End::Truncated(error),
            ErrorKind::Cancelled => End::Cancelled,
            _ => End::Failed(error),
        }
    }

    /// Without the error.
    pub fn kind(&self) -> EndKind {
        match self {
            End::Finished => EndKind::Finished,
            End::Truncated(_) => EndKind::Truncated,
            End::Failed(_) => EndKind::Failed,
            End::Cancelled => EndKind::Cancelled,
        }
    }
}

/// Cancels a call from any thread or task. Cheap to clone; outlives the stream.
#[derive(Debug, Clone)]
pub struct Canceller(Cancel);

impl Canceller {
    /// Ends the call: the upstream connection closes and the stream yields no further item. Idempotent.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl Events {
    /// A stream from a source of events. In a debug build the source is held to the [laws](crate::laws): a breach
    /// becomes an `Unexpected` error that names the law.
    pub fn new(stream: impl Stream<Item = Result<Event>> + Send + 'static) -> Self {
        Events {
            stream: Some(Box::pin(stream)),
            ahead: VecDeque::new(),
            finish_seen: false,
            end: None,
            failure: None,
            cancel: None,
            #[cfg(debug_assertions)]
            laws: crate::laws::Laws::default(),
        }
    }

    /// A stream of events that are all there already.
    pub fn from_events(events: Vec<Event>) -> Self {
        Events::new(futures_util::stream::iter(events.into_iter().map(Ok)))
    }

    /// Ties the stream to the call's cancel signal: once it is given, the source is dropped and the stream is over.
    pub(crate) fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel.waiter());
        self
    }

    /// A handle that cancels the call; `None` for a stream that was not made by a client.
    pub fn canceller(&self) -> Option<Canceller> {
        self.cancel.as_ref().map(|w| Canceller(w.cancel().clone()))
    }

    /// Cancels the call: no further item follows, and [`end`](Events::end) says Cancelled.
    pub fn cancel(&mut self) {
        if let Some(waiter) = &self.cancel {
            waiter.cancel().cancel();
        }
        self.close(EndKind::Cancelled);
    }

    /// How the stream ended; `None` while it has not.
    pub fn end(&self) -> Option<EndKind> {
        self.end
    }

    /// The next item without taking it. `None` once the stream is over.
    pub async fn peek(&mut self) -> Option<&Result<Event>> {
        if self.ahead.is_empty() {
            let item = self.next().await?;
            self.ahead.push_back(item);
        }
        self.ahead.front()
    }

    /// Reads the stream to its end and folds it.
    ///
    /// # Errors
    /// The stream's error, or `Cancelled`, with the partial answer inside if anything had come.
    pub async fn collect(mut self) -> Result<Completion> {
        let mut fold = Fold::default();
        while let Some(item) = self.next().await {
            match item {
                Ok(event) => fold.event(&event),
                Err(_) => break,
            }
        }
        let error = match (self.end, self.failure) {
            (_, Some(error)) => error,
            (Some(EndKind::Cancelled), None) => Error::new(ErrorKind::Cancelled, "the call was cancelled"),
            _ => return Ok(fold.into_completion()),
        };
        let partial = fold.into_completion();
        match error.partial() {
            None if partial != Completion::default() => Err(error.with_partial(partial)),
            _ => Err(error),
        }
    }

    /// Shows every event and the one end to `observer`, also when the stream is dropped.
    pub fn observe(self, cx: &Context, observer: impl Observer) -> Events {
        self.observed(Watch::new(cx, Box::new(observer)))
    }

    fn observed(self, watch: Watch) -> Events {
        Events::new(Observed { inner: self, watch, closing: None })
    }

    fn close(&mut self, end: EndKind) {
        self.end.get_or_insert(end);
        self.ahead.clear();
        self.stream = None;
    }

    fn accept(&mut self, item: Option<Result<Event>>) -> Option<Result<Event>> {
        match item {
            Some(Ok(event)) => {
                #[cfg(debug_assertions)]
                if let Err(breach) = self.laws.event(&event) {
                    return self
                        .fail(Error::new(ErrorKind::Unexpected, format!("stream law broken: {breach}")));
                }
                match &event {
                    Event::Finish { .. } => self.finish_seen = true,
                    Event::Notice(Notice::Restart { .. }) => self.finish_seen = false,
                    _ => {}
                }
                Some(Ok(event))
            }
            Some(Err(error)) => self.fail(error),
            None if self.finish_seen => {
                #[cfg(debug_assertions)]
                if let Err(breach) = self.laws.finished() {
                    return self
                        .fail(Error::new(ErrorKind::Unexpected, format!("stream law broken: {breach}")));
                }
                self.close(EndKind::Finished);
                None
            }
            None => self.fail(Error::new(ErrorKind::Truncated, "the stream ended without its Finish")),
        }
    }

    fn fail(&mut self, error: Error) -> Option<Result<Event>> {
        let end = End::of(&error).kind();
        self.close(end);
        self.failure = Some(error.clone());
        (end != EndKind::Cancelled).then_some(Err(error))
    }
}

impl Stream for Events {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // A cancel comes before what was peeked, but not before an end that was.
        if this.end.is_none() && this.cancel.as_ref().is_some_and(Waiter::is_given) {
            this.close(EndKind::Cancelled);
        }
        if let Some(item) = this.ahead.pop_front() {
            return Poll::Ready(Some(item));
        }
        if this.end.is_some() {
            return Poll::Ready(None);
        }
        if let Some(stream) = &mut this.stream
            && let Poll::Ready(item) = stream.poll_next_unpin(cx)
        {
            return Poll::Ready(this.accept(item));
        }
        if let Some(waiter) = &mut this.cancel
            && waiter.listen(cx).is_ready()
        {
            this.close(EndKind::Cancelled);
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("end", &self.end).finish_non_exhaustive()
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

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
