use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::clock::Clock;
use crate::context::Attempt;
use crate::error::TimeoutPhase;
use crate::events::EndKind;
use crate::layer::layer_fn;
use crate::testing::{Answer, ScriptedService, Simulation, Step, Task};

const SECOND: Duration = Duration::from_secs(1);

fn client(simulation: &Simulation, service: &ScriptedService) -> Client {
    Client::new(service.clone(), simulation.lent())
}

#[test]
fn each_method_asks_for_what_its_name_says() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(Answer::text("hello"));
    let client = client(&simulation, &service);
    simulation.run(async {
        assert_eq!(client.complete("hi").await.unwrap().text(), "hello");
        assert_eq!(client.stream("hi").await.unwrap().collect().await.unwrap().text(), "hello");
        client.embed(["a", "b"]).await.unwrap();
        client.models().await.unwrap();
    });
    let asked: Vec<_> = service.requests().iter().map(|r| (r.operation, r.stream, r.input.len())).collect();
    let expected = [
        (Operation::Chat, false, 0),
        (Operation::Chat, true, 0),
        (Operation::Embed, false, 2),
        (Operation::Models, false, 0),
    ];
    assert_eq!(asked, expected);
    simulation.assert_idle();
}

#[test]
fn layers_are_listed_outermost_first() {
    let simulation = Simulation::new(1);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let seen = seen.clone();
        layer_fn(name, move |cx, request, next| {
            seen.lock().unwrap().push(name);
            async move { next.call(cx, request).await }
        })
    };
    let client = client(&simulation, &ScriptedService::always(Answer::text("x")))
        .layer(note("outer"))
        .layer(note("inner"));
    simulation.run(client.complete("hi")).unwrap();
    assert_eq!(*seen.lock().unwrap(), ["outer", "inner"]);
}

#[test]
fn options_go_to_the_call_and_not_to_the_wire() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(Answer::text("x"));
    let tenant = Arc::new(Mutex::new(None));
    let seen = tenant.clone();
    let client = client(&simulation, &service).layer(layer_fn("look", move |cx, request, next| {
        *seen.lock().unwrap() = cx.call.scope.tenant.clone();
        async move { next.call(cx, request).await }
    }));
    let scope = crate::request::Scope { tenant: Some("acme".into()), ..Default::default() };
    simulation.run(client.complete(Request::from("hi").with_scope(scope))).unwrap();
    assert_eq!(tenant.lock().unwrap().as_deref(), Some("acme"));
    assert_eq!(service.requests()[0].options, None);
}

#[test]
fn l8_the_timeout_of_a_call_covers_waiting_and_streaming() {
    let simulation = Simulation::new(1);
    let waits = Answer::text("late").opening(Step::Wait(60 * SECOND));
    let stalls = Answer::text("never").with(1, Step::Stall);
    for (answer, text) in [(waits, None), (stalls, Some(""))] {
        let service = ScriptedService::new([answer]);
        let client = client(&simulation, &service);
        let began = simulation.clock.now();
        let request = Request::from("hi").with_timeout(5 * SECOND);
        let error = simulation.run(async { client.stream(request).await?.collect().await }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutPhase::Total));
        assert_eq!(error.partial().map(Completion::text), text.map(str::to_owned), "only what had come");
        assert_eq!(simulation.clock.now().since(began), 5 * SECOND);
        let attempt = |a: &Attempt| (a.end, a.error, a.elapsed);
        let cut = (Some(EndKind::Failed), Some(error.kind()), Some(5 * SECOND));
        assert_eq!(error.history().iter().map(attempt).collect::<Vec<_>>(), [cut]);
        assert_eq!((service.live(), service.dropped()), (0, 1), "the upstream was let go");
        simulation.assert_idle();
    }
}

#[test]
fn l14_a_slot_is_released_however_a_call_ends() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(Answer::deltas(["a", "b", "c"]));
    let client = client(&simulation, &service);
    simulation.run(async {
        for taken in 0..7 {
            let mut stream = client.stream("hi").await.unwrap();
            for _ in 0..taken {
                stream.next().await;
            }
            drop(stream);
            assert_eq!(client.open.lock().calls.len(), 0, "after {taken} items");
        }
        let mut stream = client.stream("hi").await.unwrap();
        stream.next().await;
        stream.cancel();
        assert_eq!(client.open.lock().calls.len(), 0, "after cancel");
    });
    drop(client.stream("never polled"));
    let mut waiting = Task::new(client.stream("polled once"));
    let _ = simulation.poll(&mut waiting);
    drop(waiting);
    assert_eq!((client.open.lock().calls.len(), service.live()), (0, 0));
    simulation.assert_idle();
}

