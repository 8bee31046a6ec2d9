//! A source fed by hand, and readers read by hand.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_util::StreamExt;

use super::{Cursor, EventLog, Events, Keep, LogOptions, Result};
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Finish};
use crate::testing::{Simulation, Task};

/// A source that gives what the test feeds it, and knows whether it is read and open.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<Fed>>);

struct Fed {
    items: VecDeque<Item>,
    waker: Option<Waker>,
    given: u64,
    polls: u64,
    open: bool,
}

pub(super) enum Item {
    Event(Event),
    Fail(Error),
    Panic,
    End,
}

struct Source(Feed);

impl Feed {
    pub(super) fn new() -> Self {
        Feed(Arc::new(Mutex::new(Fed {
            items: VecDeque::new(),
            waker: None,
            given: 0,
            polls: 0,
            open: true,
        })))
    }

    /// A source that has the events of `answer(deltas)`, and its end.
    pub(super) fn of(deltas: usize) -> Self {
        let feed = Feed::new();
        answer(deltas).into_iter().for_each(|event| feed.push(event));
        feed.feed(Item::End);
        feed
    }

    pub(super) fn feed(&self, item: Item) {
        let mut fed = self.0.lock().unwrap();
        fed.items.push_back(item);
        let waker = fed.waker.take();
        drop(fed);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(super) fn push(&self, event: Event) {
        self.feed(Item::Event(event));
    }

    /// How many events were read.
    pub(super) fn given(&self) -> u64 {
        self.0.lock().unwrap().given
    }

    pub(super) fn polls(&self) -> u64 {
        self.0.lock().unwrap().polls
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap().open
    }

    pub(super) fn events(&self) -> Events {
        Events::new(Source(self.clone()))
    }
}

impl Stream for Source {
    type Item = Result<Event>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut fed = self.0.0.lock().unwrap();
        fed.polls += 1;
        match fed.items.pop_front() {
            Some(Item::Event(event)) => {
                fed.given += 1;
                Poll::Ready(Some(Ok(event)))
            }
            Some(Item::Fail(error)) => Poll::Ready(Some(Err(error))),
            Some(Item::End) => Poll::Ready(None),
            Some(Item::Panic) => {
                drop(fed);
                panic!("the prompt was: hi")
            }
            None => {
                fed.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().open = false;
    }
}

pub(super) fn text(delta: usize) -> Event {
    Event::Text { choice: 0, part: 0, delta: delta.to_string().into() }
}

/// `deltas + 3` events: start, the deltas, part end, finish.
pub(super) fn answer(deltas: usize) -> Vec<Event> {
    let mut events = vec![Event::Start { id: None, model: None }];
    events.extend((0..deltas).map(text));
    events.push(Event::PartEnd { choice: 0, part: 0 });
    events.push(Event::Finish { choice: 0, finish: Finish::default() });
    events
}

/// How much memory so many of these events take.
pub(super) const fn sizes(events: usize) -> usize {
    events * size_of::<Event>()
}

pub(super) fn log(simulation: &Simulation, feed: &Feed, options: LogOptions) -> EventLog {
    EventLog::new(feed.events(), Arc::new(simulation.lent()), options)
}

pub(super) fn unread(bytes: usize) -> LogOptions {
    LogOptions { bytes, keep: Keep::Unread, ..LogOptions::default() }
}

/// The next items, until the reader waits or its end was told.
pub(super) fn ready(simulation: &Simulation, cursor: &mut Cursor) -> Vec<Result<Event>> {
    let mut items = Vec::new();
    while let Some(Some(item)) = next(simulation, cursor) {
        items.push(item);
    }
    items
}

/// The next item; `None` when the reader waits.
pub(super) fn next(simulation: &Simulation, cursor: &mut Cursor) -> Option<Option<Result<Event>>> {
    match simulation.poll(&mut Task::new(cursor.next())) {
        Poll::Ready(item) => Some(item),
        Poll::Pending => None,
    }
}

pub(super) fn events(items: Vec<Result<Event>>) -> Vec<Event> {
    items.into_iter().map(Result::unwrap).collect()
}

/// All a reader gets: its events, and the kind of the error it ended with.
pub(super) fn read(simulation: &Simulation, cursor: &mut Cursor) -> (Vec<Event>, Option<ErrorKind>) {
    let mut items = ready(simulation, cursor);
    assert!(matches!(next(simulation, cursor), Some(None)), "it has ended");
    let error = match items.last() {
        Some(Err(error)) => Some(error.kind()),
        _ => None,
    };
    items.truncate(items.len() - usize::from(error.is_some()));
    (events(items), error)
}
