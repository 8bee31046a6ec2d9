//! A stream that nobody reads holds a bounded part of memory, and holds up no other (L9, L16).

use std::cell::Cell;

use belvedere_core::event::Event;
use belvedere_core::events::Events;
use belvedere_core::request::Request;
use belvedere_middleware::runtime::HttpVersion;
use bytes::Bytes;
use futures_util::future::{join_all, pending};
use futures_util::{FutureExt, StreamExt};
use hyper::body::Frame;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::secure::{Pieces, serve_h2};
use crate::upstream::{CHUNKED, Upstream};
use crate::{Client, direct, settle, soon, until};

/// What the kernel holds of one direction of a connection: sent and not acknowledged, or received and not read
/// (proc(5), `/proc/net/tcp`: `tx_queue` and `rx_queue`). `None` where there is no such list.
fn queued(local: u16, remote: u16) -> Option<(usize, usize)> {
    let list = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let port = |address: &str| u16::from_str_radix(address.rsplit(':').next()?, 16).ok();
    let mut lines = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = lines.find(|line| {
        let port = |at: usize| line.get(at).copied().and_then(port);
        (port(1), port(2)) == (Some(local), Some(remote))
    })?;
    let (tx, rx) = ours.get(4)?.split_once(':')?;
    let bytes = |hex| usize::from_str_radix(hex, 16).ok();
    Some((bytes(tx)?, bytes(rx)?))
}

/// Turns the scheduler until what is `seen` has stood still for many turns, and gives it.
async fn at_rest(seen: impl Fn() -> usize) -> usize {
    let (mut before, mut still) = (seen(), 0);
    until(|| {
        let now = seen();
        still = if now == before { still + 1 } else { 0 };
        before = now;
        still == 5_000
    })
    .await;
    before
}

async fn started(events: &mut Events) {
    assert!(matches!(events.next().await, Some(Ok(Event::Start { .. }))));
}

/// How many chunks are read before the reader stops.
const READ: usize = 200;

#[tokio::test]
async fn l9_http1_keeps_at_most_32_kib_of_a_stream_that_nobody_reads() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let line = format!("text {}\n", "x".repeat(1018));
    let chunk = format!("{:x}\r\n{}\r\n", 64 << 10, line.repeat(64));
    let written = Cell::new(0);
    let ports = Cell::new((0, 0));
    let server = async {
        let mut peer = upstream.accept().await;
        ports.set((peer.0.local_addr().unwrap().port(), peer.0.peer_addr().unwrap().port()));
        peer.request().await;
        peer.write(CHUNKED).await;
        loop {
            let mut rest = chunk.as_bytes();
            while !rest.is_empty() {
                let n = peer.0.write(rest).await.unwrap();
                written.set(written.get() + n);
                rest = rest.split_at(n).1;
            }
        }
    };
    let reader = async {
        let mut events = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
        started(&mut events).await;
        // Read for a while: the buffers of a fast stream have grown to what they may.
        for _ in 0..READ * 64 {
            assert!(events.next().await.unwrap().is_ok());
        }
        at_rest(|| written.get()).await;
        let (server, ours) = ports.get();
        let mut most = None;
        // What is on its way from one end to the other is in both lists, so no look shows too much, and most show all.
        for _ in 0..40 {
            let Some(((unacknowledged, _), (_, unread))) = queued(server, ours).zip(queued(ours, server))
            else {
                println!("skipped: this system does not show what its sockets hold");
                return;
            };
            most = most.max(written.get().checked_sub(unacknowledged + unread + READ * chunk.len()));
            settle().await;
        }
        let held = most.expect("more was written than was read");
        println!("{held} bytes are held in user space");
        assert!(held <= 32 << 10, "{held} bytes are held in user space");
    };
    tokio::select! {
        biased;
        () = soon(reader) => {}
        () = server => {}
    }
}

/// Feeds a body until nobody takes any more of it, and counts what was taken.
async fn endless(pieces: Pieces, taken: &Cell<usize>) {
    let piece = Bytes::from(format!("text {}\n", "x".repeat(1018)));
    while pieces.send(Ok(Frame::data(piece.clone()))).await.is_ok() {
        taken.set(taken.get() + piece.len());
    }
}

#[tokio::test]
async fn l9_a_hundred_stalled_http2_streams_are_bounded_and_do_not_hold_up_the_next() {
    const STALLED: usize = 100;
    const WINDOW: usize = 256 << 10;
    let upstream = Upstream::new().await;
    let mut options = direct();
    options.http = HttpVersion::Http2;
    let client = Client::new(&upstream.base(), &options);
    let (bodies, mut asked) = mpsc::channel(4);
    let counts: Vec<Cell<usize>> = (0..STALLED).map(|_| Cell::new(0)).collect();
    let feeds = async {
        let mut feeds = Vec::new();
        for count in &counts {
            feeds.push(endless(asked.recv().await.unwrap(), count));
            if feeds.len() == STALLED {
                break;
            }
        }
        // All of them at once, and the one after them to its end.
        let next = async {
            let pieces: Pieces = asked.recv().await.unwrap();
            for _ in 0..4096 {
                let line = format!("text {}\n", "y".repeat(1018));
                pieces.send(Ok(Frame::data(line.into()))).await.unwrap();
            }
            pieces.send(Ok(Frame::data("done\n".into()))).await.unwrap();
        };
        futures_util::future::join(join_all(feeds), next).await;
    };
    let calls = async {
        let mut streams = Vec::new();
        for _ in 0..STALLED {
            streams.push(client.stack.call(client.context(), Request::from("hi")).await.unwrap());
        }
        let all = || counts.iter().map(Cell::get).sum::<usize>();
        let total = at_rest(all).await;
        let most = counts.iter().map(Cell::get).max().unwrap();
        println!("{total} bytes were taken of {STALLED} streams, {most} of one");
        assert!(most <= WINDOW + (8 << 10), "{most} bytes were taken of one stream");
        let next = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
        assert_eq!(next.collect().await.unwrap().text().len(), 4096 * 1018);
        assert_eq!(all(), total, "the stalled ones have not moved");
        for events in &mut streams {
            started(events).await;
        }
    };
    tokio::select! {
        biased;
        () = soon(calls) => {}
        () = feeds.then(|()| pending()) => {}
        () = async { serve_h2(upstream.accept().await.0, bodies).await } => panic!("the connection was closed"),
    }
}
