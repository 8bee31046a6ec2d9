//! What is taken from an upstream is bounded: by a slow reader (L9), and by a line that never ends (S10).

use std::cell::Cell;

use belvedere_core::error::ErrorKind;
use belvedere_core::event::Event;
use belvedere_core::request::Request;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use crate::upstream::{CHUNKED, Upstream};
use crate::{Client, soon};

const LINE: usize = 1024;
/// What the server has to say: far more than any buffer on the way may hold.
const ALL: usize = 64 << 20;

#[tokio::test]
async fn l9_a_stopped_reader_stops_the_upstream() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let line = format!("text {}\n", "x".repeat(LINE - 6));
    let block = line.repeat(64);
    let written = Cell::new(0);
    let server = async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.write(CHUNKED).await;
        while written.get() < ALL {
            peer.chunk(&block).await;
            written.set(written.get() + block.len());
        }
        peer.chunk("done\n").await;
        peer.write("0\r\n\r\n").await;
    };
    let reader = async {
        let mut events = client.stack.call(client.context(), Request::from("hi")).await.unwrap();
        assert!(matches!(events.next().await, Some(Ok(Event::Start { .. }))));
        // The reader stops. The server goes on until it has stood still for many turns.
        let (mut before, mut still) = (0, 0);
        while still < 5_000 {
            tokio::task::yield_now().await;
            still = if written.get() == before { still + 1 } else { 0 };
            before = written.get();
        }
        assert!(before < 16 << 20, "{before} bytes were taken from the server while nobody read");
        let mut bytes = 0;
        while let Some(item) = events.next().await {
            if let Event::Text { delta, .. } = item.unwrap() {
                bytes += delta.len();
            }
        }
        assert_eq!(bytes, ALL / LINE * (LINE - 6), "and nothing is lost once it reads again");
    };
    soon(async { tokio::join!(server, reader) }).await;
}

/// The default limit of a frame.
const FRAME: usize = 16 << 20;
/// A line of one gibibyte, which is never taken whole.
const ENDLESS: usize = 1 << 30;

#[tokio::test]
async fn s10_a_line_without_end_is_refused_and_the_connection_closed() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let block = "x".repeat(64 << 10);
    let chunk = format!("{:x}\r\n{block}\r\n", block.len());
    let server = async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.write(CHUNKED).await;
        let mut written = 0;
        while written < ENDLESS && peer.0.write_all(chunk.as_bytes()).await.is_ok() {
            written += block.len();
        }
        written
    };
    let reader = async {
        let answer = client.stack.call(client.context(), Request::from("hi")).await.unwrap().collect().await;
        answer.unwrap_err()
    };
    let (written, error) = soon(async { tokio::join!(server, reader) }).await;
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains(&FRAME.to_string()), "the limit is named: {error}");
    let taken = FRAME..2 * FRAME;
    assert!(taken.contains(&written), "{written} bytes were taken before the connection was closed");
}
