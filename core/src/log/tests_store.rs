use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::tests_feed::{Feed, Item, answer, log, next, read, ready, sizes, unread};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::store::{self, Applied, Entry, MemoryStore, Op, Page, Rate, StoreInfo, Take};
use crate::testing::Simulation;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const MANY: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

/// A store whose writes can be made to fail or to wait.
#[derive(Debug)]
struct Shaky {
    inner: MemoryStore,
    failing: AtomicU32,
    stuck: AtomicBool,
}

impl Shaky {
    fn new(simulation: &Simulation) -> Arc<Self> {
        let inner = MemoryStore::new(Arc::new(simulation.clock.clone()));
        Arc::new(Shaky { inner, failing: AtomicU32::new(0), stuck: AtomicBool::new(false) })
    }

    /// The keys there are, and how much is under each.
    fn keys(&self, simulation: &Simulation) -> Vec<String> {
        let page = simulation.poll_now(self.inner.scan("", None, MANY)).unwrap();
        page.entries.iter().map(|(key, _)| key.to_string()).collect()
    }
}

trait Now {
    fn poll_now<T>(&self, future: impl Future<Output = T> + Send) -> T;
}

impl Now for Simulation {
    /// Runs what does not wait: no time passes, and no task runs.
    fn poll_now<T>(&self, future: impl Future<Output = T> + Send) -> T {
        crate::testing::run(future)
    }
}

#[async_trait]
impl Store for Shaky {
    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.inner.get(key).await
    }

    async fn apply(&self, ops: &[Op]) -> Result<Applied> {
        if self.stuck.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let failing = self.failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        match failing {
            Ok(_) => Err(Error::new(ErrorKind::Store, "the store is away")),
            Err(_) => self.inner.apply(ops).await,
        }
    }

    async fn take(&self, key: &str, rate: Rate, units: u64) -> Result<Take> {
        self.inner.take(key, rate, units).await
    }

    async fn give(&self, key: &str, rate: Rate, units: u64) -> Result<()> {
        self.inner.give(key, rate, units).await
    }

    async fn scan(&self, prefix: &str, from: Option<&store::Cursor>, limit: NonZeroUsize) -> Result<Page> {
        self.inner.scan(prefix, from, limit).await
    }
}

fn over(store: &Arc<Shaky>, writes: Writes, options: LogOptions) -> LogOptions {
    let store = LogStore { store: store.clone(), key: "log/a".into(), keep: HOUR, writes };
    LogOptions { store: Some(store), ..options }
}

fn elsewhere(simulation: &Simulation, store: &Arc<Shaky>, offset: u64) -> Cursor {
    EventLog::attach_stored(store.clone(), "log/a", offset, Arc::new(simulation.lent()))
}

/// What a reader gets in all, however long it takes.
fn follow(simulation: &Simulation, mut cursor: Cursor) -> (Vec<crate::event::Event>, Option<ErrorKind>) {
    let mut events = Vec::new();
    loop {
        match simulation.run(futures_util::StreamExt::next(&mut cursor)) {
            Some(Ok(event)) => events.push(event),
            Some(Err(error)) => return (events, Some(error.kind())),
            None => return (events, None),
        }
    }
}

#[test]
fn a_published_log_is_followed_from_elsewhere_from_any_offset_to_its_end() {
    for (offset, deltas) in [(0, 3), (2, 3), (6, 3), (0, 2000), (1000, 2000), (2003, 2000)] {
        let simulation = Simulation::new(1);
        let store = Shaky::new(&simulation);
        let feed = Feed::new();
        let log = log(&simulation, &feed, over(&store, Writes::All, LogOptions::default()));
        let mut here = log.reader().unwrap();
        let mut there = elsewhere(&simulation, &store, offset);
        simulation.spawner.run_until_idle();
        let all = answer(deltas);
        let (before, after) = all.split_at(deltas / 2);
        before.iter().for_each(|event| feed.push(event.clone()));
        assert_eq!(ready(&simulation, &mut here).len(), before.len());
        simulation.advance(SECOND);
        let mut seen = ready(&simulation, &mut there).len();
        assert_eq!(seen, before.len().saturating_sub(offset as usize), "live: what came is there");
        after.iter().for_each(|event| feed.push(event.clone()));
        feed.feed(Item::End);
        assert_eq!(read(&simulation, &mut here), (after.to_vec(), None));
        let (rest, error) = follow(&simulation, there);
        seen += rest.len();
        assert_eq!((seen, error), (deltas + 3 - offset as usize, None));
        assert_eq!(rest, all[deltas + 3 - rest.len()..]);
        // Later, and after the writer is gone, too.
        drop((here, log));
        simulation.assert_idle();
        let late = elsewhere(&simulation, &store, offset);
        assert_eq!(follow(&simulation, late), (all[offset as usize..].to_vec(), None));
    }
}

