//! Experiments: who is in which arm, and what is counted of it.

use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Event, Notice};
use belvedere_core::layer::Layer;
use belvedere_core::testing::Step;
use belvedere_core::usage::{Class, Usage};
use belvedere_middleware::choose::{ArmReport, Experiment};
use futures_util::StreamExt;
use std::time::Duration;

use super::*;

fn experiment(by: &str) -> Choose {
    let arms = json!([{"model": "gpt-4o"}, {"model": "gpt-4o-mini", "weight": 3}]);
    choose(json!({"experiment": {"name": "first", "arms": arms, "by": by}}))
}

fn arms(choose: &Choose) -> [ArmReport; 2] {
    choose.report().unwrap().arms.try_into().unwrap()
}

#[test]
fn a_user_stays_in_its_arm_in_every_process() {
    let case = Case::answering(experiment("user"));
    let asked = |name: &str| case.asked(Request::from(EASY).with_scope(user(name))).unwrap();
    let first: Vec<_> = (0..12).map(|i| asked(&format!("u{i}"))).collect();
    let again: Vec<_> = (0..12).map(|i| asked(&format!("u{i}"))).collect();
    assert_eq!(first, again);
    // Kept: another release must not send users to another arm in the middle of an experiment.
    let large: Vec<_> = (0..12).filter(|i| first[*i] == "gpt-4o").collect();
    assert_eq!(large, LARGE);
}

/// Who of `u0` to `u11` is in the first arm: by SHA-256, as `arm` in experiment.rs says.
const LARGE: [usize; 1] = [4];

#[test]
fn the_shares_are_those_of_the_weights() {
    let case = Case::answering(experiment("call"));
    let calls = 2_000;
    let large = (0..calls).filter(|_| case.asked(EASY).unwrap() == "gpt-4o").count();
    assert!((440..=560).contains(&large), "{large} of {calls}; 500 are expected");
}

#[test]
fn another_experiment_splits_anew_and_users_of_two_tenants_are_two() {
    let models = ["a", "b"];
    let names: Vec<String> = (0..400).map(|i| i.to_string()).collect();
    let of = |experiment: &str, tenant: Option<&str>| -> Vec<String> {
        let case = Case::answering(Choose::default().with_experiment(Experiment::new(experiment, models)));
        let asked = |name: &String| {
            let mut scope = user(name);
            scope.tenant = tenant.map(Into::into);
            case.asked(Request::from(EASY).with_scope(scope)).unwrap()
        };
        names.iter().map(asked).collect()
    };
    let first = of("first", None);
    for other in [of("second", None), of("first", Some("t"))] {
        let same = first.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!((150..=250).contains(&same), "{same} of 400 stay together; 200 by chance");
    }
}

#[test]
fn answers_failures_and_what_is_neither_are_counted() {
    let slow = Answer::text("ok").opening(Step::Wait(Duration::from_millis(250)));
    let refused = |kind| Answer::refused(Error::new(kind, "no"));
    let last_resort = Event::Notice(Notice::Degraded { reason: "overloaded".into() });
    let choose = choose(json!({
        "experiment": {"name": "e", "arms": [{"model": "a", "weight": 1_000_000_000}, {"model": "b"}]},
    }));
    let service = ScriptedService::new([
        slow.clone(),
        slow,
        refused(ErrorKind::Overloaded),
        Answer::text("half").cut(2),
        Answer::text("sorry").with(0, Step::Event(last_resort)),
        refused(ErrorKind::InvalidRequest),
        refused(ErrorKind::Blocked),
        Answer::text("never").with(2, Step::Stall),
    ]);
    let case = Case::new(choose.clone(), service);
    for _ in 0..7 {
        let _ = case.ask(Request::from(EASY).with_scope(user("u")));
    }
    let mut left =
        case.simulation.run(case.client.stream(Request::from(EASY).with_scope(user("u")))).unwrap();
    assert!(case.simulation.run(left.next()).unwrap().is_ok());
    drop(left);
    let [a, _] = arms(&choose);
    assert_eq!((a.calls, a.succeeded, a.failed), (8, 2, 3));
    assert_eq!((a.latency.count, a.latency.mean), (2, 0.25));
    assert_eq!(a.success_rate(), Some(0.4));
    assert_eq!(a.cost.count, 0, "unknown is not free");
}

