//! Many callers at once: nothing is let through beyond its reservation, and every amount is somewhere.

use belvedere_core::entropy::Entropy;
use belvedere_core::error::ErrorKind;
use belvedere_core::testing::{FaultyStore, SeededEntropy, StoreFault, Task};
use futures_util::StreamExt;

use super::*;

fn below(entropy: &SeededEntropy, most: u64) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes) % most
}

#[test]
fn q2_a_thousand_callers_on_a_budget_for_ten() {
    for seed in 0..3 {
        let simulation = Simulation::new(seed);
        let clock = Arc::new(simulation.clock.clone());
        let entropy = SeededEntropy::new(seed);
        let memory = Arc::new(MemoryStore::new(clock.clone()));
        // Every operation of the store takes its own time: callers overtake each other at each of them.
        let plan = move |_| Some(StoreFault::Slow(Duration::from_micros(below(&entropy, 1000))));
        let store = Arc::new(FaultyStore::new(memory, clock, plan));
        let json = r#"{"limit": {"tokens": 1000}}"#;
        let bench = Bench::over(simulation, json, always(answer(40, 60)), Some(store));
        let mut callers: Vec<Task<'_, _>> =
            (0..1000).map(|_| Task::new(bench.stack.call(bench.context("acme"), whole(93)))).collect();
        let mut open = Vec::new();
        let mut refused = 0;
        while !callers.is_empty() {
            callers.retain_mut(|caller| match caller.poll() {
                std::task::Poll::Pending => true,
                std::task::Poll::Ready(Ok(events)) => {
                    open.push(events);
                    false
                }
                std::task::Poll::Ready(Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
                    refused += 1;
                    false
                }
            });
            bench.simulation.advance(Duration::from_micros(100));
        }
        assert_eq!((open.len(), refused, bench.service.calls()), (10, 990, 10), "seed {seed}");
        assert_eq!(bench.sums(), (0, 0, 1000));
        for events in open {
            bench.simulation.run(events.collect()).unwrap();
        }
        assert_eq!(bench.sums(), (1000, 0, 0));
    }
}

#[test]
fn q2_the_same_on_threads() {
    let bench = Bench::tokens(1000, "", always(answer(40, 60)));
    let barrier = std::sync::Barrier::new(8);
    let caller = || {
        barrier.wait();
        let call = |_| belvedere_core::testing::run(bench.stack.call(bench.context("acme"), whole(93)));
        (0..125).filter_map(|n| call(n).ok()).collect::<Vec<Events>>()
    };
    let open: Vec<Events> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(caller)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!((open.len(), bench.service.calls()), (10, 10));
    for events in open {
        bench.simulation.run(events.collect()).unwrap();
    }
    assert_eq!(bench.sums(), (1000, 0, 0));
}

/// What a call may go through.
fn drawn(entropy: &SeededEntropy) -> Answer {
    let long = Answer::deltas(std::iter::repeat_n("abcdef", 8)).with(10, Step::Event(usage(7, 20)));
    let at = usize::try_from(below(entropy, 11)).unwrap();
    match below(entropy, 6) {
        0 => long.cut(at),
        1 => long.with(at, Step::Fail(Error::new(ErrorKind::Network, "reset"))),
        2 => long.with(at, Step::Wait(SECOND)),
        3 => Answer::refused(Error::new(ErrorKind::Overloaded, "busy")),
        _ => long,
    }
}

fn fault(entropy: &SeededEntropy) -> Option<StoreFault> {
    match below(entropy, 12) {
        0 => Some(StoreFault::Down),
        1 => Some(StoreFault::Unsure),
        2 => Some(StoreFault::Slow(Duration::from_millis(below(entropy, 1500)))),
        3 => Some(StoreFault::Hangs),
        4 => Some(StoreFault::Garbage),
        _ => None,
    }
}

#[test]
fn w5_the_ledger_is_conserved_in_every_state() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let clock = Arc::new(simulation.clock.clone());
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let (faults, entropy) = (SeededEntropy::new(seed + 1000), SeededEntropy::new(seed));
        let store = Arc::new(FaultyStore::new(memory.clone(), clock, move |_| fault(&faults)));
        let json = r#"{"limit": {"tokens": 300, "every": "1h"}, "top_up": 10, "keep": "1d"}"#;
        let service = ScriptedService::new((0..40).map(|_| drawn(&entropy)));
        let bench = Bench::over(simulation, json, service, Some(store));
        // The books are read past the faults: by another process, at every moment.
        let reader = Budget::build(config(json), memory).unwrap();
        let check = || {
            let ledger = reader.ledger();
            let balance =
                bench.simulation.run(ledger.balance(&bench.simulation.clock, &scope("acme"))).unwrap();
            assert!(balance.is_conserved(), "seed {seed}: {balance:?}");
            balance
        };
        let mut open: Vec<Events> = Vec::new();
        for _ in 0..60 {
            match below(&entropy, 4) {
                0 => {
                    let request = if below(&entropy, 2) == 0 { whole(20) } else { endless() };
                    let mut call = Task::new(bench.stack.call(bench.context("acme"), request));
                    if let std::task::Poll::Ready(Ok(events)) = bench.simulation.poll(&mut call) {
                        open.push(events);
                    }
                }
                1 if !open.is_empty() => drop(open.swap_remove(0)),
                2 => bench.simulation.advance(Duration::from_millis(below(&entropy, 700))),
                _ => {
                    for events in &mut open {
                        let _ = bench.simulation.poll(&mut Task::new(events.next()));
                    }
                }
            }
            let balance = check();
            assert!(balance.open <= 300, "seed {seed}: nothing is reserved beyond the limit: {balance:?}");
        }
        drop(open);
        bench.simulation.assert_idle();
        check();
    }
}
