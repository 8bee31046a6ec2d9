use std::sync::Arc;
use std::task::Poll;

use futures_util::StreamExt;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::tests_feed::{Feed, Item, answer, log, next, read, ready, sizes, text, unread};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::testing::{Simulation, Task};

fn refused(attached: Result<Cursor>) -> String {
    let error = attached.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    error.to_string()
}

#[test]
fn a_lone_reader_reads_by_itself_and_nothing_is_kept() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(3);
    let log = log(&simulation, &feed, unread(1024));
    let mut cursor = log.reader().unwrap();
    for (at, event) in answer(3).into_iter().enumerate() {
        assert_eq!(feed.given(), at as u64, "nothing is read ahead");
        assert_eq!(next(&simulation, &mut cursor).unwrap().unwrap().unwrap(), event);
        assert_eq!((log.bytes(), cursor.offset()), (0, at as u64 + 1));
    }
    assert!(next(&simulation, &mut cursor).unwrap().is_none());
    assert_eq!((log.end(), simulation.spawner.open()), (Some(EndKind::Finished), 0));
    assert!(!feed.is_open());
    simulation.assert_idle();
}

#[test]
fn a_log_that_keeps_all_replays_for_who_attaches_at_an_offset() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(3);
    let log = log(&simulation, &feed, LogOptions::default());
    let mut first = log.reader().unwrap();
    assert_eq!(read(&simulation, &mut first), (answer(3), None));
    assert_eq!(log.bytes(), sizes(6));
    for offset in 0..=6 {
        let mut late = log.attach(offset).unwrap();
        assert_eq!(read(&simulation, &mut late), (answer(3).split_off(offset as usize), None));
    }
    assert_eq!(
        refused(log.attach(7)),
        "invalid request: cannot attach: the log has ended before that offset; offset: 7"
    );
    assert_eq!(simulation.spawner.open(), 0, "a log that has ended needs no task");
}

#[test]
fn what_all_have_read_is_not_kept_and_can_not_be_attached_to() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(3);
    let log = log(&simulation, &feed, unread(1024));
    let (mut fast, mut slow) = (log.reader().unwrap(), log.reader().unwrap());
    for _ in 0..4 {
        next(&simulation, &mut fast).unwrap();
    }
    assert_eq!(log.bytes(), sizes(4));
    next(&simulation, &mut slow).unwrap();
    assert_eq!(log.bytes(), sizes(3));
    assert_eq!(
        refused(log.attach(0)),
        "invalid request: cannot attach: the events from there on are no longer kept; offset: 0"
    );
    let mut joined = log.attach(1).unwrap();
    drop(slow);
    assert_eq!(log.bytes(), sizes(3));
    assert_eq!(read(&simulation, &mut joined).0, answer(3).split_off(1));
    assert_eq!(read(&simulation, &mut fast).0, answer(3).split_off(4));
    assert_eq!(log.bytes(), 0);
    simulation.assert_idle();
}

#[test]
fn the_first_follower_moves_the_source_into_one_task_that_reads_on_demand() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(5);
    let log = log(&simulation, &feed, unread(1024));
    let mut leader = log.reader().unwrap();
    next(&simulation, &mut leader).unwrap();
    let mut follower = log.attach(1).unwrap();
    let third = log.attach(1).unwrap();
    simulation.spawner.run_until_idle();
    assert_eq!(simulation.spawner.names(), ["event log reader"]);
    assert_eq!((feed.given(), feed.polls()), (1, 1), "nobody asked for more");
    assert_eq!(next(&simulation, &mut follower).unwrap().unwrap().unwrap(), text(0));
    assert_eq!(feed.given(), 2);
    drop(third);
    assert_eq!(read(&simulation, &mut follower).0, answer(5).split_off(2));
    assert_eq!(read(&simulation, &mut leader).0, answer(5).split_off(1));
    simulation.assert_idle();
}

