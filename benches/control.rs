//! What does control of a stream cost?
//!
//! A stream of a client, which can be paused, resumed, cancelled, measured and check-pointed at any moment and keeps
//! its partial answer, beside the same events through one stream around another, as a client without control would
//! hand them out, and beside the bare source. CPU ns an event, of streams of 10,000 text events of five bytes:
//!
//! 1. events that are there already;
//! 2. events that each have to be waited for: the task is polled twice for each.
//!
//! `cargo bench --bench control`.

use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use async_trait::async_trait;
use belvedere::context::Context;
use belvedere::service::{Info, Service};
use belvedere::{Client, Event, Events, Request, Result};
use belvedere_benches::thread_cpu;
use futures_util::StreamExt;

const EVENTS: usize = 10_000;
const STREAMS: u32 = 20;
const ROUNDS: usize = 15;

/// Text events without end of the answer: the stream is dropped after them.
struct Source {
    left: usize,
    waits: bool,
    waited: bool,
}

impl futures_util::Stream for Source {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        if self.waits && !std::mem::replace(&mut self.waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.waited = false;
        if self.left == EVENTS {
            self.left -= 1;
            return Poll::Ready(Some(Ok(Event::Start { id: None, model: None })));
        }
        let Some(left) = self.left.checked_sub(1) else { return Poll::Pending };
        self.left = left;
        Poll::Ready(Some(Ok(Event::Text { choice: 0, part: 0, delta: "hello".into() })))
    }
}

/// A stream around another, with as little in it as can be.
struct Around(Events);

impl futures_util::Stream for Around {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

#[derive(Debug)]
struct Answers {
    waits: bool,
}

impl Answers {
    fn events(&self) -> Events {
        Events::new(Source { left: EVENTS, waits: self.waits, waited: false })
    }
}

#[async_trait]
impl Service for Answers {
    fn info(&self) -> Info {
        Info::new("memory", "memory")
    }

    async fn call(&self, _: Context, _: Request) -> Result<Events> {
        Ok(self.events())
    }
}

/// CPU ns an event of reading `EVENTS` events.
async fn read(mut events: Events) -> f64 {
    let began = thread_cpu();
    for _ in 0..EVENTS {
        std::hint::black_box(&events.next().await);
    }
    (thread_cpu() - began).as_secs_f64() * 1e9 / EVENTS as f64
}

/// CPU ns an event: bare, one stream around another, and a client's.
async fn round(waits: bool) -> [f64; 3] {
    let client = Client::new(Answers { waits });
    let (mut bare, mut around, mut controlled) = (0.0, 0.0, 0.0);
    for _ in 0..STREAMS {
        bare += read(Answers { waits }.events()).await;
        around += read(Events::new(Around(Answers { waits }.events()))).await;
        if let Ok(stream) = client.stream(Request::default()).await {
            controlled += read(stream).await;
        }
    }
    [bare, around, controlled].map(|sum| sum / f64::from(STREAMS))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (waits, name) in [(false, "events at hand"), (true, "events waited for")] {
        let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| runtime.block_on(round(waits))).collect();
        let of = |what: fn(&[f64; 3]) -> f64| median(rounds.iter().map(what).collect());
        println!(
            "{name:<18} bare {:6.1} ns, control adds {:6.1} ns CPU an event (bound 60), with the client's own stream \
             {:6.1} (medians of {ROUNDS})",
            of(|[bare, ..]| *bare),
            of(|[_, around, controlled]| controlled - around),
            of(|[bare, _, controlled]| controlled - bare),
        );
    }
    Ok(())
}
