//! The one driver of all wire protocols: encode, sign, send, frame, decode.

mod failed;
mod limits;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use smol_str::SmolStr;

use crate::context::{AttemptTicket, Context};
use crate::credentials::{Credentials, Origin};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::events::{End, Events};
use crate::provider::{Lack, Provider};
use crate::reader::{Outcome, Reader};
use crate::request::{Options, Request};
use crate::service::{Info, Service};
use crate::target::{self, Target};
use crate::transport::Body;
pub use limits::Limits;

/// A service from a wire protocol: the one driver of all of them.
///
/// It owns framing, signing, limits, truncation and cancellation. It follows no redirect, and it signs only what
/// goes to the origin of [`Provider::base_url`]. Dropping the call or its stream closes the connection.
pub struct Http<P: ?Sized> {
    credentials: Arc<dyn Credentials>,
    limits: Limits,
    headers: HeaderMap,
    /// Who answers, told to every layer that asks.
    info: Info,
    pub(crate) target: Target,
    provider: P,
}

impl<P: Provider> Http<P> {
    /// Drives `provider` with `credentials`.
    pub fn new(provider: P, credentials: impl Credentials) -> Self {
        let mut info = provider.info();
        info.host = provider.base_url().host().map(SmolStr::from);
        info.credential = credentials.id();
        Http {
            provider,
            info,
            credentials: Arc::new(credentials),
            limits: Limits::default(),
            headers: HeaderMap::new(),
            target: Target::default(),
        }
    }

    /// Sends these headers with every request. Values that are secret must be marked
    /// [sensitive](HeaderValue::set_sensitive).
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets how much of a response is accepted.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl<P: Provider> fmt::Debug for Http<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("provider", &self.provider).finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: Provider> Service for Http<P> {
    fn info(&self) -> Info {
        self.info.clone()
    }

    async fn call(&self, cx: Context, mut request: Request) -> Result<Events> {
        // What is refused here reaches no provider: it is no attempt.
        let lacks = self.target.prepare(&self.provider, &cx.call, &mut request);
        let model = request.model.clone().or_else(|| self.info.model.clone());
        let here = |error| place(error, &self.info.name, model.as_deref());
        let lacks = lacks.map_err(here)?;
        let ticket;
        // A block, so that the future has no room for the request any more while it waits for the answer.
        let sent = {
            let mut outgoing = self.outgoing(&cx, &request).map_err(here)?;
            ticket = cx.attempt(self.info.name.clone(), model.clone());
            let signed = self.credentials.sign(&cx, &mut outgoing).await;
            signed.map(|()| send(&cx, outgoing))
        };
        let outcome = match sent {
            Ok(Sent { signed, response }) => {
                response.await.and_then(|response| self.read(&cx, request, signed, response, &ticket))
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(drive) if !drive.failed => Ok(drive.into_events(ticket, lacks)),
            // Boxed, as it is rare.
            outcome => Box::pin(self.failed(&cx, outcome, ticket, lacks, model)).await,
        }
    }
}

/// Where an error happened: provider and model are facts people ask for first.
fn place(error: Error, provider: &SmolStr, model: Option<&str>) -> Error {
    let error = error.with_operation("Http::call").with("provider", provider.as_str());
    match model {
        Some(model) => error.with("model", model),
        None => error,
    }
}

impl<P: Provider> Http<P> {
    /// The request as it goes out, not signed yet.
    fn outgoing(&self, cx: &Context, request: &Request) -> Result<http::Request<Bytes>> {
        let mut outgoing = self.provider.encode(request)?;
        self.check_origin(&outgoing)?;
        add_headers(&mut outgoing, &cx.call.options)?;
        self.headers.iter().for_each(|(name, value)| {
            outgoing.headers_mut().insert(name, value.clone());
        });
        Ok(outgoing)
    }

    /// Begins to read a response; of an error status, too.
    fn read(
        &self,
        cx: &Context,
        request: Request,
        signed: HeaderMap,
        response: http::Response<Body>,
        ticket: &AttemptTicket,
    ) -> Result<Box<Drive>> {
        if let Some(wire) = &cx.wire {
            wire.set_connected();
            wire.touch(cx.lent.clock.now());
        }
        let (head, body) = response.into_parts();
        ticket.status(head.status.as_u16());
        cx.call.pause.set_connection(crate::pause::CONNECTION);
        let reader = match Reader::new(&self.provider, &request, &head, &self.limits) {
            Ok(reader) if cx.call.options.raw => reader.with_raw(),
            Ok(reader) => reader,
            Err(error) => return Err(clean(error, cx, &signed, &request)),
        };
        let model = request.model.clone().or_else(|| self.info.model.clone());
        Ok(Box::new(Drive {
            reader,
            failed: !head.status.is_success(),
            state: State::Reading,
            body: Some(body),
            cx: cx.clone(),
            limits: self.limits,
            model,
            request,
            signed,
            provider: self.info.name.clone(),
            ticket: None,
        }))
    }

    /// Credentials are bound to the origin of the configured address, whatever a request says.
    fn check_origin(&self, outgoing: &http::Request<Bytes>) -> Result<()> {
        let (bound, going) = (self.provider.base_url(), outgoing.uri());
        if Origin::is_same(bound, going) {
            return Ok(());
        }
        let show =
            |uri| Origin::of(uri).map_or("no absolute address".to_owned(), |origin| origin.to_string());
        Err(Error::new(
            ErrorKind::Forbidden,
            "the request goes to an origin its credentials are not bound to",
        )
        .with("bound_to", show(bound))
        .with("going_to", show(going)))
    }
}

/// Makes an error fit to leave: dates become delays, and the provider's sentence loses secrets and echoes.
fn clean(error: Error, cx: &Context, signed: &HeaderMap, request: &Request) -> Error {
    error.settle(cx.lent.clock.wall(), |message| crate::redact::message(message, &sensitive(signed), request))
}

/// A request on its way.
struct Sent<'a> {
    /// The headers it was signed with.
    signed: HeaderMap,
    response: BoxFuture<'a, Result<http::Response<Body>>>,
}

/// Sends what is signed.
fn send(cx: &Context, outgoing: http::Request<Bytes>) -> Sent<'_> {
    let signed = outgoing.headers().clone();
    Sent { signed, response: cx.lent.transport.send(outgoing, cx.wire.clone()) }
}

