//! The wire's token counts: those of chat under other names, and what only this wire tells.

use belvedere_core::usage::{Class, Usage};
use serde_json::{Map, Value};

use crate::openai::usage;

/// The usage an object stands for; `None` for an empty one. `searches` is the number of web searches in the answer:
/// OpenAI bills them and does not count them; xAI counts them itself.
pub(super) fn read(raw: Map<String, Value>, searches: u64) -> Option<Usage> {
    let mut usage = usage::read(raw)?;
    let inner = |object: &str, key: &str| usage.raw.get(object)?.get(key)?.as_u64();
    let written = inner("input_tokens_details", "cache_write_tokens");
    let counted = inner("server_side_tool_usage_details", "web_search_calls");
    if let Some(reported) = &mut usage.reported {
        reported.cache_write_tokens = written;
    }
    usage.set(Class::WebSearchCalls, counted.or((searches > 0).then_some(searches)));
    Some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value, searches: u64) -> Usage {
        read(value.as_object().cloned().unwrap(), searches).unwrap()
    }

    #[test]
    fn classes_are_disjoint_and_add_up() {
        let usage = of(
            json!({
                "input_tokens": 100, "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
                "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 150
            }),
            2,
        );
        let class = |class: &Class| usage.get(class);
        assert_eq!((class(&Class::Input), class(&Class::CacheRead)), (Some(50), Some(30)));
        assert_eq!((class(&Class::CacheWrite5m), class(&Class::WebSearchCalls)), (Some(20), Some(2)));
        assert_eq!((class(&Class::Output), class(&Class::Reasoning)), (Some(10), Some(40)));
        assert_eq!(usage.reported.unwrap().cache_write_tokens, Some(20));
        assert!(usage.adds_up());
    }

    #[test]
    fn the_servers_own_count_of_searches_wins() {
        let counts = json!({"input_tokens": 1, "server_side_tool_usage_details": {"web_search_calls": 3}});
        assert_eq!(of(counts, 2).get(&Class::WebSearchCalls), Some(3));
        assert_eq!(of(json!({"input_tokens": 1}), 0).get(&Class::WebSearchCalls), None);
    }
}
