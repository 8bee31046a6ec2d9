//! What the layer leaves alone, and what it closes.

use std::task::Poll;

use belvedere_core::testing::Task;

use super::*;

fn all_on() -> Timeout {
    let mut timeout = Timeout::default();
    timeout.total = Some(HOUR);
    timeout
}

#[test]
fn it_behaves_as_every_layer() {
    belvedere_core::testing::suite::layer(all_on);
    belvedere_core::testing::suite::layer(Timeout::off);
}

#[test]
fn every_answer_passes_through_as_it_is() {
    let failing = || Step::Fail(Error::new(ErrorKind::Overloaded, "busy"));
    let answers = [
        Answer::deltas(["a", "b", "c"]),
        Answer::deltas(["a", "b", "c"]).with(2, Step::Wait(SECOND)),
        Answer::deltas(["a", "b", "c"]).cut(3),
        Answer::deltas(["a", "b", "c"]).with(3, failing()),
        Answer::refused(Error::new(ErrorKind::RateLimited, "slow down")),
    ];
    for answer in answers {
        let (plain, timed) = (go(Timeout::off(), answer.clone()), go(all_on(), answer));
        assert_eq!(timed.events, plain.events);
        assert_eq!((timed.end, timed.took), (plain.end, plain.took));
        assert_eq!(timed.error.map(|e| e.to_string()), plain.error.map(|e| e.to_string()));
    }
}

#[test]
fn l1_a_drop_at_each_event_drops_the_source_and_all_timers() {
    let answer = || Answer::deltas(["a", "b", "c"]);
    // A whole answer that is all there has ended when it is handed out.
    for (stream, dropped) in [(true, 1), (false, 0)] {
        for taken in 0..=answer().steps.len() {
            let simulation = Simulation::new(1);
            let service = ScriptedService::new([answer()]);
            let stack = wrap(all_on(), &service);
            let mut request = Request::from("hi");
            request.stream = stream;
            simulation.run(async {
                let mut events = stack.call(simulation.context(), request).await.unwrap();
                for _ in 0..taken {
                    assert!(events.next().await.unwrap().is_ok());
                }
            });
            assert_eq!((service.live(), service.dropped()), (0, dropped), "after {taken} events");
            simulation.assert_idle();
        }
    }
}

#[test]
fn l2_a_drop_while_the_call_waits_drops_the_source_and_all_timers() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a").opening(Step::Stall)]);
    let stack = wrap(all_on(), &service);
    let mut call = Task::new(stack.call(simulation.context(), Request::from("hi")));
    assert!(simulation.poll(&mut call).is_pending());
    assert_eq!(service.live(), 1);
    drop(call);
    assert_eq!((service.live(), service.dropped()), (0, 1));
    simulation.assert_idle();
}

#[test]
fn the_source_is_closed_before_the_error_is_seen() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a").with(2, Step::Stall)]);
    let stack = wrap(limits(|t| t.idle = Some(SECOND)), &service);
    simulation.run(async {
        let mut events = stack.call(simulation.context(), Request::from("hi")).await.unwrap();
        while let Some(Ok(_)) = events.next().await {
            assert_eq!(service.live(), 1);
        }
        assert_eq!((service.live(), service.dropped()), (0, 1));
    });
}

#[test]
fn w3_a_finished_answer_does_not_fail_while_its_wire_lingers() {
    for timeout in [limits(|t| t.total = Some(SECOND)), limits(|t| t.idle = Some(SECOND))] {
        let outcome = go(timeout, Answer::text("a").with(99, Step::Stall));
        assert_eq!((outcome.end, outcome.took, outcome.events.len()), (Some(EndKind::Finished), SECOND, 4));
    }
}

