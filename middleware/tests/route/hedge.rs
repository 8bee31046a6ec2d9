//! A second attempt beside one that is slow.

use std::sync::atomic::{AtomicU32, Ordering};

use belvedere_core::clock::Clock;
use belvedere_core::layer::Layer;

use super::*;

fn hedged(targets: Vec<Target>) -> RouteConfig<Target> {
    let mut config = config(targets);
    config.hedge = Some(Hedge::default());
    config
}

/// Answers so many calls after 100 ms, so that what is slow is known and second attempts are earned.
fn warm(simulation: &Simulation, client: &Client, first: &ScriptedService, calls: usize) {
    for _ in 0..calls {
        first.push(after(100 * MILLI, "warm"));
        assert_eq!(text(simulation, client), "warm");
    }
}

struct Rig {
    simulation: Simulation,
    services: [ScriptedService; 2],
    client: Client,
    heard: Heard,
}

impl Rig {
    fn new() -> Self {
        let simulation = Simulation::new(1);
        let services = [ScriptedService::default(), ScriptedService::default()];
        let heard = Heard::default();
        let client = heard.by(client_of(&simulation, hedged(targets(&services))));
        Rig { simulation, services, client, heard }
    }

    fn warm(calls: usize) -> Self {
        let rig = Rig::new();
        warm(&rig.simulation, &rig.client, &rig.services[0], calls);
        rig
    }

    fn ask(&self, first: Answer, second: Answer) -> (Result<Completion>, Duration) {
        let [a, b] = &self.services;
        a.push(first);
        b.push(second);
        let began = self.simulation.clock.now();
        let answer = complete(&self.simulation, &self.client);
        self.simulation.assert_idle();
        assert_eq!((a.live(), b.live()), (0, 0));
        (answer, self.simulation.clock.now().since(began))
    }
}

#[test]
fn f6_the_second_attempt_wins_and_the_loser_is_an_attempt_that_was_cancelled() {
    let rig = Rig::warm(40);
    let (answer, took) = rig.ask(after(10 * SECOND, "slow"), after(50 * MILLI, "quick"));
    let answer = answer.unwrap();
    assert_eq!((answer.text(), notices(&answer)), ("quick".into(), vec!["hedged b".into()]));
    assert_eq!(attempts(&answer), [("a".into(), EndKind::Cancelled), ("b".into(), EndKind::Finished)]);
    assert_eq!(rig.services[0].dropped(), 1, "its connection is closed");
    // The 95th percentile of 100 ms, at most 9% too high, and 50 ms.
    assert!((150 * MILLI..160 * MILLI).contains(&took), "{took:?}");
    let heard = rig.heard.take();
    assert!(heard.len() == 1 && heard[0].starts_with("hedge b after 10"), "{heard:?}");
}

#[test]
fn f6_the_first_wins_and_the_second_attempt_was_cancelled() {
    let rig = Rig::warm(40);
    let (answer, took) = rig.ask(after(200 * MILLI, "first"), after(SECOND, "second"));
    let answer = answer.unwrap();
    assert_eq!((answer.text(), notices(&answer)), ("first".into(), Vec::new()));
    assert_eq!(attempts(&answer), [("a".into(), EndKind::Finished), ("b".into(), EndKind::Cancelled)]);
    assert_eq!((took, rig.services[1].dropped()), (200 * MILLI, 1));
}

#[test]
fn w2_there_is_no_second_attempt_after_the_first_content() {
    let rig = Rig::warm(40);
    let (answer, _) = rig.ask(Answer::deltas(["a", "b"]).with(2, Step::Wait(10 * SECOND)), Answer::text("x"));
    assert_eq!((answer.unwrap().text(), rig.services[1].calls()), ("ab".into(), 0));
}

#[test]
fn f5_an_empty_budget_stops_new_second_attempts_and_never_a_running_call() {
    // Nineteen answers earn less than one second attempt, and too few to know what is slow; forty earn two.
    for (calls, expected) in [(0, 0), (19, 0), (40, 2)] {
        let rig = Rig::warm(calls);
        for i in 0..4 {
            let (answer, _) = rig.ask(after(2 * SECOND, "slow"), after(SECOND, "quick"));
            let hedged = i < expected;
            assert_eq!(answer.unwrap().text(), if hedged { "quick" } else { "slow" }, "{calls}: {i}");
        }
        assert_eq!(rig.services[1].calls(), expected);
    }
}

