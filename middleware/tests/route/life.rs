//! What the layer leaves alone, and what it closes.

use belvedere_core::layer::Layer;

use super::*;

#[test]
fn it_behaves_as_every_layer() {
    belvedere_core::testing::suite::layer(|| Route::build(RouteConfig::default()).unwrap());
    // The same by way of what several targets need.
    belvedere_core::testing::suite::layer(|| {
        let mut config = RouteConfig::default();
        (config.hedge, config.ejection) = (Some(Hedge::default()), Some(Ejection::default()));
        config.strategy = Strategy::LeastLatency;
        Route::build(config).unwrap()
    });
}

#[test]
fn a_drop_at_each_event_drops_the_source() {
    let answer = || Answer::deltas(["a", "b", "c"]);
    for taken in 0..=answer().steps.len() {
        let simulation = Simulation::new(1);
        let services = [failing(ErrorKind::Overloaded), answer()].map(ScriptedService::always);
        let stack = Route::build(config(targets(&services))).unwrap().layer(Nowhere.into());
        let cx = simulation.context();
        simulation.run(async {
            let mut events = stack.call(cx.clone(), "hi".into()).await.unwrap();
            for _ in 0..=taken {
                // The notice comes first.
                assert!(events.next().await.unwrap().is_ok());
            }
        });
        assert_eq!((services[1].live(), services[1].dropped()), (0, 1), "after {taken} events");
        let ends: Vec<_> = cx.call.attempts().into_iter().filter_map(|attempt| attempt.end).collect();
        assert_eq!(ends, [EndKind::Failed, EndKind::Cancelled]);
        simulation.assert_idle();
    }
}

#[test]
fn a_drop_while_two_attempts_run_drops_both() {
    let simulation = Simulation::new(1);
    let services = [ScriptedService::default(), ScriptedService::default()];
    let mut config = config(targets(&services));
    config.hedge = Some(Hedge::default());
    let client = client_of(&simulation, config);
    for _ in 0..20 {
        services[0].push(after(100 * MILLI, "warm"));
        text(&simulation, &client);
    }
    services.iter().for_each(|service| service.push(Answer::text("x").with(1, Step::Stall)));
    let mut call = Task::new(client.complete("hi"));
    assert!(simulation.poll(&mut call).is_pending());
    simulation.advance(SECOND);
    assert!(simulation.poll(&mut call).is_pending());
    assert_eq!(services.each_ref().map(ScriptedService::live), [1, 1]);
    drop(call);
    assert_eq!(services.each_ref().map(ScriptedService::dropped), [1, 1]);
    simulation.assert_idle();
}

#[test]
fn w3_the_events_of_the_target_that_answers_come_as_they_are() {
    let simulation = Simulation::new(1);
    let answer = Answer::deltas(["a", "b", "c"]);
    let expected = answer.steps.iter().filter_map(|step| match step {
        Step::Event(event) => Some(event.clone()),
        _ => None,
    });
    let expected: Vec<_> = expected.collect();
    let services = [answer, Answer::text("b")].map(ScriptedService::always);
    let client = client_of(&simulation, config(targets(&services)));
    let events: Vec<_> = simulation.run(async {
        let stream = client.stream("hi").await.unwrap();
        stream.map(std::result::Result::unwrap).collect().await
    });
    assert_eq!(events, expected);
}
