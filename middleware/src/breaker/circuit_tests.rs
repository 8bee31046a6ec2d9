//! The circuit against a model of what its documentation says.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::breaker::Slow;

fn rules() -> Breaker {
    let number = |n: u32| NonZeroU32::new(n).unwrap();
    Breaker {
        failures: Some(number(3)),
        rate: Some(0.5),
        window: MS * 1000,
        min_calls: number(6),
        slow: Some(Slow { rate: 0.75, ..Slow::default() }),
        open_for: MS * 500,
        probes: number(2),
        probe_lease: MS * 300,
        ..Breaker::default()
    }
}

const MS: Duration = Duration::from_millis(1);

/// What the documentation says, with everything remembered.
#[derive(Debug, Default)]
struct Model {
    state: CircuitState,
    since: Duration,
    /// Passes of the present state: whether the result is told, and when the lease of a probe is over.
    passes: Vec<(u64, Duration)>,
    next: u64,
    /// Results of the present state, with their times.
    results: Vec<(Duration, Outcome)>,
}

impl Model {
    fn turn(&mut self, state: CircuitState, now: Duration) {
        *self = Model { state, since: now, next: self.next, ..Model::default() };
    }

    fn admit(&mut self, now: Duration) -> Option<u64> {
        if self.state == CircuitState::Open && now >= self.since + rules().open_for {
            self.turn(CircuitState::HalfOpen, now);
        }
        let under_way = self.passes.iter().filter(|(_, lease)| now < *lease).count();
        let is_free = match self.state {
            CircuitState::Closed => true,
            CircuitState::Open => false,
            CircuitState::HalfOpen => under_way < 2,
        };
        is_free.then(|| {
            self.next += 1;
            self.passes.push((self.next, now + rules().probe_lease));
            self.next
        })
    }

    fn settle(&mut self, pass: u64, outcome: Outcome, now: Duration) {
        let Some(at) = self.passes.iter().position(|(number, _)| *number == pass) else { return };
        self.passes.remove(at);
        if outcome == Outcome::Neutral {
            return;
        }
        self.results.push((now, outcome));
        let next = match self.state {
            CircuitState::HalfOpen if outcome != Outcome::Good => CircuitState::Open,
            CircuitState::HalfOpen if self.results.len() == 2 => CircuitState::Closed,
            CircuitState::Closed if self.is_over(now) => CircuitState::Open,
            _ => return,
        };
        self.turn(next, now);
    }

    fn is_over(&self, now: Duration) -> bool {
        let run = self.results.iter().rev().take_while(|(_, outcome)| *outcome == Outcome::Bad).count();
        // A window moves by tenths.
        let tenth = |at: Duration| at.as_millis() / 100;
        let recent = self.results.iter().filter(|(at, _)| tenth(*at) + 10 > tenth(now));
        let recent: Vec<Outcome> = recent.map(|(_, outcome)| *outcome).collect();
        let of = |which| recent.iter().filter(|outcome| **outcome == which).count();
        let is_enough = recent.len() >= 6;
        run >= 3
            || is_enough
                && (of(Outcome::Bad) * 2 >= recent.len() || of(Outcome::Slow) * 4 >= recent.len() * 3)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Admit,
    Settle(prop::sample::Index, Outcome),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Good),
        4 => Just(Outcome::Bad),
        2 => Just(Outcome::Slow),
        1 => Just(Outcome::Neutral),
    ];
    let step = prop_oneof![
        1 => (0..400_u64).prop_map(Step::Wait),
        3 => Just(Step::Admit),
        3 => (any::<prop::sample::Index>(), outcome).prop_map(|(which, outcome)| Step::Settle(which, outcome)),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn w7_the_circuit_does_what_its_model_does(steps in steps()) {
        let (mut circuit, mut model, rules) = (Circuit::default(), Model::default(), rules());
        let mut now = MS * 10_000;
        let mut open = Vec::new();
        for step in steps {
            match step {
                Step::Wait(ms) => now += MS * u32::try_from(ms).unwrap(),
                Step::Admit => {
                    let (pass, expected) = (circuit.admit(Instant::from_origin(now), &rules), model.admit(now));
                    prop_assert_eq!(pass.is_ok(), expected.is_some());
                    open.extend(pass.ok().zip(expected));
                }
                Step::Settle(_, _) if open.is_empty() => {}
                Step::Settle(which, outcome) => {
                    let (pass, expected) = open.remove(which.index(open.len()));
                    let at = Instant::from_origin(now);
                    circuit.settle(pass, outcome, at, &rules, |circuit| circuit.is_over(&rules));
                    model.settle(expected, outcome, now);
                }
            }
            prop_assert_eq!(circuit.state(), model.state);
        }
    }
}

#[test]
fn w7_a_probe_under_way_stays_one_when_a_reload_makes_the_lease_shorter() {
    let at = |ms: u32| Instant::from_origin(MS * ms);
    let one = Breaker { failures: NonZeroU32::new(1), probes: NonZeroU32::MIN, ..rules() };
    let shorter = Breaker { probe_lease: MS * 100, ..one.clone() };
    let mut circuit = Circuit::default();
    let failed = circuit.admit(at(0), &one).unwrap();
    circuit.settle(failed, Outcome::Bad, at(0), &one, |circuit| circuit.is_over(&one));
    let _probe = circuit.admit(at(500), &one).unwrap();
    assert_eq!(circuit.admit(at(510), &shorter), Err(Refused::Probing));
    assert_eq!(circuit.admit(at(609), &shorter), Err(Refused::Probing), "for one lease from then on");
    assert!(circuit.admit(at(610), &shorter).is_ok());
}
