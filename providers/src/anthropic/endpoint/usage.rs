//! Usage in the wire's counters.

use belvedere_core::usage::{Class, Usage};
use serde_json::{Map, Value, json};

use super::super::usage::level;

/// The usage object. The provider's own goes out when it is one of this wire; else it is made of the classes.
///
/// The clients ask for both totals. What is unknown counts as 0 there, and classes the wire has no counter for are
/// part of them.
pub(super) fn usage(usage: Option<&Usage>) -> Value {
    let Some(usage) = usage else { return json!({ "input_tokens": 0, "output_tokens": 0 }) };
    let counted = ["input_tokens", "output_tokens"].iter().all(|name| usage.raw.contains_key(*name));
    if counted && level(&usage.raw).classes == usage.classes {
        return Value::Object(usage.raw.clone());
    }
    let count = |class: Class| usage.get(&class);
    let [read, minutes, hour] = [Class::CacheRead, Class::CacheWrite5m, Class::CacheWrite1h].map(count);
    let cached = [read, minutes, hour].into_iter().flatten().fold(0, u64::saturating_add);
    let written = minutes.or(hour).map(|_| minutes.unwrap_or(0).saturating_add(hour.unwrap_or(0)));
    let mut all = object([
        ("input_tokens", Some(usage.input_tokens().unwrap_or(0).saturating_sub(cached))),
        ("cache_read_input_tokens", read),
        ("cache_creation_input_tokens", written),
        ("output_tokens", Some(usage.output_tokens().unwrap_or(0))),
    ]);
    let inner = [
        (
            "cache_creation",
            object([
                ("ephemeral_1h_input_tokens", hour),
                ("ephemeral_5m_input_tokens", hour.map(|_| minutes.unwrap_or(0))),
            ]),
        ),
        ("output_tokens_details", object([("thinking_tokens", count(Class::Reasoning))])),
        ("server_tool_use", object([("web_search_requests", count(Class::WebSearchCalls))])),
    ];
    let inner = inner.into_iter().filter(|(_, counts)| !counts.is_empty());
    all.extend(inner.map(|(name, counts)| (name.to_owned(), Value::Object(counts))));
    Value::Object(all)
}

fn object<const N: usize>(counts: [(&str, Option<u64>); N]) -> Map<String, Value> {
    counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), json!(count?)))).collect()
}
