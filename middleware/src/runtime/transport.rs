//! The network by reqwest.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use belvedere_core::context::Wire;
use belvedere_core::transport::{Body, Transport};
use belvedere_core::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures_core::Stream;
use http::Uri;
use http_body_util::BodyExt;

use super::dial::{self, Dial};
use super::options::{HttpVersion, Proxy, TransportOptions};
use super::spawner::TokioSpawner;
use super::{fault, tls};

/// Sends HTTP requests with reqwest and rustls, over pooled connections.
///
/// It follows no redirect, decompresses nothing it did not ask for, and repeats no request that may have reached
/// the server. (hyper takes another connection when a pooled one turns out dead before a byte was written.)
/// Dropping a request or its body closes its HTTP/1.1 connection or resets its HTTP/2 stream. Waiting and sending
/// need a running tokio runtime.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    spawner: TokioSpawner,
}

impl ReqwestTransport {
    /// A transport with a connection pool of its own. `spawner` gets to know the runtime it is used in.
    ///
    /// # Errors
    /// `ConfigInvalid` when an option cannot be used; the option is named.
    pub fn new(options: &TransportOptions, spawner: TokioSpawner) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(options.ca_file.as_deref(), options.http)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connector_layer(Dial)
            .tcp_nodelay(true)
            .pool_idle_timeout(options.pool_idle_timeout)
            .pool_max_idle_per_host(options.pool_max_idle_per_host.unwrap_or(usize::MAX))
            .user_agent(options.user_agent.as_str());
        builder = match options.http {
            HttpVersion::Auto => builder,
            HttpVersion::Http1 => builder.http1_only(),
            HttpVersion::Http2 => builder.http2_prior_knowledge(),
        };
        builder = match &options.proxy {
            Proxy::System => builder,
            Proxy::None => builder.no_proxy(),
            Proxy::Address(address) => builder.proxy(proxy(address.expose())?),
        };
        // What is left to fail is the user agent: the rest was checked above.
        let client = builder.build().map_err(|e| {
            Error::new(ErrorKind::ConfigInvalid, "user_agent: has characters no header takes")
                .with_source(e.without_url())
        })?;
        Ok(ReqwestTransport { client, spawner })
    }
}

/// The proxy at this address. The address is not part of the error: it may carry a password.
fn proxy(address: &str) -> Result<reqwest::Proxy> {
    let invalid = || {
        let message = "proxy: must be `system`, `none`, or an address such as `http://proxy.example:3128`";
        Error::new(ErrorKind::ConfigInvalid, message)
    };
    let uri: Uri = address.parse().map_err(|_| invalid())?;
    match uri.scheme_str() {
        Some("http" | "https") => reqwest::Proxy::all(address).map_err(|_| invalid()),
        _ => Err(invalid()),
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> Result<http::Response<Body>> {
        self.spawner.meet();
        let uri = request.uri().clone();
        let request = request.try_into().map_err(|e| fault::of_send(e, &uri))?;
        let response =
            dial::told(wire, self.client.execute(request)).await.map_err(|e| fault::of_send(e, &uri))?;
        let (head, body) = http::Response::from(response).into_parts();
        Ok(http::Response::from_parts(head, Body::new(Chunks { body, uri })))
    }
}

/// The data of a body, as it was read from the socket. Trailers are left out.
struct Chunks {
    body: reqwest::Body,
    uri: Uri,
}

impl Stream for Chunks {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let mut frame = self.body.frame();
            return Poll::Ready(match ready!(Pin::new(&mut frame).poll(cx)) {
                None => None,
                Some(Err(error)) => Some(Err(fault::of_body(error, &self.uri))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    Err(_trailers) => continue,
                },
            });
        }
    }
}
