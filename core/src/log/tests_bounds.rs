use std::sync::Arc;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::tests_feed::{Feed, answer, events, log, next, read, ready, sizes, unread};
use super::*;
use crate::entropy::Entropy;
use crate::error::ErrorKind;
use crate::event::Event;
use crate::testing::{SeededEntropy, Simulation};

const FIVE: usize = sizes(5);

#[test]
fn l9_a_stopped_reader_stops_the_source_at_the_bound() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(1000);
    let log = log(&simulation, &feed, unread(FIVE));
    let (mut fast, mut slow) = (log.reader().unwrap(), log.reader().unwrap());
    assert_eq!(ready(&simulation, &mut fast).len(), 5);
    assert_eq!((feed.given(), log.bytes()), (5, FIVE));
    // The slow one goes on by two: so does the fast one.
    events(vec![
        next(&simulation, &mut slow).unwrap().unwrap(),
        next(&simulation, &mut slow).unwrap().unwrap(),
    ]);
    assert_eq!(ready(&simulation, &mut fast).len(), 2);
    assert_eq!((feed.given(), log.bytes()), (7, FIVE));
    drop(slow);
    assert_eq!(read(&simulation, &mut fast), (answer(1000).split_off(7), None));
    simulation.assert_idle();
}

#[test]
fn l9_a_laggard_ends_typed_where_that_is_declared_and_the_others_go_on() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(1000);
    let options = LogOptions { laggards: Laggards::End, ..unread(FIVE) };
    let log = log(&simulation, &feed, options);
    let (mut fast, mut slow) = (log.reader().unwrap(), log.reader().unwrap());
    next(&simulation, &mut slow).unwrap();
    for _ in 0..1003 {
        assert!(next(&simulation, &mut fast).unwrap().unwrap().is_ok());
        assert!(log.bytes() <= FIVE);
    }
    assert_eq!(read(&simulation, &mut slow), (Vec::new(), Some(ErrorKind::Truncated)));
    assert_eq!(read(&simulation, &mut fast), (Vec::new(), None));
    simulation.assert_idle();
}

#[test]
fn past_the_bound_nobody_joins_and_only_the_unread_is_kept() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(10);
    let log = log(&simulation, &feed, LogOptions { bytes: FIVE, ..LogOptions::default() });
    let mut cursor = log.reader().unwrap();
    for _ in 0..5 {
        next(&simulation, &mut cursor).unwrap();
    }
    assert_eq!(log.bytes(), FIVE);
    assert!(log.attach(0).is_ok());
    next(&simulation, &mut cursor).unwrap();
    assert_eq!(log.bytes(), 0);
    let refused = log.attach(6).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "invalid request: cannot attach: the log has outgrown its bound; offset: 6"
    );
    assert_eq!(read(&simulation, &mut cursor), (answer(10).split_off(6), None));
    simulation.assert_idle();
}

#[test]
fn a_laggard_is_not_kept_for_by_a_log_that_keeps_all_either() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(100);
    let options = LogOptions { bytes: FIVE, laggards: Laggards::End, ..LogOptions::default() };
    let log = log(&simulation, &feed, options);
    let (mut fast, mut slow) = (log.reader().unwrap(), log.reader().unwrap());
    assert_eq!(read(&simulation, &mut fast), (answer(100), None));
    assert_eq!(read(&simulation, &mut slow), (Vec::new(), Some(ErrorKind::Truncated)));
    simulation.assert_idle();
}

#[test]
fn who_attaches_behind_what_was_kept_makes_room() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(100);
    let log = log(&simulation, &feed, unread(FIVE));
    log.detach();
    simulation.spawner.run_until_idle();
    assert_eq!(log.offset(), 5);
    let mut late = log.attach(5).unwrap();
    assert_eq!(read(&simulation, &mut late), (answer(100).split_off(5), None));
    simulation.assert_idle();
}

