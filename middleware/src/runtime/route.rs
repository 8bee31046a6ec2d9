//! The way to a server: straight, or through a proxy. TLS to the server itself is laid over it.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::BoxFuture;
use http::header::USER_AGENT;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::dns::Resolver;
use super::proxy::Proxies;

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// How long a connection is silent before the other end is asked for a sign of life, how long each answer is waited
/// for, and how often it is asked again. A long answer of a model may be silent for minutes, and what stands between
/// forgets such connections sooner than the two hours that systems wait (tcp(7), `tcp_keepalive_time`).
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long sent data may go without an acknowledgement (tcp(7), `TCP_USER_TIMEOUT`).
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// TCP, to both addresses of a host that has two: "happy eyeballs", RFC 8305.
fn tcp() -> HttpConnector<Resolver> {
    let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
    // The layer above asks for `https` too.
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE));
    tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
    #[cfg(any(target_os = "android", target_os = "linux"))]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    tcp
}

/// Finds the way to a server.
#[derive(Debug, Clone)]
pub(super) struct Route {
    tcp: HttpConnector<Resolver>,
    to_proxy: HttpsConnector<HttpConnector<Resolver>>,
    proxies: Proxies,
    user_agent: HeaderValue,
}

impl Route {
    /// Ways through `proxies`. `tls` is for those that are spoken to by `https`.
    pub(super) fn new(proxies: Proxies, mut tls: ClientConfig, user_agent: HeaderValue) -> Self {
        // A proxy is spoken to in HTTP/1.1, whatever the server behind it speaks.
        tls.alpn_protocols.clear();
        let tcp = tcp();
        Route { to_proxy: HttpsConnector::from((tcp.clone(), tls)), tcp, proxies, user_agent }
    }

    /// Asks the proxy for a tunnel (CONNECT, RFC 9110 section 9.3.6).
    fn tunnel(&self, proxy: &Intercept) -> Tunnel<HttpsConnector<HttpConnector<Resolver>>> {
        let headers = HeaderMap::from_iter([(USER_AGENT, self.user_agent.clone())]);
        let tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone()).with_headers(headers);
        match proxy.basic_auth() {
            Some(password) => tunnel.with_auth(password.clone()),
            None => tunnel,
        }
    }
}

impl Service<Uri> for Route {
    type Response = Way;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Way, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let way = |proxied| move |stream| Way { stream, proxied };
        match self.proxies.to(&server) {
            None => {
                Box::pin(self.tcp.call(server).map_ok(MaybeHttpsStream::Http).map_ok(way(false)).err_into())
            }
            Some(proxy) if server.scheme() == Some(&Scheme::HTTPS) => {
                Box::pin(self.tunnel(&proxy).call(server).map_ok(way(false)).err_into())
            }
            Some(proxy) => Box::pin(self.to_proxy.call(proxy.uri().clone()).map_ok(way(true))),
        }
    }
}

/// A stream to a server, or to a proxy that reads the requests itself.
#[derive(Debug)]
pub(super) struct Way {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    /// Requests name the whole address (absolute form, RFC 9112 section 3.2.2).
    proxied: bool,
}

impl Connection for Way {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.proxied)
    }
}

impl Read for Way {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Way {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