#[test]
fn a_published_log_with_an_error_ends_with_it_elsewhere() {
    let simulation = Simulation::new(1);
    let store = Shaky::new(&simulation);
    let feed = Feed::new();
    let log = log(&simulation, &feed, over(&store, Writes::All, LogOptions::default()));
    feed.push(answer(0).remove(0));
    feed.feed(Item::Fail(Error::new(ErrorKind::Overloaded, "busy")));
    let mut here = log.reader().unwrap();
    assert_eq!(read(&simulation, &mut here).1, Some(ErrorKind::Overloaded));
    simulation.assert_idle();
    let there = elsewhere(&simulation, &store, 0);
    assert_eq!(follow(&simulation, there), (answer(0)[..1].to_vec(), Some(ErrorKind::Overloaded)));
    assert_eq!(follow(&simulation, elsewhere(&simulation, &store, 9)).1, Some(ErrorKind::Truncated));
}

#[test]
fn a_writer_that_vanishes_ends_its_followers_typed_with_what_there_was() {
    let simulation = Simulation::new(1);
    let other = Simulation::new(1);
    let store = Shaky::new(&simulation);
    let feed = Feed::new();
    let log = super::tests_feed::log(&other, &feed, over(&store, Writes::All, LogOptions::default()));
    answer(3).into_iter().take(3).for_each(|event| feed.push(event));
    let mut here = log.reader().unwrap();
    assert_eq!(ready(&other, &mut here).len(), 3);
    other.advance(SECOND);
    // From now on the other machine does nothing any more.
    let began = crate::clock::Clock::now(&simulation.clock);
    let there = elsewhere(&simulation, &store, 0);
    assert_eq!(follow(&simulation, there), (answer(3)[..3].to_vec(), Some(ErrorKind::Truncated)));
    let waited = crate::clock::Clock::now(&simulation.clock).since(began);
    assert!(waited > 9 * SECOND && waited < 11 * SECOND, "{waited:?}");
}

#[test]
fn a_writer_that_only_waits_keeps_its_followers_waiting() {
    let simulation = Simulation::new(1);
    let store = Shaky::new(&simulation);
    let feed = Feed::new();
    let log = log(&simulation, &feed, over(&store, Writes::All, LogOptions::default()));
    let _here = log.reader().unwrap();
    simulation.spawner.run_until_idle();
    let mut there = elsewhere(&simulation, &store, 0);
    for _ in 0..60 {
        assert!(next(&simulation, &mut there).is_none());
        simulation.advance(10 * SECOND);
    }
}

#[test]
fn what_is_not_in_the_store_is_refused_and_what_is_over_is_truncated() {
    let simulation = Simulation::new(1);
    let store = Shaky::new(&simulation);
    let unknown = elsewhere(&simulation, &store, 0);
    assert_eq!(follow(&simulation, unknown), (Vec::new(), Some(ErrorKind::InvalidRequest)));
    let log = log(&simulation, &Feed::of(3), over(&store, Writes::All, LogOptions::default()));
    let mut here = log.reader().unwrap();
    ready(&simulation, &mut here);
    simulation.advance(SECOND);
    assert_eq!(store.keys(&simulation), ["log/a/00000000000000000000", "log/a/end"]);
    simulation.poll_now(store.apply(&[Op::delete("log/a/00000000000000000000")])).ok();
    let late = elsewhere(&simulation, &store, 0);
    assert_eq!(follow(&simulation, late), (Vec::new(), Some(ErrorKind::Truncated)));
    simulation.advance(HOUR);
    assert!(store.keys(&simulation).is_empty(), "entries have an end");
}

#[test]
fn a_log_takes_the_place_of_an_earlier_one_under_its_key() {
    let simulation = Simulation::new(1);
    let store = Shaky::new(&simulation);
    for deltas in [900, 2] {
        let options = over(&store, Writes::All, LogOptions::default());
        let log = log(&simulation, &Feed::of(deltas), options);
        let mut here = log.reader().unwrap();
        ready(&simulation, &mut here);
        simulation.advance(SECOND);
        let there = elsewhere(&simulation, &store, 0);
        assert_eq!(follow(&simulation, there), (answer(deltas), None));
    }
}

#[test]
fn a_slow_store_holds_up_nobody_below_the_bound() {
    let simulation = Simulation::new(1);
    let store = Shaky::new(&simulation);
    let feed = Feed::of(100);
    let log = log(&simulation, &feed, over(&store, Writes::All, unread(sizes(50))));
    let mut cursor = log.reader().unwrap();
    store.stuck.store(true, Ordering::Relaxed);
    assert_eq!(ready(&simulation, &mut cursor).len(), 50, "the rest waits for the store");
    assert_eq!(log.bytes(), sizes(50));
}

