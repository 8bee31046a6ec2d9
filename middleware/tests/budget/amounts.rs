//! Money: prices, bounds, and what is not known.

use belvedere_core::error::ErrorKind;
use belvedere_core::usage::Money;

use super::*;

/// A dollar per million tokens read, two per million written: a thousand and two thousand nano-dollars a token.
const PRICES: &str = r#""prices": {"scripted-1": {"input": "1", "output": "2"}}"#;

fn dollars(usd: &str, more: &str, service: ScriptedService) -> Bench {
    Bench::new(&format!(r#"{{"limit": {{"usd": {usd}, "every": "1d"}}, {more}}}"#), service)
}

#[test]
fn money_is_reserved_at_the_price_and_settled_to_the_nano_dollar() {
    let bench = dollars("1", PRICES, always(answer(41, 63)));
    let events = bench.call(whole(500)).unwrap();
    assert_eq!(bench.sums(), (0, 0, 7_000 + 1_000_000));
    bench.simulation.run(events.collect()).unwrap();
    assert_eq!(bench.sums().0, 41_000 + 126_000);
    let entry = bench.entries().remove(0);
    assert_eq!((entry.settled, entry.lines[0].cost), (Some(167_000), Some(Money::from_nanos(167_000))));
    assert_eq!((entry.lines[0].charged, entry.lines[0].estimated), (167_000, false));
}

#[test]
fn a_refusal_says_how_much_there_is_and_how_much_is_needed() {
    let bench = dollars("0.001", PRICES, always(answer(41, 63)));
    let error = bench.call(whole(500)).unwrap_err();
    assert_eq!(
        error.message(),
        "the budget of $0.001 has no room for $0.001007: $0.00 are spent or reserved"
    );
}

#[test]
fn several_answers_are_reserved_for() {
    let bench = dollars("1", PRICES, always(answer(41, 63)));
    let mut request = whole(500);
    request.n = Some(3);
    let _events = bench.call(request).unwrap();
    assert_eq!(bench.sums().2, 7_000 + 3 * 1_000_000);
}

#[test]
fn a_whole_answer_without_a_limit_is_bounded_by_its_model_or_by_the_setting() {
    let open = |json: &str| {
        let bench = dollars("1", json, always(answer(41, 63)));
        let _events = bench.call(Request::from("hi")).unwrap();
        bench.sums().2
    };
    assert_eq!(open(PRICES), 7_000 + 4096 * 2_000);
    assert_eq!(open(&format!(r#"{PRICES}, "max_output": 100"#)), 7_000 + 100 * 2_000);
    let known = r#""prices": {"scripted-1": {"input": "1", "output": "2", "max_output": 300}}"#;
    assert_eq!(open(known), 7_000 + 300 * 2_000);
}

#[test]
fn money_steps_are_those_of_the_price() {
    let long = Answer::deltas(std::iter::repeat_n("abcdef", 1000));
    let bench = dollars("0.0001", &format!(r#"{PRICES}, "top_up": 10"#), always(long));
    let error = bench.ask(endless()).unwrap_err();
    // 100,000 nano-dollars: 7,000 for the input, and four steps of 20,000.
    assert_eq!((error.kind(), error.partial().unwrap().text().len()), (ErrorKind::BudgetExceeded, 120));
}

#[test]
fn p5_an_unknown_price_blocks_a_hard_budget_unless_told_otherwise() {
    let bench = dollars("1", r#""soft": 0.8"#, always(answer(41, 63)));
    let error = bench.call(whole(500)).unwrap_err();
    assert_eq!((error.kind(), bench.service.calls()), (ErrorKind::BudgetExceeded, 0));
    assert!(error.message().starts_with("the price of the model `scripted-1` of `scripted` is unknown"));

    let bench = dollars("1", r#""unknown_price": "allow""#, always(answer(41, 63)));
    bench.ask(whole(500)).unwrap();
    let line = bench.entries().remove(0).lines.remove(0);
    assert_eq!((bench.sums(), line.cost, line.charged), ((0, 0, 0), None, 0), "unknown is not nothing");

    let assume = r#""unknown_price": {"assume": {"input": 10, "output": 20}}"#;
    let bench = dollars("1", assume, always(answer(41, 63)));
    bench.ask(whole(500)).unwrap();
    let line = bench.entries().remove(0).lines.remove(0);
    assert_eq!((line.cost, line.estimated), (Some(Money::from_nanos(1_670_000)), true));
}

#[test]
fn p5_a_cost_that_turns_out_unknown_is_charged_as_what_was_reserved() {
    // The answer used audio, and that has no price.
    let mut audio = Usage::default();
    audio.set(Class::Input, Some(41));
    audio.set(Class::AudioOutput, Some(63));
    let answer = Answer::text("abcdef").with(3, Step::Event(Event::Usage(Arc::new(audio))));
    let bench = dollars("1", PRICES, always(answer));
    bench.ask(whole(500)).unwrap();
    let line = bench.entries().remove(0).lines.remove(0);
    assert_eq!((line.cost, line.charged), (None, 1_007_000));
    assert_eq!(bench.sums(), (1_007_000, 0, 0));
}

#[test]
fn w5_unknown_zero_and_known_costs_are_three_things_in_the_ledger() {
    let json = |cost: Option<i64>| serde_json::to_value(cost.map(Money::from_nanos)).unwrap();
    assert_eq!((json(None), json(Some(0)), json(Some(5))), (serde_json::Value::Null, 0.into(), 5.into()));
}

#[test]
fn a_shipped_price_needs_no_telling() {
    let bench = dollars("0.01", r#""soft": null"#, always(answer(41, 63)));
    let mut request = whole(100);
    request.model = Some("openai/gpt-4o-mini".into());
    bench.ask(request).unwrap();
    // 41 tokens at $0.15 and 63 at $0.60 a million.
    assert_eq!(bench.sums().0, 41 * 150 + 63 * 600);
}
