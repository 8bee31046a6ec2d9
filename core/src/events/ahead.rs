//! Reading ahead: one side reads on, another one takes what has come.

use std::task::{Context as Poller, Poll};

use futures_core::Stream;

use super::{EndKind, Event, Events, Result, Source};

/// How many events an answer may have that is looked at as a whole.
const SHORT: usize = 32;
/// How many events most whole answers have: the start, a text and its end, the usage, the finish.
const USUAL: usize = 5;

/// How far [`Events::poll_ahead`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// More has come. The task is woken when still more does.
    More,
    /// As much is kept as was asked for, or all but the end is there. The task is woken by a cancel only: come back
    /// once something was taken.
    Full,
    /// There is nothing more to read.
    Over,
}

impl Events {
    /// The rest of an answer, for who has the beginning: it is not held to the laws, and an end without an error is that
    /// of an answer that finished, be it before the rest began.
    pub(crate) fn rest(stream: impl Stream<Item = Result<Event>> + Send + 'static) -> Self {
        let mut events = Events::new(stream);
        events.is_rest = true;
        #[cfg(debug_assertions)]
        {
            events.laws = crate::laws::Laws::of_rest();
        }
        events
    }
}

/// Looking ahead: what was looked at is handed out all the same.
impl Events {
    /// The next item without taking it. `None` once the stream is over.
    pub async fn peek(&mut self) -> Option<&Result<Event>> {
        std::future::poll_fn(|cx| self.poll_peek(cx)).await;
        self.ahead.front()
    }

    /// Waits for the first event that can't be unsaid: content, or the finish of an answer without any. What comes
    /// before it (`Start`, `Usage`, notices) is kept, and the stream hands out all of it in order.
    ///
    /// # Errors
    /// What the stream ended with before that. Nothing of it was handed out, so another attempt may take its place.
    pub async fn until_content(&mut self) -> Result<()> {
        std::future::poll_fn(|cx| self.poll_content(cx)).await
    }

    /// The same, to be polled.
    ///
    /// # Errors
    /// As [`until_content`](Events::until_content).
    pub fn poll_content(&mut self, cx: &mut Poller<'_>) -> Poll<Result<()>> {
        loop {
            match self.ahead.back() {
                Some(Err(error)) => return Poll::Ready(Err(error.clone())),
                Some(Ok(event)) if event.is_content() => return Poll::Ready(Ok(())),
                _ => {}
            }
            let Some(stream) = &mut self.stream else {
                return Poll::Ready(self.failure.clone().map_or(Ok(()), Err));
            };
            let item = std::task::ready!(stream.poll_next(cx));
            let item = self.accept(item);
            self.push_ahead(item);
        }
    }

    /// Reads on what is there already, without waiting, and keeps it. True once that is all of a short answer that ended
    /// well: nothing of it can break any more. Who observes it already sees it on its way out all the same.
    pub fn poll_whole(&mut self, cx: &mut Poller<'_>) -> bool {
        if let Some(Source::Observed(observed)) = &mut self.stream {
            return observed.poll_whole(cx);
        }
        while self.end.is_none() && self.ahead.len() < SHORT {
            let Some(stream) = &mut self.stream else { return false };
            let Poll::Ready(item) = stream.poll_next(cx) else { return false };
            let item = self.accept(item);
            self.push_ahead(item);
        }
        self.end == Some(EndKind::Finished)
    }

    fn push_ahead(&mut self, item: Option<Result<Event>>) {
        if let Some(item) = item {
            if self.ahead.capacity() == 0 {
                self.ahead.reserve_exact(USUAL);
            }
            self.ahead.push_back(item);
        }
    }

    /// All events that are still to be handed out, once [`poll_whole`](Events::poll_whole) has read an answer to its good
    /// end: what a layer does when such an answer is over, it can do now.
    pub fn whole(&self) -> Option<impl Iterator<Item = &Event>> {
        self.is_whole().then(|| self.ahead.iter().flatten())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.end == Some(EndKind::Finished) && self.control.is_none() && !self.ahead.is_empty()
    }

    fn poll_peek(&mut self, cx: &mut Poller<'_>) -> Poll<()> {
        std::task::ready!(self.poll_control(cx));
        if self.ahead.is_empty()
            && let Some(item) = std::task::ready!(self.poll_source(cx))
        {
            self.ahead.push_back(item);
        }
        Poll::Ready(())
    }
}

