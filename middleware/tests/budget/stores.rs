//! What holds when the store fails.

use std::sync::atomic::{AtomicBool, Ordering};

use belvedere_core::error::ErrorKind;
use belvedere_core::testing::{FaultyStore, StoreFault, Task};
use futures_util::StreamExt;

use super::*;

/// A budget over a store that fails with `fault` while the flag is up.
fn faulty(fault: StoreFault, more: &str) -> (Bench, Arc<AtomicBool>) {
    let simulation = Simulation::new(1);
    let clock = Arc::new(simulation.clock.clone());
    let fails = Arc::new(AtomicBool::new(false));
    let flag = fails.clone();
    let plan = move |_| flag.load(Ordering::Relaxed).then_some(fault);
    let store = FaultyStore::new(Arc::new(MemoryStore::new(clock.clone())), clock, plan);
    let json = format!(r#"{{"limit": {{"tokens": 1000}}{more}}}"#);
    (Bench::over(simulation, &json, always(answer(40, 60)), Some(Arc::new(store))), fails)
}

const ALL_FAULTS: [StoreFault; 5] = [
    StoreFault::Down,
    StoreFault::Unsure,
    StoreFault::Slow(Duration::from_secs(5)),
    StoreFault::Hangs,
    StoreFault::Garbage,
];

#[test]
fn q7_a_budget_is_closed_when_its_store_fails_unless_told_otherwise() {
    for fault in ALL_FAULTS {
        let (bench, fails) = faulty(fault, "");
        fails.store(true, Ordering::Relaxed);
        let error = bench.ask(whole(500)).unwrap_err();
        assert_eq!((error.kind(), bench.service.calls()), (ErrorKind::Store, 0), "{fault:?}");
        assert!(bench.heard().iter().any(|s| s.contains(r#""type":"store_failed","layer":"budget""#)));
        bench.simulation.assert_idle();
        fails.store(false, Ordering::Relaxed);
        assert!(bench.ask(whole(500)).is_ok() || fault == StoreFault::Unsure, "{fault:?}");

        let (bench, fails) = faulty(fault, r#", "on_store_failure": "open""#);
        fails.store(true, Ordering::Relaxed);
        assert!(bench.ask(whole(500)).is_ok(), "{fault:?}");
        bench.simulation.assert_idle();
    }
}

#[test]
fn a_reservation_whose_answer_was_lost_is_given_back() {
    let simulation = Simulation::new(1);
    let clock = Arc::new(simulation.clock.clone());
    let memory = Arc::new(MemoryStore::new(clock.clone()));
    let store = FaultyStore::new(memory, clock, |n| (n == 0).then_some(StoreFault::Unsure));
    let json = r#"{"limit": {"tokens": 1000}}"#;
    let bench = Bench::over(simulation, json, always(answer(40, 60)), Some(Arc::new(store)));
    assert_eq!(bench.call(whole(500)).unwrap_err().kind(), ErrorKind::Store);
    bench.simulation.assert_idle();
    assert_eq!(bench.sums(), (0, 500 + INPUT, 0));
}

#[test]
fn a_settlement_is_made_once_however_the_store_fails_meanwhile() {
    for fault in ALL_FAULTS {
        let (bench, fails) = faulty(fault, "");
        let events = bench.call(whole(500)).unwrap();
        fails.store(true, Ordering::Relaxed);
        assert!(bench.simulation.run(events.collect()).is_ok(), "the answer is not the store's to lose");
        bench.simulation.advance(5 * SECOND);
        fails.store(false, Ordering::Relaxed);
        bench.simulation.assert_idle();
        assert_eq!(bench.sums(), (100, 400 + INPUT, 0), "{fault:?}");
    }
}

#[test]
fn a_store_that_stays_away_leaves_the_reservation_standing() {
    let (bench, fails) = faulty(StoreFault::Down, "");
    let events = bench.call(whole(500)).unwrap();
    fails.store(true, Ordering::Relaxed);
    bench.simulation.run(events.collect()).unwrap();
    bench.simulation.assert_idle();
    fails.store(false, Ordering::Relaxed);
    assert_eq!(bench.sums(), (0, 0, 500 + INPUT));
    bench.simulation.advance(HOUR);
    assert_eq!(bench.sums(), (500 + INPUT, 0, 0));
}

#[test]
fn a_step_whose_store_fails_ends_the_stream_or_does_not_as_declared() {
    let long = || always(Answer::deltas(std::iter::repeat_n("abcdef", 20)));
    for (more, ends) in [("", true), (r#", "on_store_failure": "open""#, false)] {
        let (bench, fails) = faulty(StoreFault::Down, &format!(r#", "top_up": 10{more}"#));
        let stack = bench.budget.layer(Stack::new(long()));
        let bench = Bench { stack, ..bench };
        let events = bench.call(endless()).unwrap();
        fails.store(true, Ordering::Relaxed);
        let error = bench.simulation.run(events.collect()).err().map(|e| e.kind());
        assert_eq!(error, ends.then_some(ErrorKind::Store));
        fails.store(false, Ordering::Relaxed);
        bench.simulation.assert_idle();
        assert_eq!(bench.sums().2, 0);
    }
}

#[test]
fn w4_a_call_that_is_dropped_while_it_reserves_gives_back_what_it_got() {
    for fault in [StoreFault::Slow(SECOND / 2), StoreFault::Hangs] {
        let simulation = Simulation::new(1);
        let clock = Arc::new(simulation.clock.clone());
        let memory = Arc::new(MemoryStore::new(clock.clone()));
        let store = FaultyStore::new(memory, clock, move |n| (n == 0).then_some(fault));
        let json = r#"{"limit": {"tokens": 1000}}"#;
        let bench = Bench::over(simulation, json, always(answer(40, 60)), Some(Arc::new(store)));
        let mut call = Task::new(bench.stack.call(bench.context("acme"), whole(500)));
        assert!(bench.simulation.poll(&mut call).is_pending());
        drop(call);
        bench.simulation.assert_idle();
        assert_eq!((bench.sums().0, bench.sums().2), (0, 0), "{fault:?}");
    }
}

/// A stream that reserves two more tokens for each event, and a store whose plan is `fault`.
fn steps(fault: impl FnMut(u64) -> Option<StoreFault> + Send + 'static, more: &str) -> Bench {
    let simulation = Simulation::new(1);
    let clock = Arc::new(simulation.clock.clone());
    let memory = Arc::new(MemoryStore::new(clock.clone()));
    let store = FaultyStore::new(memory, clock, fault);
    let json = format!(r#"{{"limit": {{"tokens": 1000{more}, "top_up": 2}}"#);
    let answer = Answer::deltas(std::iter::repeat_n("abcdef", 20));
    Bench::over(simulation, &json, always(answer), Some(Arc::new(store)))
}

#[test]
fn w4_a_stream_that_is_dropped_while_it_reserves_more_is_closed_at_once() {
    for fault in [StoreFault::Slow(SECOND / 2), StoreFault::Hangs] {
        let bench = steps(move |n| (n == 1).then_some(fault), "}");
        let mut events = bench.call(endless()).unwrap();
        let mut reading = Task::new(async move { while events.next().await.is_some() {} });
        assert!(bench.simulation.poll(&mut reading).is_pending());
        assert_eq!(bench.service.live(), 1);
        drop(reading);
        assert_eq!((bench.service.live(), bench.service.dropped()), (0, 1), "{fault:?}");
        bench.simulation.assert_idle();
        assert_eq!(bench.sums().2, 0, "{fault:?}");
    }
}

#[test]
fn w5_a_step_after_one_whose_answer_was_lost_leaves_the_books_whole() {
    let bench = steps(|n| (n == 1).then_some(StoreFault::Unsure), r#"}, "on_store_failure": "open""#);
    let mut events = bench.call(endless()).unwrap();
    while bench.simulation.run(events.next()).is_some() {}
    bench.simulation.assert_idle();
    // Whoever reads them holds them to their law, too.
    assert_eq!(bench.sums().2, 0);
}

#[test]
fn a_stream_that_outlives_the_books_of_its_period_goes_on_in_those_of_the_next() {
    // At once, and step by step: a step does not make an entry live longer than its counters.
    for hours in [&[24][..], &[1, 1, 1]] {
        let bench = steps(|_| None, r#", "every": "30s"}"#);
        let mut events = bench.call(endless()).unwrap();
        for hours in hours {
            for _ in 0..3 {
                assert!(bench.simulation.run(events.next()).unwrap().is_ok());
            }
            bench.simulation.advance(*hours * HOUR);
        }
        while let Some(event) = bench.simulation.run(events.next()) {
            assert!(event.is_ok(), "{event:?}");
        }
        bench.simulation.assert_idle();
        let (settled, _, open) = bench.sums();
        assert_eq!((settled, open), (INPUT + 40, 0), "all of it is spent in this period");
    }
}
