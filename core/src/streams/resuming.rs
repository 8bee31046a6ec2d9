//! A stream whose upstream a pause may close: it goes on with a checkpoint when its reader comes back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use crate::client::Pinned;
use crate::completion::{Completion, Fold};
use crate::context::Call;
use crate::control::StreamController;
use crate::error::{Error, Result};
use crate::event::{Event, Notice};
use crate::log::{Cursor, EventLog};

/// Hands out the events of a log, and when that was closed in a pause, those of the call that goes on with it.
pub(crate) struct Resuming {
    client: Arc<Pinned>,
    call: Arc<Call>,
    control: StreamController,
    log: EventLog,
    reader: Cursor,
    /// What the log ended with when it was closed. What goes on with the answer begins where its reader is, so who
    /// reads ahead has to hand that out first.
    closed: Option<Error>,
    opening: Option<BoxFuture<'static, Result<(EventLog, Cursor)>>>,
    /// There while the events come from a later call.
    seam: Option<Seam>,
}

impl Resuming {
    pub(crate) fn new(
        client: Pinned,
        call: Arc<Call>,
        control: StreamController,
        log: EventLog,
        reader: Cursor,
    ) -> Self {
        Resuming {
            client: Arc::new(client),
            call,
            control,
            log,
            reader,
            closed: None,
            opening: None,
            seam: None,
        }
    }
}

impl Stream for Resuming {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(opening) = &mut this.opening {
                let opened = ready!(opening.as_mut().poll(cx));
                this.opening = None;
                match opened {
                    Ok((log, reader)) => (this.log, this.reader) = (log, reader),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            if this.closed.is_some() {
                ready!(this.control.poll_drained(cx));
            }
            if let Some(error) = this.closed.take() {
                let Some(checkpoint) = this.control.checkpoint() else {
                    return Poll::Ready(Some(Err(error)));
                };
                this.seam = Some(this.control.with_fold(Seam::after));
                let (client, call, control) = (this.client.clone(), this.call.clone(), this.control.clone());
                this.opening =
                    Some(Box::pin(async move { client.reopen(checkpoint, &call, &control).await }));
                continue;
            }
            match ready!(this.reader.poll_next_unpin(cx)) {
                Some(Err(error)) if this.log.is_closed() => this.closed = Some(error),
                Some(Ok(event)) => match &mut this.seam {
                    None => return Poll::Ready(Some(Ok(event))),
                    Some(seam) => {
                        if let Some(event) = seam.event(event) {
                            return Poll::Ready(Some(Ok(event)));
                        }
                    }
                },
                end => return Poll::Ready(end),
            }
        }
    }
}

/// Leaves out what was handed out already, and numbers the parts as they were numbered before.
struct Seam {
    /// What was handed out comes again until the notice that the answer goes on.
    repeating: bool,
    /// A `Start` was handed out that said nothing, and nothing else: that is no partial answer to go on with, so the
    /// answer begins anew.
    bare: bool,
    /// By choice: the numbers of the parts that were handed out, by their place.
    numbers: Vec<(u32, Vec<u32>)>,
}

impl Seam {
    fn after(fold: &Fold) -> Self {
        let numbers = fold.completion().choices.iter().map(|choice| {
            let number = |at| fold.number(choice.index, at);
            (choice.index, (0..choice.parts.len()).filter_map(number).collect())
        });
        let bare = *fold.completion() == Completion::default();
        Seam {
            repeating: fold.is_started() && !bare,
            bare: fold.is_started() && bare,
            numbers: numbers.collect(),
        }
    }

    fn event(&mut self, mut event: Event) -> Option<Event> {
        match &event {
            // Nothing that was handed out counts any more.
            Event::Notice(Notice::Restart { .. }) => {
                *self = Seam { repeating: false, bare: false, numbers: Vec::new() };
            }
            Event::Start { .. } if std::mem::take(&mut self.bare) => return None,
            Event::Notice(Notice::Continued { .. }) => self.repeating = false,
            _ if self.repeating => return None,
            _ => {}
        }
        if let Some((choice, part)) = event.part_mut() {
            *part = self.number(*choice, *part);
        }
        Some(event)
    }

    /// The number of a part that the later call knows by its place, or that is new.
    fn number(&self, choice: u32, part: u32) -> u32 {
        let Some((_, numbers)) = self.numbers.iter().find(|(of, _)| *of == choice) else { return part };
        let known = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        match usize::try_from(part).ok().and_then(|at| numbers.get(at)) {
            Some(number) => *number,
            None => {
                let next = numbers.iter().max().map_or(0, |max| max.saturating_add(1));
                next.saturating_add(part.saturating_sub(known))
            }
        }
    }
}
