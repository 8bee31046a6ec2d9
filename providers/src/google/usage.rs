//! Levels Google's token counts into disjoint classes.

use belvedere_core::usage::{Class, Reported, Usage};
use serde_json::{Map, Value};

/// The counts in disjoint classes, beside the provider's own.
///
/// Cached tokens are counted inside the prompt; thinking and what the provider's own tools read are counted beside
/// prompt and candidates (<https://ai.google.dev/api/generate-content#UsageMetadata>). Where a server counts
/// otherwise, its total tells. A part that is larger than its whole is cut to it.
pub(super) fn level(raw: Map<String, Value>) -> Usage {
    let count = |name: &str| raw.get(name).and_then(Value::as_u64);
    let (prompt, candidates) = (count("promptTokenCount"), count("candidatesTokenCount"));
    let (cached, total) = (count("cachedContentTokenCount"), count("totalTokenCount"));
    let (thoughts, tools) = (count("thoughtsTokenCount"), count("toolUsePromptTokenCount"));
    let mut usage = Usage::default();
    let (prompt_by, cached_by) = (Modalities::of(&raw, PROMPT), Modalities::of(&raw, CACHED));
    if let Some(prompt) = prompt {
        let mut rest = prompt;
        usage.set(Class::CacheRead, take(&mut rest, cached));
        for (modality, class) in
            [("AUDIO", Class::AudioInput), ("IMAGE", Class::ImageInput), ("VIDEO", Class::VideoInput)]
        {
            let fresh =
                prompt_by.get(modality).map(|n| n.saturating_sub(cached_by.get(modality).unwrap_or(0)));
            usage.set(class, take(&mut rest, fresh));
        }
        usage.set(Class::Input, Some(rest));
    }
    let beside = Beside::find(prompt, candidates, thoughts, tools, total);
    let mut rest = candidates.unwrap_or(0);
    match beside.thoughts {
        true => usage.set(Class::Reasoning, thoughts),
        false => usage.set(Class::Reasoning, take(&mut rest, thoughts)),
    }
    if candidates.is_some() {
        let by = Modalities::of(&raw, CANDIDATES);
        usage.set(Class::AudioOutput, take(&mut rest, by.get("AUDIO")));
        usage.set(Class::ImageOutput, take(&mut rest, by.get("IMAGE")));
        usage.set(Class::Other("video_output".into()), take(&mut rest, by.get("VIDEO")));
        usage.set(Class::Output, Some(rest));
    }
    usage.set(Class::ToolPrompt, tools.filter(|_| beside.tools));
    let mut reported = Reported::default();
    reported.input_tokens = prompt;
    reported.output_tokens = candidates;
    reported.cache_read_tokens = cached;
    reported.reasoning_tokens = thoughts;
    reported.total_tokens = total;
    usage.reported = Some(reported);
    usage.raw = raw;
    usage
}

const PROMPT: &[&str] = &["promptTokensDetails", "promptTokenDetails"];
const CACHED: &[&str] = &["cacheTokensDetails"];
const CANDIDATES: &[&str] = &["candidatesTokensDetails", "responseTokensDetails"];

/// What the total counts beside prompt and candidates.
struct Beside {
    thoughts: bool,
    tools: bool,
}

impl Beside {
    /// The reading under which the counters add up to the total; the documented one when none does.
    fn find(
        prompt: Option<u64>,
        candidates: Option<u64>,
        thoughts: Option<u64>,
        tools: Option<u64>,
        total: Option<u64>,
    ) -> Self {
        let count = |n: Option<u64>| n.unwrap_or(0);
        let outside =
            total.and_then(|total| total.checked_sub(count(prompt).saturating_add(count(candidates))));
        let readings = [(true, true), (true, false), (false, true), (false, false)];
        let fits = |(t, p): &(bool, bool)| {
            let thoughts = u64::from(*t).saturating_mul(count(thoughts));
            outside == Some(thoughts.saturating_add(u64::from(*p).saturating_mul(count(tools))))
        };
        let (thoughts, tools) = readings.into_iter().find(fits).unwrap_or((true, true));
        Beside { thoughts, tools }
    }
}

/// Counts by modality.
struct Modalities<'a>(&'a [Value]);

impl<'a> Modalities<'a> {
    fn of(raw: &'a Map<String, Value>, names: &[&str]) -> Self {
        let list = names.iter().find_map(|name| raw.get(*name)?.as_array());
        Modalities(list.map(Vec::as_slice).unwrap_or_default())
    }

