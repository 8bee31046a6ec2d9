//! A stream under time limits.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use belvedere_core::Result;
use belvedere_core::event::Event;
use belvedere_core::events::Events;
use futures_core::Stream;
use futures_util::StreamExt;

use super::timer::Timers;

/// Hands events on until their end, or until a timer runs out.
pub(super) struct Timed {
    /// Gone at the end: the source is closed and no timer runs on.
    running: Option<(Events, Box<Timers>)>,
}

impl Timed {
    pub(super) fn new(events: Events, mut timers: Box<Timers>) -> Self {
        timers.answered();
        Timed { running: Some((events, timers)) }
    }
}

impl Stream for Timed {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some((events, timers)) = &mut this.running else { return Poll::Ready(None) };
        let polled = events.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(event))) = &polled {
            let Some(error) = timers.event(event) else { return polled };
            this.running = None;
            return Poll::Ready(Some(Err(error)));
        }
        let item = match polled {
            Poll::Ready(end) => end.or_else(|| events.after_end()),
            Poll::Pending => {
                let error = ready!(timers.waiting(cx));
                (!timers.is_finished()).then_some(Err(error))
            }
        };
        this.running = None;
        Poll::Ready(item)
    }
}