#[test]
fn d3_a_leader_that_is_polled_once_and_forgotten_stalls_nobody() {
    let simulation = Simulation::new(1);
    let feed = Feed::new();
    let log = log(&simulation, &feed, LogOptions::default());
    let mut leader = log.reader().unwrap();
    let mut forgotten = Task::new(leader.next());
    assert!(simulation.poll(&mut forgotten).is_pending());
    let mut follower = log.reader().unwrap();
    assert!(next(&simulation, &mut follower).is_none());
    answer(2).into_iter().for_each(|event| feed.push(event));
    feed.feed(Item::End);
    assert_eq!(read(&simulation, &mut follower), (answer(2), None));
    drop(forgotten);
    assert_eq!(read(&simulation, &mut leader), (answer(2), None));
    simulation.assert_idle();
}

#[test]
fn d8_the_source_is_closed_when_the_last_reader_leaves_and_not_before() {
    for leaver in 0..2 {
        let simulation = Simulation::new(1);
        let feed = Feed::of(3);
        let log = log(&simulation, &feed, LogOptions::default());
        let mut readers = vec![log.reader().unwrap(), log.reader().unwrap()];
        next(&simulation, &mut readers[leaver]).unwrap();
        drop(readers.remove(leaver));
        simulation.spawner.run_until_idle();
        assert!(feed.is_open());
        assert!(next(&simulation, &mut readers[0]).is_some());
        drop(readers);
        assert!(!feed.is_open());
        assert_eq!(log.end(), Some(EndKind::Cancelled));
        simulation.assert_idle();
    }
}

#[test]
fn every_reader_is_told_the_same_end() {
    let cases = [
        (Error::new(ErrorKind::Overloaded, "busy"), EndKind::Failed),
        (Error::new(ErrorKind::Truncated, "cut"), EndKind::Truncated),
    ];
    for (error, end) in cases {
        let simulation = Simulation::new(1);
        let feed = Feed::new();
        let log = log(&simulation, &feed, LogOptions::default());
        let mut readers = [log.reader().unwrap(), log.reader().unwrap(), log.reader().unwrap()];
        answer(1).into_iter().take(2).for_each(|event| feed.push(event));
        feed.feed(Item::Fail(error.clone()));
        for reader in &mut readers {
            assert_eq!(read(&simulation, reader), (answer(1)[..2].to_vec(), Some(error.kind())));
        }
        assert_eq!(log.end(), Some(end));
        assert!(!feed.is_open());
        simulation.assert_idle();
    }
}

#[test]
fn a_source_that_ends_without_its_finish_is_truncated_for_all() {
    let simulation = Simulation::new(1);
    let feed = Feed::new();
    let log = log(&simulation, &feed, LogOptions::default());
    feed.push(answer(0).remove(0));
    feed.feed(Item::End);
    for _ in 0..2 {
        let mut reader = log.reader().unwrap();
        assert_eq!(read(&simulation, &mut reader).1, Some(ErrorKind::Truncated));
    }
}

#[test]
fn cancel_ends_the_log_for_all_and_closes_the_source() {
    for readers in 1..=2 {
        let simulation = Simulation::new(1);
        let feed = Feed::new();
        let log = log(&simulation, &feed, LogOptions::default());
        feed.push(answer(0).remove(0));
        let mut cursors: Vec<_> = (0..readers).map(|_| log.reader().unwrap()).collect();
        for cursor in &mut cursors {
            assert_eq!(ready(&simulation, cursor).len(), 1);
        }
        let mut waiting: Vec<_> = cursors.iter_mut().map(|cursor| Task::new(cursor.next())).collect();
        assert!(waiting.iter_mut().all(|task| simulation.poll(task).is_pending() && !task.is_woken()));
        log.cancel();
        assert!(!feed.is_open());
        for task in &mut waiting {
            assert!(task.is_woken());
            let Poll::Ready(Some(Err(error))) = task.poll() else { panic!("cancelled is an end") };
            assert_eq!(error.kind(), ErrorKind::Cancelled);
        }
        drop(waiting);
        let end = simulation.run(log.attach(0).unwrap().into_events().collect()).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::Cancelled);
        simulation.assert_idle();
    }
}