/// The caller's headers and idempotency key; never the credentials.
fn add_headers(outgoing: &mut http::Request<Bytes>, options: &Options) -> Result<()> {
    let invalid = |name: &str, what: &str| {
        Error::new(ErrorKind::InvalidRequest, format!("options.headers: {what}"))
            .with("header", name.to_owned())
    };
    for (name, value) in &options.headers {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid("?", "a name is not a header name"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| invalid(name, "a value has characters no header takes"))?;
        outgoing.headers_mut().insert(key, value);
    }
    if let Some(key) = &options.idempotency_key {
        let value = HeaderValue::from_str(key).map_err(|_| {
            Error::new(ErrorKind::InvalidRequest, "options.idempotency_key: has characters no header takes")
        })?;
        outgoing.headers_mut().insert("idempotency-key", value);
    }
    Ok(())
}

/// The secret parts of a request's sensitive headers.
fn sensitive(headers: &HeaderMap) -> Vec<SmolStr> {
    let secret = |value: &HeaderValue| {
        let text = value.to_str().ok()?;
        Some(SmolStr::from(text.rsplit(' ').next().unwrap_or(text)))
    };
    headers.values().filter(|v| v.is_sensitive()).filter_map(secret).collect()
}

/// Reads one response. Dropping it closes the connection.
struct Drive {
    reader: Reader,
    /// The status is an error.
    failed: bool,
    state: State,
    body: Option<Body>,
    cx: Context,
    limits: Limits,
    request: Request,
    /// The headers it was signed with.
    signed: HeaderMap,
    provider: SmolStr,
    model: Option<SmolStr>,
    /// There once the response counts as an answer; an error status is settled by the call itself.
    ticket: Option<AttemptTicket>,
}

enum State {
    Reading,
    /// The answer is complete; the body may still have bytes.
    Draining {
        left: usize,
        /// Set when the body first has to be waited for.
        timer: Option<BoxFuture<'static, ()>>,
    },
    Over,
}

impl Drive {
    /// The events of an answer to the attempt of this ticket, which lacks something.
    fn into_events(mut self: Box<Self>, ticket: AttemptTicket, lacks: Vec<Lack>) -> Events {
        self.ticket = Some(ticket);
        target::noted(lacks, Pin::from(self))
    }

    /// Reads the body; ready when the reader has something new.
    fn read(&mut self, cx: &mut Poller<'_>) -> Poll<()> {
        let Some(body) = &mut self.body else {
            self.reader.eof();
            return Poll::Ready(());
        };
        match body.poll_next_unpin(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(chunk))) => {
                if let Some(wire) = &self.cx.wire {
                    wire.touch(self.cx.lent.clock.now());
                }
                self.reader.feed_shared(&chunk);
            }
            // A stream that is over must not be polled again, and there is nothing to drain.
            Poll::Ready(Some(Err(error))) => {
                self.body = None;
                self.reader.broken(error);
            }
            Poll::Ready(None) => {
                self.body = None;
                self.reader.eof();
            }
        }
        Poll::Ready(())
    }

    fn end(&mut self, end: End<'_>) {
        self.body = None;
        self.state = State::Over;
        if let Some(ticket) = self.ticket.take() {
            ticket.end(end);
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        let error = clean(error, &self.cx, &self.signed, &self.request);
        let error = match &self.ticket {
            Some(ticket) => ticket.stamp(place(error, &self.provider, self.model.as_deref())),
            None => error,
        };
        self.end(End::of(&error));
        error
    }
}

/// Reads on after the terminal signal, within bounds: ready when the connection can be let go.
fn drain(
    body: &mut Option<Body>,
    left: &mut usize,
    timer: &mut Option<BoxFuture<'static, ()>>,
    sleep: impl FnOnce() -> BoxFuture<'static, ()>,
    cx: &mut Poller<'_>,
) -> Poll<()> {
    while let Some(b) = body {
        match b.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(chunk))) if chunk.len() <= *left => *left -= chunk.len(),
            Poll::Ready(_) => *body = None,
            Poll::Pending => return timer.get_or_insert_with(sleep).as_mut().poll(cx),
        }
    }
    Poll::Ready(())
}

impl Stream for Drive {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.reader.next() {
                if let (Event::Usage(usage), Some(ticket)) = (&event, &this.ticket) {
                    ticket.usage(usage);
                }
                return Poll::Ready(Some(Ok(event)));
            }
            match (&mut this.state, this.reader.outcome()) {
                (State::Over, _) => return Poll::Ready(None),
                (State::Reading, Outcome::Open) => {
                    if this.read(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                (State::Reading, Outcome::Finished) => {
                    this.state = State::Draining { left: this.limits.drain, timer: None };
                }
                (State::Draining { left, timer }, _) => {
                    let sleep = || this.cx.lent.clock.sleep(this.limits.drain_for);
                    if drain(&mut this.body, left, timer, sleep, cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.end(End::Finished);
                }
                (State::Reading, Outcome::Failed(error)) => {
                    let error = this.fail(error);
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
