use std::task::Poll;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::client::Client;
use crate::control::StreamState;
use crate::event::{ContinuedBy, Finish, Notice};
use crate::events::EndKind;
use crate::layer::{Layer, layer_fn};
use crate::request::{Options, Request};
use crate::service::{Info, Service, Stack};
use crate::testing::{Answer, ScriptedService, Simulation, Step, Task};

const SECOND: Duration = Duration::from_secs(1);

/// An answer of so many deltas of 100 bytes, the first after a second.
fn long(pieces: usize) -> Answer {
    let deltas: Vec<String> = (0..pieces).map(|n| format!("{n:0100}")).collect();
    Answer::deltas(deltas.iter().map(String::as_str)).with(1, Step::Wait(SECOND))
}

fn text_of(events: &[Event]) -> String {
    events.iter().filter_map(Event::delta).collect()
}

fn rest(simulation: &Simulation, events: &mut Events) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some(item) = simulation.run(events.next()) {
        all.push(item.unwrap());
    }
    all
}

/// Goes on with a checkpoint by asking for the answer again and taking out what came before: what the `repair`
/// layer does, as far as these tests need it.
#[derive(Debug)]
struct GoesOn;

#[derive(Debug)]
struct GoesOnService(Stack);

impl Layer for GoesOn {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(GoesOnService(inner))
    }
}

#[async_trait::async_trait]
impl Service for GoesOnService {
    fn info(&self) -> Info {
        self.0.info().with_resumes()
    }

    async fn call(&self, cx: crate::context::Context, request: Request) -> Result<Events> {
        let Some(checkpoint) = cx.call.resume.clone() else { return self.0.call(cx, request).await };
        if checkpoint.events().is_empty() {
            return self.0.call(cx, request).await;
        }
        let whole = self.0.call(cx, request).await?.collect().await?.text();
        let before = checkpoint.partial.text();
        let mut events = checkpoint.events();
        events.push(Event::Notice(Notice::Continued {
            reason: "paused".into(),
            by: ContinuedBy::Again,
            overlap: before.len() as u64,
        }));
        let delta = whole.strip_prefix(&before).unwrap().into();
        events.push(Event::Text { choice: 0, part: 0, delta });
        events.push(Event::PartEnd { choice: 0, part: 0 });
        events.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(Events::from_events(events))
    }
}

fn client(simulation: &Simulation, answers: impl IntoIterator<Item = Answer>) -> (Client, ScriptedService) {
    let service = ScriptedService::new(answers);
    (Client::new(service.clone(), simulation.lent()), service)
}

fn with_pause(pause: PausePolicy) -> Streams {
    Streams { pause, ..Streams::default() }
}

/// Reads `before` events, pauses for `lasts` while nobody waits, and reads the rest.
fn pause_and_resume(
    simulation: &Simulation,
    events: &mut Events,
    before: usize,
    lasts: Duration,
    in_the_pause: impl FnOnce(),
) -> Vec<Event> {
    let control = events.controller();
    let mut got: Vec<Event> = (0..before).map(|_| simulation.run(events.next()).unwrap().unwrap()).collect();
    control.pause();
    simulation.advance(lasts);
    assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
    in_the_pause();
    control.resume();
    got.extend(rest(simulation, events));
    got
}

#[test]
fn l16_spill_reads_to_the_end_in_a_pause_and_resume_is_the_same_stream() {
    let simulation = Simulation::new(1);
    let (client, service) = client(&simulation, [long(2000), long(2000)]);
    let expected = rest(&simulation, &mut simulation.run(client.stream("hi")).unwrap());
    let client = client.with_streams(with_pause(PausePolicy::Spill), None);
    let mut events = simulation.run(client.stream("hi")).unwrap();
    let control = events.controller();
    let got = pause_and_resume(&simulation, &mut events, 7, 24 * 3600 * SECOND, || {
        assert_eq!(service.live(), 0, "the upstream was read to its end");
        assert!(control.progress().buffered <= 33 * 1024, "{}", control.progress().buffered);
    });
    assert_eq!(got, expected);
    assert_eq!(events.end(), Some(EndKind::Finished));
    simulation.assert_idle();
}

#[test]
fn l16_a_short_pause_with_spill_or_checkpoint_leaves_the_stream_alone() {
    for policy in [PausePolicy::Spill, PausePolicy::Checkpoint] {
        let simulation = Simulation::new(1);
        let (client, service) = client(&simulation, [Answer::deltas(["hel", "lo"])]);
        let client = client.layer(GoesOn).with_streams(with_pause(policy), None);
        let mut events = simulation.run(client.stream("hi")).unwrap();
        let got = pause_and_resume(&simulation, &mut events, 2, SECOND, || {});
        assert_eq!((text_of(&got), service.calls()), ("hello".to_owned(), 1));
        assert_eq!(events.end(), Some(EndKind::Finished));
        simulation.assert_idle();
    }
}

