//! The ledger has a line for every attempt.

use std::future::poll_fn;
use std::task::Poll;

use belvedere_core::error::ErrorKind;
use belvedere_core::event::Notice;
use belvedere_core::layer::layer_fn;
use belvedere_core::request::Parameters;
use belvedere_middleware::budget::Why;
use futures_util::StreamExt;

use super::*;

type Row = (Why, u32, String, i64, bool);

fn rows(bench: &Bench) -> Vec<Row> {
    let lines = bench.entries().remove(0).lines;
    let row = |line: belvedere_middleware::budget::Line| {
        (line.why, line.attempt, line.model.unwrap().to_string(), line.charged, line.estimated)
    };
    lines.into_iter().map(row).collect()
}

fn named(request: &Request, model: &str) -> Request {
    let mut parameters: Parameters = (**request).clone();
    parameters.model = Some(model.into());
    parameters.into()
}

fn over(bench: Bench, layer: impl Layer) -> Bench {
    let stack = bench.budget.layer(layer.layer(Stack::new(bench.service.clone())));
    Bench { stack, ..bench }
}

#[test]
fn retries_are_lines() {
    let again = layer_fn("again", |cx: Context, request: Request, next: Stack| async move {
        for model in ["first", "second"] {
            let _ = next.call(cx.clone(), named(&request, model)).await?.collect().await;
        }
        next.call(cx, named(&request, "third")).await
    });
    let cut = answer(40, 60).cut(2);
    let told = Answer::text("x")
        .with(1, Step::Event(usage(30, 1)))
        .with(2, Step::Fail(Error::new(ErrorKind::Network, "reset")));
    let bench = over(Bench::tokens(1000, "", ScriptedService::new([cut, told, answer(40, 60)])), again);
    bench.ask(whole(500)).unwrap();
    assert_eq!(
        rows(&bench),
        [
            // What it wrote was not seen here.
            (Why::Failed, 1, "first".into(), INPUT, true),
            (Why::Failed, 2, "second".into(), 31, false),
            (Why::Answer, 3, "third".into(), 100, false),
        ]
    );
    assert_eq!(bench.sums(), (INPUT + 131, 500 - 131, 0));
}

/// Looks whether all of an answer is there, as layers do that wait for it.
fn looked_at() -> impl Layer {
    layer_fn("look", |cx: Context, request: Request, next: Stack| async move {
        let mut events = next.call(cx, request).await?;
        poll_fn(|cx| Poll::Ready(events.poll_whole(cx))).await;
        Ok(events)
    })
}

#[test]
fn an_answer_that_is_all_there_is_settled_before_it_is_read() {
    let bench = over(Bench::tokens(1000, "", ScriptedService::new([answer(40, 60)])), looked_at());
    let answer = bench.call(whole(500)).unwrap();
    assert_eq!(rows(&bench), [(Why::Answer, 1, "scripted-1".into(), 100, false)]);
    assert_eq!(bench.sums(), (100, INPUT + 400, 0));
    assert_eq!(bench.simulation.run(answer.collect()).unwrap().text(), "abcdef");
    assert_eq!(bench.sums(), (100, INPUT + 400, 0), "it is settled once");
}

