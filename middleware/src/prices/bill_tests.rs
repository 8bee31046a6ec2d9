use belvedere_core::usage::Reported;
use serde_json::json;

use super::*;
use crate::prices::{Above, PerMillion};

fn dollars(text: &str) -> Option<PerMillion> {
    PerMillion::parse(text)
}

/// Claude Sonnet 4.5 as Anthropic lists it.
fn sonnet() -> ModelPrice {
    let long = ModelPrice {
        input: dollars("6"),
        output: dollars("22.5"),
        cache_read: dollars("0.6"),
        cache_write_5m: dollars("7.5"),
        ..ModelPrice::default()
    };
    ModelPrice {
        input: dollars("3"),
        output: dollars("15"),
        cache_read: dollars("0.3"),
        cache_write_5m: dollars("3.75"),
        above: [(Above(200_000), long)].into(),
        max_output: Some(64_000),
        ..ModelPrice::default()
    }
}

fn usage(counts: &[(Class, u64)]) -> Usage {
    let mut usage = Usage::default();
    for (class, count) in counts {
        usage.set(class.clone(), Some(*count));
    }
    usage
}

fn cost(price: &ModelPrice, counts: &[(Class, u64)]) -> Option<String> {
    price.cost(&usage(counts)).map(|money| money.to_string())
}

#[test]
fn p1_cached_tokens_are_billed_once() {
    // 100,000 tokens of prompt, 90,000 of them from the cache: not 100,000 at full price and 90,000 more.
    let counts = [(Class::Input, 10_000), (Class::CacheRead, 90_000), (Class::Output, 1_000)];
    assert_eq!(cost(&sonnet(), &counts).as_deref(), Some("$0.072"));
    let counts = [(Class::Input, 100), (Class::CacheWrite5m, 20_000), (Class::Output, 0)];
    assert_eq!(cost(&sonnet(), &counts).as_deref(), Some("$0.0753"));
}

#[test]
fn p2_a_cost_is_of_the_levelled_classes_and_not_of_the_providers_counters() {
    let mut usage = usage(&[(Class::Input, 10), (Class::CacheRead, 90)]);
    let levelled = sonnet().cost(&usage);
    let mut reported = Reported::default();
    (reported.input_tokens, reported.cache_read_tokens) = (Some(100), Some(90));
    usage.reported = Some(reported);
    assert_eq!(sonnet().cost(&usage), levelled);
    assert_eq!(levelled.unwrap().to_string(), "$0.000057");
}

#[test]
fn p3_a_long_prompt_changes_every_price() {
    // At the threshold the usual prices hold; one token more, cached or not, and all of them change.
    let at = [(Class::Input, 50_000), (Class::CacheRead, 150_000), (Class::Output, 1_000)];
    assert_eq!(cost(&sonnet(), &at).as_deref(), Some("$0.21"));
    let over = [(Class::Input, 50_001), (Class::CacheRead, 150_000), (Class::Output, 1_000)];
    assert_eq!(cost(&sonnet(), &over).as_deref(), Some("$0.412506"));
    let cached = [(Class::Input, 50_000), (Class::CacheRead, 150_001), (Class::Output, 1_000)];
    assert_eq!(cost(&sonnet(), &cached).as_deref(), Some("$0.4125006"));
    // A class that the long list leaves out keeps its price; the highest threshold below the prompt counts.
    let mut price = ModelPrice { input: dollars("1"), output: dollars("2"), ..ModelPrice::default() };
    price.above.insert(Above(100), ModelPrice { input: dollars("3"), ..ModelPrice::default() });
    price.above.insert(Above(1_000), ModelPrice { input: dollars("5"), ..ModelPrice::default() });
    let counts = |input| [(Class::Input, input), (Class::Output, 1_000_000)];
    assert_eq!(cost(&price, &counts(100)).as_deref(), Some("$2.0001"));
    assert_eq!(cost(&price, &counts(1_000)).as_deref(), Some("$2.003"));
    assert_eq!(cost(&price, &counts(1_001)).as_deref(), Some("$2.005005"));
}

#[test]
fn p4_prices_counts_and_money_are_types_of_their_own() {
    // That a price can't be taken off a count is the `compile_fail` example of `ModelPrice`. Here: a line is exact, and
    // rounded once.
    let price = ModelPrice { input: dollars("0.0004"), ..ModelPrice::default() };
    assert_eq!(price.cost(&usage(&[(Class::Input, 1)])), Some(Money::from_nanos(0)));
    let three = [(Class::Input, 1), (Class::ToolPrompt, 1), (Class::ImageInput, 1)];
    assert_eq!(price.cost(&usage(&three)), Some(Money::from_nanos(1)), "1.2 nano-dollars");
}

#[test]
fn p5_what_has_no_price_is_unknown_and_not_free() {
    assert_eq!(ModelPrice::default().cost(&usage(&[(Class::Input, 1)])), None);
    assert_eq!(cost(&sonnet(), &[(Class::Input, 1), (Class::AudioInput, 1)]), None);
    assert_eq!(cost(&sonnet(), &[(Class::Input, 1), (Class::CacheWrite1h, 1)]), None);
    assert_eq!(cost(&sonnet(), &[(Class::Other("scent_output".into()), 1)]), None);
    // A class that was not used needs no price.
    assert_eq!(cost(&sonnet(), &[(Class::Input, 1_000), (Class::AudioInput, 0)]).as_deref(), Some("$0.003"));
    // Free is a price.
    let free = ModelPrice { input: dollars("0"), output: dollars("0"), ..ModelPrice::default() };
    assert_eq!(cost(&free, &[(Class::Input, 5), (Class::Output, 5)]).as_deref(), Some("$0.00"));
}

