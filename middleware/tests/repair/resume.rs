//! A checkpoint is gone on with.

use belvedere_core::checkpoint::Checkpoint;
use belvedere_core::client::Client;
use belvedere_core::pause::PausePolicy;
use belvedere_core::streams::Streams;
use belvedere_core::testing::Task;

use super::*;

fn client(simulation: &Simulation, repair: &Repair, service: impl Service) -> Client {
    Client::new(Stack::new(service), simulation.lent()).layer(repair.clone())
}

/// The checkpoint of a poem that was left after so many events.
fn left_after(at: usize) -> Checkpoint {
    let simulation = Simulation::new(1);
    let target = Target::new(&poem(), Prefill::Takes, &[]);
    let client = client(&simulation, &Repair::default(), target);
    let checkpoint = simulation.run(async {
        let mut events = client.stream("Hi.").await.unwrap();
        for _ in 0..at {
            events.next().await.unwrap().unwrap();
        }
        events.controller().checkpoint().unwrap()
    });
    simulation.assert_idle();
    Checkpoint::from_json(&checkpoint.to_json()).unwrap()
}

#[test]
fn an_answer_that_was_left_at_any_event_is_whole_in_the_end() {
    let whole = poem();
    for at in 0..events_of(&whole, 0).len() - 1 {
        for prefill in [Prefill::Takes, Prefill::Lacks, Prefill::Refuses] {
            let checkpoint = left_after(at);
            let simulation = Simulation::new(2);
            let target = Target::new(&whole, prefill, &[]);
            let client = client(&simulation, &Repair::default(), target.clone());
            let (events, error, end) =
                simulation.run(async { read(client.resume(checkpoint.clone()).await.unwrap()).await });
            assert_eq!((error.is_none(), end), (true, Some(EndKind::Finished)), "after {at}");
            assert_eq!(fold(&events).text(), POEM, "after {at}, {prefill:?}");
            let first: Vec<Event> = checkpoint.events();
            assert_eq!(events[..first.len()], first, "what had been handed out comes first");
            let is_marked = events.iter().any(|event| matches!(event, Event::Notice(_)));
            assert_eq!(
                is_marked,
                !first.is_empty() && !checkpoint.partial.choices.is_empty() || at == 2 || at == 1,
                "after {at}"
            );
            simulation.assert_idle();
        }
    }
}

#[test]
fn the_usage_of_the_earlier_call_is_part_of_the_sum() {
    let simulation = Simulation::new(2);
    let client = client(&simulation, &Repair::default(), Target::new(&poem(), Prefill::Takes, &[]));
    let answer = simulation.run(async { client.resume(left_after(20)).await?.collect().await }).unwrap();
    let usage = answer.usage.unwrap();
    assert_eq!(usage.input_tokens().zip(usage.output_tokens()), Some((200, 11)));
}

#[test]
fn an_answer_that_had_finished_needs_no_call() {
    let events = events_of(&poem(), 0);
    let whole = fold(&events);
    let simulation = Simulation::new(2);
    let service = ScriptedService::default();
    let client = client(&simulation, &Repair::default(), service.clone());
    let checkpoint = Checkpoint::new("Hi.".into(), whole.clone(), Vec::new());
    let answer = simulation.run(async { client.resume(checkpoint).await?.collect().await }).unwrap();
    assert_eq!((answer, service.calls()), (whole, 0));
}

#[test]
fn restart_voids_what_had_been_handed_out_first() {
    let simulation = Simulation::new(2);
    let client = client(&simulation, &policy(Policy::Restart), Target::new(&poem(), Prefill::Takes, &[]));
    let (events, ..) = simulation.run(async { read(client.resume(left_after(20)).await.unwrap()).await });
    assert_eq!(fold(&events).text(), POEM);
    assert!(events.iter().any(|event| matches!(event, Event::Notice(Notice::Restart { .. }))));
}

#[test]
fn a_resumed_answer_that_breaks_is_repaired_and_never_loses_what_it_had() {
    let simulation = Simulation::new(2);
    let target = Target::new(&poem(), Prefill::Takes, &[(5, Break::Cut); 3]);
    let client = client(&simulation, &Repair::default(), target.clone());
    let error = simulation.run(async { client.resume(left_after(14)).await?.collect().await }).unwrap_err();
    assert_eq!((error.kind(), error.attempts(), target.service.calls()), (ErrorKind::Truncated, 3, 3));
    assert!(error.partial().unwrap().text().starts_with("Größe ist nicht alles. The sky is blue beca"));
}

#[test]
fn l16_a_repaired_stream_whose_pause_closes_the_upstream_goes_on_as_one_answer() {
    let long: String = (0..600).map(|n| format!("line {n}\n")).collect();
    let whole = answer([Part::reasoning("So, lines."), Part::text(long.clone())], FinishReason::Stop);
    for prefill in [Prefill::Takes, Prefill::Echoes, Prefill::Lacks, Prefill::Refuses] {
        let simulation = Simulation::new(2);
        let target = Target::new(&whole, prefill, &[(100, Break::Reset)]);
        let mut streams = Streams::default();
        streams.pause = PausePolicy::Checkpoint;
        let client = client(&simulation, &Repair::default(), target.clone()).with_streams(streams, None);
        let mut events = simulation.run(client.stream("Hi.")).unwrap();
        let control = events.controller();
        let mut got: Vec<Event> = (0..120).map(|_| simulation.run(events.next()).unwrap().unwrap()).collect();
        control.pause();
        assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
        simulation.advance(Duration::from_secs(3600));
        assert_eq!(target.service.live(), 0, "the upstream is closed");
        control.resume();
        let (rest, error, end) = simulation.run(read(events));
        got.extend(rest);
        assert_eq!((error.is_none(), end), (true, Some(EndKind::Finished)), "{prefill:?}");
        assert_eq!(fold(&got).text(), long, "{prefill:?}");
        let seams = got.iter().filter(|e| matches!(e, Event::Notice(Notice::Continued { .. }))).count();
        assert_eq!(seams, 2, "{prefill:?}");
        assert_eq!(got.iter().filter(|e| matches!(e, Event::Start { .. })).count(), 1);
        assert_eq!(simulation.clock.pending_sleeps(), 0);
    }
}
