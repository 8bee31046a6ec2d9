//! The stream of an answer, and the observers that see all of it.

mod ahead;
mod end;
mod observe;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::completion::{Completion, Fold};
use crate::control::{Control, StreamController};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Notice};
pub use ahead::Ahead;
pub use end::{End, EndKind};
use observe::Observed;
pub use observe::{Closing, Observer, watch};

/// The events of one answer, in order, until its one end.
///
/// The stream yields `Ok(event)` until it is over. It is over when it yields `None` (Finished, or Cancelled after
/// [`StreamController::cancel`]) or one `Err` (Truncated or Failed), after which it yields `None` for ever.
/// [`end`](Events::end) says which. Dropping it cancels the call and closes the upstream connection. A
/// [`controller`](Events::controller) pauses, resumes and cancels it from anywhere, and tells how far it is.
pub struct Events {
    /// Gone once the stream is over.
    stream: Option<Source>,
    ahead: VecDeque<Result<Event>>,
    finish_seen: bool,
    /// What it is the rest of may have finished before it begins.
    is_rest: bool,
    end: Option<EndKind>,
    /// The error it ended with: also who collects after it was read gets no answer.
    failure: Option<Error>,
    control: Option<Box<Control>>,
    #[cfg(debug_assertions)]
    laws: crate::laws::Laws,
}

/// Where events come from.
enum Source {
    /// Any stream.
    Any(BoxStream<'static, Result<Event>>),
    /// A stream with observers: those of several layers share one.
    Observed(Box<Observed>),
}

impl Source {
    #[inline]
    fn poll_next(&mut self, cx: &mut Poller<'_>) -> Poll<Option<Result<Event>>> {
        match self {
            Source::Any(stream) => stream.poll_next_unpin(cx),
            Source::Observed(observed) => observed.poll_next(cx),
        }
    }
}

impl Events {
    /// A stream from a source of events. In a debug build the source is held to the [laws](crate::laws): a breach
    /// becomes an `Unexpected` error that names the law.
    pub fn new(stream: impl Stream<Item = Result<Event>> + Send + 'static) -> Self {
        Events::boxed(Box::pin(stream))
    }

    /// The same from one that is boxed already.
    pub(crate) fn boxed(stream: BoxStream<'static, Result<Event>>) -> Self {
        Events::from_source(Source::Any(stream))
    }

    fn from_source(source: Source) -> Self {
        Events {
            stream: Some(source),
            ahead: VecDeque::new(),
            finish_seen: false,
            is_rest: false,
            end: None,
            failure: None,
            control: None,
            #[cfg(debug_assertions)]
            laws: crate::laws::Laws::default(),
        }
    }

    /// A stream of events that are all there already.
    pub fn from_events(events: Vec<Event>) -> Self {
        Events::new(futures_util::stream::iter(events.into_iter().map(Ok)))
    }

    /// Puts the stream under the control of its call: once that is cancelled, the source is dropped and the stream is
    /// over; while it is paused, nothing is handed out.
    pub(crate) fn controlled(mut self, control: Box<Control>) -> Self {
        self.control = Some(control);
        self
    }

    fn control(&mut self) -> &mut Control {
        self.control.get_or_insert_with(Control::detached)
    }

    /// Control of the stream from any thread or task: pause, resume, cancel, progress, checkpoint.
    ///
    /// A stream that was not made by a client is controlled from this moment on, without a clock: it can be paused
    /// and cancelled and its events count, but all its times are zero, and it has no checkpoint.
    pub fn controller(&mut self) -> StreamController {
        self.control().controller()
    }

    /// The answer as far as it was handed out, with its usage as far as it is known. Kept for the streams that a
    /// client makes, also after their end.
    pub fn partial(&self) -> Completion {
        self.control.as_ref().map(|control| control.partial()).unwrap_or_default()
    }

    /// Cancels the call: no further item follows, and [`end`](Events::end) says Cancelled. A failure that a pause or
    /// [`peek`](Events::peek) had met before stays the end, and is handed out.
    pub fn cancel(&mut self) {
        if let Some(control) = &self.control {
            control.cancel();
        }
        self.cut();
    }

