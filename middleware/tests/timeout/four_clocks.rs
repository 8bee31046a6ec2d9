//! Each limit alone, and what resets it (L7, S5).

use super::*;

fn stalled_at(index: usize) -> Answer {
    Answer::deltas(["a", "b"]).with(index, Step::Stall)
}

#[test]
fn l7_connect_fires_alone() {
    let answer = Answer::text("a").opening(Step::Stall);
    let outcome = go(limits(|t| t.connect = Some(10 * SECOND)), answer);
    assert_eq!((outcome.phase(), outcome.took), (Some(TimeoutPhase::Connect), 10 * SECOND));
    let error = outcome.error.unwrap();
    assert_eq!(
        error.to_string(),
        "timeout (connect): no connection was made within 10s; if that is to be expected, raise `timeout.connect`"
    );
    assert_eq!(error.attempts(), 1);
}

#[test]
fn l7_connect_is_over_once_the_connection_stands() {
    let answer =
        Answer::text("a").opening(Step::Wait(9 * SECOND)).opening(Step::Connect).opening(Step::Wait(HOUR));
    let outcome = go(limits(|t| t.connect = Some(10 * SECOND)), answer);
    assert_eq!((outcome.end, outcome.took), (Some(EndKind::Finished), HOUR + 9 * SECOND));
}

#[test]
fn l7_first_event_fires_alone_before_the_head() {
    let answer = Answer::text("a").opening(Step::Connect).opening(Step::Stall);
    let outcome = go(limits(|t| t.first_event = Some(30 * SECOND)), answer);
    assert_eq!((outcome.phase(), outcome.took), (Some(TimeoutPhase::FirstEvent), 30 * SECOND));
}

#[test]
fn l7_first_event_fires_alone_when_only_start_came() {
    let answer = stalled_at(1).opening(Step::Wait(10 * SECOND));
    let outcome = go(limits(|t| t.first_event = Some(30 * SECOND)), answer);
    assert_eq!((outcome.phase(), outcome.took), (Some(TimeoutPhase::FirstEvent), 30 * SECOND));
    assert_eq!(outcome.events.len(), 1, "what came before is delivered");
    let later =
        go(limits(|t| t.first_event = Some(30 * SECOND)), Answer::text("a").with(2, Step::Wait(HOUR)));
    assert_eq!(later.end, Some(EndKind::Finished), "after the first content it is off");
}

#[test]
fn l7_idle_fires_alone() {
    let answer = stalled_at(2).with(2, Step::Alive).with(2, Step::Wait(19 * SECOND));
    let outcome = go(limits(|t| t.idle = Some(20 * SECOND)), answer);
    assert_eq!((outcome.phase(), outcome.took), (Some(TimeoutPhase::Idle), 39 * SECOND));
    assert_eq!((outcome.events.len(), outcome.end), (2, Some(EndKind::Failed)));
}

#[test]
fn l7_idle_waits_for_content_while_first_event_is_on() {
    let both = limits(|t| (t.first_event, t.idle) = (Some(HOUR), Some(20 * SECOND)));
    let thinking = Answer::text("a").with(1, Step::Wait(HOUR - SECOND));
    assert_eq!(go(both, thinking.clone()).end, Some(EndKind::Finished));
    let idle_only = go(limits(|t| t.idle = Some(20 * SECOND)), thinking);
    assert_eq!((idle_only.phase(), idle_only.took), (Some(TimeoutPhase::Idle), 20 * SECOND));
    let silent_later = go(both, stalled_at(2));
    assert_eq!((silent_later.phase(), silent_later.took), (Some(TimeoutPhase::Idle), 20 * SECOND));
}

#[test]
fn l7_total_fires_alone() {
    for at in 0..=4 {
        let outcome = go(limits(|t| t.total = Some(300 * SECOND)), stalled_at(at));
        assert_eq!((outcome.phase(), outcome.took), (Some(TimeoutPhase::Total), 300 * SECOND), "at {at}");
        assert_eq!(outcome.events.len(), at);
    }
    let outcome = go(limits(|t| t.total = Some(300 * SECOND)), Answer::text("a").opening(Step::Stall));
    assert_eq!((outcome.phase(), outcome.took), (Some(TimeoutPhase::Total), 300 * SECOND));
}

#[test]
fn l7_an_active_stream_of_6_hours_lives() {
    let words = 6 * 3600 / 60;
    let mut answer = Answer::deltas((0..words).map(|_| "word "));
    for n in 0..words {
        answer = answer.with(1 + 2 * n, Step::Wait(60 * SECOND));
    }
    let outcome = go(Timeout::default(), answer);
    assert_eq!((outcome.end, outcome.took), (Some(EndKind::Finished), 6 * HOUR));
    assert_eq!(outcome.events.len(), words + 3);
}

#[test]
fn s5_an_hour_of_comments_is_alive_and_no_content() {
    let mut answer = Answer::text("a");
    for n in 0..360 {
        answer = answer.with(1 + 2 * n, Step::Wait(10 * SECOND)).with(2 + 2 * n, Step::Alive);
    }
    let lives = go(limits(|t| t.idle = Some(20 * SECOND)), answer.clone());
    assert_eq!((lives.end, lives.took, lives.events.len()), (Some(EndKind::Finished), HOUR, 4));
    let fires = go(limits(|t| (t.first_event, t.idle) = (Some(90 * SECOND), Some(20 * SECOND))), answer);
    assert_eq!((fires.phase(), fires.took), (Some(TimeoutPhase::FirstEvent), 90 * SECOND));
}

#[test]
fn l8_the_worst_case_is_the_total() {
    let all = Timeout::default();
    for at in 0..=5 {
        let mut bounded = all;
        bounded.total = Some(15 * 60 * SECOND);
        let outcome = go(bounded, stalled_at(at));
        assert!(outcome.took <= 15 * 60 * SECOND, "at {at}: {:?}", outcome.took);
    }
}

#[test]
fn the_limit_that_was_due_first_is_the_one_named() {
    let both = limits(|t| (t.first_event, t.total) = (Some(40 * SECOND), Some(30 * SECOND)));
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a").opening(Step::Stall)]);
    let stack = wrap(both, &service);
    let mut call = belvedere_core::testing::Task::new(stack.call(simulation.context(), Request::from("hi")));
    assert!(simulation.poll(&mut call).is_pending());
    simulation.clock.advance(HOUR);
    let std::task::Poll::Ready(Err(error)) = simulation.poll(&mut call) else { panic!("both are due") };
    assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutPhase::Total));
}
