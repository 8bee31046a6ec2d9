//! What is reserved before a call, and settled after.

use belvedere_core::error::ErrorKind;
use belvedere_core::event::Finish;
use belvedere_core::layer::layer_fn;
use belvedere_core::testing::Task;
use futures_util::StreamExt;

use super::*;

#[test]
fn q2_an_upper_bound_is_reserved_and_what_was_used_is_settled() {
    let bench = Bench::tokens(1000, "", always(answer(40, 60)));
    let events = bench.call(whole(500)).unwrap();
    assert_eq!(bench.sums(), (0, 0, 500 + INPUT));
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.sums(), (100, 500 + INPUT - 100, 0));
    assert_eq!(bench.balance().left(), 900);
    bench.simulation.assert_idle();
}

#[test]
fn what_somebody_counted_stands_in_place_of_the_estimate() {
    let bench = Bench::tokens(1000, "", ScriptedService::always(Answer::text("hello")));
    let cx = bench.context("acme");
    cx.call.set_input_tokens(123);
    let events =
        bench.simulation.run(bench.stack.call(cx, Request::from("hi").with_max_tokens(500))).unwrap();
    assert_eq!(bench.sums(), (0, 0, 623));
    drop(events);
}

#[test]
fn q1_q4_streams_whole_answers_and_embeddings_are_settled_alike() {
    for stream in [true, false] {
        let bench = Bench::tokens(1000, "", always(answer(40, 60)));
        let mut request = whole(500);
        request.stream = stream;
        bench.ask(request).unwrap();
        assert_eq!(bench.sums().0, 100);
    }
    let embedded = Answer::events([
        Event::Start { id: None, model: None },
        Event::Embedding { index: 0, vector: vec![0.5].into() },
        usage(25, 0),
        Event::Finish { choice: 0, finish: Finish::default() },
    ]);
    let bench = Bench::tokens(1000, "", always(embedded));
    let events = bench.call(Request::embed(["a text to embed"; 10])).unwrap();
    assert_eq!(bench.sums(), (0, 0, 50), "five tokens a text, and nothing is written");
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.sums(), (25, 25, 0));
    // A list of models costs nothing, also where nothing is left.
    let bench = Bench::tokens(0, "", always(Answer::text("")));
    let mut models = Request::default();
    models.operation = belvedere_core::request::Operation::Models;
    assert!(bench.call(models).is_ok());
}