#[test]
fn a_detached_log_goes_on_to_its_end_without_readers_and_is_attached_to_later() {
    let simulation = Simulation::new(1);
    let feed = Feed::new();
    let log = log(&simulation, &feed, LogOptions::default());
    let mut cursor = log.reader().unwrap();
    feed.push(answer(3).remove(0));
    next(&simulation, &mut cursor).unwrap();
    log.detach();
    drop(cursor);
    assert!(feed.is_open());
    answer(3).into_iter().skip(1).for_each(|event| feed.push(event));
    feed.feed(Item::End);
    simulation.spawner.run_until_idle();
    assert_eq!((log.end(), log.offset()), (Some(EndKind::Finished), 6));
    let mut late = log.attach(1).unwrap();
    assert_eq!(read(&simulation, &mut late), (answer(3).split_off(1), None));
    simulation.assert_idle();
}

#[test]
fn a_detached_log_that_nobody_can_attach_to_keeps_nothing_and_still_ends() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(100);
    let log = log(&simulation, &feed, LogOptions { bytes: sizes(4), ..LogOptions::default() });
    log.detach();
    simulation.spawner.run_until_idle();
    assert_eq!(feed.given(), 4, "it waits at its bound for who attaches");
    drop(log);
    simulation.spawner.run_until_idle();
    assert_eq!((feed.given(), feed.is_open()), (103, false));
    simulation.assert_idle();
}

#[test]
fn a_log_that_is_dropped_before_it_is_read_closes_its_source() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(1);
    drop(log(&simulation, &feed, LogOptions::default()));
    assert_eq!((feed.given(), feed.is_open()), (0, false));
    let log = log(&simulation, &feed, LogOptions::default());
    log.read_on();
    drop(log);
    simulation.assert_idle();
}

#[test]
// There a panic ends the program.
#[cfg(not(target_arch = "wasm32"))]
fn d2_a_panic_in_the_source_is_one_typed_error_for_all_and_says_nothing_of_the_answer() {
    for readers in 1..=3 {
        let simulation = Simulation::new(1);
        let feed = Feed::new();
        let log = log(&simulation, &feed, LogOptions::default());
        let mut cursors: Vec<_> = (0..readers).map(|_| log.reader().unwrap()).collect();
        feed.push(answer(0).remove(0));
        feed.feed(Item::Panic);
        for cursor in &mut cursors {
            let items = ready(&simulation, cursor);
            let error = items.last().unwrap().as_ref().unwrap_err();
            assert_eq!((items.len(), error.kind()), (2, ErrorKind::Unexpected));
            assert!(!format!("{error:?}").contains("prompt"));
        }
        assert!(!feed.is_open());
        simulation.assert_idle();
    }
}

/// A spawner at the end of its life.
#[derive(Debug)]
struct Drops;

impl crate::spawner::Spawner for Drops {
    fn spawn(&self, _: &'static str, task: futures_util::future::BoxFuture<'static, ()>) {
        drop(task);
    }
}

#[test]
fn a_reader_task_that_is_dropped_ends_the_log_for_all() {
    let simulation = Simulation::new(1);
    let feed = Feed::new();
    let lent = Arc::new(Lent { spawner: Arc::new(Drops), ..simulation.lent() });
    let log = EventLog::new(feed.events(), lent, LogOptions::default());
    let mut readers = [log.reader().unwrap(), log.reader().unwrap()];
    for reader in &mut readers {
        assert_eq!(read(&simulation, reader).1, Some(ErrorKind::Cancelled));
    }
    assert!(!feed.is_open());
}

#[test]
fn a_reader_may_wait_for_an_offset_that_is_still_to_come() {
    let simulation = Simulation::new(1);
    let feed = Feed::of(3);
    let log = log(&simulation, &feed, unread(1024));
    let mut ahead = log.attach(4).unwrap();
    assert_eq!(read(&simulation, &mut ahead), (answer(3).split_off(4), None));
    let feed = Feed::of(0);
    let log = super::tests_feed::log(&simulation, &feed, unread(1024));
    let mut beyond = log.attach(4).unwrap();
    assert_eq!(read(&simulation, &mut beyond).1, Some(ErrorKind::Truncated));
}

#[test]
fn the_stream_of_a_reader_is_an_answer_like_any_other() {
    let simulation = Simulation::new(1);
    let log = log(&simulation, &Feed::of(3), LogOptions::default());
    let answer = simulation.run(log.reader().unwrap().into_events().collect()).unwrap();
    assert_eq!(answer.text(), "012");
}
