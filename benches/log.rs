//! What does an event log cost?
//!
//! 1. One reader over the bare source, CPU ns an event: nothing kept, and everything kept; and the stream of an
//!    answer over that reader.
//! 2. Many readers, CPU ns an event and reader.
//!
//! `cargo bench --bench log`. All figures are CPU time of the calling thread.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use belvedere::context::Lent;
use belvedere::log::{EventLog, Keep, LogOptions};
use belvedere::testing::{Simulation, TestSpawner};
use belvedere::{Event, Events, Result};
use belvedere_benches::thread_cpu;
use futures_util::{Stream, StreamExt};

const EVENTS: usize = 1_000;
const STREAMS: usize = 200;
const ROUNDS: usize = 25;
const READERS: usize = 1_000;

fn answer() -> Vec<Event> {
    let mut events = vec![Event::Start { id: None, model: None }];
    events.extend((0..EVENTS).map(|_| Event::Text { choice: 0, part: 0, delta: "x".into() }));
    events.push(Event::PartEnd { choice: 0, part: 0 });
    events.push(Event::Finish { choice: 0, finish: Default::default() });
    events
}

/// Reads what is ready.
fn drain(stream: &mut (impl Stream<Item = Result<Event>> + Unpin)) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let mut events = 0;
    while let Poll::Ready(Some(item)) = stream.poll_next_unpin(&mut cx) {
        std::hint::black_box(&item);
        events += 1;
    }
    events
}

/// CPU ns an event of reading streams that `open` makes of a source. Making the source is not counted.
fn per_event<S>(answer: &[Event], open: impl Fn(Events) -> S) -> f64
where
    S: Stream<Item = Result<Event>> + Unpin,
{
    let mut sources: Vec<_> = (0..STREAMS).map(|_| Events::from_events(answer.to_vec())).collect();
    let began = thread_cpu();
    for source in sources.drain(..) {
        assert_eq!(drain(&mut open(source)), answer.len());
    }
    (thread_cpu() - began).as_secs_f64() * 1e9 / (STREAMS * answer.len()) as f64
}

/// CPU ns an event and reader of one log that many read.
fn fan_out(answer: &[Event], lent: &Arc<Lent>, spawner: &TestSpawner) -> Result<f64> {
    let source = Events::from_events(answer.to_vec());
    let log = EventLog::new(source, lent.clone(), options(Keep::Unread));
    let mut readers = (0..READERS).map(|_| log.reader()).collect::<Result<Vec<_>>>()?;
    let began = thread_cpu();
    let mut events = 0;
    while log.end().is_none() {
        spawner.run_until_idle();
        events += readers.iter_mut().map(drain).sum::<usize>();
    }
    events += readers.iter_mut().map(drain).sum::<usize>();
    assert_eq!(events, answer.len() * READERS);
    Ok((thread_cpu() - began).as_secs_f64() * 1e9 / events as f64)
}

fn options(keep: Keep) -> LogOptions {
    LogOptions { keep, ..LogOptions::default() }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() -> Result<()> {
    let simulation = Simulation::new(1);
    let lent = Arc::new(simulation.lent());
    let answer = answer();
    let reader = |source, keep| {
        #[expect(clippy::expect_used, reason = "a new log takes readers in")]
        EventLog::new(source, lent.clone(), options(keep)).reader().expect("nobody is refused")
    };
    let (mut bare, mut unread, mut all, mut streams) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // In turns, so that what else the machine does falls on all of them.
    for _ in 0..ROUNDS {
        let source = per_event(&answer, |source| source);
        bare.push(source);
        unread.push(per_event(&answer, |source| reader(source, Keep::Unread)) - source);
        all.push(per_event(&answer, |source| reader(source, Keep::All)) - source);
        streams.push(per_event(&answer, |source| reader(source, Keep::Unread).into_events()) - source);
    }
    println!("bare source                   {:6.1} ns CPU an event (median of {ROUNDS})", median(bare));
    println!("log, one reader, added        {:6.1} ns CPU an event; at most 100", median(unread));
    println!("log that keeps all, added     {:6.1} ns CPU an event", median(all));
    println!("stream of one reader, added    {:6.1} ns CPU an event", median(streams));
    println!(
        "log, {READERS} readers           {:6.1} ns CPU an event and reader",
        fan_out(&answer, &lent, &simulation.spawner)?
    );
    Ok(())
}
