//! A reader of a log.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};

use super::Owner;
use super::drive::Shared;
use super::record::fetch;
use super::state::{Read, truncated};
use crate::error::Result;
use crate::event::Event;
use crate::events::Events;

/// A reader of a log: its events from an offset on, then the log's end.
///
/// It yields `None` after the last event of an answer that Finished, and one error otherwise: that of the source,
/// the same for all readers, `Cancelled`, or `Truncated` when this reader can't have the rest. Dropping it leaves
/// the log; with the last one the source is closed, unless the log is detached.
pub struct Cursor {
    offset: u64,
    origin: Origin,
}

enum Origin {
    /// A log of this process.
    Log(Live),
    /// The store that another process writes to.
    Store(BoxStream<'static, Result<Event>>),
    /// The end was told.
    Over,
}

struct Live {
    id: usize,
    log: Arc<Owner>,
    /// What came back from the store and was not handed out.
    fetched: VecDeque<Event>,
    fetching: Option<BoxFuture<'static, Result<Vec<Event>>>>,
}

impl Cursor {
    pub(super) fn live(log: Arc<Owner>, id: usize, offset: u64) -> Self {
        Cursor { offset, origin: Origin::Log(Live { id, log, fetched: VecDeque::new(), fetching: None }) }
    }

    pub(super) fn stored(offset: u64, events: BoxStream<'static, Result<Event>>) -> Self {
        Cursor { offset, origin: Origin::Store(events) }
    }

    /// The offset of the next event: how many events of the answer stand before it.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The stream of an answer; of its rest, for a reader that began later.
    pub fn into_events(self) -> Events {
        if self.offset == 0 { Events::new(self) } else { Events::rest(self) }
    }

    fn poll_origin(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        match &mut self.origin {
            Origin::Log(live) => live.poll(self.offset, cx),
            Origin::Store(events) => events.poll_next_unpin(cx),
            Origin::Over => Poll::Ready(None),
        }
    }
}

impl Stream for Cursor {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.poll_origin(cx));
        match item {
            Some(Ok(_)) => self.offset += 1,
            // Who was told the end has left: the log need not wait for the drop.
            _ => self.origin = Origin::Over,
        }
        Poll::Ready(item)
    }
}

impl Live {
    fn shared(&self) -> &Arc<Shared> {
        &self.log.0
    }

    fn poll(&mut self, offset: u64, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        loop {
            if let Some(event) = self.fetched.pop_front() {
                self.shared().with(|state| state.step(self.id));
                return Poll::Ready(Some(Ok(event)));
            }
            if let Some(fetching) = &mut self.fetching {
                let fetched = ready!(fetching.poll_unpin(cx));
                self.fetching = None;
                match fetched {
                    Ok(events) => self.fetched = events.into(),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
                continue;
            }
            let shared = self.shared();
            let mut read = match shared.with(|state| state.lend(self.id)) {
                Some(source) => match shared.poll_lent(self.id, source, cx) {
                    Ok(item) => return item,
                    Err(read) => read,
                },
                None => shared.with(|state| state.read(self.id, cx.waker())),
            };
            if let Read::Poll(source) = read {
                read = shared.poll_inline(self.id, source, cx);
            }
            match read {
                Read::Event(event) => return Poll::Ready(Some(Ok(event))),
                Read::Wait => return Poll::Pending,
                Read::Over(over) => return Poll::Ready(over.err().map(Err)),
                Read::Stored(first) => self.fetch(first, offset),
                // An event before the offset that this reader waits for: once more.
                Read::Poll(source) => self.shared().with(|state| state.give_back(source, Poll::Pending)),
            }
        }
    }

    /// Begins to read the batch that begins with `first` back from the store.
    fn fetch(&mut self, first: u64, offset: u64) {
        let Some(store) = &self.shared().store else { return };
        let (store, key) = (store.store.clone(), store.key.clone());
        let skip = usize::try_from(offset.saturating_sub(first)).unwrap_or(usize::MAX);
        self.fetching = Some(Box::pin(async move {
            let mut events = fetch(store, key, first).await?;
            let rest = events.split_off(skip.min(events.len()));
            match rest.is_empty() {
                true => Err(truncated("a batch in the store is shorter than it was")),
                false => Ok(rest),
            }
        }));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared().with(|state| state.leave(self.id));
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("offset", &self.offset).finish_non_exhaustive()
    }
}