#[test]
fn the_cost_at_a_provider_without_prices_is_unknown_and_not_counted() {
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(1_000));
    usage.set(Class::Output, Some(1_000));
    let answer = Answer::text("ok").with(1, Step::Event(Event::Usage(std::sync::Arc::new(usage))));
    let choose = experiment("call");
    let case = Case::new(choose.clone(), ScriptedService::always(answer));
    for _ in 0..50 {
        case.ask(EASY).unwrap();
    }
    let [large, small] = arms(&choose);
    let known = large.cost.count + small.cost.count;
    assert_eq!(known, 0, "a provider that the table does not know has no prices: {large:?} {small:?}");
}

#[test]
fn scores_are_added_to_the_arm_of_their_scope() {
    let choose = experiment("user");
    for i in 0..100 {
        assert!(choose.record(&user(&format!("u{i}")), 1.0));
    }
    let [large, small] = arms(&choose);
    assert_eq!(large.score.count + small.score.count, 100);
    assert!(large.score.count > 10 && small.score.count > 50);
    assert!(!choose.record(&Scope::default(), 1.0), "no user");
    assert!(!choose.record(&user("u1"), f64::NAN), "no score");
    assert!(!experiment("call").record(&user("u1"), 1.0), "it is split by call");
    assert!(!Choose::default().record(&user("u1"), 1.0), "no experiment");
}

#[test]
fn a_difference_shows_with_its_p_value() {
    let choose = experiment("user");
    for i in 0..1_000 {
        let scope = user(&format!("u{i}"));
        let is_small =
            Case::answering(choose.clone()).asked(Request::from(EASY).with_scope(scope.clone())).unwrap()
                == "gpt-4o-mini";
        choose.record(&scope, if is_small && i % 3 == 0 { 0.0 } else { 1.0 });
    }
    let [first, second] = arms(&choose);
    let against = second.against_first.unwrap();
    assert!(first.against_first.is_none() && against.score.unwrap() < 1e-6, "{against:?}");
    assert!(against.success.unwrap() > 0.99 && against.cost.is_none(), "{against:?}");
    let json = serde_json::to_value(choose.report().unwrap()).unwrap();
    assert_eq!(json["arms"][1]["model"], "gpt-4o-mini");
}

#[test]
fn a_reload_goes_on_counting_while_the_experiment_is_the_same() {
    let first = experiment("user");
    first.record(&user("u"), 1.0);
    let scores = |choose: &Choose| arms(choose).map(|arm| arm.score.count).iter().sum::<u64>();
    let mut same = experiment("user").with_rule(belvedere_middleware::choose::Rule::new("m"));
    same.adopt(&first);
    assert_eq!(scores(&same), 1);
    let mut other =
        choose(json!({"experiment": {"name": "x", "arms": [{"model": "gpt-4o"}, {"model": "gpt-4o-mini"}]}}));
    other.adopt(&first);
    assert_eq!(scores(&other), 0);
    first.record(&user("u"), 1.0);
    assert_eq!(scores(&same), 2, "calls of the generation before are counted, too");
}

#[test]
fn an_experiment_of_a_task_leaves_the_others_to_the_rules() {
    let arms = json!([{"model": "a"}, {"model": "b"}]);
    let case = Case::answering(choose(json!({
        "experiment": {"name": "e", "task": "code", "arms": arms},
        "rules": [{"preferred": "usual"}],
    })));
    let asked = |task: &str| case.asked(Request::from(EASY).with_scope(tags([("task", task)]))).unwrap();
    assert!(["a", "b"].contains(&asked("code").as_str()));
    assert_eq!(asked("support"), "usual");
}
