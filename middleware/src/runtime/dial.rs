//! Telling a request's wire that a connection is being made for it.
//!
//! reqwest hands no request data to its connector. But it polls the connector inside the future of the request
//! that needs it, so a task-local value around that future says whose connection this is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use belvedere_core::context::Wire;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static WIRE: Arc<Wire>;
}

/// Sends with `wire` told of the connection.
pub(super) async fn told<F: Future>(wire: Option<Arc<Wire>>, sending: F) -> F::Output {
    match wire {
        Some(wire) => WIRE.scope(wire, sending).await,
        None => sending.await,
    }
}

/// Wraps reqwest's connector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dial;

impl<S> Layer<S> for Dial {
    type Service = Dialer<S>;

    fn layer(&self, inner: S) -> Dialer<S> {
        Dialer(inner)
    }
}

/// A connector that tells the wire of the request it is polled in.
#[derive(Debug, Clone)]
pub(super) struct Dialer<S>(S);

impl<S, R> Service<R> for Dialer<S>
where
    S: Service<R>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Dialing<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let wire = WIRE.try_with(Arc::clone).ok();
        if let Some(wire) = &wire {
            wire.set_dialing();
        }
        Dialing { dial: self.0.call(target), wire }
    }
}

/// One connection being made.
#[derive(Debug)]
pub(super) struct Dialing<F> {
    dial: F,
    wire: Option<Arc<Wire>>,
}

impl<F, C, E> Future for Dialing<F>
where
    F: Future<Output = Result<C, E>> + Unpin,
{
    type Output = Result<C, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = Pin::new(&mut self.dial).poll(cx);
        // Polled outside of its request, this one went on in the background for the pool: the request has got
        // another connection meanwhile.
        let given_away = WIRE.try_with(|_| ()).is_err();
        if let Some(wire) = &self.wire
            && (given_away || matches!(outcome, Poll::Ready(Ok(_))))
        {
            wire.set_connected();
            self.wire = None;
        }
        outcome
    }
}
