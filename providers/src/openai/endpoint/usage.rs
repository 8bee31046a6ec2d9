//! Usage in the wire's counters.

use belvedere_core::usage::{Class, Usage};
use serde_json::{Map, Value, json};

use super::super::usage::read;

/// The usage object of a chat. The provider's own goes out when it is one of this wire; else it is made of the
/// classes, in the places where they are read from.
pub(super) fn chat(usage: &Usage) -> Value {
    if is_own(usage, &["prompt_tokens", "completion_tokens", "total_tokens"]) {
        return Value::Object(usage.raw.clone());
    }
    let count = |class: Class| usage.get(&class);
    let hour = count(Class::CacheWrite1h);
    let written = count(Class::CacheWrite5m)
        .or(hour)
        .map(|_| count(Class::CacheWrite5m).unwrap_or_default().saturating_add(hour.unwrap_or_default()));
    let input = object([
        ("cached_tokens", count(Class::CacheRead)),
        ("cache_write_tokens", written),
        ("audio_tokens", count(Class::AudioInput)),
        ("image_tokens", count(Class::ImageInput)),
        ("video_tokens", count(Class::VideoInput)),
    ]);
    let output = object([
        ("reasoning_tokens", count(Class::Reasoning)),
        ("audio_tokens", count(Class::AudioOutput)),
        ("image_tokens", count(Class::ImageOutput)),
    ]);
    let details = [
        ("prompt_tokens_details", input),
        ("completion_tokens_details", output),
        ("cache_creation", object([("ephemeral_1h_input_tokens", hour)])),
        ("server_tool_use", object([("web_search_requests", count(Class::WebSearchCalls))])),
    ];
    let mut all = totals(usage);
    all.insert("completion_tokens".into(), json!(usage.output_tokens().unwrap_or_default()));
    all.extend(
        details
            .into_iter()
            .filter(|(_, inner)| !inner.is_empty())
            .map(|(name, inner)| (name.to_owned(), Value::Object(inner))),
    );
    Value::Object(all)
}

/// The usage object of embeddings.
pub(super) fn embeddings(usage: &Usage) -> Value {
    match is_own(usage, &["prompt_tokens", "total_tokens"]) {
        true => Value::Object(usage.raw.clone()),
        false => Value::Object(totals(usage)),
    }
}

/// True when the provider's object has this wire's counters and says what the classes say.
fn is_own(usage: &Usage, counters: &[&str]) -> bool {
    counters.iter().all(|name| usage.raw.get(*name).is_some_and(Value::is_u64))
        && read(usage.raw.clone()).is_some_and(|read| read.classes == usage.classes)
}

/// The clients ask for these two; what is unknown counts as 0 there.
fn totals(usage: &Usage) -> Map<String, Value> {
    object([
        ("prompt_tokens", Some(usage.input_tokens().unwrap_or_default())),
        ("total_tokens", Some(usage.total_tokens().unwrap_or_default())),
    ])
}

fn object<const N: usize>(counts: [(&str, Option<u64>); N]) -> Map<String, Value> {
    counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), json!(count?)))).collect()
}
