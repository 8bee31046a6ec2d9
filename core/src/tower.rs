//! Adapters for `tower`, both ways: a [`Client`] is a tower service, and a tower layer is a
//! [`Layer`] (feature `tower`).
//!
//! ```
//! use belvedere_core::client::Client;
//! use belvedere_core::testing::{Answer, ScriptedService, Simulation};
//! use belvedere_core::tower::TowerLayer;
//!
//! // `tower::timeout::TimeoutLayer`, `tower::limit::ConcurrencyLimitLayer`, ... or one of your own.
//! let tower_layer = tower_layer::layer_fn(|service| service);
//! let simulation = Simulation::new(1);
//! let service = ScriptedService::new([Answer::text("hello")]);
//! let mut client = Client::new(service, simulation.lent()).layer(TowerLayer::new(tower_layer));
//!
//! let call = tower_service::Service::call(&mut client, "hi".into());
//! let answer = simulation.run(async { call.await?.collect().await })?;
//! assert_eq!(answer.text(), "hello");
//! # Ok::<(), belvedere_core::Error>(())
//! ```

use std::any::type_name;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Context as Poller, Poll};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::client::Client;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Events;
use crate::layer::Layer;
use crate::request::Request;
use crate::service::{Info, Service, Stack};

/// The error of most tower layers.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Always ready; [`Client::stream`] is the call. Dropping the future cancels it.
impl tower_service::Service<Request> for Client {
    type Response = Events;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Events>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.stream(request).await })
    }
}

/// A stack as a tower service of a context and a request: what a tower layer wraps. Always ready.
#[derive(Debug, Clone)]
pub struct StackService(Stack);

impl tower_service::Service<(Context, Request)> for StackService {
    type Response = Events;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Events>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (cx, request): (Context, Request)) -> Self::Future {
        let stack = self.0.clone();
        Box::pin(async move { stack.call(cx, request).await })
    }
}

/// A tower layer as a layer.
///
/// Each call works on a clone of the wrapped service and waits until that is ready, as tower asks. A tower layer
/// sees the call up to its stream, not the stream: what it holds for a call (a permit, a timer) it lets go when the
/// stream is there. An error that is not ours becomes `Unexpected`, with the tower layer's as its source.
pub struct TowerLayer<L>(L);

impl<L> TowerLayer<L> {
    /// Adapts a tower layer.
    pub const fn new(layer: L) -> Self {
        TowerLayer(layer)
    }
}

impl<L> fmt::Debug for TowerLayer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TowerLayer({})", type_name::<L>())
    }
}

impl<L> Layer for TowerLayer<L>
where
    L: tower_layer::Layer<StackService> + Send + Sync + 'static,
    L::Service: tower_service::Service<(Context, Request), Response = Events> + Clone + Send + 'static,
    <L::Service as tower_service::Service<(Context, Request)>>::Error: Into<BoxError>,
    <L::Service as tower_service::Service<(Context, Request)>>::Future: Send,
{
    fn layer(&self, inner: Stack) -> Stack {
        let info = inner.info();
        Stack::new(TowerStack { info, service: Mutex::new(self.0.layer(StackService(inner))) })
    }
}

/// A tower service as a service. The lock is held for the clone only.
struct TowerStack<S> {
    info: Info,
    service: Mutex<S>,
}

impl<S> fmt::Debug for TowerStack<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TowerStack({})", type_name::<S>())
    }
}

#[async_trait]
impl<S> Service for TowerStack<S>
where
    S: tower_service::Service<(Context, Request), Response = Events> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    fn info(&self) -> Info {
        self.info.clone()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        poll_fn(|poller| service.poll_ready(poller)).await.map_err(ours)?;
        service.call((cx, request)).await.map_err(ours)
    }
}

/// Our error as it is; another as the source of one.
fn ours(error: impl Into<BoxError>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => Error::new(ErrorKind::Unexpected, "a tower layer failed").with_source(Foreign(other)),
    }
}

/// An error of a tower layer. A box of an error is no error by itself.
#[derive(Debug)]
struct Foreign(BoxError);

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Foreign {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use tower_service::Service as _;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::testing::{Answer, ScriptedService, Simulation, suite};

    /// A tower layer that is not ready at first, and refuses when told to.
    #[derive(Clone, Copy)]
    struct Gate {
        closed: bool,
    }

    #[derive(Clone)]
    struct Gated<S> {
        inner: S,
        gate: Gate,
        asked: bool,
    }

    impl<S> tower_layer::Layer<S> for Gate {
        type Service = Gated<S>;

        fn layer(&self, inner: S) -> Gated<S> {
            Gated { inner, gate: *self, asked: false }
        }
    }

    impl<S, R> tower_service::Service<R> for Gated<S>
    where
        S: tower_service::Service<R, Error = Error>,
        S::Future: Send + 'static,
    {
        type Response = S::Response;
        type Error = BoxError;
        type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

        fn poll_ready(&mut self, cx: &mut Poller<'_>) -> Poll<Result<(), BoxError>> {
            if !std::mem::replace(&mut self.asked, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.gate.closed {
                return Poll::Ready(Err("the gate is closed".into()));
            }
            self.inner.poll_ready(cx).map_err(BoxError::from)
        }

        fn call(&mut self, request: R) -> Self::Future {
            assert!(self.asked, "called before it was ready");
            let call = self.inner.call(request);
            Box::pin(async move { call.await.map_err(BoxError::from) })
        }
    }

    #[test]
    fn a_tower_layer_behaves_as_a_layer() {
        suite::layer(|| TowerLayer::new(Gate { closed: false }));
    }

    #[test]
    fn a_client_is_a_tower_service() {
        let simulation = Simulation::new(1);
        let refusal = Error::new(ErrorKind::RateLimited, "slow down");
        let service = ScriptedService::new([Answer::text("hello"), Answer::refused(refusal)]);
        let mut client = Client::new(service, simulation.lent());
        simulation.run(poll_fn(|cx| client.poll_ready(cx))).unwrap();
        let call = client.call(Request::from("hi"));
        assert_eq!(simulation.run(async { call.await?.collect().await }).unwrap().text(), "hello");
        assert_eq!(
            simulation.run(client.call(Request::from("hi"))).unwrap_err().kind(),
            ErrorKind::RateLimited
        );
    }

    #[test]
    fn our_errors_pass_and_others_become_a_source() {
        let simulation = Simulation::new(1);
        let refusal = Error::new(ErrorKind::RateLimited, "slow down");
        let service = ScriptedService::new([Answer::refused(refusal)]);
        let client =
            |closed| Client::new(service.clone(), simulation.lent()).layer(TowerLayer::new(Gate { closed }));
        let error = simulation.run(client(false).complete("hi")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        let error = simulation.run(client(true).complete("hi")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        assert_eq!(error.source().unwrap().to_string(), "the gate is closed");
        assert_eq!(service.calls(), 1, "a closed gate lets nothing through");
    }
}
