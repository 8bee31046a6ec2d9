//! TLS and HTTP/2. The certificates are for tests only: the key of their authority was thrown away.

use std::path::PathBuf;
use std::sync::Arc;

use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::request::Request;
use belvedere_middleware::runtime::{HttpVersion, Proxy, TransportOptions, lent};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::upstream::{CHUNKED, Peer, Upstream};
use crate::{Client, direct, soon};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "network", "tls", name].iter().collect()
}

pub(crate) fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) fn trusting(http: HttpVersion) -> TransportOptions {
    let mut options = direct();
    options.ca_file = Some(file("ca.pem"));
    options.http = http;
    options
}

fn client(upstream: &Upstream, options: &TransportOptions) -> Client {
    Client::new(&format!("https://localhost:{}/", upstream.port()), options)
}

fn fact<'a>(error: &'a Error, key: &str) -> Option<&'a str> {
    error.context().iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str())
}

#[tokio::test]
async fn a_server_of_an_own_authority_is_trusted_by_ca_file() {
    let upstream = Upstream::new().await;
    let client = client(&upstream, &trusting(HttpVersion::Http1));
    let server = async {
        let stream = acceptor().accept(upstream.accept().await.0).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut peer = Peer(stream);
        peer.request().await;
        peer.write(CHUNKED).await;
        peer.chunk("text a\n").await;
        peer.chunk("done\n").await;
        peer.write("0\r\n\r\n").await;
    };
    let call = async {
        client.stack.call(client.context(), Request::from("hi")).await.unwrap().collect().await.unwrap()
    };
    let ((), answer) = soon(async { tokio::join!(server, call) }).await;
    assert_eq!(answer.text(), "a");
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused_with_what_to_do() {
    let upstream = Upstream::new().await;
    let client = client(&upstream, &direct());
    let call = client.stack.call(client.context(), Request::from("hi"));
    let server = async { acceptor().accept(upstream.accept().await.0).await };
    let (outcome, _) = soon(async { tokio::join!(call, server) }).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), fact(&error, "phase")), (ErrorKind::Network, Some("tls")));
    assert!(error.message().contains("ca_file"), "{error}");
    assert_eq!(fact(&error, "cause"), Some("invalid peer certificate: UnknownIssuer"));
}

#[tokio::test]
async fn what_is_no_tls_is_a_tls_error() {
    let upstream = Upstream::new().await;
    let client = client(&upstream, &direct());
    let call = client.stack.call(client.context(), Request::from("hi"));
    let server = async {
        let mut peer = upstream.accept().await;
        peer.write("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        peer
    };
    let (outcome, _) = soon(async { tokio::join!(call, server) }).await;
    assert_eq!(fact(&outcome.unwrap_err(), "phase"), Some("tls"));
}

/// A body that is sent piece by piece; the receiver of a sender that is closed was reset by the client.
pub(crate) type Pieces = mpsc::Sender<Result<Frame<Bytes>, std::convert::Infallible>>;

/// Serves HTTP/2 on one connection; each request's body is fed through the sender handed out.
pub(crate) async fn serve_h2<S>(stream: S, bodies: mpsc::Sender<Pieces>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |_| {
        let bodies = bodies.clone();
        async move {
            let (pieces, mut feed) = mpsc::channel(1);
            bodies.send(pieces).await.unwrap();
            let body = futures_util::stream::poll_fn(move |cx| feed.poll_recv(cx));
            Ok::<_, std::convert::Infallible>(http::Response::new(StreamBody::new(body)))
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _closed = connection.serve_connection(TokioIo::new(stream), answer).await;
}

async fn say(pieces: &Pieces, text: &'static str) {
    soon(pieces.send(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))).await.unwrap();
}

#[tokio::test]
async fn l1_over_http2_a_drop_resets_its_stream_and_keeps_the_connection() {
    let upstream = Upstream::new().await;
    let client = client(&upstream, &trusting(HttpVersion::Auto));
    let (bodies, mut asked) = mpsc::channel(4);
    let server = async {
        let stream = acceptor().accept(upstream.accept().await.0).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        serve_h2(stream, bodies).await;
    };
    let calls = async {
        let mut first = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
        let pieces = asked.recv().await.unwrap();
        say(&pieces, "text a\n").await;
        assert!(first.next().await.unwrap().is_ok());
        drop(first);
        pieces.closed().await;
        let second = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
        let pieces = asked.recv().await.unwrap();
        say(&pieces, "text b\n").await;
        say(&pieces, "done\n").await;
        drop(pieces);
        assert_eq!(second.collect().await.unwrap().text(), "b");
    };
    tokio::select! {
        biased;
        () = soon(calls) => {}
        () = server => panic!("the connection was closed"),
    }
}

#[tokio::test]
async fn http2_is_spoken_without_tls_when_it_is_known_beforehand() {
    let upstream = Upstream::new().await;
    let mut options = direct();
    options.http = HttpVersion::Http2;
    let client = Client::new(&upstream.base(), &options);
    let (bodies, mut asked) = mpsc::channel(4);
    let calls = async {
        let events = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
        let pieces: Pieces = asked.recv().await.unwrap();
        say(&pieces, "text a\ndone\n").await;
        drop(pieces);
        assert_eq!(events.collect().await.unwrap().text(), "a");
    };
    tokio::select! {
        biased;
        () = soon(calls) => {}
        () = async { serve_h2(upstream.accept().await.0, bodies).await } => panic!("the connection was closed"),
    }
}

#[test]
fn options_that_cannot_be_used_are_named_and_not_shown() {
    let refused = |change: &dyn Fn(&mut TransportOptions)| {
        let mut options = direct();
        change(&mut options);
        let error = lent(&options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        format!("{error} {error:?}")
    };
    let proxy = |address: &str| Proxy::Address(belvedere_core::credentials::Secret::new(address));
    for address in ["socks5://u:canary@p:1", "canary", "http://", "http://u:canary@ p:1"] {
        let text = refused(&|o| o.proxy = proxy(address));
        assert!(text.contains("proxy: must be") && !text.contains("canary"), "{text}");
    }
    assert!(refused(&|o| o.user_agent = "a\nb".to_owned()).contains("user_agent"));
}