    /// What a wrapper of this stream hands out after it has ended without an error: nothing, or that it was cancelled,
    /// which is no end of its own making (L12).
    pub fn after_end(&self) -> Option<Result<Event>> {
        (self.end == Some(EndKind::Cancelled))
            .then(|| Err(Error::new(ErrorKind::Cancelled, "the call was cancelled")))
    }

    /// How the stream ended; `None` while it has not.
    pub fn end(&self) -> Option<EndKind> {
        // What is read ahead may be over while the caller is not. An error alone is the end itself.
        self.end.filter(|_| self.ahead.iter().all(Result::is_err))
    }

    /// Reads the stream to its end and folds it.
    ///
    /// # Errors
    /// The stream's error, or `Cancelled`, with the partial answer inside if anything had come.
    pub async fn collect(mut self) -> Result<Completion> {
        // A stream with a control folds itself.
        let mut fold = self.control.is_none().then(Box::<Fold>::default);
        while let Some(Ok(event)) = self.next().await {
            if let Some(fold) = &mut fold {
                fold.event(&event);
            }
        }
        let partial = match &mut self.control {
            Some(control) => control.take_partial(),
            None => fold.map(|fold| fold.into_completion()).unwrap_or_default(),
        };
        let error = match (self.end, self.failure) {
            (_, Some(error)) => error,
            (Some(EndKind::Cancelled), None) => Error::new(ErrorKind::Cancelled, "the call was cancelled"),
            _ => {
                let attempts = self.control.map_or_else(Vec::new, |control| control.attempts());
                return Ok(Completion { attempts, ..partial });
            }
        };
        match error.partial() {
            None if partial != Completion::default() => Err(error.with_partial(partial)),
            _ => Err(error),
        }
    }

    /// Ends the stream; what was read ahead stands.
    fn close(&mut self, end: EndKind) {
        self.end.get_or_insert(end);
        self.stream = None;
    }

    /// Ends the stream as cancelled, without what was read ahead. An end that was read ahead is the end all the same.
    fn cut(&mut self) {
        self.ahead.retain(|item| self.end.is_some() && item.is_err());
        self.close(EndKind::Cancelled);
        self.settle_end();
    }

    /// Tells the controllers the end, once everything before it was handed out.
    fn settle_end(&mut self) {
        if let (Some(control), Some(end), true) = (&mut self.control, self.end, self.ahead.is_empty()) {
            control.ended(end);
        }
    }

    #[inline]
    fn accept(&mut self, item: Option<Result<Event>>) -> Option<Result<Event>> {
        // What goes through most is looked at where it is, and not moved.
        if let Some(Ok(event)) = &item {
            #[cfg(debug_assertions)]
            if let Err(breach) = self.laws.event(event) {
                return self.fail(Error::new(ErrorKind::Unexpected, format!("stream law broken: {breach}")));
            }
            match event {
                Event::Finish { .. } => self.finish_seen = true,
                Event::Notice(Notice::Restart { .. }) => self.finish_seen = false,
                _ => {}
            }
            return item;
        }
        self.accept_end(item)
    }

    /// The same for what comes after the last event.
    fn accept_end(&mut self, item: Option<Result<Event>>) -> Option<Result<Event>> {
        match item {
            Some(Ok(_)) => item,
            Some(Err(error)) => self.fail(error),
            None if self.finish_seen || self.is_rest => {
                #[cfg(debug_assertions)]
                if let Err(breach) = self.laws.finished() {
                    return self
                        .fail(Error::new(ErrorKind::Unexpected, format!("stream law broken: {breach}")));
                }
                self.close(EndKind::Finished);
                None
            }
            None if self.is_source_cancelled() => {
                self.close(EndKind::Cancelled);
                None
            }
            None => self.fail(Error::new(ErrorKind::Truncated, "the stream ended without its Finish")),
        }
    }

    /// Whether what is observed ended as cancelled: that is no cut (L12).
    fn is_source_cancelled(&self) -> bool {
        matches!(&self.stream, Some(Source::Observed(observed)) if observed.is_cancelled())
    }

