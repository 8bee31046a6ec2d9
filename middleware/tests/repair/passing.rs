//! What does not break, or may not be repaired, is handed on as it is.

use bytes::Bytes;

use super::*;

#[test]
fn an_answer_that_does_not_break_is_handed_on_event_for_event() {
    let call = call("c1", "weather", r#"{"city":"Ulm"}"#);
    let answers = [
        poem(),
        answer([Part::reasoning("So."), Part::text("Hi."), call], FinishReason::ToolCalls),
        answer([], FinishReason::Stop),
    ];
    for whole in answers {
        let mut events = events_of(&whole, 0);
        let raw = |text: &'static str| Event::Raw { name: None, data: Bytes::from_static(text.as_bytes()) };
        let dropped = Notice::ParameterDropped { parameter: "top_k".into(), reason: "none".into() };
        events.insert(0, raw("head"));
        events.insert(1, Event::Notice(dropped));
        events.push(raw("[DONE]"));
        for policy_of in [Policy::Fail, Policy::Restart, Policy::Continue] {
            let service = ScriptedService::new([Answer::events(events.clone())]);
            let got = go(&policy(policy_of), service.clone(), "Hi.");
            assert_eq!((&got.events, got.end), (&events, Some(EndKind::Finished)), "{policy_of:?}");
            assert_eq!((service.calls(), service.dropped()), (1, 0));
        }
    }
}

#[test]
fn a_long_preamble_is_not_held_back_for_ever() {
    let notice = |n| Event::Notice(Notice::Layer { layer: "x".into(), message: format!("{n}") });
    let mut events = events_of(&poem(), 0);
    events.splice(1..1, (0..100).map(notice));
    let simulation = Simulation::new(1);
    let broken = Answer::events(events.clone()).cut(90).with(90, Step::Stall);
    let stack = Repair::default().layer(Stack::new(ScriptedService::new([broken])));
    let mut stream = simulation.run(stack.call(simulation.context(), "Hi.".into())).unwrap();
    for event in &events[..90] {
        assert_eq!(simulation.run(stream.next()).unwrap().unwrap(), *event);
    }
}

#[test]
fn what_another_attempt_can_not_mend_is_handed_on_with_the_partial_answer() {
    use ErrorKind::*;
    let kinds = [
        Blocked,
        BudgetExceeded,
        ContentFiltered,
        QuotaExhausted,
        RateLimited,
        Unauthorized,
        Forbidden,
        InvalidRequest,
        ContextTooLong,
        Unsupported,
        ModelNotFound,
        CircuitOpen,
        Store,
        Unexpected,
        Timeout(belvedere_core::error::TimeoutPhase::Total),
    ];
    for kind in kinds {
        let broken = Answer::text(POEM).with(2, Step::Fail(Error::new(kind, "so it is")));
        let service = ScriptedService::new([broken, Answer::text(POEM)]);
        let got = go(&Repair::default(), service.clone(), "Hi.");
        assert_eq!((service.calls(), got.text()), (1, POEM.to_owned()), "{kind:?}");
        let error = got.error();
        assert_eq!((error.kind(), error.message(), error.attempts()), (kind, "so it is", 1));
        assert_eq!(error.partial().unwrap().text(), POEM, "{kind:?}");
    }
}

#[test]
fn after_finish_nothing_is_repaired() {
    let reset = Error::new(ErrorKind::Network, "reset");
    let service = ScriptedService::new([Answer::text(POEM).with(9, Step::Fail(reset)), Answer::text(POEM)]);
    let got = go(&Repair::default(), service.clone(), "Hi.");
    assert_eq!((service.calls(), got.error().kind()), (1, ErrorKind::Network));
    assert_eq!(got.text(), POEM);
}

#[test]
fn several_answers_are_restarted() {
    let two = |n: u32, text: &str| Event::Text { choice: n, part: 0, delta: text.into() };
    let finish = |choice| Event::Finish { choice, finish: Default::default() };
    let end = |choice| Event::PartEnd { choice, part: 0 };
    let start = Event::Start { id: None, model: None };
    let events = [start, two(0, POEM), two(1, POEM), end(0), end(1), finish(0), finish(1)];
    let whole = Answer::events(events.clone());
    let service = ScriptedService::new([whole.clone().cut(3), whole]);
    let mut request = Request::from("Hi.");
    request.n = Some(2);
    let got = go(&Repair::default(), service.clone(), request.clone());
    assert_eq!((got.marks(), got.end), (vec!["restart".to_owned()], Some(EndKind::Finished)));
    assert_eq!(got.answer(), {
        let mut whole = fold(&events);
        whole.notices = got.answer().notices;
        whole
    });
    assert_eq!(service.requests(), [request.clone(), request]);
}

#[test]
fn vectors_are_asked_for_again() {
    let vector = |index| Event::Embedding { index, vector: vec![1.0].into() };
    let start = Event::Start { id: None, model: None };
    let finish = Event::Finish { choice: 0, finish: Default::default() };
    let whole = Answer::events([start, vector(0), vector(1), finish]);
    for (at, marks) in [(1, 0), (2, 1), (3, 1)] {
        let service = ScriptedService::new([whole.clone().cut(at), whole.clone()]);
        let got = go(&Repair::default(), service, Request::embed(["a", "b"]));
        assert_eq!((got.answer().embeddings.len(), got.marks().len()), (2, marks), "after {at}");
    }
}

#[test]
fn a_cancel_further_in_stays_a_cancel() {
    let cancelled = Error::new(ErrorKind::Cancelled, "enough");
    let service =
        ScriptedService::new([Answer::text(POEM).with(2, Step::Fail(cancelled)), Answer::text(POEM)]);
    let simulation = Simulation::new(1);
    let stack = Repair::default().layer(Stack::new(service.clone()));
    let got =
        simulation.run(async { read(stack.call(simulation.context(), "Hi.".into()).await.unwrap()).await });
    assert_eq!((got.1.is_none(), got.2, service.calls()), (true, Some(EndKind::Cancelled), 1));
}
