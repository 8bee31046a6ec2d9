//! A function that answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};

use async_trait::async_trait;
use belvedere::context::{AttemptTicket, Context};
use belvedere::events::End;
use belvedere::service::{Info, Service};
use belvedere::{EndKind, Event, Events, Request, Result};
use futures_util::{Stream, StreamExt};

use super::function::Body;
use super::layer::asked;
use super::running::Running;

/// A function of Python that answers requests.
#[derive(Debug)]
pub(super) struct HostProvider(Arc<Body>);

impl HostProvider {
    pub(super) fn new(body: Arc<Body>) -> Self {
        HostProvider(body)
    }
}

#[async_trait]
impl Service for HostProvider {
    fn info(&self) -> Info {
        Info::new(self.0.name.as_str(), "python").with_model(self.0.model.as_deref().map(Into::into))
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let info = self.info();
        let ticket = cx.attempt(info.name, request.model.clone().or(info.model));
        let call = cx.call.clone();
        let running =
            Running::begin(self.0.clone(), Box::new(move |py| Ok(vec![asked(py, &request, &call)?])));
        match running.open().await {
            Ok(events) => Ok(Events::new(Attempted { events, ticket })),
            Err(error) => {
                let error = ticket.stamp(error);
                ticket.end(End::of(&error));
                Err(error)
            }
        }
    }
}

/// The events of one attempt; takes note of what it used and how it ended.
struct Attempted {
    events: Events,
    ticket: AttemptTicket,
}

impl Stream for Attempted {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let item = ready!(this.events.poll_next_unpin(cx));
        Poll::Ready(match item {
            Some(Ok(event)) => {
                if let Event::Usage(usage) = &event {
                    this.ticket.usage(usage);
                }
                Some(Ok(event))
            }
            Some(Err(error)) => {
                let error = this.ticket.stamp(error);
                this.ticket.end(End::of(&error));
                Some(Err(error))
            }
            None => {
                match this.events.end() {
                    Some(EndKind::Cancelled) => this.ticket.end(End::Cancelled),
                    _ => this.ticket.end(End::Finished),
                }
                this.events.after_end()
            }
        })
    }
}
