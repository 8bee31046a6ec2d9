//! Tokens: reserved before, settled after, whatever becomes of the call.

use belvedere_core::error::ErrorKind;
use belvedere_core::event::{Event, Finish};
use belvedere_core::testing::{Step, Task};
use belvedere_core::usage::{Class, Usage};
use futures_util::StreamExt;

use super::*;

fn usage(input: u64, output: u64) -> Event {
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(input));
    usage.set(Class::Output, Some(output));
    Event::Usage(Arc::new(usage))
}

/// `Start`, six bytes, `PartEnd`, the usage, `Finish`.
fn answer(input: u64, output: u64) -> Answer {
    Answer::text("abcdef").with(3, Step::Event(usage(input, output)))
}

fn request(max_tokens: u64) -> Request {
    let mut request = Request::from("hi");
    request.max_tokens = Some(max_tokens);
    request
}

/// What `request` has the model read, by estimate: what surrounds a message and an answer, and the text.
const INPUT: u64 = 3 + 1 + 3;

const LIMIT: &str = r#"{"per": ["user"], "tokens": "1000/h"}"#;

fn bench(answer: Answer) -> Bench {
    Bench::over(LIMIT, ScriptedService::always(answer), None)
}

#[test]
fn q2_tokens_are_reserved_before_and_settled_after() {
    let bench = bench(answer(40, 60));
    let events = bench.call_of("ann", request(500)).unwrap();
    assert_eq!(bench.left().1, Some(1000 - INPUT - 500), "reserved");
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.left().1, Some(900), "settled");
}

#[test]
fn what_somebody_counted_stands_in_place_of_the_estimate() {
    let bench = bench(answer(40, 60));
    let mut options = Options::default();
    options.scope = scope("ann");
    let cx = bench.simulation.context_with(options);
    cx.call.set_input_tokens(123);
    let events = bench.simulation.run(bench.stack.call(cx, request(500))).unwrap();
    assert_eq!(bench.left().1, Some(1000 - 123 - 500), "reserved");
    drop(events);
}

#[test]
fn q2_calls_at_once_do_not_pass_the_limit_together() {
    let bench = bench(answer(40, 60));
    let open: Vec<_> = (0..1000).filter_map(|_| bench.call_of("ann", request(93)).ok()).collect();
    assert_eq!(open.len(), 10, "each reserves a hundred");
    assert_eq!(bench.service.calls(), 10);
}

#[test]
fn q1_q4_streams_whole_answers_and_embeddings_are_counted() {
    for stream in [true, false] {
        let bench = bench(answer(40, 60));
        let mut request = request(500);
        request.stream = stream;
        let events = bench.call_of("ann", request).unwrap();
        bench.simulation.run(events.collect()).unwrap();
        assert_eq!(bench.left().1, Some(900));
    }
    let vector = Event::Embedding { index: 0, vector: vec![0.5].into() };
    let embedded = Answer::events([
        Event::Start { id: None, model: None },
        vector,
        usage(25, 0),
        Event::Finish { choice: 0, finish: Finish::default() },
    ]);
    let bench = bench(embedded);
    let events = bench.call_of("ann", Request::embed(["a text to embed"; 10])).unwrap();
    assert_eq!(bench.left().1, Some(950), "five tokens a text");
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.left().1, Some(975));
}

#[test]
fn q14_what_never_fits_is_refused_with_the_reason() {
    let bench = bench(answer(40, 60));
    let error = bench.call_of("ann", request(1000)).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::InvalidRequest, None));
    assert_eq!(
        error.message(),
        "the request needs about 1007 tokens, and no more than 1000 are ever there at once"
    );
    assert_eq!((bench.left().1, bench.service.calls()), (Some(1000), 0));
    assert!(bench.call_of("ann", request(993)).is_ok());
    // What is only guessed makes no request too large.
    let small = Bench::new(r#"{"per": ["user"], "tokens": "100/h"}"#);
    assert!(small.call().is_ok());
}

#[test]
fn q15_a_cancel_settles_what_came() {
    let deltas = ["abcdef"; 5];
    for taken in 0..=6 {
        let bench = bench(Answer::deltas(deltas).with(99, Step::Stall));
        let mut events = bench.call_of("ann", request(500)).unwrap();
        let mut texts = 0;
        for _ in 0..taken {
            let item = bench.simulation.run(events.next()).unwrap().unwrap();
            texts += u64::from(matches!(item, Event::Text { .. }));
        }
        drop(events);
        assert_eq!(bench.left().1, Some(1000 - INPUT - 2 * texts), "after {taken} events");
        bench.simulation.assert_idle();
    }
    // Before the stream is there, too.
    let bench = bench(answer(1, 1).opening(Step::Stall));
    let mut options = Options::default();
    options.scope = scope("ann");
    let mut waiting = Task::new(bench.stack.call(bench.simulation.context_with(options), request(500)));
    assert!(bench.simulation.poll(&mut waiting).is_pending());
    drop(waiting);
    assert_eq!(bench.left().1, Some(1000 - INPUT));
}

#[test]
fn an_attempt_that_failed_before_a_model_read_it_gives_all_back() {
    let bench = bench(Answer::refused(Error::new(ErrorKind::Overloaded, "busy")));
    assert!(bench.call_of("ann", request(500)).is_err());
    assert_eq!(bench.left().1, Some(1000));
}

#[test]
fn an_answer_without_a_provider_costs_no_tokens() {
    // As a cache does: it answers, and makes no attempt.
    let cached = belvedere_core::layer::layer_fn("cached", |_, _, _| async {
        Ok(belvedere_core::completion::Completion::of_text("from the cache").into_events())
    });
    let service = ScriptedService::new([]);
    let limit = Limit::build(config(r#"{"requests": "5/h", "tokens": "1000/h"}"#), None).unwrap();
    let stack = limit.layer(cached.layer(Stack::new(service.clone())));
    let bench = Bench { simulation: Simulation::new(1), service, limit, stack };
    let events = bench.call_of("ann", request(500)).unwrap();
    assert_eq!(bench.left(), (Some(4), Some(1000 - INPUT - 500)));
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.left(), (Some(4), Some(1000)), "a hit uses a request, and gives its tokens back");
}

#[test]
fn q5_what_was_used_beyond_the_reservation_is_owed_and_paid_with_time() {
    // Three calls at once reserve 107 each, and use 500 each.
    let bench = bench(answer(40, 460));
    let open: Vec<_> = (0..3).map(|_| bench.call_of("ann", request(100)).unwrap()).collect();
    for events in open {
        bench.simulation.run(events.collect()).unwrap();
    }
    assert_eq!(bench.left().1, Some(0));
    // 500 owed and 107 asked for, at 3.6 s each.
    let wait = Duration::from_millis(607 * 3_600);
    assert_eq!(bench.call_of("ann", request(100)).unwrap_err().retry_after(), Some(wait));
    bench.simulation.advance(wait - SECOND);
    assert!(bench.call_of("ann", request(100)).is_err());
    bench.simulation.advance(SECOND);
    assert!(bench.call_of("ann", request(100)).is_ok());
}

#[test]
fn w8_in_the_long_run_no_more_is_used_than_the_rate_lets_through() {
    let bench = bench(answer(10, 390));
    let calls = (0..60 * 24).fold(0, |calls, _| {
        bench.simulation.clock.advance(60 * SECOND);
        let events = bench.call_of("ann", request(50));
        calls + u64::from(events.is_ok_and(|events| bench.simulation.run(events.collect()).is_ok()))
    });
    let used = calls * 400;
    assert!((24_000..=25_400).contains(&used), "{used} tokens in a day at 1000 an hour");
}
