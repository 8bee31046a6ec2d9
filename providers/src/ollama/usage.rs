//! Ollama's counters.

use std::collections::BTreeMap;

use belvedere_core::usage::{Class, Reported, Usage};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The usage that an answer, or its last line, tells; `None` when it tells nothing.
///
/// A server that has the prompt in its cache leaves `prompt_eval_count` out: then what was read is unknown. Thinking
/// is part of `eval_count`, and nothing tells how much of it.
pub(super) fn of(answer: &str) -> Option<Usage> {
    let is_counter = |name: &str| name.ends_with("_count") || name.ends_with("_duration");
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(answer).ok()?;
    let raw: Map<String, Value> = fields
        .into_iter()
        .filter(|(name, _)| is_counter(name))
        .filter_map(|(name, value)| Some((name, serde_json::from_str(value.get()).ok()?)))
        .filter(|(_, value): &(String, Value)| value.is_number())
        .collect();
    if raw.is_empty() {
        return None;
    }
    let count = |name: &str| raw.get(name).and_then(Value::as_u64);
    let mut reported = Reported::default();
    reported.input_tokens = count("prompt_eval_count");
    reported.output_tokens = count("eval_count");
    let mut usage = Usage::default();
    usage.set(Class::Input, reported.input_tokens);
    usage.set(Class::Output, reported.output_tokens);
    usage.reported = (reported != Reported::default()).then_some(reported);
    usage.raw = raw;
    Some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cached_prompt_is_unknown_and_not_zero() {
        let of = |value: Value| of(&value.to_string());
        let usage = of(json!({"eval_count": 58, "total_duration": 9, "model": "m"})).unwrap();
        assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (None, Some(58)));
        assert_eq!(usage.reported.unwrap().input_tokens, None);
        assert_eq!(json!(usage.raw), json!({"eval_count": 58, "total_duration": 9}));
        assert_eq!(of(json!({"done": true, "eval_count": null})), None);
    }
}
