use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::clock::Clock;
use crate::context::Context;
use crate::control::Asked;
use crate::event::Finish;
use crate::request::Request;
use crate::service::Service;
use crate::testing::{Answer, ScriptedService, Simulation, Step, TestClock, run};

type Seen = Arc<Mutex<Vec<String>>>;

/// Writes down what it sees.
#[derive(Default)]
struct Notes {
    seen: Seen,
    /// Work that takes this long after the end, on this clock.
    closing: Option<(TestClock, Duration)>,
}

impl Observer for Notes {
    fn event(&mut self, event: &Event) {
        self.seen.lock().unwrap().push(event.name().to_owned());
    }

    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        self.seen.lock().unwrap().push(format!("{:?}", end.kind()));
        match self.closing {
            None => Closing::Done,
            Some((clock, takes)) => {
                let seen = self.seen;
                Closing::Work(Box::pin(async move {
                    clock.sleep(takes).await;
                    seen.lock().unwrap().push("closed".into());
                }))
            }
        }
    }
}

impl Notes {
    fn new() -> (Notes, Seen) {
        let notes = Notes::default();
        let seen = notes.seen.clone();
        (notes, seen)
    }

    fn closing(simulation: &Simulation) -> (Notes, Seen) {
        let (notes, seen) = Notes::new();
        (Notes { closing: Some((simulation.clock.clone(), Duration::from_secs(1))), ..notes }, seen)
    }
}

fn taken(seen: &Seen) -> Vec<String> {
    std::mem::take(&mut seen.lock().unwrap())
}

/// Five events: `start`, `text`, `text`, `part_end`, `finish`.
fn answer() -> Answer {
    Answer::deltas(["hel", "lo"])
}

fn events_of(answer: Answer) -> Vec<Event> {
    let event = |step| match step {
        Step::Event(event) => event,
        other => panic!("not an event: {other:?}"),
    };
    answer.steps.into_iter().map(event).collect()
}

fn call(simulation: &Simulation, service: &ScriptedService) -> (Context, Events) {
    let cx = simulation.context();
    let events = simulation.run(service.call(cx.clone(), Request::from("hi"))).unwrap();
    (cx, events)
}

fn names(events: &mut Events, simulation: &Simulation, most: usize) -> Vec<&'static str> {
    let mut names = Vec::new();
    while names.len() < most
        && let Some(Ok(event)) = simulation.run(events.next())
    {
        names.push(event.name());
    }
    names
}

const ALL: [&str; 5] = ["start", "text", "text", "part_end", "finish"];

#[test]
fn l10_an_observer_sees_every_event_and_one_end() {
    let failure = || Error::new(ErrorKind::Network, "reset");
    for k in 0..=5 {
        let cases = [
            (answer().cut(k), if k == 5 { "Finished" } else { "Truncated" }),
            (answer().cut(k).with(k, Step::Fail(failure())), "Failed"),
        ];
        for (script, end) in cases {
            let simulation = Simulation::new(1);
            let (cx, events) = call(&simulation, &ScriptedService::new([script]));
            let (notes, seen) = Notes::new();
            let mut events = events.observe(&cx, notes);
            while simulation.run(events.next()).is_some() {}
            assert!(simulation.run(events.next()).is_none(), "and nothing after the end");
            drop(events);
            let expected: Vec<_> = ALL[..k].iter().copied().chain([end]).collect();
            assert_eq!(taken(&seen), expected);
        }
    }
}

#[test]
fn l10_l12_a_drop_at_each_event_is_cancelled_and_nothing_else() {
    for k in 0..=5 {
        let simulation = Simulation::new(1);
        let service = ScriptedService::new([answer().with(k, Step::Stall)]);
        let (cx, events) = call(&simulation, &service);
        let (notes, seen) = Notes::new();
        let mut events = events.observe(&cx, notes);
        assert_eq!(names(&mut events, &simulation, k), ALL[..k]);
        assert!(simulation.poll(&mut crate::testing::Task::new(events.next())).is_pending());
        drop(events);
        let expected: Vec<_> = ALL[..k].iter().copied().chain(["Cancelled"]).collect();
        assert_eq!(taken(&seen), expected);
        assert_eq!((service.live(), service.dropped()), (0, 1));
        simulation.assert_idle();
    }
}

