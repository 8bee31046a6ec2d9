//! A proxy: one that reads the requests, and one that tunnels to a server it cannot listen to.

use belvedere_core::credentials::Secret;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::request::Request;
use belvedere_middleware::runtime::{HttpVersion, Proxy, TransportOptions};
use tokio::io::AsyncReadExt;

use crate::secure::{acceptor, trusting};
use crate::upstream::{CHUNKED, Peer, Upstream};
use crate::{Client, direct, soon};

/// `me:canary-proxy`, by base64.
const PASSWORD: &str = "proxy-authorization: Basic bWU6Y2FuYXJ5LXByb3h5\r\n";

/// Through this proxy.
fn through(proxy: &Upstream, mut options: TransportOptions) -> TransportOptions {
    let address = format!("http://me:canary-proxy@127.0.0.1:{}", proxy.port());
    options.proxy = Proxy::Address(Secret::new(address));
    options
}

/// The head of a request without a body.
async fn head(peer: &mut Peer) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(soon(peer.0.read_u8()).await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_proxy_gets_the_request_with_its_own_password_only() {
    let proxy = Upstream::new().await;
    let client = Client::new("http://lines.example/v1", &through(&proxy, direct()));
    let head = tokio::select! {
        biased;
        _ = client.stack.call(client.context(), Request::from("hi")) => panic!("no head, no answer"),
        head = async { proxy.accept().await.request().await } => head,
    };
    assert!(head.starts_with("POST http://lines.example/v1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(PASSWORD), "{head}");
}

#[tokio::test]
async fn a_server_behind_a_tunnel_does_not_get_the_password_of_the_proxy() {
    let proxy = Upstream::new().await;
    let options = through(&proxy, trusting(HttpVersion::Http1));
    let client = Client::new("https://localhost:4430/v1", &options);
    let server = async {
        let mut peer = proxy.accept().await;
        let asked = head(&mut peer).await;
        assert!(asked.starts_with("CONNECT localhost:4430 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.to_ascii_lowercase().contains(&PASSWORD.to_ascii_lowercase()), "{asked}");
        assert!(asked.contains(concat!("user-agent: belvedere/", env!("CARGO_PKG_VERSION"))), "{asked}");
        peer.write("HTTP/1.1 200 OK\r\n\r\n").await;
        let mut peer = Peer(soon(acceptor().accept(peer.0)).await.unwrap());
        let inside = peer.request().await;
        assert!(inside.starts_with("POST /v1 HTTP/1.1\r\n"), "{inside}");
        assert!(inside.contains("host: localhost:4430\r\n"), "{inside}");
        assert!(!inside.contains("proxy-authorization"), "{inside}");
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

/// The error of a call whose proxy refuses the tunnel.
async fn refused(answer: &'static str) -> Error {
    let proxy = Upstream::new().await;
    let client = Client::new("https://localhost:4430/v1", &through(&proxy, direct()));
    let server = async {
        let mut peer = proxy.accept().await;
        head(&mut peer).await;
        peer.write(answer).await;
    };
    let call = client.stack.call(client.context(), Request::from("hi"));
    let (outcome, ()) = soon(async { tokio::join!(call, server) }).await;
    outcome.unwrap_err()
}

#[tokio::test]
async fn w12_a_proxy_that_refuses_is_no_connection_and_its_password_does_not_show() {
    for answer in
        ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n\r\n", ""]
    {
        let error = refused(answer).await;
        assert_eq!(error.kind(), ErrorKind::Network, "{answer}");
        assert!(error.context().iter().any(|(key, value)| (*key, value.as_str()) == ("phase", "connect")));
        let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
        assert!(!shown.contains("canary") && !shown.contains("bWU6Y2FuYXJ5"), "{shown}");
    }
}
