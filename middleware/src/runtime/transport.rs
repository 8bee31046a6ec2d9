//! The network by hyper.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use belvedere_core::context::Wire;
use belvedere_core::transport::{Body, Transport};
use belvedere_core::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::future::BoxFuture;
use http::header::{PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Uri};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::dial::{self, Dialer};
use super::options::{HttpVersion, TransportOptions};
use super::proxy::Proxies;
use super::route::Route;
use super::spawner::TokioSpawner;
use super::{fault, tls};

/// The read buffer of an HTTP/1.1 connection, and with it the longest head of a response. Left alone, hyper lets it
/// grow with a fast stream to 408 KiB (`http1_max_buf_size` of `hyper_util::client::legacy::Builder`,
/// <https://docs.rs/hyper-util/latest/hyper_util/client/legacy/struct.Builder.html>), which a stream that nobody reads
/// would hold. It is also the longest head that nginx takes of an upstream unless it is told otherwise
/// (<https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size>), and the least that hyper can do with.
const HTTP1_BUFFER: usize = 8 << 10;

/// What an HTTP/2 server may send of one stream before it is read: what a stream that nobody reads holds. A stream is
/// as fast as one window a round trip (RFC 9113, section 5.2), which at 300 ms is 850 kB/s: more than the fastest
/// models write. hyper's own 2 MiB would be held by each of many stalled streams.
const HTTP2_STREAM_WINDOW: u32 = 256 << 10;

/// The same over all streams of a connection: as good as without a limit, or stalled streams would hold up all others.
/// What one stream holds is bounded by its own window. Go's client has the same figure (`transportDefaultConnFlow`,
/// <https://pkg.go.dev/golang.org/x/net/http2>).
const HTTP2_CONNECTION_WINDOW: u32 = 1 << 30;

/// Sends HTTP requests with hyper and rustls, over pooled connections.
///
/// It follows no redirect, decompresses nothing it did not ask for, and repeats no request that may have reached
/// the server. (hyper takes another connection when a pooled one turns out dead before a byte was written.)
/// Dropping a request or its body closes its HTTP/1.1 connection or resets its HTTP/2 stream. Waiting and sending
/// need a running tokio runtime.
#[derive(Debug, Clone)]
pub struct HyperTransport {
    client: Client<Dialer, Full<Bytes>>,
    proxies: Proxies,
    user_agent: HeaderValue,
    spawner: TokioSpawner,
}

impl HyperTransport {
    /// A transport with a connection pool of its own. `spawner` gets to know the runtime it is used in.
    ///
    /// # Errors
    /// `ConfigInvalid` when an option cannot be used; the option is named.
    pub fn new(options: &TransportOptions, spawner: TokioSpawner) -> Result<Self> {
        let tls = tls::config(options.ca_file.as_deref(), options.http)?;
        let proxies = Proxies::new(&options.proxy)?;
        let user_agent = HeaderValue::from_str(&options.user_agent).map_err(|e| {
            Error::new(ErrorKind::ConfigInvalid, "user_agent: has characters no header takes").with_source(e)
        })?;
        let route = Route::new(proxies.clone(), tls.clone(), user_agent.clone());
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.pool_idle_timeout)
            .pool_max_idle_per_host(options.pool_max_idle_per_host.unwrap_or(usize::MAX))
            .http1_max_buf_size(HTTP1_BUFFER)
            .http2_only(options.http == HttpVersion::Http2)
            .http2_initial_stream_window_size(HTTP2_STREAM_WINDOW)
            .http2_initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
            .build(Dialer::new(HttpsConnector::from((route, tls))));
        Ok(HyperTransport { client, proxies, user_agent, spawner })
    }

    /// The request with the headers that are the transport's to say, where they are not said already.
    fn complete(&self, request: http::Request<Bytes>) -> http::Request<Full<Bytes>> {
        let mut request = request.map(Full::new);
        let told = self.proxies.authorization(request.uri());
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        if let Some(told) = told {
            headers.entry(PROXY_AUTHORIZATION).or_insert(told);
        }
        request
    }
}

#[async_trait]
impl Transport for HyperTransport {
    /// Written out, so that the future holds no request: hyper's has it.
    fn send<'life0, 'async_trait>(
        &'life0 self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> BoxFuture<'async_trait, Result<http::Response<Body>>>
    where
        'life0: 'async_trait,
    {
        self.spawner.meet();
        let uri = request.uri().clone();
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Box::pin(ready(Err(fault::of_address())));
        }
        let sending = self.client.request(self.complete(request));
        Box::pin(async move {
            let response = dial::told(wire, sending).await.map_err(|e| fault::of_send(e, &uri))?;
            Ok(response.map(|body| Body::new(Chunks { body, uri })))
        })
    }
}

/// The data of a body, as it was read from the socket. Trailers are left out.
struct Chunks {
    body: Incoming,
    uri: Uri,
}

impl Stream for Chunks {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
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
