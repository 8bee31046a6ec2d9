//! Limits in a store: shared, and what holds when it fails.

use std::sync::atomic::{AtomicBool, Ordering};

use belvedere_core::error::ErrorKind;
use belvedere_core::store::MemoryStore;
use belvedere_core::testing::{FaultyStore, StoreFault};

use super::*;

/// A store that fails with `fault` while the flag is up, and limits over it.
struct Shared {
    simulation: Simulation,
    store: Arc<FaultyStore>,
    fails: Arc<AtomicBool>,
}

impl Shared {
    fn new(fault: StoreFault) -> Self {
        let simulation = Simulation::new(1);
        let clock = Arc::new(simulation.clock.clone());
        let fails = Arc::new(AtomicBool::new(false));
        let flag = fails.clone();
        let plan = move |_| flag.load(Ordering::Relaxed).then_some(fault);
        let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(clock.clone())), clock, plan));
        Shared { simulation, store, fails }
    }

    fn node(&self, json: &str) -> Limit {
        Limit::build(config(json), Some(self.store.clone())).unwrap()
    }

    fn stack(&self, limit: &Limit) -> Stack {
        limit.layer(Stack::new(ScriptedService::always(Answer::text("hello"))))
    }

    fn call(&self, stack: &Stack, request: Request) -> Result<(), Error> {
        let events = self.simulation.run(stack.call(self.simulation.context(), request))?;
        self.simulation.run(events.collect()).map(|_| ())
    }

    fn burst(&self, stack: &Stack) -> usize {
        (0..10_000).take_while(|_| self.call(stack, "hi".into()).is_ok()).count()
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }
}

const ALL_FAULTS: [StoreFault; 4] =
    [StoreFault::Down, StoreFault::Slow(Duration::from_secs(5)), StoreFault::Hangs, StoreFault::Garbage];

#[test]
fn nodes_that_share_a_store_share_the_limit() {
    let shared = Shared::new(StoreFault::Down);
    let limits: Vec<_> = (0..3).map(|_| shared.node(r#"{"requests": "10/min"}"#)).collect();
    let through: usize = limits.iter().map(|limit| shared.burst(&shared.stack(limit))).sum();
    assert_eq!(through, 10);
    let levels =
        shared.simulation.run(limits[0].levels(&shared.simulation.clock, &Scope::default())).unwrap();
    assert_eq!(levels.requests.unwrap().remaining, 0);
}

#[test]
fn tokens_are_settled_in_the_store_and_debts_are_paid_to_it() {
    let shared = Shared::new(StoreFault::Down);
    let limit = shared.node(r#"{"tokens": "1000/h"}"#);
    let stack = shared.stack(&limit);
    let left = || {
        let levels = shared.simulation.run(limit.levels(&shared.simulation.clock, &Scope::default()));
        levels.unwrap().tokens.unwrap().remaining
    };
    let mut request = Request::from("hi");
    request.max_tokens = Some(500);
    shared.call(&stack, request.clone()).unwrap();
    assert_eq!(left(), 1000 - 7 - 2, "what a word took");
    // The answer has two tokens and was to have none: that is more than was reserved.
    request.max_tokens = Some(0);
    for _ in 0..100 {
        shared.call(&stack, request.clone()).unwrap();
    }
    assert_eq!(left(), 991 - 900);
    request.max_tokens = Some(84);
    shared.call(&stack, request.clone()).unwrap();
    assert_eq!(left(), 82);
}

#[test]
fn q7_what_holds_when_the_store_fails_is_declared() {
    for fault in ALL_FAULTS {
        let burst = |policy: &str| {
            let shared = Shared::new(fault);
            let limit =
                shared.node(&format!(r#"{{"requests": "8/h", "share": 4, "on_store_failure": "{policy}"}}"#));
            let stack = shared.stack(&limit);
            shared.fail(true);
            let refused = shared.call(&stack, "hi".into());
            (
                refused.err().map(|e| e.kind()),
                (0..100).filter(|_| shared.call(&stack, "hi".into()).is_ok()).count(),
            )
        };
        assert_eq!(burst("closed"), (Some(ErrorKind::Store), 0), "{fault:?}");
        assert_eq!(burst("degraded"), (None, 1), "{fault:?}: a quarter of eight");
        assert_eq!(burst("open"), (None, 100), "{fault:?}");
    }
}

#[test]
fn q8_sixteen_nodes_without_their_store_have_the_limit_once() {
    let shared = Shared::new(StoreFault::Down);
    let nodes: Vec<_> = (0..16).map(|_| shared.node(r#"{"requests": "160/h", "share": 16}"#)).collect();
    shared.fail(true);
    let burst = || -> usize { nodes.iter().map(|limit| shared.burst(&shared.stack(limit))).sum() };
    assert_eq!(burst(), 160);
    let hour: usize = (0..60)
        .map(|_| {
            shared.simulation.advance(Duration::from_secs(60));
            burst()
        })
        .sum();
    assert_eq!(hour, 160, "the rate is shared, too");
}

#[test]
fn q8_the_share_is_warm() {
    let shared = Shared::new(StoreFault::Down);
    let limit = shared.node(r#"{"requests": "160/h", "share": 16}"#);
    let stack = shared.stack(&limit);
    for _ in 0..8 {
        shared.call(&stack, "hi".into()).unwrap();
    }
    shared.fail(true);
    assert_eq!(shared.burst(&stack), 2, "eight of its ten were used through the store");
}

#[test]
fn a_store_that_comes_back_counts_again() {
    let shared = Shared::new(StoreFault::Hangs);
    let limit = shared.node(r#"{"requests": "10/h", "share": 2}"#);
    let stack = shared.stack(&limit);
    shared.fail(true);
    assert_eq!(shared.burst(&stack), 5);
    shared.fail(false);
    assert_eq!(shared.burst(&stack), 10);
    assert!(shared.store.operations() > 0);
}

#[test]
fn a_call_that_its_tokens_refuse_gives_its_request_back() {
    let shared = Shared::new(StoreFault::Down);
    let limit = shared.node(r#"{"requests": "5/h", "tokens": "100/h"}"#);
    let stack = shared.stack(&limit);
    let mut request = Request::from("hi");
    request.max_tokens = Some(1000);
    assert_eq!(shared.call(&stack, request).unwrap_err().kind(), ErrorKind::InvalidRequest);
    let levels = shared.simulation.run(limit.levels(&shared.simulation.clock, &Scope::default())).unwrap();
    assert_eq!((levels.requests.unwrap().remaining, levels.tokens.unwrap().remaining), (5, 100));
}