#[test]
fn a_store_that_fails_for_a_while_loses_nothing_and_one_that_fails_for_good_stops_no_reader() {
    for (failures, followed) in [(3, None), (1000, Some(ErrorKind::Truncated))] {
        let simulation = Simulation::new(1);
        let store = Shaky::new(&simulation);
        let feed = Feed::of(100);
        let log = log(&simulation, &feed, over(&store, Writes::All, unread(sizes(50))));
        let mut cursor = log.reader().unwrap();
        simulation.spawner.run_until_idle();
        let there = elsewhere(&simulation, &store, 0);
        store.failing.store(failures, Ordering::Relaxed);
        let mut here = ready(&simulation, &mut cursor).len();
        simulation.advance(6 * SECOND);
        here += read(&simulation, &mut cursor).0.len();
        assert_eq!(here, 103);
        assert_eq!(follow(&simulation, there).1, followed);
        simulation.assert_idle();
    }
}

#[test]
fn overflow_goes_to_the_store_comes_back_in_order_and_is_deleted() {
    for keep in [Keep::Unread, Keep::All] {
        let simulation = Simulation::new(1);
        let store = Shaky::new(&simulation);
        let feed = Feed::of(3000);
        let options = LogOptions { full: Full::Spill, keep, ..unread(sizes(300)) };
        let log = log(&simulation, &feed, over(&store, Writes::Overflow, options));
        let mut cursor = log.reader().unwrap();
        assert_eq!(next(&simulation, &mut cursor).unwrap().unwrap().unwrap(), answer(0)[0]);
        log.read_on();
        simulation.spawner.run_until_idle();
        assert_eq!((feed.given(), feed.is_open()), (3003, false));
        assert!(log.bytes() <= sizes(300));
        assert!(store.keys(&simulation).len() > 8);
        log.read_on_demand();
        assert_eq!(read(&simulation, &mut cursor), (answer(3000).split_off(1), None));
        if keep == Keep::All {
            for offset in [0, 255, 256, 2000, 3003] {
                let mut late = log.attach(offset).unwrap();
                assert_eq!(read(&simulation, &mut late), (answer(3000).split_off(offset as usize), None));
            }
        }
        simulation.spawner.run_until_idle();
        assert_eq!(store.keys(&simulation).is_empty(), keep == Keep::Unread);
        drop((log, cursor));
        simulation.assert_idle();
        assert!(store.keys(&simulation).is_empty());
    }
}

#[test]
fn overflow_that_the_store_refuses_waits_in_memory() {
    let simulation = Simulation::new(1);
    let store = Shaky::new(&simulation);
    let feed = Feed::of(3000);
    store.failing.store(1000, Ordering::Relaxed);
    let options = LogOptions { full: Full::Spill, ..unread(sizes(300)) };
    let log = log(&simulation, &feed, over(&store, Writes::Overflow, options));
    let mut cursor = log.reader().unwrap();
    log.read_on();
    simulation.advance(10 * SECOND);
    assert_eq!((feed.given(), log.bytes()), (300, sizes(300)));
    assert_eq!(read(&simulation, &mut cursor), (answer(3000), None));
    simulation.assert_idle();
}

#[test]
fn a_laggard_whose_events_are_in_the_store_ends_typed_where_that_is_declared() {
    let simulation = Simulation::new(1);
    let store = Shaky::new(&simulation);
    let feed = Feed::new();
    let all = answer(3000);
    all[..2000].iter().for_each(|event| feed.push(event.clone()));
    let options = LogOptions { full: Full::Spill, laggards: Laggards::End, ..unread(sizes(300)) };
    let log = log(&simulation, &feed, over(&store, Writes::Overflow, options));
    let (mut fast, mut slow) = (log.reader().unwrap(), log.reader().unwrap());
    log.read_on();
    simulation.spawner.run_until_idle();
    log.read_on_demand();
    assert_eq!(ready(&simulation, &mut fast).len(), 2000);
    // The slow one has begun with a batch of the store.
    assert_eq!(next(&simulation, &mut slow).unwrap().unwrap().unwrap(), all[0]);
    all[2000..].iter().for_each(|event| feed.push(event.clone()));
    feed.feed(Item::End);
    assert_eq!(read(&simulation, &mut fast), (all[2000..].to_vec(), None));
    let (rest, error) = read(&simulation, &mut slow);
    assert_eq!((rest, error), (all[1..256].to_vec(), Some(ErrorKind::Truncated)));
    drop((log, fast, slow));
    simulation.assert_idle();
    assert!(store.keys(&simulation).is_empty());
}
