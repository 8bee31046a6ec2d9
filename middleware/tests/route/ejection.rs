//! Targets that are left out for a while.

use super::*;

fn ejecting(targets: Vec<Target>) -> RouteConfig<Target> {
    let mut config = config(targets);
    config.ejection = Some(Ejection::default());
    config
}

struct Rig<const N: usize> {
    simulation: Simulation,
    services: [ScriptedService; N],
    client: Client,
    heard: Heard,
}

impl<const N: usize> Rig<N> {
    fn new(answers: [Answer; N]) -> Self {
        Rig::of(answers, |_| {})
    }

    fn of(answers: [Answer; N], change: impl Fn(&mut RouteConfig<Target>)) -> Self {
        let simulation = Simulation::new(1);
        let services = answers.map(ScriptedService::always);
        let mut config = ejecting(targets(&services));
        change(&mut config);
        let heard = Heard::default();
        let client = heard.by(client_of(&simulation, config));
        Rig { simulation, services, client, heard }
    }

    fn calls(&self) -> [usize; N] {
        self.services.each_ref().map(ScriptedService::calls)
    }

    fn ask(&self, times: usize) {
        (0..times).for_each(|_| drop(complete(&self.simulation, &self.client)));
    }

    fn ejections(&self) -> Vec<String> {
        self.heard.take().into_iter().filter(|text| text.starts_with("ejected")).collect()
    }
}

#[test]
fn a_target_that_fails_in_a_row_is_left_out_and_comes_back_for_longer_the_second_time() {
    let rig = Rig::new([failing(ErrorKind::Overloaded), Answer::text("b")]);
    rig.ask(20);
    assert_eq!(rig.calls(), [5, 20]);
    assert_eq!(rig.ejections(), ["ejected a for 30s"]);
    rig.simulation.advance(29 * SECOND);
    rig.ask(1);
    assert_eq!(rig.calls(), [5, 21]);
    rig.simulation.advance(SECOND);
    rig.ask(20);
    assert_eq!(rig.calls(), [10, 41]);
    assert_eq!(rig.ejections(), ["ejected a for 60s"]);
    // It is a span of time that passes in a suspend, too.
    rig.simulation.clock.suspend(60 * SECOND);
    rig.ask(1);
    assert_eq!(rig.calls(), [11, 42]);
}

#[test]
fn a_success_ends_the_row() {
    let rig = Rig::of([Answer::text("a"), Answer::text("b")], |config| {
        config.ejection.as_mut().unwrap().failure_rate = 1.0;
    });
    for i in 0..40 {
        let bad = i % 5 != 4;
        rig.services[0].push(if bad { failing(ErrorKind::Network) } else { Answer::text("a") });
        rig.ask(1);
    }
    assert_eq!((rig.calls()[0], rig.ejections()), (40, Vec::<String>::new()));
}

#[test]
fn a_target_that_fails_more_than_its_peers_is_left_out() {
    let rig = Rig::new([Answer::text("a"), Answer::text("b")]);
    for i in 0..40 {
        rig.services[0].push(if i % 2 == 0 { failing(ErrorKind::Network) } else { Answer::text("a") });
        rig.ask(1);
    }
    assert_eq!(rig.ejections(), ["ejected a for 30s"]);
    assert!((20..24).contains(&rig.calls()[0]), "after 20 calls: {:?}", rig.calls());
}

#[test]
fn when_all_fail_alike_none_is_left_out_for_its_rate() {
    let rig = Rig::new([(); 2].map(|()| Answer::text("x")));
    for i in 0..80 {
        for service in &rig.services {
            service.push(if i % 2 == 0 { failing(ErrorKind::Network) } else { Answer::text("x") });
        }
        rig.ask(1);
    }
    assert_eq!(rig.ejections(), Vec::<String>::new());
}

#[test]
fn half_of_the_targets_stay_and_at_least_one() {
    fn out<const N: usize>(share: f64) -> usize {
        let rig = Rig::of([(); N].map(|()| failing(ErrorKind::Overloaded)), |config| {
            config.ejection.as_mut().unwrap().share = share;
        });
        rig.ask(30);
        rig.ejections().len()
    }
    assert_eq!([out::<1>(0.5), out::<2>(0.5), out::<3>(0.5), out::<4>(0.5)], [0, 1, 1, 2]);
    assert_eq!([out::<1>(1.0), out::<2>(1.0), out::<4>(1.0), out::<4>(0.0)], [0, 1, 3, 0]);
}

#[test]
fn who_is_left_out_is_asked_when_all_others_have_failed() {
    let rig = Rig::new([failing(ErrorKind::Overloaded), Answer::text("b")]);
    rig.ask(5);
    assert_eq!(rig.ejections(), ["ejected a for 30s"]);
    rig.services[1].push(failing(ErrorKind::Network));
    rig.services[0].push(Answer::text("a"));
    assert_eq!(text(&rig.simulation, &rig.client), "a");
}

#[test]
fn a_fallback_stands_in_for_the_target_that_is_left_out_if_it_takes_its_errors() {
    for (kind, expected) in [(ErrorKind::Overloaded, [5, 10]), (ErrorKind::ContextTooLong, [10, 0])] {
        let simulation = Simulation::new(1);
        let services = [failing(ErrorKind::Overloaded), Answer::text("b")].map(ScriptedService::always);
        let [a, b] = &services;
        let client = client_of(&simulation, ejecting(vec![target("a", a), when(target("b", b), &[kind])]));
        (0..10).for_each(|_| drop(complete(&simulation, &client)));
        assert_eq!(services.each_ref().map(ScriptedService::calls), expected, "{kind}");
    }
}

#[test]
fn b5_what_is_not_the_targets_fault_leaves_it_in() {
    use ErrorKind::*;
    for kind in ErrorKind::ALL {
        let rig = Rig::new([failing(kind), Answer::text("b")]);
        rig.ask(10);
        let neutral = matches!(
            kind,
            CircuitOpen
                | Store
                | InvalidRequest
                | ContextTooLong
                | Unsupported
                | ConfigInvalid
                | ContentFiltered
                | BudgetExceeded
                | Blocked
                | Cancelled
        );
        assert_eq!(rig.ejections().is_empty(), neutral, "{kind}");
    }
}

#[test]
fn b5_a_caller_who_leaves_says_nothing() {
    let rig = Rig::new([Answer::text("a").with(1, Step::Stall), Answer::text("b")]);
    for _ in 0..20 {
        let mut call = Task::new(rig.client.complete("hi"));
        assert!(rig.simulation.poll(&mut call).is_pending());
    }
    assert_eq!((rig.calls(), rig.ejections()), ([20, 0], Vec::new()));
}

#[test]
fn b11_a_stream_that_fails_late_counts() {
    let broken = Answer::deltas(["a", "a"]).with(3, Step::Fail(failed(ErrorKind::Network)));
    let rig = Rig::new([broken, Answer::text("b")]);
    rig.ask(10);
    assert_eq!((rig.calls(), rig.ejections()), ([5, 5], vec!["ejected a for 30s".to_owned()]));
}
