//! Telling a request's wire that a connection is being made for it.
//!
//! hyper hands no request data to its connector. But it polls the connector inside the future of the request that
//! needs it, so a task-local value around that future says whose connection this is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use belvedere_core::context::Wire;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use tokio::time::Sleep;
use tower_service::Service;

use super::route::{BoxError, Route, Way};

/// How long a connection may take that no request waits for any more.
const SPARE: Duration = Duration::from_secs(10);

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

/// What a server's connection is made of: TLS, where it is asked for, over a way to the server.
type Connection = MaybeHttpsStream<Way>;

/// A connector that tells the wire of the request it is polled in. hyper clones it with every request.
#[derive(Debug, Clone)]
pub(super) struct Dialer(Arc<HttpsConnector<Route>>);

impl Dialer {
    pub(super) fn new(connector: HttpsConnector<Route>) -> Self {
        Dialer(Arc::new(connector))
    }
}

impl Service<Uri> for Dialer {
    type Response = Connection;
    type Error = BoxError;
    type Future = Dialing;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // A route is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Dialing {
        let wire = WIRE.try_with(Arc::clone).ok();
        if let Some(wire) = &wire {
            wire.set_dialing();
        }
        let mut connector = HttpsConnector::clone(&self.0);
        Dialing { dial: connector.call(server), wire, spare: None }
    }
}

/// One connection being made.
pub(super) struct Dialing {
    dial: <HttpsConnector<Route> as Service<Uri>>::Future,
    wire: Option<Arc<Wire>>,
    /// Bounds a connection that no request waits for.
    spare: Option<Pin<Box<Sleep>>>,
}

impl Future for Dialing {
    type Output = Result<Connection, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let outcome = this.dial.as_mut().poll(cx);
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