#[test]
fn l16_checkpoint_closes_the_upstream_and_goes_on_with_another_call() {
    let simulation = Simulation::new(1);
    let (client, service) = client(&simulation, [long(2000), long(2000)]);
    let client = client.layer(GoesOn).with_streams(with_pause(PausePolicy::Checkpoint), None);
    let mut events = simulation.run(client.stream("hi")).unwrap();
    let control = events.controller();
    let got = pause_and_resume(&simulation, &mut events, 7, 24 * 3600 * SECOND, || {
        assert_eq!((service.live(), service.dropped()), (0, 1), "the upstream is closed");
        assert_eq!(control.progress().state, StreamState::Paused);
    });
    let whole: String = (0..2000).map(|n| format!("{n:0100}")).collect();
    assert_eq!(text_of(&got), whole);
    assert_eq!(got.iter().filter(|e| matches!(e, Event::Notice(Notice::Continued { .. }))).count(), 1);
    assert_eq!(got.iter().filter(|e| matches!(e, Event::Start { .. })).count(), 1);
    assert_eq!((events.end(), service.calls()), (Some(EndKind::Finished), 2));
    let ends: Vec<_> = control.metrics().attempts.iter().map(|a| a.end).collect();
    assert_eq!(ends, [Some(EndKind::Cancelled), Some(EndKind::Finished)], "of both calls");
    simulation.assert_idle();
}

#[test]
fn l16_an_answer_that_went_on_once_goes_on_after_another_pause() {
    let simulation = Simulation::new(1);
    let (client, service) = client(&simulation, [long(2000), long(2000), long(2000)]);
    let client = client.layer(GoesOn).with_streams(with_pause(PausePolicy::Checkpoint), None);
    let mut events = simulation.run(client.stream("hi")).unwrap();
    let control = events.controller();
    let mut got: Vec<Event> = (0..7).map(|_| simulation.run(events.next()).unwrap().unwrap()).collect();
    let is_seam = |event: &Event| matches!(event, Event::Notice(Notice::Continued { .. }));
    for _ in 0..2 {
        control.pause();
        assert!(simulation.poll(&mut Task::new(events.next())).is_pending());
        simulation.advance(3600 * SECOND);
        control.resume();
        // On to the seam, right behind which comes the next pause.
        while !is_seam(got.last().unwrap()) || service.calls() == 1 {
            got.push(simulation.run(events.next()).unwrap().unwrap());
        }
    }
    got.extend(rest(&simulation, &mut events));
    let whole: String = (0..2000).map(|n| format!("{n:0100}")).collect();
    assert_eq!(text_of(&got), whole);
    assert_eq!(got.iter().filter(|event| is_seam(event)).count(), 2);
    assert_eq!(got.iter().filter(|e| matches!(e, Event::Start { .. })).count(), 1);
    assert_eq!((events.end(), service.calls()), (Some(EndKind::Finished), 3));
    simulation.assert_idle();
}

#[test]
fn l16_an_answer_of_which_only_a_bare_start_was_handed_out_begins_anew() {
    let simulation = Simulation::new(1);
    let mut answer = long(2000);
    answer.steps[0] = Step::Event(Event::Start { id: None, model: None });
    let (client, service) = client(&simulation, [answer.clone(), answer]);
    let streams = Streams { buffer: 0, ..with_pause(PausePolicy::Checkpoint) };
    let client = client.layer(GoesOn).with_streams(streams, None);
    let mut events = simulation.run(client.stream("hi")).unwrap();
    let got = pause_and_resume(&simulation, &mut events, 1, 3600 * SECOND, || {
        assert_eq!(service.dropped(), 1, "the upstream is closed");
    });
    let whole: String = (0..2000).map(|n| format!("{n:0100}")).collect();
    assert_eq!((text_of(&got), events.end()), (whole, Some(EndKind::Finished)));
    assert_eq!(got.iter().filter(|e| matches!(e, Event::Start { .. })).count(), 1);
    assert_eq!(service.calls(), 2);
    simulation.assert_idle();
}

#[test]
fn a_cancel_in_a_pause_of_any_policy_leaves_nothing() {
    for policy in [PausePolicy::Backpressure, PausePolicy::Spill, PausePolicy::Checkpoint] {
        let simulation = Simulation::new(1);
        let (client, service) = client(&simulation, [long(2000)]);
        let client = client.layer(GoesOn).with_streams(with_pause(policy), None);
        let mut events = simulation.run(client.stream("hi")).unwrap();
        let control = events.controller();
        simulation.run(events.next());
        control.pause();
        let mut waiting = Task::new(events.next());
        assert!(simulation.poll(&mut waiting).is_pending());
        control.cancel();
        assert!(matches!(simulation.poll(&mut waiting), Poll::Ready(None)));
        drop(waiting);
        drop(events);
        simulation.assert_idle();
        assert_eq!(service.live(), 0);
    }
}