#[test]
fn l15_close_waits_for_open_calls_then_cancels_them() {
    let simulation = Simulation::new(1);
    let quick = Answer::text("done").with(0, Step::Wait(3 * SECOND));
    let endless = Answer::text("never").with(1, Step::Stall);
    let service = ScriptedService::new([quick, endless]);
    let client = client(&simulation, &service);
    simulation.run(async {
        let quick = client.stream("quick").await.unwrap();
        let mut endless = client.stream("endless").await.unwrap();
        endless.next().await;
        let began = client.lent().clock.now();
        let close = client.close(10 * SECOND);
        let read =
            async { (quick.collect().await.unwrap().text(), endless.next().await.is_none(), endless.end()) };
        let (cancelled, (text, over, end)) = futures_util::future::join(close, read).await;
        assert_eq!(cancelled, 1, "the endless one");
        assert_eq!((text.as_str(), over, end), ("done", true, Some(EndKind::Cancelled)));
        assert_eq!(client.lent().clock.now().since(began), 10 * SECOND);
        let refused = client.complete("too late").await.unwrap_err();
        assert_eq!((refused.kind(), refused.message()), (ErrorKind::Cancelled, "the client is closed"));
    });
    simulation.assert_idle();
}

#[test]
fn close_waits_for_background_work_but_not_for_ever() {
    let simulation = Simulation::new(1);
    let client = client(&simulation, &ScriptedService::default());
    let clock = simulation.clock.clone();
    client.lent().spawner.spawn("settling", Box::pin(async move { clock.sleep(2 * SECOND).await }));
    let began = simulation.clock.now();
    simulation.run(client.close(10 * SECOND));
    assert_eq!(simulation.clock.now().since(began), 2 * SECOND);
    client.lent().spawner.spawn("stuck", Box::pin(std::future::pending()));
    simulation.run(client.close(10 * SECOND));
    assert_eq!(simulation.clock.now().since(began), 12 * SECOND);
}

#[test]
fn a_typed_answer_carries_its_schema_there_and_its_value_back() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct City {
        name: String,
    }
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(Answer::text(r#"{"name":"Ulm"}"#));
    let client = client(&simulation, &service);
    let typed = simulation.run(client.complete_as::<City>("where?")).unwrap();
    assert_eq!(typed.value.name, "Ulm");
    let format = service.requests()[0].response_format.clone();
    assert!(matches!(format, Some(ResponseFormat::JsonSchema { json_schema }) if json_schema.name == "City"));
}

#[test]
fn w16_an_open_call_keeps_the_pipeline_it_began_with() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(Answer::deltas(["hel", "lo"]));
    let client = Client::new(service.clone(), simulation.lent());
    let mut open = simulation.run(client.stream("hi")).unwrap();
    simulation.run(open.next());
    let refusing = layer_fn("refusing", |_, _, _| async {
        Err(Error::new(ErrorKind::Blocked, "the later generation refuses"))
    });
    let later = client.clone().layer(refusing);
    assert_eq!(simulation.run(later.complete("hi")).unwrap_err().kind(), ErrorKind::Blocked);
    assert_eq!(simulation.run(open.collect()).unwrap().text(), "hello", "the call that was open");
    assert_eq!(simulation.run(client.complete("hi")).unwrap().text(), "hello", "and the earlier generation");
    assert_eq!(service.live(), 0);
}

#[test]
fn layers_are_listed_with_those_inside_of_them() {
    #[derive(Debug)]
    struct Plain;

    impl Layer for Plain {}

    #[derive(Debug)]
    struct Holds(Vec<Arc<dyn Layer>>);

    impl Layer for Holds {
        fn inside(&self) -> Vec<Arc<dyn Layer>> {
            self.0.clone()
        }
    }

    let simulation = Simulation::new(1);
    let inner = Holds(vec![Arc::new(Plain)]);
    let client =
        client(&simulation, &ScriptedService::default()).layer(Holds(vec![Arc::new(inner)])).layer(Plain);
    let names: Vec<String> = client.layers().iter().map(|layer| format!("{layer:?}")).collect();
    assert_eq!(names, ["Holds([Holds([Plain])])", "Holds([Plain])", "Plain", "Plain"]);
}