#[test]
fn w6_a_second_attempt_draws_on_the_budget_of_the_call() {
    let rig = Rig::warm(40);
    let [a, b] = &rig.services;
    a.push(after(2 * SECOND, "slow"));
    let options: Options = serde_json::from_value(serde_json::json!({ "attempts": 1 })).unwrap();
    let answer = rig.simulation.run(rig.client.complete(Request::from("hi").with_options(options))).unwrap();
    assert_eq!((answer.text(), b.calls()), ("slow".into(), 0));
    // What it would have cost was given back.
    let (answer, _) = rig.ask(after(2 * SECOND, "slow"), after(MILLI, "quick"));
    assert_eq!(answer.unwrap().text(), "quick");
    let (answer, _) = rig.ask(after(2 * SECOND, "slow"), after(MILLI, "quick"));
    assert_eq!(answer.unwrap().text(), "quick");
}

#[test]
fn a_failure_of_one_leaves_the_other() {
    let late = |kind| Answer::refused(failed(kind)).with_wait(200 * MILLI);
    let rig = Rig::warm(40);
    let (answer, _) = rig.ask(late(ErrorKind::Overloaded), after(SECOND, "b"));
    let answer = answer.unwrap();
    assert_eq!(answer.text(), "b");
    assert_eq!(notices(&answer), ["a -> b: overloaded: no", "hedged b"]);
    let (answer, _) = rig.ask(after(SECOND, "a"), failing(ErrorKind::InvalidRequest));
    let answer = answer.unwrap();
    assert_eq!((answer.text(), notices(&answer)), ("a".into(), Vec::new()), "the second is an extra");
}

#[test]
fn both_fail_and_the_last_error_is_told() {
    let late = |kind| Answer::refused(failed(kind)).with_wait(200 * MILLI);
    let rig = Rig::warm(40);
    let (answer, _) = rig.ask(late(ErrorKind::Overloaded), late(ErrorKind::RateLimited));
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(error.context().contains(&("targets", "a (overloaded: no), b (rate limited: no)".into())));
}

#[test]
fn a_verdict_ends_both() {
    let late = |kind| Answer::refused(failed(kind)).with_wait(200 * MILLI);
    for kind in [ErrorKind::Blocked, ErrorKind::InvalidRequest] {
        let rig = Rig::warm(40);
        let (answer, _) = rig.ask(late(kind), after(SECOND, "b"));
        assert_eq!((answer.unwrap_err().kind(), rig.services[1].dropped()), (kind, 1));
    }
    let rig = Rig::warm(40);
    let (answer, _) = rig.ask(after(SECOND, "a"), failing(ErrorKind::Blocked));
    assert_eq!((answer.unwrap_err().kind(), rig.services[0].dropped()), (ErrorKind::Blocked, 1));
}

#[test]
fn a_lone_target_gets_the_second_attempt_itself() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::default();
    let route = Route::build(hedged(Vec::new())).unwrap();
    let client = Client::new(service.clone(), simulation.lent()).layer(route);
    warm(&simulation, &client, &service, 20);
    service.push(after(10 * SECOND, "slow"));
    service.push(after(MILLI, "quick"));
    let answer = complete(&simulation, &client).unwrap();
    assert_eq!((answer.text(), notices(&answer)), ("quick".into(), vec!["hedged primary".into()]));
    assert_eq!((service.calls(), service.dropped()), (22, 1));
    // Unless a key says that the two are one.
    (0..20).for_each(|_| warm(&simulation, &client, &service, 1));
    service.push(after(10 * SECOND, "slow"));
    let options: Options = serde_json::from_value(serde_json::json!({ "idempotency_key": "k" })).unwrap();
    let answer = simulation.run(client.complete(Request::from("hi").with_options(options))).unwrap();
    assert_eq!(answer.text(), "slow");
}