#[test]
fn the_pause_policy_checkpoint_needs_a_layer_that_goes_on() {
    let simulation = Simulation::new(1);
    let (client, service) = client(&simulation, [long(1)]);
    let options = Options { pause: Some(PausePolicy::Checkpoint), ..Options::default() };
    let error = simulation.run(client.stream(Request::from("hi").with_options(options))).unwrap_err();
    assert_eq!(
        error.message(),
        "the pause policy `checkpoint` needs the `repair` layer, which goes on with it; add it to `layers`"
    );
    assert_eq!(service.calls(), 0);
}

fn with_id(id: &str, tenant: Option<&str>) -> Request {
    let scope = Scope { tenant: tenant.map(Into::into), ..Scope::default() };
    let options = Options { stream_id: Some(id.into()), scope, ..Options::default() };
    Request::from("hi").with_options(options)
}

fn read(simulation: &Simulation, cursor: Cursor) -> Vec<Event> {
    simulation.run(cursor.map(Result::unwrap).collect())
}

#[test]
fn a_stream_with_an_id_goes_on_without_its_reader_and_others_attach() {
    let simulation = Simulation::new(1);
    let (client, _) = client(&simulation, [long(20), long(20)]);
    let expected = rest(&simulation, &mut simulation.run(client.stream("hi")).unwrap());
    let mut events = simulation.run(client.stream(with_id("a", None))).unwrap();
    simulation.run(events.next());
    let scope = Scope::default();
    let early = client.attach("a", 0, &scope).unwrap();
    drop(events);
    let late = client.attach("a", 1, &scope).unwrap();
    assert_eq!(read(&simulation, early), expected);
    assert_eq!(read(&simulation, late), expected[1..]);
    let after = client.attach("a", 20, &scope).unwrap();
    assert_eq!(read(&simulation, after), expected[20..], "after its end, too");
    simulation.advance(Streams::default().keep / 2);
    let gone = |id: &str, scope: &Scope| client.attach(id, 0, scope).map(|_| ()).unwrap_err();
    assert!(client.attach("a", 0, &scope).is_ok(), "it is kept for a while");
    simulation.advance(Streams::default().keep);
    assert_eq!(gone("a", &scope).kind(), ErrorKind::InvalidRequest);
    simulation.assert_idle();
}

#[test]
fn a_stream_belongs_to_its_tenant_and_its_id_is_taken_while_it_is_open() {
    let simulation = Simulation::new(1);
    let (client, service) = client(&simulation, [long(5), long(5), long(5)]);
    let mine = simulation.run(client.stream(with_id("a", Some("mine")))).unwrap();
    let again = simulation.run(client.stream(with_id("a", Some("mine")))).unwrap_err();
    assert!(again.message().starts_with("options.stream_id: a stream with this id is open"), "{again}");
    assert_eq!(service.live(), 1, "the second was closed again");
    for tenant in [None, Some("other")] {
        let scope = Scope { tenant: tenant.map(Into::into), ..Scope::default() };
        assert!(client.attach("a", 0, &scope).is_err(), "{tenant:?}");
    }
    drop(mine);
    simulation.assert_idle();
}

#[test]
fn a_cancel_ends_a_stream_with_an_id_for_all() {
    let simulation = Simulation::new(1);
    let (client, service) = client(&simulation, [long(5).with(3, Step::Stall)]);
    let mut events = simulation.run(client.stream(with_id("a", None))).unwrap();
    simulation.run(events.next());
    let follower = client.attach("a", 0, &Scope::default()).unwrap();
    events.controller().cancel();
    let items: Vec<_> = simulation.run(follower.collect());
    assert_eq!(items.last().unwrap().as_ref().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!((service.live(), service.dropped()), (0, 1));
    drop(events);
    simulation.assert_idle();
}

#[test]
fn a_client_with_a_store_attaches_to_the_streams_of_another() {
    let simulation = Simulation::new(1);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(simulation.clock.clone())));
    let (here, _) = client(&simulation, [long(20), long(20)]);
    let expected = rest(&simulation, &mut simulation.run(here.stream("hi")).unwrap());
    let here = here.with_streams(Streams::default(), Some(store.clone()));
    let there = client(&simulation, []).0.with_streams(Streams::default(), Some(store));
    drop(simulation.run(here.stream(with_id("a", None))).unwrap());
    simulation.advance(Duration::ZERO);
    let cursor = there.attach("a", 3, &Scope::default()).unwrap();
    assert_eq!(read(&simulation, cursor), expected[3..]);
    simulation.assert_idle();
}

#[test]
fn embeddings_take_no_notice_of_pause_policies() {
    let simulation = Simulation::new(1);
    let vector = Answer::events([
        Event::Start { id: None, model: None },
        Event::Embedding { index: 0, vector: vec![1.0].into() },
        Event::Finish { choice: 0, finish: Finish::default() },
    ]);
    let (client, _) = client(&simulation, [vector]);
    let client = client
        .layer(layer_fn("plain", |cx, request, next| async move { next.call(cx, request).await }))
        .with_streams(with_pause(PausePolicy::Checkpoint), None);
    assert_eq!(simulation.run(client.embed(["a"])).unwrap().embeddings.len(), 1);
}