#[test]
fn two_observers_are_told_the_same_end() {
    let simulation = Simulation::new(1);
    let (cx, events) = call(&simulation, &ScriptedService::new([answer().cut(2)]));
    let ((inner, inner_seen), (outer, outer_seen)) = (Notes::new(), Notes::new());
    let events = events.observe(&cx, inner).observe(&cx, outer);
    let error = simulation.run(events.collect()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(taken(&inner_seen), ["start", "text", "Truncated"]);
    assert_eq!(taken(&outer_seen), ["start", "text", "Truncated"]);
}

#[test]
fn l2_watch_covers_the_call_before_its_stream() {
    let simulation = Simulation::new(1);
    let refused = Error::new(ErrorKind::Overloaded, "busy");
    let service = ScriptedService::new([answer().opening(Step::Stall), Answer::refused(refused), answer()]);
    let call = |cx: &Context| service.call(cx.clone(), Request::from("hi"));

    let (cx, (notes, seen)) = (simulation.context(), Notes::new());
    let mut waiting = crate::testing::Task::new(watch(&cx, call(&cx), notes));
    assert!(simulation.poll(&mut waiting).is_pending());
    assert_eq!(taken(&seen), Vec::<String>::new());
    drop(waiting);
    assert_eq!(taken(&seen), ["Cancelled"]);
    assert_eq!(service.live(), 0);

    let (notes, seen) = Notes::closing(&simulation);
    let error = simulation.run(watch(&cx, call(&cx), notes)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(taken(&seen), ["Failed", "closed"], "the work is done before the error is handed out");

    let (notes, seen) = Notes::new();
    let events = simulation.run(watch(&cx, call(&cx), notes)).unwrap();
    assert_eq!(simulation.run(events.collect()).unwrap().text(), "hello");
    assert_eq!(taken(&seen), [&ALL[..], &["Finished"]].concat());
}

#[test]
fn closing_work_is_driven_before_the_end_is_handed_out() {
    let simulation = Simulation::new(1);
    for (script, end) in [(answer(), "Finished"), (answer().cut(3), "Truncated")] {
        let (cx, events) = call(&simulation, &ScriptedService::new([script.clone()]));
        let (notes, seen) = Notes::closing(&simulation);
        let mut events = events.observe(&cx, notes);
        names(&mut events, &simulation, script.steps.len());
        let began = simulation.clock.now();
        let mut last = crate::testing::Task::new(events.next());
        assert!(simulation.poll(&mut last).is_pending());
        assert_eq!(taken(&seen).last().unwrap(), end);
        simulation.advance(Duration::from_secs(1));
        assert!(simulation.poll(&mut last).is_ready());
        drop(last);
        assert_eq!(taken(&seen), ["closed"]);
        assert_eq!(simulation.clock.now().since(began), Duration::from_secs(1));
        assert_eq!(simulation.spawner.open(), 0);
    }
}

#[test]
fn w4_closing_work_of_a_dropped_stream_goes_to_the_spawner() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::always(answer());
    // Dropped in the middle: the observer is told so, and closes.
    let (cx, events) = call(&simulation, &service);
    let (notes, seen) = Notes::closing(&simulation);
    let mut events = events.observe(&cx, notes);
    names(&mut events, &simulation, 2);
    drop(events);
    assert_eq!(taken(&seen), ["start", "text", "Cancelled"]);
    simulation.assert_idle();
    assert_eq!(taken(&seen), ["closed"]);
    // Dropped while it closes: the work goes on where it was.
    let (cx, events) = call(&simulation, &service);
    let (notes, seen) = Notes::closing(&simulation);
    let mut events = events.observe(&cx, notes);
    names(&mut events, &simulation, 5);
    assert!(simulation.poll(&mut crate::testing::Task::new(events.next())).is_pending());
    drop(events);
    assert_eq!(simulation.spawner.open(), 1);
    simulation.assert_idle();
    assert_eq!(taken(&seen), [&ALL[..], &["Finished", "closed"]].concat());
}

fn controlled(cx: &Context, events: Events) -> Events {
    let asked = Asked { request: "hi".into(), pause: None };
    events.controlled(Control::of_call(cx, cx.lent.clock.now(), Some(asked)))
}

#[test]
fn l11_cancel_at_each_event_keeps_the_partial_answer() {
    let whole = run(Events::from_events(events_of(answer())).collect()).unwrap();
    for k in 0..=5 {
        let simulation = Simulation::new(1);
        let service = ScriptedService::new([answer()]);
        let (cx, events) = call(&simulation, &service);
        let mut events = controlled(&cx, events);
        let canceller = events.controller();
        let mut fold = Fold::default();
        for _ in 0..k {
            fold.event(&simulation.run(events.next()).unwrap().unwrap());
        }
        assert_eq!(events.end(), None);
        canceller.cancel();
        assert!(simulation.run(events.next()).is_none(), "no further item");
        assert_eq!(events.end(), Some(EndKind::Cancelled));
        assert_eq!((service.live(), service.dropped()), (0, 1), "the source is dropped");
        let partial = fold.into_completion();
        assert!(whole.text().starts_with(&partial.text()));
        assert_eq!(events.partial(), partial);
        let error = simulation.run(events.collect()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(error.partial(), (k > 0).then_some(&partial), "also what was handed out one by one");
    }
}

#[test]
fn l11_collect_gives_the_partial_answer_inside_the_cancelled_error() {
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([answer().with(2, Step::Stall)]);
    let (cx, events) = call(&simulation, &service);
    let mut events = controlled(&cx, events);
    let canceller = events.controller();
    let mut collecting = crate::testing::Task::new(events.collect());
    assert!(simulation.poll(&mut collecting).is_pending());
    canceller.cancel();
    assert!(collecting.is_woken(), "a cancel wakes who waits");
    let Poll::Ready(Err(error)) = simulation.poll(&mut collecting) else { panic!("cancelled") };
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(error.partial().unwrap().text(), "hel");
    assert_eq!(service.live(), 0);
}

#[test]
fn l11_nothing_peeked_follows_a_cancel() {
    let simulation = Simulation::new(1);
    let (cx, events) = call(&simulation, &ScriptedService::new([answer()]));
    let mut events = controlled(&cx, events);
    assert!(simulation.run(events.peek()).is_some());
    events.controller().cancel();
    assert!(simulation.run(events.next()).is_none());
    assert_eq!(events.end(), Some(EndKind::Cancelled));
}

#[test]
fn peek_takes_nothing() {
    let simulation = Simulation::new(1);
    let failure = Error::new(ErrorKind::Network, "reset");
    let (_, mut events) = call(&simulation, &ScriptedService::new([answer().with(1, Step::Fail(failure))]));
    for _ in 0..2 {
        let peeked = simulation.run(events.peek());
        assert_eq!(peeked.unwrap().as_ref().unwrap().name(), "start");
    }
    assert_eq!(names(&mut events, &simulation, 1), ["start"]);
    assert_eq!(simulation.run(events.peek()).unwrap().as_ref().unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(simulation.run(events.next()).unwrap().unwrap_err().kind(), ErrorKind::Network);
    assert!(simulation.run(events.peek()).is_none());
    assert_eq!(events.end(), Some(EndKind::Failed));
}

#[test]
fn w3_a_stream_that_did_not_finish_does_not_collect_as_an_answer() {
    let failure = || Error::new(ErrorKind::Network, "reset");
    let simulation = Simulation::new(1);
    let (_, mut events) = call(&simulation, &ScriptedService::new([answer().with(1, Step::Fail(failure()))]));
    while simulation.run(events.next()).is_some() {}
    assert_eq!(events.end(), Some(EndKind::Failed));
    assert!(
        simulation.run(events.collect()).is_err(),
        "its error was read already; it is none the less no answer"
    );
    // Peeked, and then cancelled: the end that came first stays, and is not an answer either.
    let (_, mut events) =
        call(&simulation, &ScriptedService::new([Answer::default().with(0, Step::Fail(failure()))]));
    assert!(simulation.run(events.peek()).unwrap().is_err());
    events.cancel();
    assert_eq!(events.end(), Some(EndKind::Failed));
    assert!(simulation.run(events.collect()).is_err());
}

#[test]
fn s15_a_stream_without_a_finish_is_truncated() {
    for k in 0..5 {
        let mut events = Events::from_events(events_of(answer().cut(k)));
        let mut last = None;
        while let Some(item) = run(events.next()) {
            last = Some(item);
        }
        assert_eq!(last.unwrap().unwrap_err().kind(), ErrorKind::Truncated);
        assert_eq!(events.end(), Some(EndKind::Truncated));
    }
    let error = run(Events::from_events(events_of(answer().cut(2))).collect()).unwrap_err();
    assert_eq!(error.partial().unwrap().text(), "hel");
}

#[test]
fn a_finish_before_a_restart_is_not_the_end_of_the_answer_after_it() {
    let restart = Event::Notice(Notice::Restart { reason: "blocked".into() });
    let events = [events_of(answer()), vec![restart, Event::Start { id: None, model: None }]].concat();
    let error = run(Events::from_events(events).collect()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
}

#[test]
fn an_error_of_the_kind_cancelled_ends_without_an_item() {
    let cancelled = Error::new(ErrorKind::Cancelled, "somewhere below");
    let mut events = Events::new(stream::iter([Err(cancelled)]));
    assert!(run(events.next()).is_none());
    assert_eq!(events.end(), Some(EndKind::Cancelled));
}

#[test]
#[cfg(debug_assertions)]
fn a_source_that_breaks_a_law_fails_with_its_name() {
    let text = Event::Text { choice: 0, part: 0, delta: "x".into() };
    let finish = Event::Finish { choice: 0, finish: Finish::default() };
    let start = Event::Start { id: None, model: None };
    let cases = [
        (vec![text.clone()], "stream law broken: `text` before Start"),
        (vec![start, text, finish], "stream law broken: choice 0 finishes while part 0 is open"),
    ];
    for (events, message) in cases {
        let error = run(Events::from_events(events).collect()).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unexpected, message));
    }
}

/// Settles for a second after the end, and says so.
struct Settles(&'static str, Arc<Mutex<Vec<&'static str>>>, Arc<dyn Clock>);

impl Observer for Settles {
    fn end(self: Box<Self>, _: End<'_>) -> Closing {
        let Settles(name, settled, clock) = *self;
        Closing::Work(Box::pin(async move {
            clock.sleep(Duration::from_secs(1)).await;
            settled.lock().unwrap().push(name);
        }))
    }
}

#[test]
fn w4_what_several_observers_settle_is_done_before_the_end_is_out_and_also_after_a_drop() {
    for is_dropped in [false, true] {
        let simulation = Simulation::new(1);
        let (cx, events) = call(&simulation, &ScriptedService::new([answer()]));
        let settled = Arc::new(Mutex::new(Vec::new()));
        let observer = |name| Settles(name, settled.clone(), cx.lent.clock.clone());
        // The third comes after something was read ahead, and still sees all of it.
        let mut events = events.observe(&cx, observer("inner")).observe(&cx, observer("outer"));
        simulation.run(events.until_content()).unwrap();
        let (notes, seen) = Notes::new();
        let events = events.observe(&cx, notes);
        if is_dropped {
            drop(events);
            simulation.assert_idle();
            let read_ahead = ALL.iter().copied().take(2);
            assert_eq!(taken(&seen), read_ahead.chain(["Cancelled"]).collect::<Vec<_>>());
        } else {
            simulation.run(events.collect()).unwrap();
            assert_eq!(taken(&seen), ALL.iter().copied().chain(["Finished"]).collect::<Vec<_>>());
        }
        let mut settled = settled.lock().unwrap().clone();
        settled.sort_unstable();
        assert_eq!(settled, ["inner", "outer"]);
    }
}

#[test]
fn l12_a_cancelled_source_is_no_cut_to_who_wraps_it() {
    let cancelled = || Error::new(ErrorKind::Cancelled, "elsewhere");
    let simulation = Simulation::new(1);
    let (cx, events) =
        call(&simulation, &ScriptedService::new([answer().cut(2).with(2, Step::Fail(cancelled()))]));
    let (notes, seen) = Notes::new();
    let mut events = events.observe(&cx, notes);
    while let Some(item) = simulation.run(events.next()) {
        item.unwrap();
    }
    assert_eq!(events.end(), Some(EndKind::Cancelled));
    assert_eq!(taken(&seen), ["start", "text", "Cancelled"]);
    assert_eq!(events.after_end().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
}
