//! Dropping closes the upstream, in each phase (L1, L2).

use belvedere_core::event::Event;
use belvedere_core::request::Request;
use futures_util::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::upstream::{CHUNKED, Upstream};
use crate::{Client, soon, until};

/// How many connections to this port wait for the server's SYN, by the kernel's own list; `None` where there is
/// none (proc(5), `/proc/net/tcp`: state 02 is SYN_SENT).
fn dialing(port: u16) -> Option<usize> {
    let list = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let remote = format!(":{port:04X}");
    let waits = |line: &&str| {
        let mut fields = line.split_whitespace().skip(2);
        fields.next().is_some_and(|r| r.ends_with(&remote)) && fields.next() == Some("02")
    };
    Some(list.lines().filter(waits).count())
}

/// Connects until the backlog of the listener is full: then the next connection has to wait.
async fn fill(port: u16) -> Option<Vec<TcpStream>> {
    let mut held = Vec::new();
    dialing(port)?;
    for _ in 0..16 {
        tokio::select! {
            biased;
            stream = TcpStream::connect(("127.0.0.1", port)) => held.push(stream.ok()?),
            () = until(|| dialing(port) == Some(1)) => return Some(held),
        }
    }
    None
}

#[tokio::test]
async fn l2_a_drop_while_connecting_ends_the_connection_attempt() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let port = listener.local_addr().unwrap().port();
    let Some(held) = fill(port).await else {
        println!("skipped: this system does not show connections that are being made");
        return;
    };
    until(|| dialing(port) == Some(0)).await;
    let client = Client::new(&format!("http://127.0.0.1:{port}/"), &crate::direct());
    tokio::select! {
        biased;
        _ = client.stack.call(client.context(), Request::from("hi")) => panic!("nobody accepts"),
        () = until(|| dialing(port) == Some(1)) => {}
    }
    until(|| dialing(port) == Some(0)).await;
    drop((listener, held));
}

#[tokio::test]
async fn l2_a_drop_in_the_tls_handshake_closes() {
    let upstream = Upstream::new().await;
    let base = format!("https://localhost:{}/", upstream.port());
    let client = Client::new(&base, &crate::direct());
    let mut peer = tokio::select! {
        biased;
        _ = client.stack.call(client.context(), Request::from("hi")) => panic!("no handshake, no answer"),
        peer = async {
            let mut peer = upstream.accept().await;
            assert_eq!(soon(peer.0.read_u8()).await.unwrap(), 0x16, "a TLS handshake record");
            peer
        } => peer,
    };
    // What was left of the ClientHello, then the end.
    let mut rest = Vec::new();
    let _closed_or_reset = soon(peer.0.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn l2_a_drop_while_waiting_for_the_head_closes() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let mut peer = tokio::select! {
        biased;
        _ = client.stack.call(client.context(), Request::from("hi")) => panic!("no head, no answer"),
        peer = async {
            let mut peer = upstream.accept().await;
            peer.request().await;
            peer
        } => peer,
    };
    peer.closed().await;
}

#[tokio::test]
async fn l1_a_drop_before_and_after_each_event_closes() {
    for taken in 0..4 {
        let upstream = Upstream::new().await;
        let client = Client::of(&upstream);
        let call = client.stack.call(client.context(), Request::from("hi"));
        let (events, mut peer) = tokio::join!(call, async {
            let mut peer = upstream.accept().await;
            peer.request().await;
            peer.write(CHUNKED).await;
            peer
        });
        let mut events = events.unwrap();
        for n in 0..taken {
            if n > 0 {
                peer.chunk(&format!("text {n}\n")).await;
            }
            if n == 1 {
                let start = soon(events.next()).await;
                assert!(matches!(start, Some(Ok(Event::Start { .. }))), "{start:?}");
            }
            if n > 0 {
                let text = soon(events.next()).await;
                assert!(matches!(text, Some(Ok(Event::Text { .. }))), "{text:?}");
            }
        }
        drop(events);
        peer.closed().await;
    }
}

#[tokio::test]
async fn l1_a_drop_of_a_stream_that_is_being_waited_for_closes() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let mut peer = tokio::select! {
        biased;
        () = async {
            let mut events = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
            while events.next().await.is_some() {}
        } => panic!("the answer never ends"),
        peer = async {
            let mut peer = upstream.accept().await;
            peer.request().await;
            peer.write(CHUNKED).await;
            peer.chunk("text a\n").await;
            peer
        } => peer,
    };
    peer.closed().await;
}
