//! A stream whose end is told to the breaker.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use belvedere_core::event::Event;
use belvedere_core::events::{EndKind, Events};
use belvedere_core::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::StreamExt;

use super::permit::Permit;

/// Hands events on, and tells their end by the permit of their call.
pub(super) struct Guarded {
    events: Events,
    /// Gone once the end is told.
    permit: Option<Permit>,
    is_begun: bool,
    is_finished: bool,
}

impl Guarded {
    pub(super) fn new(events: Events, permit: Permit) -> Self {
        Guarded { events, permit: Some(permit), is_begun: false, is_finished: false }
    }

    #[inline]
    fn event(&mut self, event: &Event) {
        if !self.is_begun && event.is_content() {
            self.is_begun = true;
            self.permit.as_mut().into_iter().for_each(Permit::begun);
        }
        self.is_finished |= matches!(event, Event::Finish { .. });
    }
}

impl Stream for Guarded {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let item = ready!(this.events.poll_next_unpin(cx));
        match &item {
            Some(Ok(event)) => this.event(event),
            Some(Err(error)) => this.permit.take().into_iter().for_each(|permit| permit.failed(error)),
            None if this.events.end() == Some(EndKind::Cancelled) => {
                let cancelled = || Err(Error::new(ErrorKind::Cancelled, "the call was cancelled"));
                return Poll::Ready(this.permit.take().map(|_| cancelled()));
            }
            None => this.permit.take().into_iter().for_each(Permit::answered),
        }
        Poll::Ready(item)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Who stops reading at the `Finish` has had the whole answer.
        if let Some(permit) = self.permit.take().filter(|_| self.is_finished) {
            permit.answered();
        }
    }
}
