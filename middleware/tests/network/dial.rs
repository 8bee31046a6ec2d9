//! The transport tells a request's wire how far its connection is; the connect limit hangs on it.

use std::sync::Arc;
use std::time::Duration;

use belvedere_core::context::{Context, Lent, Wire};
use belvedere_core::error::{ErrorKind, TimeoutPhase};
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::Stack;
use belvedere_core::testing::TestClock;
use belvedere_middleware::runtime::HttpVersion;
use belvedere_middleware::timeout::Timeout;
use futures_util::FutureExt;
use tokio::io::AsyncReadExt;

use crate::secure::{acceptor, trusting};
use crate::upstream::{CHUNKED, Peer, Upstream};
use crate::{Client, settle, soon, until};

const HOUR: Duration = Duration::from_secs(3600);

fn is_dialing(wire: &Wire) -> bool {
    wire.dialing().now_or_never().is_some() && !wire.is_connected()
}

/// A client with the connect limit alone, on a clock that is moved by hand.
fn timed(client: &Client) -> (Stack, TestClock, Context) {
    let clock = TestClock::new();
    let lent = Lent { clock: Arc::new(clock.clone()), ..client.lent.as_ref().clone() };
    let mut timeout = Timeout::off();
    timeout.connect = Some(Duration::from_secs(10));
    let cx = Context { lent: Arc::new(lent), ..client.context() };
    (timeout.layer(client.stack.clone()), clock, cx)
}

#[tokio::test]
async fn a_wire_is_dialing_in_the_handshake_and_not_connected() {
    let upstream = Upstream::new().await;
    let client = Client::new(&format!("https://localhost:{}/", upstream.port()), &crate::direct());
    let (cx, wire) = client.context().with_wire();
    tokio::select! {
        biased;
        _ = client.stack.call(cx, Request::from("hi")) => panic!("no handshake, no answer"),
        _peer = async { let peer = upstream.accept().await; settle().await; peer } => {}
    }
    assert!(is_dialing(&wire));
}

#[tokio::test]
async fn a_wire_is_connected_before_the_head() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let (cx, wire) = client.context().with_wire();
    tokio::select! {
        biased;
        _ = client.stack.call(cx, Request::from("hi")) => panic!("no head, no answer"),
        () = async {
            let _peer = upstream.accept().await;
            until(|| wire.is_connected()).await;
        } => {}
    }
}

#[tokio::test]
async fn l7_connect_fires_in_a_handshake_that_hangs_and_closes() {
    let upstream = Upstream::new().await;
    let client = Client::new(&format!("https://localhost:{}/", upstream.port()), &crate::direct());
    let (stack, clock, cx) = timed(&client);
    let call = stack.call(cx, Request::from("hi"));
    let (outcome, _peer) = tokio::join!(call, async {
        let peer = upstream.accept().await;
        settle().await;
        clock.advance(Duration::from_secs(10));
        peer
    });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Timeout(TimeoutPhase::Connect));
    assert_eq!(clock.pending_sleeps(), 0);
}

#[tokio::test]
async fn l7_connect_does_not_fire_while_a_pooled_connection_waits_for_its_head() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let (stack, clock, cx) = timed(&client);
    let mut peer = None;
    for round in 0..2 {
        let call = stack.call(cx.clone(), Request::from("hi"));
        let (events, served) = tokio::join!(call, async {
            let mut peer = match peer.take() {
                Some(peer) => peer,
                None => upstream.accept().await,
            };
            peer.request().await;
            settle().await;
            clock.advance(HOUR);
            settle().await;
            peer.write(CHUNKED).await;
            peer.chunk("text a\n").await;
            peer.chunk("done\n").await;
            peer.write("0\r\n\r\n").await;
            peer
        });
        let answer = soon(events.unwrap().collect()).await.unwrap();
        assert_eq!(answer.text(), "a", "round {round}");
        settle().await;
        peer = Some(served);
    }
}

/// Two calls, one connection: the second call begins to dial, and then takes the connection of the first. What
/// it had begun goes on for the pool, for a while.
#[tokio::test]
async fn a_dial_that_is_not_needed_any_more_neither_times_the_call_nor_stays_for_ever() {
    let upstream = Upstream::new().await;
    let base = format!("https://localhost:{}/", upstream.port());
    let client = Client::new(&base, &trusting(HttpVersion::Http1));
    let (stack, clock, cx) = timed(&client);
    let call = |cx| async { stack.call(cx, Request::from("hi")).await?.collect().await };
    let (second_cx, wire) = cx.clone().with_wire();
    let server = async {
        let mut first = Peer(soon(acceptor().accept(upstream.accept().await.0)).await.unwrap());
        first.request().await;
        let hanging = upstream.accept().await;
        settle().await;
        assert!(is_dialing(&wire));
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\ntext a\ndone\n";
        first.write(answer).await;
        first.request().await;
        assert!(wire.is_connected(), "it is at hand before the head of the response");
        clock.advance(HOUR);
        settle().await;
        first.write(answer).await;
        (first, hanging)
    };
    let calls = async {
        tokio::join!(call(cx), async {
            settle().await;
            call(second_cx).await
        })
    };
    let ((one, two), (_first, mut hanging)) = soon(async { tokio::join!(calls, server) }).await;
    assert_eq!((one.unwrap().text(), two.unwrap().text()), ("a".to_owned(), "a".to_owned()));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    let mut hello = Vec::new();
    let _closed_or_reset = soon(hanging.0.read_to_end(&mut hello)).await;
}