#[test]
fn streams_and_whole_answers_have_their_own_pace() {
    let rig = Rig::warm(40);
    let [a, b] = &rig.services;
    a.push(after(SECOND, "slow"));
    let stream = rig.simulation.run(async { rig.client.stream("hi").await.unwrap().collect().await });
    assert_eq!((stream.unwrap().text(), b.calls()), ("slow".into(), 0), "of streams nothing is known yet");
}

#[test]
fn there_is_no_second_attempt_while_the_call_is_paused() {
    for (paused, expected) in [(true, 0), (false, 1)] {
        let simulation = Simulation::new(1);
        let services = [ScriptedService::default(), ScriptedService::always(after(SECOND, "x"))];
        let stack = Route::build(hedged(targets(&services))).unwrap().layer(Nowhere.into());
        for _ in 0..20 {
            services[0].push(after(100 * MILLI, "warm"));
            simulation.run(stack.call(simulation.context(), "hi".into())).unwrap();
        }
        services[0].push(after(SECOND, "slow"));
        let cx = simulation.context();
        let mut call = Task::new(stack.call(cx.clone(), "hi".into()));
        assert!(simulation.poll(&mut call).is_pending());
        if paused {
            cx.call.pause.pause(simulation.clock.now());
        }
        simulation.advance(200 * MILLI);
        assert!(simulation.poll(&mut call).is_pending());
        assert_eq!(services[1].calls(), expected);
    }
}

/// A target whose answers take as long as the test says, one in 25 three times as long.
#[derive(Debug, Clone, Default)]
struct Paced {
    millis: Arc<AtomicU32>,
    service: ScriptedService,
}

#[async_trait]
impl Service for Paced {
    fn info(&self) -> Info {
        self.service.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let middle = MILLI * self.millis.load(Ordering::Acquire);
        let wait = match u32::try_from(self.service.calls() % 25).unwrap() {
            24 => middle * 3,
            k => middle * (88 + k) / 100,
        };
        self.service.push(after(wait, "x"));
        self.service.call(cx, request).await
    }
}

#[test]
fn f9_hedges_are_at_most_five_percent_and_end_under_a_uniform_slowdown() {
    let simulation = Simulation::new(1);
    // Both are as slow: what a second attempt goes to is no better.
    let [a, b] = [(); 2].map(|()| Paced::default());
    let all = [("a", &a), ("b", &b)].map(|(name, paced)| {
        let mut target = Target::new(paced.clone());
        target.name = name.into();
        target
    });
    let client = client_of(&simulation, hedged(Vec::from(all)));
    let run = |millis: u32, lasts: Duration| {
        [&a, &b].iter().for_each(|paced| paced.millis.store(millis, Ordering::Release));
        let (end, before) = (simulation.clock.now() + lasts, (a.service.calls(), b.service.calls()));
        while simulation.clock.now() < end {
            text(&simulation, &client);
        }
        (a.service.calls() - before.0, b.service.calls() - before.1)
    };
    let (calls, hedges) = run(100, 120 * SECOND);
    assert!(hedges * 20 <= calls && hedges * 30 >= calls, "{hedges} of {calls}");
    let (_, hedges) = run(1000, 30 * SECOND);
    assert!(hedges <= 3, "before all were known to be slow: {hedges}");
    let (calls, hedges) = run(1000, 60 * SECOND);
    assert_eq!(hedges, 0, "of {calls}");
    let (calls, hedges) = run(100, 120 * SECOND);
    assert!(hedges * 20 <= calls + 200 && hedges > 0, "it is over: {hedges} of {calls}");
}

#[test]
fn f9_nothing_is_earned_while_nothing_is_answered() {
    let rig = Rig::warm(40);
    for _ in 0..50 {
        let (answer, _) = rig.ask(
            Answer::refused(failed(ErrorKind::Unexpected)).with_wait(SECOND),
            Answer::refused(failed(ErrorKind::Unexpected)).with_wait(SECOND),
        );
        answer.unwrap_err();
    }
    assert_eq!(rig.services[1].calls(), 2, "what forty answers had earned");
}

/// Answers that come late.
trait Late {
    fn with_wait(self, wait: Duration) -> Self;
}

impl Late for Answer {
    fn with_wait(mut self, wait: Duration) -> Self {
        self.opening.insert(0, Step::Wait(wait));
        self
    }
}