#[test]
fn a_log_that_reads_on_waits_at_the_bound() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(100);
    let log = log(&simulation, &feed, unread(FIVE));
    let mut cursor = log.reader().unwrap();
    log.read_on();
    simulation.spawner.run_until_idle();
    assert_eq!((feed.given(), log.bytes(), log.is_closed()), (5, FIVE, false));
    next(&simulation, &mut cursor).unwrap();
    simulation.spawner.run_until_idle();
    assert_eq!(feed.given(), 6, "what was read makes room");
    log.read_on_demand();
    for at in 1..6 {
        next(&simulation, &mut cursor).unwrap();
        assert_eq!((feed.given(), log.bytes()), (6, sizes(5 - at)));
    }
    assert_eq!(read(&simulation, &mut cursor), (answer(100).split_off(6), None));
    simulation.assert_idle();
}

#[test]
fn a_log_that_reads_on_closes_its_source_at_the_bound_where_that_is_declared() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(100);
    let log = log(&simulation, &feed, LogOptions { full: Full::Close, ..unread(FIVE) });
    let mut cursor = log.reader().unwrap();
    next(&simulation, &mut cursor).unwrap();
    log.read_on();
    simulation.spawner.run_until_idle();
    assert_eq!((feed.given(), feed.is_open(), log.is_closed()), (6, false, true));
    let (events, error) = read(&simulation, &mut cursor);
    assert_eq!((events, error), (answer(100)[1..6].to_vec(), Some(ErrorKind::Truncated)));
    simulation.assert_idle();
}

/// Events that all hold one count: how many are alive is known.
fn counted(count: usize, vector: &Arc<[f64]>) -> Feed {
    let feed = Feed::new();
    let events = answer(0);
    feed.push(events[0].clone());
    (0..count).for_each(|_| feed.push(Event::Embedding { index: 0, vector: vector.clone() }));
    feed.push(Event::Finish { choice: 0, finish: Default::default() });
    feed.feed(super::tests_feed::Item::End);
    feed
}

/// A thousand readers that join at random and read at random; some are slow, some leave.
fn fan_out(seed: u64, laggards: Laggards) {
    const READERS: usize = 1000;
    const EVENTS: usize = 40;
    let one = size_of::<Event>() + 64;
    let bound = 8 * one;
    let vector: Arc<[f64]> = vec![0.5; 8].into();
    let simulation = Simulation::new(seed);
    let entropy = SeededEntropy::new(seed);
    let below = |n: u64| entropy.next_u64() % n;
    let feed = counted(EVENTS, &vector);
    let fed = Arc::strong_count(&vector);
    let log = log(&simulation, &feed, LogOptions { laggards, ..unread(bound) });
    let mut first = Some(log.reader().unwrap());
    let (mut open, mut joined, mut complete, mut ended) = (Vec::new(), 0, 0, 0);
    while joined < READERS || !open.is_empty() {
        if joined < READERS && (open.is_empty() || below(2) == 0) {
            joined += 1;
            let at = log.offset();
            let cursor = first.take().map(Ok).unwrap_or_else(|| log.attach(below(at + 1)));
            // One in ten is slow.
            open.extend(cursor.or_else(|_| log.attach(at)).map(|cursor| (cursor, below(10) == 0)));
        }
        let at = below(open.len() as u64) as usize;
        let (cursor, slow) = &mut open[at];
        if *slow && below(4) > 0 {
            continue;
        }
        match next(&simulation, cursor) {
            Some(Some(Ok(_))) | None => {}
            Some(Some(Err(error))) => {
                assert_eq!((error.kind(), laggards), (ErrorKind::Truncated, Laggards::End));
                ended += 1;
                open.swap_remove(at);
            }
            Some(None) => {
                assert_eq!(cursor.offset(), EVENTS as u64 + 2);
                complete += 1;
                open.swap_remove(at);
            }
        }
        let alive =
            Arc::strong_count(&vector) - (fed - feed.given().saturating_sub(1).min(EVENTS as u64) as usize);
        assert!(log.bytes() < bound + one && alive <= 8, "{} bytes, {alive} events", log.bytes());
    }
    assert_eq!((joined, complete + ended, log.bytes()), (READERS, READERS, 0));
    assert!(complete > 0 && (ended > 0) == (laggards == Laggards::End), "{complete} complete, {ended} ended");
    simulation.assert_idle();
}

#[test]
fn fan_out_to_a_thousand_readers_is_complete_within_the_bound() {
    fan_out(1, Laggards::Wait);
}

#[test]
fn fan_out_to_a_thousand_readers_is_complete_or_typed_within_the_bound() {
    (0..8).for_each(|seed| fan_out(seed, Laggards::End));
}