/// Reading ahead, for hosts that read on in one task what another thread takes when it likes.
impl Events {
    /// Reads on and keeps what comes, up to so many events and bytes of memory, until [`take`](Events::take) hands it
    /// out. Nothing of it counts as handed out before: progress, checkpoints and the partial answer are those of the
    /// reader. While the stream is paused, only its pause reads on.
    ///
    /// The end itself is read once all else was taken, so that a cancel before that is the end for every layer.
    pub fn poll_ahead(&mut self, cx: &mut Poller<'_>, events: usize, bytes: usize) -> Poll<Ahead> {
        std::task::ready!(self.poll_control(cx));
        let mut is_more = false;
        loop {
            if self.end.is_some() {
                return Poll::Ready(Ahead::Over);
            }
            if self.is_far_ahead(events, bytes) {
                return Poll::Ready(match self.poll_cancelled(cx) {
                    Poll::Ready(_) => Ahead::Over,
                    Poll::Pending => Ahead::Full,
                });
            }
            let Some(stream) = &mut self.stream else { return Poll::Ready(Ahead::Over) };
            match stream.poll_next(cx) {
                Poll::Ready(item) => self.keep(item),
                Poll::Pending => {
                    let over = self.poll_cancelled(cx).map(|_| Ahead::Over);
                    return if over.is_pending() && is_more { Poll::Ready(Ahead::More) } else { over };
                }
            }
            is_more = true;
        }
    }

    /// Hands out the next item that was read ahead. Pending: none is there yet, or the stream is paused; no task is
    /// woken for it.
    pub fn take(&mut self) -> Poll<Option<Result<Event>>> {
        match &self.control {
            Some(control) if control.is_cancelled() => self.cut(),
            Some(control) if control.is_paused() => return Poll::Pending,
            _ => {}
        }
        if let Some(item) = self.ahead.pop_front() {
            return Poll::Ready(self.deliver(Some(item)));
        }
        if self.end.is_some() {
            return Poll::Ready(self.deliver(None));
        }
        if let Some(control) = &mut self.control {
            control.waits();
        }
        Poll::Pending
    }

    fn is_far_ahead(&mut self, events: usize, bytes: usize) -> bool {
        let held = self.control().held();
        !self.ahead.is_empty() && (self.finish_seen || self.ahead.len() >= events || held >= bytes)
    }

