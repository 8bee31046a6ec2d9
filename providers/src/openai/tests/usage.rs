//! Levelled usage.

use belvedere_core::usage::{Class, Usage};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::usage::read;

fn usage(value: &Value) -> Usage {
    read(value.as_object().unwrap().clone()).unwrap()
}

/// The classes as JSON, to be compared as a whole.
fn classes(value: &Value) -> Value {
    let usage = usage(value);
    assert!(usage.adds_up(), "{usage:?}");
    json!(usage.classes)
}

#[test]
fn parts_are_taken_out_of_their_whole() {
    let counters = json!({ "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": { "cached_tokens": 60, "audio_tokens": 10, "image_tokens": 5, "cache_write_tokens": 20 },
        "completion_tokens_details": { "reasoning_tokens": 30, "audio_tokens": 4 } });
    assert_eq!(
        classes(&counters),
        json!({ "cache_read": 60, "cache_write_5m": 20, "audio_input": 10, "image_input": 5, "input": 5,
                "reasoning": 30, "audio_output": 4, "output": 16 })
    );
}

#[test]
fn xai_counts_thinking_beside_the_completion() {
    let counters = json!({ "prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 241,
        "prompt_tokens_details": { "cached_tokens": 2 }, "completion_tokens_details": { "reasoning_tokens": 228 } });
    assert_eq!(classes(&counters), json!({ "cache_read": 2, "input": 10, "reasoning": 228, "output": 1 }));
    let without_total = json!({ "prompt_tokens": 12, "completion_tokens": 1,
        "completion_tokens_details": { "reasoning_tokens": 228 } });
    assert_eq!(classes(&without_total), json!({ "input": 12, "reasoning": 228, "output": 1 }));
}

#[test]
fn caches_may_stand_beside_the_prompt() {
    let counters = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
        "cache_read_input_tokens": 70, "cache_creation_input_tokens": 30,
        "cache_creation": { "ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20 } });
    assert_eq!(
        classes(&counters),
        json!({ "cache_read": 70, "cache_write_1h": 20, "cache_write_5m": 10, "input": 10, "output": 5 })
    );
}

#[test]
fn a_part_larger_than_its_whole_is_cut_to_it() {
    let counters = json!({ "prompt_tokens": 293, "completion_tokens": 58, "total_tokens": 351,
        "prompt_tokens_details": { "cached_tokens": 387, "text_tokens": 293 } });
    assert_eq!(classes(&counters), json!({ "cache_read": 293, "input": 0, "output": 58 }));
    let apart = json!({ "prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196,
        "reasoning_tokens": 73997, "num_search_queries": 18 });
    assert_eq!(classes(&apart), json!({ "input": 33, "output": 7163, "web_search_calls": 18 }));
}

#[test]
fn absent_and_zero_differ_and_other_names_are_known() {
    let bare = usage(&json!({ "prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3 }));
    assert_eq!((bare.get(&Class::Output), bare.get(&Class::CacheRead)), (Some(0), None));
    assert_eq!(read(serde_json::Map::new()), None);
    for cached in ["cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens", "cache_read_input_tokens"]
    {
        let counters = json!({ "prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, cached: 4 });
        assert_eq!(usage(&counters).get(&Class::CacheRead), Some(4), "{cached}");
    }
    let odd = usage(&json!({ "prompt_tokens": 3.0, "completion_tokens": -1, "total_tokens": "x" }));
    assert_eq!((odd.get(&Class::Input), odd.get(&Class::Output)), (Some(3), None));
}

#[test]
fn a_total_nothing_explains_is_told_and_not_explained_away() {
    let counters = json!({ "prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109 });
    assert!(!usage(&counters).adds_up());
}

proptest! {
    #[test]
    fn classes_add_up_whatever_the_parts(
        prompt in 0u64..1000, completion in 0u64..1000, parts in prop::array::uniform6(0u64..2000),
    ) {
        let [cached, written, audio, image, thinking, spoken] = parts;
        let counters = json!({ "prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": { "cached_tokens": cached, "cache_write_tokens": written,
                                       "audio_tokens": audio, "image_tokens": image },
            "completion_tokens_details": { "reasoning_tokens": thinking, "audio_tokens": spoken } });
        let usage = usage(&counters);
        prop_assert_eq!(usage.total_tokens(), Some(prompt + completion));
    }
}
