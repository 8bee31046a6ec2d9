//! Permits on threads, under the schedules of shuttle.

use std::num::NonZeroU32;
use std::time::Duration;

use belvedere_core::hooks::CircuitState;
use belvedere_core::testing::{Simulation, TestClock};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::atomic::{AtomicU32, Ordering};
use shuttle::thread;

use super::*;

const SCHEDULES: usize = 10_000;
const PROBES: u32 = 2;

struct World {
    gate: Arc<Gate>,
    lent: Arc<Lent>,
    clock: TestClock,
    under_way: Arc<AtomicU32>,
}

impl World {
    /// A gate whose circuit was open for its time.
    fn half_open() -> Self {
        let number = |n: u32| NonZeroU32::new(n).unwrap();
        let rules = Breaker { failures: Some(number(1)), probes: number(PROBES), ..Breaker::default() };
        let simulation = Simulation::new(1);
        let upstream = Arc::new(Upstream::new("provider".into(), None));
        let world = World {
            gate: Arc::new(Gate { rules, upstream }),
            lent: Arc::new(simulation.lent()),
            clock: simulation.clock.clone(),
            under_way: Arc::new(AtomicU32::new(0)),
        };
        world.permit().unwrap().failed(&Error::new(ErrorKind::Network, "reset"));
        assert_eq!(world.state(), CircuitState::Open);
        world.clock.advance(Duration::from_secs(30));
        world
    }

    fn permit(&self) -> Result<Permit> {
        self.gate.permit("model".into(), &self.lent)
    }

    fn state(&self) -> CircuitState {
        self.gate.upstream.known()[1].state
    }
}

/// Starts `threads` that each try to make a call, and lets `end` end those that are let through.
fn race(threads: usize, end: fn(Permit)) -> World {
    let world = Arc::new(World::half_open());
    let callers: Vec<_> = (0..threads)
        .map(|_| {
            let world = world.clone();
            thread::spawn(move || {
                let Ok(permit) = world.permit() else { return };
                let before = world.under_way.fetch_add(1, Ordering::SeqCst);
                // Once it has closed, any number goes through.
                assert!(
                    before < PROBES || world.state() != CircuitState::HalfOpen,
                    "{before} probes were under way"
                );
                thread::yield_now();
                world.under_way.fetch_sub(1, Ordering::SeqCst);
                end(permit);
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    Arc::into_inner(world).unwrap()
}

#[test]
fn w7_no_more_probes_than_may_be_are_under_way_in_any_schedule() {
    shuttle::check_random(
        || {
            let world = race(5, |permit| match thread_rng().gen_range(0..4) {
                0 => permit.answered(),
                1 => permit.failed(&Error::new(ErrorKind::Overloaded, "busy")),
                2 => permit.failed(&Error::new(ErrorKind::RateLimited, "slow down")),
                _ => drop(permit),
            });
            assert_eq!(world.under_way.load(Ordering::SeqCst), 0);
        },
        SCHEDULES,
    );
}

#[test]
fn b2_no_schedule_of_neutral_results_loses_a_place() {
    shuttle::check_random(
        || {
            let world = race(4, drop);
            assert_eq!(world.state(), CircuitState::HalfOpen);
            let probes: Vec<Permit> = (0..PROBES).map(|_| world.permit().unwrap()).collect();
            world.permit().unwrap_err();
            probes.into_iter().for_each(Permit::answered);
            assert_eq!(world.state(), CircuitState::Closed);
        },
        SCHEDULES / 5,
    );
}
