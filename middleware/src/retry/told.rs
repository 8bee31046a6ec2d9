//! An answer that took retries, and says so.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec::IntoIter;

use belvedere_core::event::{Event, Notice};
use belvedere_core::events::{EndKind, Events};
use belvedere_core::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::StreamExt;

/// The answer behind its notices. Without any it is handed on as it is.
pub(super) fn told(notices: Vec<Notice>, events: Events) -> Events {
    match notices.is_empty() {
        true => events,
        false => Events::new(Told { notices: notices.into_iter(), events }),
    }
}

struct Told {
    notices: IntoIter<Notice>,
    events: Events,
}

impl Stream for Told {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(notice) = self.notices.next() {
            return Poll::Ready(Some(Ok(Event::Notice(notice))));
        }
        let item = ready!(self.events.poll_next_unpin(cx));
        let is_cancelled = item.is_none() && self.events.end() == Some(EndKind::Cancelled);
        let cancelled = || Err(Error::new(ErrorKind::Cancelled, "the call was cancelled"));
        Poll::Ready(item.or_else(|| is_cancelled.then(cancelled)))
    }
}
