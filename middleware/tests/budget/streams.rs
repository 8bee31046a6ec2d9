//! Streams whose length nobody knows: paid for as they come.

use belvedere_core::error::ErrorKind;
use belvedere_core::events::EndKind;
use belvedere_core::testing::{FaultyStore, StoreFault, Task};
use futures_util::StreamExt;

use super::*;

/// So many events of two tokens each.
fn long(texts: usize) -> Answer {
    Answer::deltas(std::iter::repeat_n("abcdef", texts))
}

#[test]
fn an_open_ended_stream_ends_at_the_step_that_is_not_covered() {
    let bench = Bench::tokens(100, r#", "top_up": 10"#, always(long(1000)));
    let mut events = bench.call(endless()).unwrap();
    assert_eq!(bench.sums().2, INPUT + 10);
    let mut texts = 0;
    let error = loop {
        match bench.simulation.run(events.next()).unwrap() {
            Ok(event) => texts += i64::from(matches!(event, Event::Text { .. })),
            Err(error) => break error,
        }
        let balance = bench.balance();
        assert!(INPUT + 2 * texts <= balance.open, "{texts} texts, and reserved is {}", balance.open);
        assert!(balance.open <= 100);
    };
    assert_eq!((error.kind(), texts), (ErrorKind::BudgetExceeded, 45), "nine steps of ten tokens");
    assert_eq!(events.end(), Some(EndKind::Failed));
    assert_eq!((bench.service.live(), bench.service.dropped()), (0, 1), "the source is closed");
    assert!(bench.simulation.run(events.next()).is_none());
    let (settled, _, open) = bench.sums();
    // The event that was not handed out had come.
    assert_eq!((settled, open), (INPUT + 92, 0));
    bench.simulation.assert_idle();
}

#[test]
fn the_partial_answer_is_in_the_error() {
    let bench = Bench::tokens(40, r#", "top_up": 10"#, always(long(1000)));
    let error = bench.ask(endless()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert_eq!(error.partial().unwrap().text(), "abcdef".repeat(15));
}

#[test]
fn what_a_provider_tells_in_between_is_paid_for() {
    // Thinking that is not shown: no text, but usage.
    let thinking = long(1).with(1, Step::Event(usage(7, 35))).with(2, Step::Event(usage(7, 95)));
    let bench = Bench::tokens(100, r#", "top_up": 10"#, always(thinking));
    let mut events = bench.call(endless()).unwrap();
    for open in [17, 47] {
        bench.simulation.run(events.next()).unwrap().unwrap();
        assert_eq!(bench.sums().2, open);
    }
    let error = bench.simulation.run(events.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert_eq!(bench.sums().0, 102, "what it told is spent");
}

#[test]
fn a_second_attempt_in_a_stream_is_reserved_for() {
    use belvedere_core::event::Notice;
    let again = || {
        long(3)
            .with(2, Step::Event(Event::Notice(Notice::Restart { reason: "cut".into() })))
            .with(3, Step::Event(Event::Start { id: None, model: None }))
    };
    let bench = Bench::tokens(100, "", always(again()));
    let mut request = whole(20);
    request.stream = true;
    let mut events = bench.call(request.clone()).unwrap();
    for open in [27, 27, 27, 54] {
        bench.simulation.run(events.next()).unwrap().unwrap();
        assert_eq!(bench.sums().2, open);
    }
    let small = Bench::tokens(50, "", always(again()));
    assert_eq!(small.ask(request).unwrap_err().kind(), ErrorKind::BudgetExceeded);
}

#[test]
fn a_stream_with_a_known_end_asks_once() {
    let memory = |bench: &Simulation| Arc::new(MemoryStore::new(Arc::new(bench.clock.clone())));
    let simulation = Simulation::new(1);
    let store = Arc::new(FaultyStore::new(memory(&simulation), Arc::new(simulation.clock.clone()), |_| None));
    let json = r#"{"limit": {"tokens": 100000}}"#;
    let bench = Bench::over(simulation, json, always(long(1000)), Some(store.clone()));
    let mut request = whole(10);
    request.stream = true;
    bench.ask(request).unwrap();
    assert_eq!(store.operations(), 2, "one reserves, one settles");
}

#[test]
fn a_stream_that_is_dropped_while_it_asks_is_settled() {
    for fault in [StoreFault::Slow(SECOND / 2), StoreFault::Hangs] {
        let simulation = Simulation::new(1);
        let clock = Arc::new(simulation.clock.clone());
        let memory = Arc::new(MemoryStore::new(clock.clone()));
        let store = FaultyStore::new(memory, clock, move |n| (n == 1).then_some(fault));
        let json = r#"{"limit": {"tokens": 1000}, "top_up": 10}"#;
        let bench = Bench::over(simulation, json, always(long(1000)), Some(Arc::new(store)));
        let mut events = bench.call(endless()).unwrap();
        for _ in 0..6 {
            bench.simulation.run(events.next()).unwrap().unwrap();
        }
        let mut next = Task::new(events.next());
        assert!(bench.simulation.poll(&mut next).is_pending());
        drop(next);
        drop(events);
        bench.simulation.assert_idle();
        assert_eq!((bench.sums().0, bench.sums().2), (INPUT + 12, 0), "{fault:?}");
    }
}

#[test]
fn q17_an_answer_that_is_left_is_closed_or_drained_as_declared() {
    let told = || long(3).with(2, Step::Wait(SECOND)).with(6, Step::Event(usage(40, 60)));
    let leave = |policy: &str| {
        let bench = Bench::tokens(1000, &format!(r#", "abandoned": "{policy}""#), always(told()));
        let mut events = bench.call(whole(500)).unwrap();
        for _ in 0..2 {
            bench.simulation.run(events.next()).unwrap().unwrap();
        }
        drop(events);
        let live = bench.service.live();
        bench.simulation.assert_idle();
        assert_eq!(bench.service.live(), 0);
        let entry = bench.entries().remove(0);
        (live, bench.sums().0, entry.lines[0].estimated)
    };
    assert_eq!(leave("close"), (0, INPUT + 2, true));
    assert_eq!(leave("drain"), (1, 100, false));
    // A drain has an end.
    let stalled = Bench::tokens(
        1000,
        r#", "abandoned": "drain", "drain_for": "5s""#,
        always(long(3).with(2, Step::Stall)),
    );
    drop(stalled.call(whole(500)).unwrap());
    stalled.simulation.advance(5 * SECOND);
    assert_eq!((stalled.service.live(), stalled.sums().2), (0, 0));
    stalled.simulation.assert_idle();
}
