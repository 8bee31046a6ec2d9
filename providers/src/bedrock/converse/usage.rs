//! Converse's token counts. They are disjoint on the wire: cached input is no part of `inputTokens`
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>).

use belvedere_core::usage::{Class, Reported, Usage};
use serde_json::{Map, Value, json};

/// The counts in disjoint classes, beside the provider's own.
pub(super) fn level(counts: Map<String, Value>) -> Usage {
    let count = |key: &str| counts.get(key).and_then(Value::as_u64);
    let written = count("cacheWriteInputTokens");
    let hour = written_for_an_hour(&counts).map(|hour| hour.min(written.unwrap_or(hour)));
    let mut reported = Reported::default();
    reported.input_tokens = count("inputTokens");
    reported.output_tokens = count("outputTokens");
    reported.cache_read_tokens = count("cacheReadInputTokens");
    reported.cache_write_tokens = written;
    reported.total_tokens = count("totalTokens");

    let mut usage = Usage::default();
    usage.set(Class::Input, reported.input_tokens);
    usage.set(Class::Output, reported.output_tokens);
    usage.set(Class::CacheRead, reported.cache_read_tokens);
    usage.set(Class::CacheWrite1h, hour);
    usage.set(Class::CacheWrite5m, written.map(|sum| sum.saturating_sub(hour.unwrap_or(0))));
    if reported != Reported::default() {
        usage.reported = Some(reported);
    }
    usage.raw = counts;
    usage
}

/// The part of what was written to the cache that lives for an hour; `None` when nothing is said of lifetimes.
fn written_for_an_hour(counts: &Map<String, Value>) -> Option<u64> {
    let details = counts.get("cacheDetails")?.as_array()?;
    let hour = details.iter().filter(|detail| detail.get("ttl").and_then(Value::as_str) == Some("1h"));
    hour.filter_map(|detail| detail.get("inputTokens")?.as_u64()).reduce(u64::saturating_add)
}

/// The counts as the wire has them: the provider's own where they are this wire's.
pub(super) fn counts(usage: &Usage) -> Value {
    if usage.raw.contains_key("inputTokens") {
        return Value::Object(usage.raw.clone());
    }
    let cached: Vec<u64> = [Class::CacheRead, Class::CacheWrite5m, Class::CacheWrite1h]
        .iter()
        .map(|class| usage.get(class).unwrap_or(0))
        .collect();
    let cached_sum = cached.iter().copied().fold(0, u64::saturating_add);
    let input = usage.input_tokens().unwrap_or(0).saturating_sub(cached_sum);
    let mut counts = json!({
        "inputTokens": input,
        "outputTokens": usage.output_tokens().unwrap_or(0),
        "totalTokens": usage.total_tokens().unwrap_or(0),
    });
    if let (Some(map), [read, minutes, hour]) = (counts.as_object_mut(), &cached[..]) {
        if usage.get(&Class::CacheRead).is_some() {
            map.insert("cacheReadInputTokens".into(), (*read).into());
        }
        if usage.get(&Class::CacheWrite5m).or(usage.get(&Class::CacheWrite1h)).is_some() {
            map.insert("cacheWriteInputTokens".into(), minutes.saturating_add(*hour).into());
        }
        if usage.get(&Class::CacheWrite1h).is_some() {
            map.insert("cacheDetails".into(), json!([{"inputTokens": hour, "ttl": "1h"}]));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: Value) -> Usage {
        level(value.as_object().unwrap().clone())
    }

    #[test]
    fn classes_are_disjoint_and_add_up() {
        let usage = of(json!({
            "inputTokens": 3, "outputTokens": 227, "totalTokens": 1952, "cacheReadInputTokens": 10,
            "cacheWriteInputTokens": 1712, "serverToolUsage": {},
            "cacheDetails": [{"inputTokens": 1000, "ttl": "1h"}, {"inputTokens": 712, "ttl": "5m"}]
        }));
        let class = |class: &Class| usage.get(class);
        assert_eq!((class(&Class::Input), class(&Class::Output)), (Some(3), Some(227)));
        assert_eq!((class(&Class::CacheWrite1h), class(&Class::CacheWrite5m)), (Some(1000), Some(712)));
        assert_eq!(class(&Class::CacheRead), Some(10));
        assert!(usage.adds_up());
    }

    #[test]
    fn absent_is_unknown_and_another_type_is_absent() {
        let usage = of(json!({"inputTokens": 0, "outputTokens": "7", "cacheWriteInputTokens": null}));
        assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(0), None));
        assert_eq!(usage.get(&Class::CacheWrite5m), None);
        assert_eq!(of(json!({})).reported, None);
    }

    #[test]
    fn another_wires_usage_is_written_in_this_wires_words() {
        let mut usage = Usage::default();
        usage.set(Class::Input, Some(5));
        usage.set(Class::Output, Some(7));
        usage.set(Class::Reasoning, Some(2));
        usage.set(Class::CacheRead, Some(4));
        usage.set(Class::CacheWrite1h, Some(3));
        let written = counts(&usage);
        assert_eq!(
            written,
            json!({
                "inputTokens": 5, "outputTokens": 9, "totalTokens": 21, "cacheReadInputTokens": 4,
                "cacheWriteInputTokens": 3, "cacheDetails": [{"inputTokens": 3, "ttl": "1h"}]
            })
        );
        assert_eq!(of(written).total_tokens(), Some(21));
    }
}
