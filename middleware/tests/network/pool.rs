//! Connections are returned or closed, never lost (L4, L5).

use std::cell::Cell;

use belvedere_core::error::ErrorKind;
use belvedere_core::event::Event;
use belvedere_core::request::Request;
use belvedere_core::service::Service;
use belvedere_core::testing::{Piece, Reply, Simulation};
use futures_util::stream::{FuturesUnordered, iter};
use futures_util::{FutureExt, StreamExt};

use crate::lines::LinesWire;
use crate::upstream::{CHUNKED, Peer, Upstream};
use crate::{Client, direct, soon, until};

/// Counts what a server sees.
#[derive(Debug, Default)]
struct Seen {
    accepted: Cell<usize>,
    open: Cell<usize>,
    requests: Cell<usize>,
}

fn add(cell: &Cell<usize>, n: usize) -> usize {
    cell.set(cell.get() + n);
    cell.get()
}

/// Serves each connection by `answer`, which gets the number of the request, until the client closes.
async fn serve(upstream: &Upstream, seen: &Seen, answer: impl AsyncFn(&mut Peer, usize)) {
    let mut peers = FuturesUnordered::new();
    loop {
        tokio::select! {
            mut peer = upstream.serve_next() => {
                add(&seen.accepted, 1);
                add(&seen.open, 1);
                let answer = &answer;
                peers.push(async move {
                    while peer.next_request().await.is_some() {
                        answer(&mut peer, add(&seen.requests, 1)).await;
                    }
                    seen.open.set(seen.open.get() - 1);
                });
            }
            Some(()) = peers.next() => {}
        }
    }
}

#[tokio::test]
async fn l4_a_thousand_refused_streams_do_not_use_up_a_pool_of_two() {
    const REFUSED: usize = 1000;
    let upstream = Upstream::new().await;
    let mut options = direct();
    options.pool_max_idle_per_host = Some(2);
    let client = Client::new(&upstream.base(), &options);
    let seen = Seen::default();
    let server = serve(&upstream, &seen, async |peer, n| match n {
        n if n <= REFUSED => {
            peer.write("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 9\r\n\r\n{\"e\": 42}").await;
        }
        _ => peer.write("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\ntext a\ndone\n").await,
    });
    let calls = async {
        let refused = iter(0..REFUSED)
            .map(|_| client.stack.call(client.context(), Request::from("hi")))
            .buffer_unordered(8)
            .filter(|outcome| {
                let refused = matches!(outcome, Err(e) if e.kind() == ErrorKind::RateLimited);
                async move { refused }
            })
            .count()
            .await;
        assert_eq!(refused, REFUSED);
        let events = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
        assert_eq!(events.collect().await.unwrap().text(), "a");
        until(|| seen.open.get() <= 2).await;
    };
    tokio::select! {
        biased;
        () = soon(calls) => {}
        () = server.boxed_local() => {}
    }
    assert_eq!(seen.requests.get(), REFUSED + 1, "none was sent twice");
    assert!(seen.accepted.get() < REFUSED / 2, "connections are used again: {}", seen.accepted.get());
}

#[tokio::test]
async fn l5_two_hundred_abandoned_streams_leave_no_connection() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let seen = Seen::default();
    let server = serve(&upstream, &seen, async |peer, _| {
        peer.write(CHUNKED).await;
        peer.chunk("text a\n").await;
    });
    let calls = async {
        for _ in 0..200 {
            let mut events = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
            assert!(matches!(events.next().await, Some(Ok(Event::Start { .. }))));
        }
        until(|| seen.open.get() == 0).await;
    };
    tokio::select! {
        biased;
        () = soon(calls) => {}
        () = server.boxed_local() => {}
    }
    assert_eq!((seen.accepted.get(), seen.requests.get()), (200, 200), "none was used again");
}

#[test]
fn l5_ten_thousand_abandoned_streams_leave_nothing() {
    use belvedere_core::credentials::Anonymous;
    use belvedere_core::http::Http;
    let simulation = Simulation::new(1);
    simulation.network.always(Reply::ok("text/plain", "text a\n").with(Piece::Stall(true)));
    let service = Http::new(LinesWire::new("http://lines.example/"), Anonymous);
    for _ in 0..10_000 {
        simulation.run(async {
            let mut events = service.call(simulation.context(), Request::from("hi")).await.unwrap();
            assert!(events.next().await.unwrap().is_ok());
        });
        assert_eq!(simulation.network.open(), 0);
    }
    assert_eq!(simulation.network.aborted(), 10_000);
    simulation.assert_idle();
}
