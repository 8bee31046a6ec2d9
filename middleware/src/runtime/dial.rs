//! Telling a request's wire that a connection is being made for it.
//!
//! reqwest hands no request data to its connector. But it polls the connector inside the future of the request
//! that needs it, so a task-local value around that future says whose connection this is.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use belvedere_core::context::Wire;
use tokio::time::Sleep;
use tower_layer::Layer;
use tower_service::Service;

/// How long a connection may take that no request waits for any more.
const SPARE: Duration = Duration::from_secs(10);

type BoxError = Box<dyn Error + Send + Sync>;

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
    S: Service<R, Error = BoxError>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Dialing<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let wire = WIRE.try_with(Arc::clone).ok();
        if let Some(wire) = &wire {
            wire.set_dialing();
        }
        Dialing { dial: self.0.call(target), wire, spare: None }
    }
}

/// One connection being made.
#[derive(Debug)]
pub(super) struct Dialing<F> {
    dial: F,
    wire: Option<Arc<Wire>>,
    /// Bounds a connection that no request waits for.
    spare: Option<Pin<Box<Sleep>>>,
}

impl<F, C> Future for Dialing<F>
where
    F: Future<Output = Result<C, BoxError>> + Unpin,
{
    type Output = Result<C, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let outcome = Pin::new(&mut this.dial).poll(cx);
        // Polled outside of its request, this one goes on in the background for the pool: the request has got
        // another connection meanwhile.
        let given_away = WIRE.try_with(|_| ()).is_err();
        if given_away || matches!(outcome, Poll::Ready(Ok(_))) {
            this.wire.take().inspect(|wire| wire.set_connected());
        }
        if given_away && outcome.is_pending() {
            #[expect(clippy::disallowed_methods, reason = "no call and no lent clock is left to wait on")]
            let spare = this.spare.get_or_insert_with(|| Box::pin(tokio::time::sleep(SPARE)));
            return spare.as_mut().poll(cx).map(|()| Err("a spare connection took too long".into()));
        }
        outcome
    }
}
