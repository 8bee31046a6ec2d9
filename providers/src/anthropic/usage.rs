//! Anthropic's token counts. They are disjoint on the wire already, but for thinking, which is part of the output.

use belvedere_core::usage::{Class, Reported, Usage};
use serde_json::{Map, Value};

/// Takes later counts in: they are cumulative, so each replaces the one before. Null takes nothing away.
pub(super) fn merge(counts: &mut Map<String, Value>, later: Map<String, Value>) {
    for (key, value) in later {
        if !value.is_null() || !counts.contains_key(&key) {
            counts.insert(key, value);
        }
    }
}

/// The counts in disjoint classes, beside the provider's own. What it took to compact the context is counted beside
/// the totals, and billed: <https://docs.anthropic.com/en/docs/build-with-claude/compaction>.
pub(super) fn level(counts: &Map<String, Value>) -> Usage {
    let mut usage = classes(counts);
    let entries = counts.get("iterations").and_then(Value::as_array).into_iter().flatten();
    let compactions = entries.filter(|entry| entry.get("type").is_some_and(|kind| kind == "compaction"));
    for entry in compactions.filter_map(Value::as_object) {
        for (class, count) in classes(entry).classes {
            let sum = usage.classes.entry(class).or_insert(0);
            *sum = sum.saturating_add(count);
        }
    }
    usage.raw = counts.clone();
    usage
}

fn classes(counts: &Map<String, Value>) -> Usage {
    let count = |key: &str| counts.get(key).and_then(Value::as_u64);
    let inner = |object: &str, key: &str| counts.get(object)?.get(key)?.as_u64();
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    let cache_read = count("cache_read_input_tokens");
    let hour = inner("cache_creation", "ephemeral_1h_input_tokens");
    let minutes = inner("cache_creation", "ephemeral_5m_input_tokens");
    let split = hour.or(minutes).map(|_| hour.unwrap_or(0).saturating_add(minutes.unwrap_or(0)));
    // The last event of a stream repeats the sum without its split, so the sum is what counts.
    let written = count("cache_creation_input_tokens").or(split);
    let hour = hour.map(|hour| hour.min(written.unwrap_or(0)));
    let thinking = inner("output_tokens_details", "thinking_tokens");

    let mut usage = Usage::default();
    usage.set(Class::Input, input);
    usage.set(Class::CacheRead, cache_read);
    usage.set(Class::CacheWrite1h, hour);
    usage.set(Class::CacheWrite5m, written.map(|sum| sum - hour.unwrap_or(0)));
    usage.set(Class::Output, output.map(|sum| sum.saturating_sub(thinking.unwrap_or(0))));
    usage.set(Class::Reasoning, thinking.map(|thinking| thinking.min(output.unwrap_or(thinking))));
    usage.set(Class::WebSearchCalls, inner("server_tool_use", "web_search_requests"));
    usage.set(Class::Other("web_fetch_calls".into()), inner("server_tool_use", "web_fetch_requests"));
    let mut reported = Reported::default();
    reported.input_tokens = input;
    reported.output_tokens = output;
    reported.cache_read_tokens = cache_read;
    reported.cache_write_tokens = written;
    if reported != Reported::default() {
        usage.reported = Some(reported);
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Usage {
        level(value.as_object().unwrap())
    }

    #[test]
    fn classes_are_disjoint_and_add_up_to_what_was_counted() {
        let usage = of(json!({
            "input_tokens": 28, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 1425,
            "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 425},
            "output_tokens": 13, "output_tokens_details": {"thinking_tokens": 7},
            "server_tool_use": {"web_search_requests": 2}
        }));
        let class = |class: &Class| usage.get(class);
        assert_eq!((class(&Class::Input), class(&Class::CacheRead)), (Some(28), Some(100)));
        assert_eq!((class(&Class::CacheWrite1h), class(&Class::CacheWrite5m)), (Some(1000), Some(425)));
        assert_eq!((class(&Class::Output), class(&Class::Reasoning)), (Some(6), Some(7)));
        assert_eq!(class(&Class::WebSearchCalls), Some(2));
        assert_eq!(usage.total_tokens(), Some(28 + 100 + 1425 + 13));
    }

    #[test]
    fn absent_is_unknown_and_zero_is_zero() {
        let usage = of(json!({"input_tokens": 1, "output_tokens": 0, "cache_read_input_tokens": null}));
        assert_eq!(usage.get(&Class::Output), Some(0));
        assert_eq!((usage.get(&Class::CacheRead), usage.get(&Class::Reasoning)), (None, None));
        assert_eq!(of(json!({})).reported, None);
    }

    #[test]
    fn later_counts_replace_earlier_ones() {
        let mut counts = json!({"input_tokens": 5, "output_tokens": 1}).as_object().unwrap().clone();
        merge(
            &mut counts,
            json!({"output_tokens": 9, "input_tokens": null, "x": null}).as_object().unwrap().clone(),
        );
        assert_eq!(Value::Object(counts), json!({"input_tokens": 5, "output_tokens": 9, "x": null}));
    }
}
