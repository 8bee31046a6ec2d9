//! Cohere's counters: what is billed, and what the model read and wrote.

use belvedere_core::usage::{Class, Reported, Usage};
use serde_json::{Map, Value};

/// The usage an object stands for; `None` for an empty one.
///
/// `billed_units` leaves out the preamble that Cohere adds to a prompt, `tokens` counts it in
/// (<https://docs.cohere.com/docs/how-does-cohere-pricing-work>). Classes are what is billed; where that is missing,
/// they are `tokens`, of which `cached_tokens` were read from the cache. Whether billed tokens count cached ones is
/// not documented: beside them, what the cache gave is only reported.
pub(super) fn read(raw: Map<String, Value>) -> Option<Usage> {
    if raw.is_empty() {
        return None;
    }
    let inner = |object: &str, name: &str| count(raw.get(object)?.get(name)?);
    let cached = raw.get("cached_tokens").and_then(count);
    let mut usage = Usage::default();
    // Of texts and images together, each has a count of its own.
    let billed_input = inner("billed_units", "text_tokens").or_else(|| inner("billed_units", "input_tokens"));
    match billed_input.or_else(|| inner("billed_units", "output_tokens")) {
        Some(_) => {
            usage.set(Class::Input, billed_input);
            usage.set(Class::Output, inner("billed_units", "output_tokens"));
        }
        None => {
            let input = inner("tokens", "input_tokens");
            let read = cached.map(|cached| cached.min(input.unwrap_or(cached)));
            usage.set(Class::Input, input.map(|input| input - read.unwrap_or(0)));
            usage.set(Class::CacheRead, read);
            usage.set(Class::Output, inner("tokens", "output_tokens"));
        }
    }
    usage.set(Class::ImageInput, inner("billed_units", "image_tokens"));
    for (unit, class) in [("search_units", "search_calls"), ("classifications", "classification_calls")] {
        usage.set(Class::Other(class.into()), inner("billed_units", unit));
    }
    usage.set(Class::Other("image_calls".into()), inner("billed_units", "images"));
    let first = |name| inner("tokens", name).or_else(|| inner("billed_units", name));
    let mut reported = Reported::default();
    reported.input_tokens = first("input_tokens");
    reported.output_tokens = first("output_tokens");
    reported.cache_read_tokens = cached;
    usage.reported = (reported != Reported::default()).then_some(reported);
    usage.raw = raw;
    Some(usage)
}

/// Cohere's own counters, or what another provider's come to.
pub(super) fn write(usage: &Usage) -> Map<String, Value> {
    if ["tokens", "billed_units"].iter().any(|name| usage.raw.contains_key(*name)) {
        return usage.raw.clone();
    }
    let counts = [("input_tokens", usage.input_tokens()), ("output_tokens", usage.output_tokens())];
    let tokens: Map<String, Value> =
        counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?.into()))).collect();
    let cached = usage.get(&Class::CacheRead).map(|cached| ("cached_tokens".to_owned(), cached.into()));
    let tokens = (!tokens.is_empty()).then(|| ("tokens".to_owned(), Value::Object(tokens)));
    tokens.into_iter().chain(cached).collect()
}

/// A whole number; Cohere writes some as `18.0`.
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| format!("{:.0}", value.as_f64().filter(|n| n.fract() == 0.0)?).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Option<Usage> {
        read(value.as_object().unwrap().clone())
    }

    #[test]
    fn classes_are_what_is_billed_and_tokens_what_is_reported() {
        let usage = of(json!({
            "billed_units": {"input_tokens": 18.0, "output_tokens": 6, "search_units": 1},
            "tokens": {"input_tokens": 1661, "output_tokens": 19.0}, "cached_tokens": 1600
        }));
        let usage = usage.unwrap();
        assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(18), Some(6)));
        assert_eq!(usage.get(&Class::Other("search_calls".into())), Some(1));
        assert_eq!(usage.total_tokens(), Some(24));
        let reported = usage.reported.unwrap();
        assert_eq!((reported.input_tokens, reported.output_tokens), (Some(1661), Some(19)));
        assert_eq!(reported.cache_read_tokens, Some(1600));
    }

    #[test]
    fn tokens_of_texts_and_of_images_are_not_counted_twice() {
        let billed = json!({"input_tokens": 30, "text_tokens": 10, "image_tokens": 20, "images": 1});
        let usage = of(json!({ "billed_units": billed })).unwrap();
        assert_eq!((usage.get(&Class::Input), usage.get(&Class::ImageInput)), (Some(10), Some(20)));
        assert_eq!(usage.input_tokens(), Some(30));
    }

    #[test]
    fn without_a_bill_tokens_are_levelled() {
        let usage =
            of(json!({"tokens": {"input_tokens": 10, "output_tokens": 2}, "cached_tokens": 4})).unwrap();
        assert_eq!((usage.get(&Class::Input), usage.get(&Class::CacheRead)), (Some(6), Some(4)));
        assert_eq!(usage.total_tokens(), Some(12));
        assert_eq!(of(json!({})), None);
        let odd = of(json!({"tokens": "many", "billed_units": {"input_tokens": null}})).unwrap();
        assert_eq!((odd.reported, odd.total_tokens()), (None, None));
    }
}