    fn fail(&mut self, error: Error) -> Option<Result<Event>> {
        let end = End::of(&error).kind();
        self.close(end);
        self.failure = Some(error.clone());
        (end != EndKind::Cancelled).then_some(Err(error))
    }
}

/// Reading.
impl Events {
    /// The next item of the source, read ahead or not. Nothing of it counts as handed out.
    #[inline]
    fn poll_source(&mut self, cx: &mut Poller<'_>) -> Poll<Option<Result<Event>>> {
        if let Some(item) = self.ahead.pop_front() {
            return Poll::Ready(Some(item));
        }
        if self.end.is_some() {
            return Poll::Ready(None);
        }
        if let Some(stream) = &mut self.stream
            && let Poll::Ready(item) = stream.poll_next(cx)
        {
            return Poll::Ready(self.accept(item));
        }
        self.poll_cancelled(cx)
    }

    /// The next item of a stream inside of a layer, which nobody controls and nobody read ahead of: most events of most
    /// calls come this way once for each layer that has to see them.
    #[inline]
    fn poll_inner(&mut self, cx: &mut Poller<'_>) -> Poll<Option<Result<Event>>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        match stream.poll_next(cx) {
            Poll::Ready(item) => Poll::Ready(self.accept(item)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Waits for the call's cancel, which ends the stream.
    fn poll_cancelled(&mut self, cx: &mut Poller<'_>) -> Poll<Option<Result<Event>>> {
        if let Some(control) = &mut self.control
            && control.poll_cancelled(cx).is_ready()
        {
            self.cut();
            return Poll::Ready(None);
        }
        Poll::Pending
    }

    /// Ready when nothing stands against handing an item out. A cancel comes before what was read ahead, but not
    /// before an end that was.
    #[inline]
    fn poll_control(&mut self, cx: &mut Poller<'_>) -> Poll<()> {
        match &self.control {
            Some(control) if control.is_cancelled() => self.cut(),
            Some(control) if control.is_paused() => return self.poll_pause(cx),
            _ => {}
        }
        Poll::Ready(())
    }

    /// Holds the caller back while the call is paused, and reads ahead meanwhile: up to the buffer's bytes, and not
    /// past the last event of an answer, so that a cancel in the pause still is the end of it for every layer.
    fn poll_pause(&mut self, cx: &mut Poller<'_>) -> Poll<()> {
        loop {
            let Some(control) = &mut self.control else { return Poll::Ready(()) };
            if control.poll_running(cx).is_ready() {
                return Poll::Ready(());
            }
            if control.is_full() {
                // It may stay so for long.
                self.ahead.shrink_to_fit();
                break;
            }
            if self.finish_seen || self.end.is_some() {
                break;
            }
            let Some(stream) = &mut self.stream else { break };
            match stream.poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(item) => {
                    if let Some(item) = self.accept(item) {
                        if let (Ok(event), Some(control)) = (&item, &mut self.control) {
                            control.hold(event);
                        }
                        self.ahead.push_back(item);
                    }
                }
            }
        }
        if let Some(control) = &mut self.control {
            control.waits();
        }
        self.poll_cancelled(cx).map(|_| ())
    }

    /// Takes note of what is handed out.
    #[inline]
    fn deliver(&mut self, item: Option<Result<Event>>) -> Option<Result<Event>> {
        match &item {
            Some(Ok(event)) => {
                if let Some(control) = &mut self.control {
                    control.delivered(event);
                }
                item
            }
            _ => self.deliver_end(item),
        }
    }

    /// The same for an end. An error takes the partial answer with it.
    fn deliver_end(&mut self, item: Option<Result<Event>>) -> Option<Result<Event>> {
        self.settle_end();
        let (Some(control), Some(Err(error))) = (&self.control, &item) else { return item };
        let partial = control.partial();
        if error.partial().is_none() && partial != Completion::default() {
            let error = error.clone().with_partial(partial);
            self.failure = Some(error.clone());
            return Some(Err(error));
        }
        item
    }
}

impl Stream for Events {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.control.is_none() && this.ahead.is_empty() {
            return this.poll_inner(cx);
        }
        std::task::ready!(this.poll_control(cx));
        match this.poll_source(cx) {
            Poll::Ready(item) => Poll::Ready(this.deliver(item)),
            Poll::Pending => {
                if let Some(control) = &mut this.control {
                    control.waits();
                }
                Poll::Pending
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("end", &self.end).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