#[test]
fn w3_an_attempt_that_lingers_after_its_finish_ends_as_its_answer_does() {
    for timeout in [limits(|t| t.total = Some(SECOND)), limits(|t| t.idle = Some(SECOND))] {
        let simulation = Simulation::new(1);
        let service = ScriptedService::new([Answer::text("a").with(99, Step::Stall)]);
        let (stack, cx) = (wrap(timeout, &service), simulation.context());
        let (_, error, end) =
            simulation.run(async { read(stack.call(cx.clone(), Request::from("hi")).await.unwrap()).await });
        let attempts: Vec<_> = cx.call.attempts().into_iter().map(|attempt| attempt.end).collect();
        assert_eq!((error.map(|e| e.to_string()), end), (None, Some(EndKind::Finished)));
        assert_eq!(attempts, [end], "all that see the attempt are told the same");
    }
}

#[test]
fn the_time_a_caller_takes_is_not_the_upstreams() {
    let timeout = limits(|t| (t.first_event, t.idle) = (Some(30 * SECOND), Some(20 * SECOND)));
    let answer = Answer::deltas(["a", "b"]).with(1, Step::Wait(20 * SECOND)).with(3, Step::Wait(15 * SECOND));
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([answer]);
    let stack = wrap(timeout, &service);
    simulation.run(async {
        let mut events = stack.call(simulation.context(), Request::from("hi")).await.unwrap();
        let mut count = 0;
        while let Some(item) = events.next().await {
            item.unwrap();
            count += 1;
            simulation.clock.sleep(HOUR).await;
        }
        assert_eq!((count, events.end()), (5, Some(EndKind::Finished)));
    });
    simulation.assert_idle();
}

#[test]
fn total_ends_a_stream_that_never_waits() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::deltas(std::iter::repeat_n("a", 1000))]);
    let stack = wrap(limits(|t| t.total = Some(SECOND)), &service);
    let events = simulation.run(stack.call(simulation.context(), Request::from("hi"))).unwrap();
    simulation.clock.advance(SECOND);
    let (seen, error, _) = simulation.run(read(events));
    assert!(seen.len() <= 32, "{}", seen.len());
    assert_eq!(error.unwrap().kind(), ErrorKind::Timeout(TimeoutPhase::Total));
}

#[test]
fn a_layer_further_out_sees_the_same_wire() {
    let simulation = Simulation::new(1);
    let answer = Answer::deltas(["a", "b"])
        .with(2, Step::Wait(15 * SECOND))
        .with(3, Step::Alive)
        .with(4, Step::Wait(15 * SECOND));
    let service = ScriptedService::new([answer]);
    let inner = wrap(limits(|t| t.connect = Some(SECOND)), &service);
    let stack = limits(|t| t.idle = Some(20 * SECOND)).layer(inner);
    let (_, error, end) = simulation
        .run(async { read(stack.call(simulation.context(), Request::from("hi")).await.unwrap()).await });
    assert_eq!((error.map(|e| e.to_string()), end), (None, Some(EndKind::Finished)));
}

#[test]
fn a_pending_stream_is_woken_by_its_timer() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::text("a").with(1, Step::Stall)]);
    let stack = wrap(limits(|t| t.idle = Some(SECOND)), &service);
    let mut events = simulation.run(stack.call(simulation.context(), Request::from("hi"))).unwrap();
    assert!(simulation.run(events.next()).unwrap().is_ok());
    let mut next = Task::new(events.next());
    assert!(simulation.poll(&mut next).is_pending());
    simulation.advance(SECOND);
    assert!(next.is_woken());
    assert!(matches!(next.poll(), Poll::Ready(Some(Err(_)))));
}

#[test]
fn w3_an_attempt_that_timed_out_has_failed_and_was_not_cancelled() {
    for answer in [Answer::text("a").opening(Step::Stall), Answer::text("a").with(2, Step::Stall)] {
        let simulation = Simulation::new(1);
        let stack = wrap(all_on(), &ScriptedService::new([answer]));
        let cx = simulation.context();
        let error =
            simulation.run(async { stack.call(cx.clone(), Request::from("hi")).await?.collect().await });
        assert!(matches!(error.unwrap_err().kind(), ErrorKind::Timeout(_)));
        assert_eq!(cx.call.attempts().iter().map(|a| a.end).collect::<Vec<_>>(), [Some(EndKind::Failed)]);
    }
}