#[test]
fn q14_what_never_fits_is_refused_with_the_reason() {
    let bench = Bench::tokens(1000, "", always(answer(40, 60)));
    let error = bench.call(whole(1000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert_eq!(
        error.to_string(),
        "budget exceeded: the budget of 1000 tokens has no room for 1007 tokens: 0 tokens are spent or reserved; \
         every: 1day; resets_in: 1day"
    );
    assert_eq!((bench.service.calls(), bench.sums()), (0, (0, 0, 0)), "nothing is sent, nothing is reserved");
    assert!(bench.call(whole(993)).is_ok());
}

#[test]
fn q15_a_cancel_settles_what_came_at_each_event() {
    for taken in 0..=6 {
        let stalling = Answer::deltas(["abcdef"; 5]).with(99, Step::Stall);
        let bench = Bench::tokens(1000, "", always(stalling));
        let mut events = bench.call(whole(500)).unwrap();
        let mut texts = 0;
        for _ in 0..taken {
            let item = bench.simulation.run(events.next()).unwrap().unwrap();
            texts += i64::from(matches!(item, Event::Text { .. }));
        }
        drop(events);
        bench.simulation.assert_idle();
        let spent = INPUT + 2 * texts;
        assert_eq!(bench.sums(), (spent, 500 + INPUT - spent, 0), "after {taken} events");
    }
    // Before the stream is there, too.
    let bench = Bench::tokens(1000, "", always(answer(1, 1).opening(Step::Stall)));
    let mut waiting = Task::new(bench.stack.call(bench.context("acme"), whole(500)));
    assert!(bench.simulation.poll(&mut waiting).is_pending());
    assert_eq!(bench.sums().2, 500 + INPUT);
    drop(waiting);
    bench.simulation.assert_idle();
    assert_eq!(bench.sums(), (INPUT, 500, 0));
}

#[test]
fn q15_what_a_provider_told_before_a_cancel_counts() {
    let told = Answer::deltas(["abcdef"; 5]).with(1, Step::Event(usage(40, 1))).with(4, Step::Stall);
    let bench = Bench::tokens(1000, "", always(told));
    let mut events = bench.call(whole(500)).unwrap();
    for _ in 0..4 {
        bench.simulation.run(events.next()).unwrap().unwrap();
    }
    drop(events);
    bench.simulation.assert_idle();
    assert_eq!(bench.sums().0, 40 + 4, "its count of the input, and the output that was seen");
}

#[test]
fn what_no_model_read_costs_nothing() {
    let bench = Bench::tokens(1000, "", always(Answer::refused(Error::new(ErrorKind::Overloaded, "busy"))));
    assert_eq!(bench.ask(whole(500)).unwrap_err().kind(), ErrorKind::Overloaded);
    assert_eq!(bench.sums(), (0, 500 + INPUT, 0));
}

#[test]
fn what_costs_more_than_was_reserved_is_settled_in_full() {
    let bench = Bench::tokens(1000, "", always(answer(1200, 60)));
    bench.ask(whole(100)).unwrap();
    let balance = bench.balance();
    assert_eq!((balance.settled, balance.reserved, balance.left()), (1260, 1260, 0));
    assert_eq!(bench.ask(whole(1)).unwrap_err().kind(), ErrorKind::BudgetExceeded);
}

#[test]
fn each_key_has_its_own_budget() {
    let bench = Bench::tokens(1000, r#", "per": ["tenant"]"#, always(answer(400, 500)));
    assert!(bench.ask(whole(900)).is_ok());
    assert!(bench.ask(whole(900)).is_err());
    assert!(bench.call_of("other", whole(900)).is_ok());
    let balance = bench.balance_of("other");
    assert_eq!(
        (balance.settled, balance.open),
        (7, 0),
        "the stream was dropped: it is settled at once, by estimate"
    );
    bench.simulation.assert_idle();
}

#[test]
fn near_its_end_a_budget_warns_once_and_at_its_end_it_refuses() {
    let bench = Bench::tokens(1000, r#", "per": ["tenant"], "soft": 0.5"#, always(answer(100, 100)));
    assert_eq!(bench.budget.meter().used(&scope("acme")), None);
    let mut used = Vec::new();
    for _ in 0..5 {
        let cx = bench.context("acme");
        let events = bench.simulation.run(bench.stack.call(cx.clone(), whole(193)));
        used.push(cx.call.budget_used());
        if let Ok(events) = events {
            bench.simulation.run(events.collect()).unwrap();
        }
    }
    assert_eq!(used, [0.2, 0.4, 0.6, 0.8, 1.0].map(Some), "each reserves 200 of 1000, and uses them");
    assert_eq!(bench.budget.meter().used(&scope("acme")), Some(1.0));
    let quota = |refused, used| {
        format!(
            r#"{{"type":"quota","key":"tenant=acme","unit":"tokens","refused":{refused},"used":{used},"limit":1000,"resets_in":"1day"}}"#
        )
    };
    assert_eq!(bench.heard(), [quota(false, 600)]);
    assert!(bench.ask(whole(193)).is_err());
    assert_eq!(bench.heard(), [quota(true, 1000)]);
}

#[test]
fn an_answer_without_a_provider_is_a_line_of_nothing() {
    // As a cache does: it answers, and makes no attempt.
    let cached = layer_fn("cached", |_, _, _| async {
        Ok(belvedere_core::completion::Completion::of_text("from the cache").into_events())
    });
    let bench = Bench::tokens(1000, "", ScriptedService::new([]));
    let stack = bench.budget.layer(cached.layer(Stack::new(bench.service.clone())));
    let bench = Bench { stack, ..bench };
    bench.ask(whole(500)).unwrap();
    assert_eq!(bench.sums(), (0, 500 + INPUT, 0));
    let entries = bench.entries();
    let line = &entries[0].lines[0];
    assert_eq!((entries.len(), line.charged, line.cost.unwrap().nanos(), line.attempt), (1, 0, 0, 0));
    assert_eq!(serde_json::to_value(line.why).unwrap(), "unasked");
}

#[test]
fn it_behaves_as_every_layer() {
    belvedere_core::testing::suite::layer(|| {
        let clock = Arc::new(Simulation::new(1).clock);
        let budget = config(r#"{"limit": {"tokens": 1000000}}"#);
        Budget::build(budget, Arc::new(MemoryStore::new(clock))).unwrap()
    });
}
