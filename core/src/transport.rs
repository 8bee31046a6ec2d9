//! The network, lent.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::BoxStream;

use crate::context::Wire;
use crate::error::Result;

/// Sends HTTP requests.
///
/// It follows no redirects: credentials are bound to an origin. Dropping the future or the body closes the
/// connection (or resets the stream of a shared one) at once.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug + 'static {
    /// Sends a request and gives the response once its head is there.
    ///
    /// `wire`, when given, is told when a new connection is being made for this request, and as soon as one is at
    /// hand.
    ///
    /// # Errors
    /// `Network` when no connection could be made or it broke; `InvalidRequest` when the address is none.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> Result<http::Response<Body>>;
}

/// The body of a response, as chunks. Dropping it closes the connection.
pub struct Body(BoxStream<'static, Result<Bytes>>);

impl Body {
    /// A body from a stream of chunks. An `Err` ends it.
    pub fn new(chunks: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Body(Box::pin(chunks))
    }

    /// A body that is all there.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Body::new(futures_util::stream::iter([Ok(bytes.into())]))
    }
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}
