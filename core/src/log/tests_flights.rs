use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::tests_feed::{Feed, Item, answer, next, read, ready, sizes, unread};
use super::*;
use crate::entropy::Entropy;
use crate::error::{Error, ErrorKind, Result};
use crate::testing::{SeededEntropy, Simulation, Task};

/// How a run is made.
#[derive(Clone, Copy, PartialEq)]
enum Makes {
    AtOnce,
    Never,
    Fails,
    Panics,
}

struct Airport {
    simulation: Simulation,
    lent: Arc<Lent>,
    flights: Flights<u32>,
    made: Arc<AtomicUsize>,
}

impl Airport {
    fn new() -> Self {
        let simulation = Simulation::new(1);
        let lent = Arc::new(simulation.lent());
        Airport { lent, flights: Flights::new(), made: Arc::default(), simulation }
    }

    fn join(&self, key: u32, feed: &Feed) -> Cursor {
        self.join_with(key, feed, Makes::AtOnce, LogOptions::default())
    }

    fn join_with(&self, key: u32, feed: &Feed, makes: Makes, options: LogOptions) -> Cursor {
        let (feed, made) = (feed.clone(), self.made.clone());
        let make = move || async move {
            made.fetch_add(1, Ordering::Relaxed);
            match makes {
                Makes::AtOnce => Ok(feed.events()),
                Makes::Never => std::future::pending().await,
                Makes::Fails => Err(Error::new(ErrorKind::RateLimited, "slow down")),
                Makes::Panics => panic!("no runway"),
            }
        };
        self.flights.join(key, &self.lent, options, make).unwrap()
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Nothing is left: no flight, no task.
    fn assert_empty(&self) {
        self.simulation.assert_idle();
        assert_eq!(self.flights.len(), 0);
    }
}

#[test]
fn one_run_serves_all_who_join_while_it_lives() {
    let airport = Airport::new();
    let feed = Feed::of(10);
    let mut readers = Vec::new();
    for at in 0..10 {
        readers.push(airport.join(7, &feed));
        assert!(next(&airport.simulation, &mut readers[at / 2]).is_some());
    }
    assert_eq!((airport.made(), airport.flights.len()), (1, 1));
    for mut reader in readers {
        let before = reader.offset() as usize;
        assert_eq!(read(&airport.simulation, &mut reader), (answer(10).split_off(before), None));
    }
    airport.assert_empty();
    // The next one is a run of its own.
    let mut again = airport.join(7, &Feed::of(1));
    assert_eq!((read(&airport.simulation, &mut again), airport.made()), ((answer(1), None), 2));
    airport.assert_empty();
}

#[test]
fn d1_w10_a_leader_that_leaves_at_any_point_hands_over() {
    for at in 0..=6 {
        for makes in [Makes::AtOnce, Makes::Never] {
            let airport = Airport::new();
            let feed = Feed::new();
            let all = answer(3);
            let mut leader = airport.join_with(7, &feed, makes, LogOptions::default());
            for event in &all[..at] {
                feed.push(event.clone());
                next(&airport.simulation, &mut leader);
            }
            assert!(next(&airport.simulation, &mut leader).is_none());
            let mut follower = airport.join(7, &feed);
            drop(leader);
            all[at..].iter().for_each(|event| feed.push(event.clone()));
            feed.feed(Item::End);
            if makes == Makes::AtOnce {
                assert_eq!(read(&airport.simulation, &mut follower), (all, None));
            } else {
                assert!(next(&airport.simulation, &mut follower).is_none(), "it waits with the run");
                drop(follower);
            }
            assert_eq!(airport.made(), 1);
            airport.assert_empty();
        }
    }
}

#[test]
// There a panic ends the program.
#[cfg(not(target_arch = "wasm32"))]
fn d2_a_panic_at_any_point_is_one_typed_error_for_all_and_the_key_is_free() {
    for at in 0..=6 {
        let airport = Airport::new();
        let feed = Feed::new();
        let makes = if at == 0 { Makes::Panics } else { Makes::AtOnce };
        answer(3).into_iter().take(at).for_each(|event| feed.push(event));
        feed.feed(Item::Panic);
        let mut readers: Vec<_> =
            (0..3).map(|_| airport.join_with(7, &feed, makes, LogOptions::default())).collect();
        for reader in &mut readers {
            assert_eq!(
                read(&airport.simulation, reader),
                (answer(3)[..at].to_vec(), Some(ErrorKind::Unexpected))
            );
        }
        airport.assert_empty();
        assert_eq!(airport.made(), 1);
    }
}

#[test]
fn d3_a_leader_that_is_polled_once_or_never_stalls_no_follower() {
    for polls in 0..2 {
        let airport = Airport::new();
        let feed = Feed::new();
        let mut leader = airport.join(7, &feed);
        let mut forgotten = Task::new(leader.next());
        (0..polls).for_each(|_| assert!(forgotten.poll().is_pending()));
        let mut follower = airport.join(7, &feed);
        assert!(next(&airport.simulation, &mut follower).is_none());
        answer(5).into_iter().for_each(|event| feed.push(event));
        feed.feed(Item::End);
        assert_eq!(read(&airport.simulation, &mut follower), (answer(5), None));
        drop(forgotten);
        drop(leader);
        airport.assert_empty();
    }
}

#[test]
fn d4_waiters_that_are_cancelled_leave_the_key_free() {
    for waiters in 1..=4 {
        // Each in turn is the last to stay.
        for last in 0..waiters {
            let airport = Airport::new();
            let feed = Feed::new();
            let mut readers: Vec<_> = (0..waiters).map(|_| airport.join(7, &feed)).collect();
            readers.iter_mut().for_each(|reader| assert!(next(&airport.simulation, reader).is_none()));
            let stays = readers.remove(last);
            drop(readers);
            assert_eq!((airport.flights.len(), feed.is_open()), (1, true));
            drop(stays);
            assert_eq!((airport.flights.len(), feed.is_open()), (0, false));
            airport.assert_empty();
        }
    }
}

#[test]
fn d5_w10_a_run_that_fails_fails_alike_for_all() {
    for at in 0..=3 {
        let airport = Airport::new();
        let feed = Feed::new();
        let makes = if at == 0 { Makes::Fails } else { Makes::AtOnce };
        answer(3).into_iter().take(at).for_each(|event| feed.push(event));
        feed.feed(Item::Fail(Error::new(ErrorKind::RateLimited, "slow down")));
        let mut readers: Vec<_> =
            (0..3).map(|_| airport.join_with(7, &feed, makes, LogOptions::default())).collect();
        for reader in &mut readers {
            let items = ready(&airport.simulation, reader);
            let error = items.last().unwrap().as_ref().unwrap_err();
            assert_eq!(
                (items.len(), error.kind(), error.message()),
                (at + 1, ErrorKind::RateLimited, "slow down")
            );
        }
        assert_eq!(airport.made(), 1);
        airport.assert_empty();
    }
}

#[test]
fn d6_who_joins_while_the_old_run_goes_gets_a_new_one() {
    let airport = Airport::new();
    let feed = Feed::new();
    let mut old = airport.join(7, &feed);
    let log = airport.flights.get(&7).unwrap();
    assert!(next(&airport.simulation, &mut old).is_none());
    // The old run is over, and its last reader has not seen it yet.
    log.cancel();
    let mut new = airport.join(7, &Feed::of(2));
    assert_eq!(read(&airport.simulation, &mut old), (Vec::new(), Some(ErrorKind::Cancelled)));
    drop((old, log));
    assert_eq!(airport.flights.len(), 1, "the end of the old run leaves the new one alone");
    assert_eq!(read(&airport.simulation, &mut new), (answer(2), None));
    airport.assert_empty();
}

#[test]
fn d6_a_run_past_its_bound_goes_on_beside_a_new_one() {
    let airport = Airport::new();
    let (old_feed, new_feed) = (Feed::of(20), Feed::of(20));
    let options = || LogOptions { bytes: sizes(4), ..LogOptions::default() };
    let mut old = airport.join_with(7, &old_feed, Makes::AtOnce, options());
    for _ in 0..6 {
        next(&airport.simulation, &mut old).unwrap();
    }
    let mut new = airport.join_with(7, &new_feed, Makes::AtOnce, options());
    let mut newer = airport.join_with(7, &new_feed, Makes::AtOnce, options());
    assert_eq!((airport.made(), airport.flights.len()), (1, 1));
    assert_eq!(read(&airport.simulation, &mut old), (answer(20).split_off(6), None));
    assert_eq!(airport.flights.len(), 1);
    let mut seen = [0; 2];
    while seen != [23, 23] {
        seen[0] += ready(&airport.simulation, &mut new).len();
        seen[1] += ready(&airport.simulation, &mut newer).len();
    }
    assert_eq!(airport.made(), 2);
    airport.assert_empty();
}

#[test]
fn d7_the_map_is_as_large_as_the_number_of_live_runs() {
    let airport = Airport::new();
    let feed = Feed::new();
    let stays: Vec<_> = (0..10).map(|key| airport.join(key, &feed)).collect();
    let keys = if cfg!(target_arch = "wasm32") { 100_000 } else { 1_000_000 };
    for key in 10..keys {
        let cursor = airport.join_with(key, &feed, Makes::Never, unread(1024));
        // Each is there, and then it is not.
        assert!(key % 1000 > 0 || airport.flights.len() == 11);
        drop(cursor);
        assert!(key % 1000 > 0 || airport.flights.len() == 10);
    }
    drop(stays);
    assert_eq!(airport.made(), 0, "a run that nobody reads is not made");
    airport.assert_empty();
}

#[test]
fn d8_d9_a_run_lives_exactly_as_long_as_it_has_waiters() {
    for seed in 0..200 {
        let airport = Airport::new();
        let entropy = SeededEntropy::new(seed);
        let below = |n: usize| (entropy.next_u64() % n as u64) as usize;
        let feeds: Vec<_> = (0..3).map(|_| Feed::new()).collect();
        let mut waiters: Vec<(usize, Cursor)> = Vec::new();
        for _ in 0..100 {
            match below(4) {
                0 | 1 => {
                    let key = below(3);
                    waiters.push((key, airport.join(key as u32, &feeds[key])));
                }
                2 if !waiters.is_empty() => drop(waiters.swap_remove(below(waiters.len()))),
                _ if !waiters.is_empty() => {
                    let at = below(waiters.len());
                    assert!(next(&airport.simulation, &mut waiters[at].1).is_none());
                }
                _ => {}
            }
            let live = (0..3).filter(|key| waiters.iter().any(|(k, _)| k == key)).count();
            assert_eq!(airport.flights.len(), live);
        }
        drop(waiters);
        airport.assert_empty();
    }
}

#[test]
fn a_run_that_is_cancelled_inside_is_cancelled_for_all() {
    let airport = Airport::new();
    let make = || async { Err::<Events, _>(Error::new(ErrorKind::Cancelled, "the call was cancelled")) };
    let join = || -> Result<Cursor> { airport.flights.join(1, &airport.lent, LogOptions::default(), make) };
    let (mut leader, mut follower) = (join().unwrap(), join().unwrap());
    for reader in [&mut leader, &mut follower] {
        assert_eq!(read(&airport.simulation, reader).1, Some(ErrorKind::Cancelled));
    }
    airport.assert_empty();
}