    fn keep(&mut self, item: Option<Result<Event>>) {
        let Some(item) = self.accept(item) else { return };
        if let Ok(event) = &item {
            self.control().hold(event);
        }
        self.ahead.push_back(item);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Waker;

    use futures_util::stream;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::completion::Completion;
    use crate::error::{Error, ErrorKind};
    use crate::events::{Closing, End, Observer};

    const MANY: usize = 1 << 20;

    fn ahead(events: &mut Events, limit: usize) -> Poll<Ahead> {
        events.poll_ahead(&mut Poller::from_waker(Waker::noop()), limit, MANY)
    }

    fn taken(events: &mut Events) -> Vec<&'static str> {
        std::iter::from_fn(|| match events.take() {
            Poll::Ready(Some(Ok(event))) => Some(event.name()),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn what_is_read_ahead_counts_once_it_is_taken() {
        let mut events = Completion::of_text("hello").into_events();
        let control = events.controller();
        assert_eq!(ahead(&mut events, 2), Poll::Ready(Ahead::Full));
        assert_eq!((control.progress().events, control.progress().buffered > 0), (0, true));
        assert_eq!(taken(&mut events), ["start", "text"]);
        assert_eq!((control.progress().events, control.progress().buffered), (2, 0));
        assert_eq!(events.partial().text(), "hello");
        assert_eq!(ahead(&mut events, MANY), Poll::Ready(Ahead::Full), "the end is not read ahead");
        assert_eq!(taken(&mut events), ["part_end", "finish"]);
        assert!(events.end().is_none() && events.take().is_pending());
        assert_eq!(ahead(&mut events, MANY), Poll::Ready(Ahead::Over));
        assert!(matches!(events.take(), Poll::Ready(None)));
        assert_eq!(events.end(), Some(EndKind::Finished));
    }

    #[test]
    fn a_cancel_is_the_end_whatever_was_read_ahead() {
        let mut events = Completion::of_text("hello").into_events();
        let control = events.controller();
        assert_eq!(ahead(&mut events, MANY), Poll::Ready(Ahead::Full));
        control.cancel();
        assert!(matches!(events.take(), Poll::Ready(None)));
        assert_eq!(events.end(), Some(EndKind::Cancelled));
        assert_eq!(ahead(&mut events, MANY), Poll::Ready(Ahead::Over));
    }

    #[test]
    fn a_pause_holds_back_what_was_read_ahead() {
        let mut events = Completion::of_text("hello").into_events();
        let control = events.controller();
        assert_eq!(ahead(&mut events, 1), Poll::Ready(Ahead::Full));
        control.pause();
        assert!(events.take().is_pending() && ahead(&mut events, MANY).is_pending());
        control.resume();
        assert_eq!(ahead(&mut events, MANY), Poll::Ready(Ahead::Full));
        assert_eq!(taken(&mut events), ["start", "text", "part_end", "finish"]);
    }

    #[test]
    fn the_rest_of_an_answer_is_a_stream() {
        let text = Event::Text { choice: 0, part: 0, delta: "the rest".into() };
        let finish = Event::Finish { choice: 0, finish: crate::event::Finish::default() };
        let rest = Events::rest(stream::iter([Ok(text), Ok(finish)]));
        assert_eq!(crate::testing::run(rest.collect()).unwrap().text(), "the rest");
        let mut nothing = Events::rest(stream::empty());
        assert!(crate::testing::run(nothing.peek()).is_none());
        assert_eq!(nothing.end(), Some(EndKind::Finished));
    }

    #[test]
    fn an_answer_is_whole_once_its_end_is_there_and_no_observer_is_told_it_before() {
        struct Told(Arc<AtomicBool>);
        impl Observer for Told {
            fn end(self: Box<Self>, _: End<'_>) -> Closing {
                self.0.store(true, Ordering::Relaxed);
                Closing::Done
            }
        }
        let (told, simulation) = (Arc::new(AtomicBool::new(false)), crate::testing::Simulation::new(1));
        let observer = Told(told.clone());
        let mut events = Completion::of_text("hello").into_events().observe(&simulation.context(), observer);
        crate::testing::run(events.until_content()).unwrap();
        assert!(whole(&mut events) && events.end().is_none() && !told.load(Ordering::Relaxed));
        assert!(events.whole().is_none(), "somebody has yet to be told");
        assert_eq!(crate::testing::run(events.collect()).unwrap().text(), "hello");
        assert!(told.load(Ordering::Relaxed));
        let finish = Event::Finish { choice: 0, finish: crate::event::Finish::default() };
        let start = Event::Start { id: None, model: None };
        let reset = Error::new(ErrorKind::Network, "reset");
        let mut events = Events::new(stream::iter([Ok(start), Ok(finish), Err(reset)]));
        assert!(!whole(&mut events), "it breaks behind its last event");
        let start = Event::Start { id: None, model: None };
        let text = || Ok(Event::Text { choice: 0, part: 0, delta: "more".into() });
        let mut events =
            Events::new(stream::iter(std::iter::once(Ok(start)).chain(std::iter::repeat_with(text))));
        assert!(!whole(&mut events) && events.ahead.len() == SHORT, "it is long");
        let start = stream::iter([Ok(Event::Start { id: None, model: None })]);
        let mut events = Events::new(futures_util::StreamExt::chain(start, stream::pending()));
        assert!(!whole(&mut events) && events.whole().is_none(), "more is to come");
    }

    fn whole(events: &mut Events) -> bool {
        events.poll_whole(&mut Poller::from_waker(Waker::noop()))
    }

    #[test]
    fn who_watches_a_call_is_told_all_of_a_whole_answer_before_it_is_handed_out() {
        #[derive(Default)]
        struct Told(Vec<&'static str>, Arc<std::sync::Mutex<Vec<&'static str>>>);
        impl Observer for Told {
            fn event(&mut self, event: &Event) {
                self.0.push(event.name());
            }
            fn end(mut self: Box<Self>, end: End<'_>) -> Closing {
                assert!(matches!(end, End::Finished));
                let all = self.1.clone();
                Closing::Work(Box::pin(async move { *all.lock().unwrap() = std::mem::take(&mut self.0) }))
            }
        }
        let simulation = crate::testing::Simulation::new(1);
        let told = Told::default();
        let all = told.1.clone();
        let mut answer = Completion::of_text("hello").into_events();
        assert!(whole(&mut answer));
        let call = crate::events::watch(&simulation.context(), async { Ok(answer) }, told);
        let events = simulation.run(call).unwrap();
        assert_eq!(*all.lock().unwrap(), ["start", "text", "part_end", "finish"]);
        assert!(events.end().is_none() && events.whole().is_some(), "the next one is told, too");
        assert_eq!(simulation.run(events.collect()).unwrap().text(), "hello");
    }

    #[test]
    fn an_error_comes_in_its_place_with_the_partial_answer() {
        let start = Event::Start { id: None, model: None };
        let text = Event::Text { choice: 0, part: 0, delta: "so far".into() };
        let reset = Error::new(ErrorKind::Network, "reset");
        let mut events = Events::new(stream::iter([Ok(start), Ok(text), Err(reset)]));
        assert_eq!(ahead(&mut events, MANY), Poll::Ready(Ahead::Over));
        assert_eq!(events.end(), None, "for the reader it is not over");
        assert_eq!(taken(&mut events), ["start", "text"]);
        let mut events = Events::new(stream::iter([Err(Error::new(ErrorKind::Network, "reset"))]));
        assert_eq!(ahead(&mut events, MANY), Poll::Ready(Ahead::Over));
        let Poll::Ready(Some(Err(error))) = events.take() else { panic!("the error is read") };
        assert_eq!((error.kind(), events.end()), (ErrorKind::Network, Some(EndKind::Failed)));
    }
}
