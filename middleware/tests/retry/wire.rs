//! A connection of the pool that is dead: what the transport repeats by itself, and what counts as an attempt.

#[path = "../network/lines.rs"]
pub(crate) mod lines;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use belvedere_core::credentials::Anonymous;
use belvedere_core::http::Http;
use belvedere_middleware::runtime::{Proxy, TransportOptions, lent};
use lines::LinesWire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\ntext a\ndone\n";

/// Reads one whole request; false when the client closed instead.
async fn request(peer: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\nask") {
        match peer.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => return false,
        }
    }
    true
}

/// A client of a server that does `serve` with each of its connections, in order.
async fn client<F: Future<Output = ()> + Send>(
    serve: impl Fn(usize, TcpStream) -> F + Send + 'static,
) -> (Client, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "the server of a test")]
    let server = tokio::spawn(async move {
        for number in 0.. {
            let (peer, _) = listener.accept().await.unwrap();
            serve(number, peer).await;
        }
    });
    let mut options = TransportOptions::default();
    options.proxy = Proxy::None;
    let service = Http::new(LinesWire::new(&base), Anonymous);
    (Client::new(service, lent(&options).unwrap()).layer(Retry::default()), server)
}

#[tokio::test]
async fn y12_a_connection_closed_before_the_request_is_replaced_without_an_attempt() {
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = requests.clone();
    let (client, server) = client(move |_, mut peer| {
        let seen = seen.clone();
        async move {
            if request(&mut peer).await {
                seen.fetch_add(1, Ordering::AcqRel);
                peer.write_all(ANSWER).await.unwrap();
            }
            // The connection goes back to the pool of the client, and is closed here.
        }
    })
    .await;
    for call in 1..=20 {
        let answer = client.complete("hi").await.unwrap();
        assert_eq!((answer.text().as_str(), answer.attempts.len()), ("a", 1), "call {call}");
        assert_eq!(requests.load(Ordering::Acquire), call, "nothing was sent twice");
    }
    server.abort();
}

#[tokio::test]
async fn y12_a_request_that_was_sent_is_sent_again_only_as_an_attempt_that_counts() {
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = requests.clone();
    let (client, server) = client(move |number, mut peer| {
        let seen = seen.clone();
        async move {
            // The first connection dies with its request taken and no word said; the second in the middle of a head.
            if request(&mut peer).await {
                seen.fetch_add(1, Ordering::AcqRel);
                let said = [&b""[..], &ANSWER[..20], ANSWER];
                peer.write_all(said[number.min(2)]).await.unwrap();
            }
        }
    })
    .await;
    let answer = client.complete("hi").await.unwrap();
    assert_eq!(answer.text(), "a");
    let errors: Vec<_> = answer.attempts.iter().map(|attempt| attempt.error).collect();
    assert_eq!(errors, [Some(ErrorKind::Network), Some(ErrorKind::Network), None]);
    assert_eq!(requests.load(Ordering::Acquire), 3);
    server.abort();
}