    fn get(&self, modality: &str) -> Option<u64> {
        let of = |item: &&Value| item.get("modality").and_then(Value::as_str) == Some(modality);
        self.0.iter().find(of)?.get("tokenCount")?.as_u64()
    }
}

/// Takes a part out of what is left; never more than there is.
fn take(rest: &mut u64, part: Option<u64>) -> Option<u64> {
    let part = part?.min(*rest);
    *rest -= part;
    Some(part)
}

/// The counts on the wire, the mirror of [`level`]: as they came where they are Google's, else from the classes.
pub(super) fn write(usage: &Usage) -> Map<String, Value> {
    if usage.raw.contains_key("promptTokenCount") || usage.raw.contains_key("totalTokenCount") {
        return usage.raw.clone();
    }
    let class = |class: Class| usage.get(&class);
    let without = |sum: Option<u64>, part: Option<u64>| Some(sum?.saturating_sub(part.unwrap_or(0)));
    let (thoughts, tools) = (class(Class::Reasoning), class(Class::ToolPrompt));
    let mut raw = Map::new();
    let mut put = |name: &str, count: Option<u64>| raw.extend(count.map(|n| (name.to_owned(), n.into())));
    put("promptTokenCount", without(usage.input_tokens(), tools));
    put("cachedContentTokenCount", class(Class::CacheRead));
    put("candidatesTokenCount", without(usage.output_tokens(), thoughts));
    put("thoughtsTokenCount", thoughts);
    put("toolUsePromptTokenCount", tools);
    put("totalTokenCount", usage.total_tokens());
    let details = |classes: &[(&str, Class)]| -> Option<Value> {
        let told = classes.iter().filter_map(|(modality, class)| {
            let count = usage.get(class).filter(|n| *n > 0)?;
            Some(serde_json::json!({"modality": modality, "tokenCount": count}))
        });
        Some(told.collect::<Vec<_>>()).filter(|list| !list.is_empty()).map(Value::Array)
    };
    let input = [("AUDIO", Class::AudioInput), ("IMAGE", Class::ImageInput), ("VIDEO", Class::VideoInput)];
    let output = [("AUDIO", Class::AudioOutput), ("IMAGE", Class::ImageOutput)];
    raw.extend(details(&input).map(|list| ("promptTokensDetails".to_owned(), list)));
    raw.extend(details(&output).map(|list| ("candidatesTokensDetails".to_owned(), list)));
    raw
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Usage {
        level(value.as_object().unwrap().clone())
    }

    #[test]
    fn classes_are_disjoint_and_add_up() {
        let usage = of(json!({
            "promptTokenCount": 1000, "cachedContentTokenCount": 300, "candidatesTokenCount": 50,
            "thoughtsTokenCount": 20, "toolUsePromptTokenCount": 7, "totalTokenCount": 1077,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 100}, {"modality": "AUDIO", "tokenCount": 500},
                {"modality": "VIDEO", "tokenCount": 400}],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 300}],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 40}],
        }));
        let class = |class: Class| usage.get(&class);
        assert_eq!((class(Class::CacheRead), class(Class::AudioInput)), (Some(300), Some(200)));
        assert_eq!((class(Class::VideoInput), class(Class::Input)), (Some(400), Some(100)));
        assert_eq!((class(Class::ImageOutput), class(Class::Output)), (Some(40), Some(10)));
        assert_eq!((class(Class::Reasoning), class(Class::ToolPrompt)), (Some(20), Some(7)));
        assert!(usage.adds_up());
    }

    #[test]
    fn the_total_tells_what_is_counted_where() {
        let counts = |total: u64| {
            of(json!({"promptTokenCount": 10, "candidatesTokenCount": 8, "thoughtsTokenCount": 5,
                      "toolUsePromptTokenCount": 3, "totalTokenCount": total}))
        };
        for (total, output, tools) in [(26, 8, Some(3)), (23, 8, None), (21, 3, Some(3)), (18, 3, None)] {
            let usage = counts(total);
            assert_eq!((usage.get(&Class::Output), usage.get(&Class::ToolPrompt)), (Some(output), tools));
            assert!(usage.adds_up(), "{total}");
        }
        assert!(!counts(99).adds_up(), "a wrong total is not explained away");
    }

    #[test]
    fn absent_is_unknown_and_zero_is_zero() {
        let usage = of(json!({"promptTokenCount": 4, "candidatesTokenCount": 0, "totalTokenCount": 4}));
        assert_eq!((usage.get(&Class::Output), usage.get(&Class::Reasoning)), (Some(0), None));
        assert_eq!(of(json!({"trafficType": "ON_DEMAND"})).total_tokens(), None);
    }
}