#[test]
fn q3_absent_zero_and_known_costs_are_three_things() {
    assert_eq!(sonnet().cost(&Usage::default()), None, "nothing was counted");
    let mut reported = Usage::default();
    reported.raw.insert("cost".into(), json!(0));
    assert_eq!(sonnet().cost(&reported), None, "a provider's `cost: 0` is not taken for a count");
    assert_eq!(sonnet().cost(&usage(&[(Class::Input, 0), (Class::Output, 0)])), Some(Money::ZERO));
    assert_eq!(cost(&sonnet(), &[(Class::Input, 1)]).as_deref(), Some("$0.000003"));
}

#[test]
fn q16_an_explicit_zero_stands() {
    // A stated price of zero is not replaced by the one it falls back on.
    let price = ModelPrice { reasoning: dollars("0"), cache_read: dollars("0"), ..sonnet() };
    assert_eq!(cost(&price, &[(Class::Reasoning, 10), (Class::CacheRead, 10)]).as_deref(), Some("$0.00"));
    assert_eq!(cost(&price, &[(Class::Output, 0), (Class::Input, 0)]).as_deref(), Some("$0.00"));
}

#[test]
fn classes_without_a_price_cost_what_they_are_billed_as() {
    let price = ModelPrice { input: dollars("1"), output: dollars("2"), ..ModelPrice::default() };
    for class in [Class::CacheRead, Class::ImageInput, Class::VideoInput, Class::ToolPrompt] {
        assert_eq!(cost(&price, &[(class.clone(), 1_000_000)]).as_deref(), Some("$1.00"), "{class:?}");
    }
    assert_eq!(cost(&price, &[(Class::Reasoning, 1_000_000)]).as_deref(), Some("$2.00"));
    for class in
        [Class::CacheWrite5m, Class::CacheWrite1h, Class::AudioInput, Class::AudioOutput, Class::ImageOutput]
    {
        assert_eq!(cost(&price, &[(class.clone(), 1)]), None, "{class:?}");
    }
}

#[test]
fn calls_of_tools_are_billed_where_they_have_a_price() {
    let counts = [(Class::Input, 1_000), (Class::WebSearchCalls, 3)];
    assert_eq!(cost(&sonnet(), &counts).as_deref(), Some("$0.003"));
    let price = ModelPrice { web_search_calls: dollars("10000"), ..sonnet() };
    assert_eq!(cost(&price, &counts).as_deref(), Some("$0.033"));
}

#[test]
fn another_service_tier_has_its_own_prices_or_none() {
    let batch = ModelPrice { input: dollars("1.5"), output: dollars("7.5"), ..ModelPrice::default() };
    let price = ModelPrice { services: [("batch".to_owned(), batch)].into(), ..sonnet() };
    let at = |key: &str, tier: &str, counts: &[(Class, u64)]| {
        let mut usage = usage(counts);
        usage.raw.insert(key.into(), json!(tier));
        price.cost(&usage).map(|money| money.to_string())
    };
    let counts = [(Class::Input, 1_000_000), (Class::Output, 1_000_000)];
    assert_eq!(at("service_tier", "standard", &counts).as_deref(), Some("$28.50"), "above 200,000");
    assert_eq!(at("service_tier", "batch", &counts).as_deref(), Some("$9.00"));
    assert_eq!(at("serviceTier", "priority", &counts), None);
    assert_eq!(at("service_tier", "batch", &[(Class::CacheWrite5m, 1)]), None);
}

#[test]
fn an_estimate_is_an_interval_around_the_cost() {
    let estimate = sonnet().estimate(1_000, Some(500)).unwrap();
    assert_eq!(estimate.low.to_string(), "$0.0003");
    assert_eq!(estimate.high.unwrap().to_string(), "$0.01125");
    for counts in [
        [(Class::Input, 1_000), (Class::Output, 500)],
        [(Class::CacheRead, 1_000), (Class::Output, 0)],
        [(Class::CacheWrite5m, 1_000), (Class::Reasoning, 500)],
    ] {
        let cost = sonnet().cost(&usage(&counts)).unwrap();
        assert!(estimate.low <= cost && cost <= estimate.high.unwrap(), "{counts:?}: {cost}");
    }
    // Without a limit the model's own counts, and where it has none, nothing bounds the answer.
    assert_eq!(sonnet().upper(0, None).unwrap().to_string(), "$0.96");
    assert_eq!(sonnet().upper(0, Some(1_000_000)).unwrap().to_string(), "$0.96");
    let endless = ModelPrice { max_output: None, ..sonnet() };
    assert_eq!(endless.estimate(1_000, None).unwrap().high, None);
    assert_eq!(sonnet().upper(200_001, Some(1_000)).unwrap().to_string(), "$1.5225075", "a long prompt");
    let embedding = ModelPrice { input: dollars("0.02"), output: dollars("0"), ..ModelPrice::default() };
    assert_eq!(embedding.upper(1_000, None).unwrap().to_string(), "$0.00002");
    let unknown = ModelPrice { input: dollars("1"), ..ModelPrice::default() };
    assert_eq!(unknown.upper(1_000, Some(10)), None);
    assert_eq!(ModelPrice::default().estimate(1, Some(1)), None);
}
