//! When a budget is there again.

use belvedere_core::clock::Clock;

use super::*;

/// A budget for one call a day, five minutes before midnight UTC.
fn evening() -> Bench {
    let bench = Bench::tokens(100, "", always(answer(40, 60)));
    bench.simulation.advance(24 * HOUR - Duration::from_secs(300));
    bench
}

fn asks(bench: &Bench) -> bool {
    bench.ask(whole(93)).is_ok()
}

#[test]
fn a_day_ends_at_midnight_utc() {
    let bench = evening();
    assert!(asks(&bench));
    bench.simulation.advance(Duration::from_secs(299));
    assert!(!asks(&bench));
    bench.simulation.advance(SECOND);
    assert_eq!(bench.sums(), (0, 0, 0));
    assert!(asks(&bench));
    assert!(!asks(&bench));
}

#[test]
fn q18_a_wall_clock_that_steps_at_the_edge_resets_nothing() {
    for (step, back) in [(2 * HOUR, false), (2 * HOUR, true), (HOUR, true), (26 * HOUR, false)] {
        let bench = evening();
        assert!(asks(&bench));
        let wall = bench.simulation.clock.wall();
        bench.simulation.clock.jump_wall(if back { wall - step } else { wall + step });
        assert!(!asks(&bench), "a step of {step:?} gives nothing");
        bench.simulation.advance(Duration::from_secs(300));
        assert!(asks(&bench), "the day ends when it ends");
        bench.simulation.clock.jump_wall(wall);
        assert!(!asks(&bench), "and once");
    }
}

#[test]
fn a_suspend_counts() {
    let bench = evening();
    assert!(asks(&bench));
    bench.simulation.clock.suspend(10 * HOUR);
    assert!(asks(&bench));
}

#[test]
fn w15_a_clock_that_goes_back_is_held_where_it_was() {
    let bench = evening();
    bench.simulation.advance(Duration::from_secs(300));
    assert!(asks(&bench));
    bench.simulation.clock.step_back(Duration::from_secs(600));
    assert!(!asks(&bench), "yesterday does not come again");
}

#[test]
fn what_is_reserved_in_a_period_is_settled_in_it() {
    let bench = Bench::tokens(100, "", always(answer(40, 60).with(1, Step::Wait(HOUR))));
    bench.simulation.advance(24 * HOUR - SECOND);
    let events = bench.call(whole(93)).unwrap();
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.sums(), (0, 0, 0), "the new day is untouched");
}

#[test]
fn two_processes_have_the_same_day() {
    let simulation = Simulation::new(1);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(simulation.clock.clone())));
    let json = r#"{"limit": {"tokens": 100, "every": "1d"}}"#;
    let first = Bench::over(simulation, json, always(answer(40, 60)), Some(store.clone()));
    assert!(asks(&first));
    first.simulation.advance(HOUR);
    let budget = Budget::build(config(json), store).unwrap();
    let stack = budget.layer(Stack::new(first.service.clone()));
    let second = Bench { budget, stack, ..first };
    assert!(!asks(&second), "who starts later is in the same period");
}

#[test]
fn a_budget_without_an_end_stays_spent() {
    let bench = Bench::new(r#"{"limit": {"tokens": 100}}"#, always(answer(40, 60)));
    assert!(asks(&bench));
    bench.simulation.advance(1000 * 24 * HOUR);
    let error = bench.ask(whole(93)).unwrap_err();
    assert!(error.to_string().ends_with("every: never"), "{error}");
}

#[test]
fn a_reload_keeps_the_money_and_the_day() {
    let simulation = Simulation::new(1);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(simulation.clock.clone())));
    let json = r#"{"limit": {"tokens": 100, "every": "1d"}}"#;
    let before = Bench::over(simulation, json, always(answer(40, 60)), Some(store.clone()));
    assert!(asks(&before));
    before.simulation.clock.jump_wall(before.simulation.clock.wall() + 48 * HOUR);
    let mut budget = Budget::build(config(r#"{"limit": {"tokens": 150, "every": "1d"}}"#), store).unwrap();
    budget.adopt(&before.budget);
    let stack = budget.layer(Stack::new(before.service.clone()));
    let after = Bench { budget, stack, ..before };
    assert!(!asks(&after), "50 are left, and 100 are asked for");
    assert_eq!(after.balance().left(), 50);
}