#[test]
fn an_answer_that_is_all_there_is_not_handed_out_beyond_what_can_be_paid() {
    let twice = Answer::text("x")
        .with(2, Step::Event(Event::Notice(Notice::Restart { reason: "cut".into() })))
        .with(3, Step::Event(Event::Start { id: None, model: None }));
    let bench = over(Bench::tokens(30, "", ScriptedService::new([twice])), looked_at());
    let error = bench.ask(whole(20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert_eq!(error.partial().unwrap().text(), "");
}

#[test]
fn f6_losers_of_a_race_are_lines() {
    let race = layer_fn("race", |cx: Context, request: Request, next: Stack| async move {
        let mut slow = next.call(cx.clone(), named(&request, "slow")).await?;
        let _ = slow.next().await;
        let quick = next.call(cx, named(&request, "quick")).await;
        drop(slow);
        quick
    });
    let bench = over(Bench::tokens(1000, "", always(answer(40, 60))), race);
    bench.ask(whole(500)).unwrap();
    let lost = (Why::Lost, 1, "slow".into(), INPUT, true);
    assert_eq!(rows(&bench), [lost, (Why::Answer, 2, "quick".into(), 100, false)]);
}

#[test]
fn cancels_are_lines() {
    let bench = Bench::tokens(1000, "", always(answer(40, 60).with(3, Step::Stall)));
    let mut events = bench.call(whole(500)).unwrap();
    for _ in 0..2 {
        bench.simulation.run(events.next()).unwrap().unwrap();
    }
    drop(events);
    bench.simulation.assert_idle();
    assert_eq!(rows(&bench), [(Why::Cancelled, 1, "scripted-1".into(), INPUT + 2, true)]);
}

#[test]
fn an_open_call_is_an_entry_and_a_process_that_dies_loses_none() {
    let bench = Bench::tokens(1000, "", always(answer(40, 60)));
    let open = bench.call(whole(500)).unwrap();
    let entry = bench.entries().remove(0);
    assert_eq!((entry.reserved, entry.settled, entry.lines.len()), (500 + INPUT, None, 0));
    // The process dies: nothing is told to the store any more. Another one sees what was open.
    std::mem::forget(open);
    assert_eq!(bench.sums(), (0, 0, 500 + INPUT));
    bench.simulation.advance(HOUR - SECOND);
    assert_eq!(bench.sums(), (0, 0, 500 + INPUT));
    bench.simulation.advance(SECOND);
    assert_eq!(
        bench.sums(),
        (500 + INPUT, 0, 0),
        "after its lease it counts as spent, at the most it can have cost"
    );
    assert_eq!(bench.entries().len(), 1);
}

#[test]
fn a_call_that_outlives_its_lease_is_settled_by_what_it_used() {
    let bench =
        Bench::tokens(1000, r#", "lease": "1s""#, always(answer(40, 60).with(1, Step::Wait(2 * SECOND))));
    let events = bench.call(whole(500)).unwrap();
    bench.simulation.advance(SECOND);
    assert_eq!(bench.sums(), (500 + INPUT, 0, 0));
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.sums(), (100, 400 + INPUT, 0));
}

#[test]
fn lines_are_kept_as_long_as_told() {
    for (more, kept) in [("", 60), (r#", "keep": "10m""#, 600)] {
        let bench = Bench::tokens(1000, more, always(answer(40, 60)));
        bench.ask(whole(500)).unwrap();
        bench.simulation.advance(Duration::from_secs(kept - 1));
        assert_eq!(bench.entries().len(), 1);
        bench.simulation.advance(SECOND);
        assert_eq!(bench.entries().len(), 0);
        assert_eq!(bench.sums().0, 100, "the sums stand");
    }
    let bench = Bench::tokens(1000, r#", "keep": "0s""#, always(answer(40, 60)));
    bench.ask(whole(500)).unwrap();
    assert_eq!((bench.entries().len(), bench.sums()), (0, (100, 400 + INPUT, 0)));
}

#[test]
fn lines_are_listed_in_pages() {
    let bench = Bench::tokens(100_000, "", always(answer(40, 60)));
    for _ in 0..7 {
        bench.simulation.advance(SECOND);
        bench.ask(whole(500)).unwrap();
    }
    let (scope, three) = (scope("acme"), NonZeroUsize::new(3).unwrap());
    let (mut from, mut calls) = (None, Vec::new());
    loop {
        let page = bench.budget.ledger().entries(&bench.simulation.clock, &scope, from.as_ref(), three);
        let page = bench.simulation.run(page).unwrap();
        calls.extend(page.entries.into_iter().map(|(call, _)| call));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(calls.len(), 7);
    assert!(calls.is_sorted());
}
