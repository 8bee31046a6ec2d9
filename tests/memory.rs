//! How much memory paused streams take, and that they go on as if nothing had been (L16).
//!
//! All memory of the process is counted, so these tests are alone in their program and run one after the other, and a
//! server is another program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use belvedere::client::Client;
use belvedere::context::Lent;
use belvedere::middleware::runtime::{Proxy, TransportOptions, lent};
use belvedere::testing::{Simulation, Task};
use belvedere::{Config, EndKind, Event, Events};
use belvedere_tests::Endless;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use peak_alloc::PeakAlloc;
use serde_json::json;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

static ALONE: Mutex<()> = Mutex::new(());

/// What a paused stream may take, all in: over TCP, with what hyper and tokio hold of its connection.
const EACH: usize = 64 << 10;
const DAY: Duration = Duration::from_secs(86_400);

fn client(base_url: &str, lent: Lent) -> Client {
    let provider = json!({ "type": "openai", "base_url": base_url, "model": "m", "api_key": "test-key" });
    let layers = json!([{ "type": "timeout", "total": "1h" }]);
    let config = Config::from(json!({ "provider": provider, "layers": layers }));
    belvedere::registry().client_with(&config, lent).unwrap()
}

/// Reads a stream to its end, which must be that of the whole answer from this event on.
async fn goes_on_as(mut events: Events, whole: &[Event]) {
    for expected in whole {
        assert_eq!(&events.next().await.unwrap().unwrap(), expected);
    }
    assert!(events.next().await.is_none());
    assert_eq!(events.end(), Some(EndKind::Finished));
}

async fn whole(client: &Client) -> Vec<Event> {
    client.stream("hi").await.unwrap().map(Result::unwrap).collect().await
}

/// How many bytes each of so many streams takes that were made since `before`.
fn each(before: usize, streams: usize) -> usize {
    let each = (MEMORY.current_usage() - before) / streams;
    println!("{streams} paused streams take {each} bytes each");
    each
}

/// Pauses so many streams over an in-memory network for a day, each after another number of events.
fn over_memory(streams: usize, network: Endless) {
    let simulation = Simulation::new(1);
    let client = client("http://upstream.test/v1", simulation.lent_over(network.clone()));
    let whole = simulation.run(whole(&client));
    let before = MEMORY.current_usage();
    let mut paused: Vec<(Events, usize)> = (0..streams)
        .map(|n| {
            let taken = n % 7;
            let mut events = simulation.run(client.stream("hi")).unwrap();
            simulation.run(async {
                for _ in 0..taken {
                    events.next().await.unwrap().unwrap();
                }
            });
            events.controller().pause();
            assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
            (events, taken)
        })
        .collect();
    assert!(each(before, streams) <= EACH);
    assert_eq!(network.held(), streams, "the upstreams stay open");
    simulation.advance(DAY);
    for (events, taken) in paused.drain(..) {
        let mut events = events;
        events.controller().resume();
        simulation.run(goes_on_as(events, whole.get(taken..).unwrap()));
    }
    drop((paused, client));
    simulation.assert_idle();
}

#[test]
fn l16_ten_thousand_streams_paused_for_a_day_take_64_kib_each_and_go_on_unchanged() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    over_memory(10_000, Endless::new(9, 4 << 10));
}

#[test]
fn l16_small_deltas_take_no_more() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    over_memory(100, Endless::new(2_000, 4));
}

/// A provider in a process of its own, so that its memory does not count.
struct Upstream {
    process: Child,
    base_url: String,
}

impl Upstream {
    fn of(deltas: usize, length: usize) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_upstream"))
            .args([deltas, length].map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Upstream { process, base_url: format!("http://127.0.0.1:{}/v1", port.trim()) }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Polls all streams in turn until what they have buffered does not change any more.
async fn fill(streams: &mut [Events]) {
    let (before, still) = (Cell::new(0), Cell::new(0));
    while still.get() < 50 {
        for events in streams.iter_mut() {
            assert!(events.next().now_or_never().is_none());
        }
        tokio::task::yield_now().await;
        let buffered = streams.iter_mut().map(|events| events.controller().progress().buffered).sum::<u64>();
        still.set(if buffered == before.replace(buffered) { still.get() + 1 } else { 0 });
    }
}

/// Pauses so many streams over TCP, and lets them go on.
fn over_tcp(streams: usize, deltas: usize, length: usize) {
    let upstream = Upstream::of(deltas, length);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = TransportOptions::default();
        options.proxy = Proxy::None;
        let client = client(&upstream.base_url, lent(&options).unwrap());
        let whole = whole(&client).await;
        let before = MEMORY.current_usage();
        let mut paused = Vec::new();
        for _ in 0..streams {
            let mut events = client.stream("hi").await.unwrap();
            events.controller().pause();
            paused.push(events);
        }
        fill(&mut paused).await;
        assert!(each(before, streams) <= EACH);
        let all = paused.into_iter().map(|mut events| {
            events.controller().resume();
            goes_on_as(events, &whole)
        });
        join_all(all).await;
    });
}

#[test]
fn l16_a_thousand_streams_paused_over_tcp_take_64_kib_each_and_go_on_unchanged() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    over_tcp(1_000, 100, 4 << 10);
}

#[test]
fn l16_small_deltas_over_tcp_take_no_more() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    over_tcp(200, 2_000, 4);
}
