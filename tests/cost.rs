//! Costs of recorded usages, beside those that were computed elsewhere.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/cost/row.rs"]
mod row;

use std::path::Path;

use belvedere::usage::{Money, Price};
use row::Row;
use serde_json::{Value, json};

/// A row whose prices are not those its cost was computed with: they changed between the two. The shipped table has the
/// others, and gives the cost of the row.
const OTHER_PRICES: &str = "cost-dev-0075";

#[test]
fn p1_p2_p3_recorded_usages_cost_what_others_computed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/cost/usages.jsonl");
    let Ok(lines) = std::fs::read_to_string(file) else {
        println!("skipped: there are no recordings beside the checkout");
        return;
    };
    let (mut priced, mut unknown) = (0, 0);
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let read = Row::read(line).unwrap();
        let cost = read.usd().unwrap();
        if read.id == OTHER_PRICES {
            assert_eq!(cost.as_deref(), Some("0.0102225"));
            let mut listed = row.clone();
            listed["prices_usd_per_mtok"] = Value::Null;
            assert_eq!(Row::read(&listed.to_string()).unwrap().usd().unwrap().as_deref(), Some("0.006815"));
        } else if row["prices_usd_per_mtok"].as_object().is_some_and(|prices| !prices.is_empty()) {
            let expected = picos(&row["expected_input_usd"]) + picos(&row["expected_output_usd"]);
            assert_eq!(cost.map(|usd| picos(&usd.into())), Some(expected), "{line}");
            priced += 1;
        } else {
            // Nobody states a price: no guess is made.
            assert_eq!(cost, None, "{line}");
            unknown += 1;
        }
    }
    println!("{priced} of {priced} rows with known prices cost the same, {unknown} have no price");
    assert!(priced >= 130, "{priced}");
}

/// A decimal in dollars, `0.000098` or `6E-7`, in pico-dollars.
fn picos(usd: &Value) -> u64 {
    let text = usd.as_str().unwrap();
    let (digits, exponent) = text.split_once('E').unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let zeros = 12 + exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len()).unwrap();
    format!("{whole}{fraction}{}", "0".repeat(usize::try_from(zeros).unwrap())).parse().unwrap()
}

fn usd(row: Value) -> Result<Option<String>, String> {
    Row::read(&row.to_string())?.usd()
}

fn chat(model: &str, usage: Value) -> Value {
    json!({"id": 1, "provider": "openai", "api_flavor": "chat", "model": model, "usage": usage})
}

#[test]
fn q3_a_row_without_a_known_price_is_unknown_and_not_free() {
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100});
    assert_eq!(usd(chat("gpt-4o", usage.clone())), Ok(Some("0.0035".to_owned())));
    assert_eq!(usd(chat("gpt-nonesuch", usage.clone())), Ok(None));
    let mut free = chat("gpt-nonesuch", usage);
    free["prices_usd_per_mtok"] = json!({"input_mtok": 0, "output_mtok": 0});
    assert_eq!(usd(free), Ok(Some("0.00".to_owned())));
    let nothing = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
    assert_eq!(usd(chat("gpt-4o", nothing)), Ok(Some("0.00".to_owned())));
}

#[test]
fn a_fault_names_the_field() {
    let usage = json!({"prompt_tokens": 1});
    let mut row = chat("gpt-4o", usage);
    row["prices_usd_per_mtok"] = json!({"input_mtok": "cheap"});
    let fault = usd(row.clone()).unwrap_err();
    assert!(fault.starts_with("prices_usd_per_mtok.input_mtok: "), "{fault}");
    row["usage"] = json!(7);
    row["prices_usd_per_mtok"] = Value::Null;
    assert_eq!(usd(row.clone()).unwrap_err(), "usage: an object is needed");
    row["model"] = Value::Null;
    assert_eq!(usd(row).unwrap_err(), "model: a text is needed");
}

#[test]
fn the_exact_cost_is_rounded_once() {
    let line = Price::from_picos(400).of(3);
    assert_eq!((line.to_string().as_str(), line.round()), ("$0.0000000012", Money::from_nanos(1)));
}
