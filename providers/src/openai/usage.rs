//! Levels the usage counters of OpenAI-compatible servers into disjoint classes.

use belvedere_core::usage::{Class, Reported, Usage};
use serde_json::{Map, Value};

/// The usage an object stands for; `None` for an empty one.
///
/// OpenAI counts cached, audio and image tokens inside `prompt_tokens`, and thinking inside `completion_tokens`
/// (API reference, "The chat completion object"). xAI counts thinking beside `completion_tokens`; only the total
/// tells which of the two it is. A part that is larger than its whole is cut to it: no class is negative and
/// none is counted twice.
pub(crate) fn read(raw: Map<String, Value>) -> Option<Usage> {
    if raw.is_empty() {
        return None;
    }
    let counters = Counters(Some(&raw));
    let prompt = counters.first(&["prompt_tokens", "input_tokens", "promptTokenCount"]);
    let completion = counters.first(&["completion_tokens", "output_tokens"]);
    let total = counters.first(&["total_tokens"]);
    let input = counters.inner(&["prompt_tokens_details", "prompt_token_details", "input_tokens_details"]);
    let output = counters.inner(&["completion_tokens_details", "output_tokens_details"]);
    let cached = input.first(&["cached_tokens"]).or_else(|| counters.first(&["cached_tokens"]));
    let cached = cached.or_else(|| counters.first(&["prompt_cache_hit_tokens"]));
    let thinking = output.first(&["reasoning_tokens"]);
    let reported = reported([prompt, completion, cached, thinking, total]);
    // Mistral's and Anthropic's names, which are not part of what is reported under common names.
    let cached = cached.or_else(|| counters.first(&["num_cached_tokens", "cache_read_input_tokens"]));
    let thinking = thinking.or_else(|| counters.first(&["reasoning_tokens"]));
    let mut usage = Usage::default();
    usage.reported = Some(reported);
    let caches = Caches { read: cached, ..Caches::of(&counters, &input) };
    let beside = Beside::find(prompt, completion, total, &caches, thinking);
    level_input(&mut usage, prompt, &caches, beside.caches, &counters, &input);
    level_output(&mut usage, completion, thinking, beside.thinking, &output);
    let tools = counters.inner(&["server_tool_use_details", "server_tool_use"]);
    let searches = tools.first(&["web_search_requests"]);
    usage.set(Class::WebSearchCalls, searches.or_else(|| counters.first(&["num_search_queries"])));
    usage.raw = raw;
    Some(usage)
}

/// The usage of embeddings. They write nothing: a total alone (Voyage) is what was read.
pub(crate) fn of_embeddings(raw: Map<String, Value>) -> Option<Usage> {
    let mut usage = read(raw)?;
    if usage.classes.is_empty() {
        usage.set(Class::Input, usage.reported.and_then(|reported| reported.total_tokens));
    }
    Some(usage)
}

/// Tokens read from a cache and written to one, as far as they are told.
#[derive(Clone, Copy, Default)]
struct Caches {
    read: Option<u64>,
    written: Option<u64>,
    /// The part of `written` that is kept for one hour.
    written_1h: Option<u64>,
}

impl Caches {
    fn of(counters: &Counters<'_>, input: &Counters<'_>) -> Self {
        let written = input.first(&["cache_write_tokens", "cache_creation_tokens"]);
        Caches {
            read: None,
            written: written.or_else(|| counters.first(&["cache_creation_input_tokens"])),
            written_1h: counters.inner(&["cache_creation"]).first(&["ephemeral_1h_input_tokens"]),
        }
    }
}

/// What is counted beside `prompt_tokens` and `completion_tokens` instead of inside them.
#[derive(Clone, Copy, Default)]
struct Beside {
    /// xAI's thinking.
    thinking: bool,
    /// Cached tokens, as gateways in front of Anthropic have them.
    caches: bool,
}

impl Beside {
    /// The reading under which the counters add up to the total. Without a total, thinking stands beside the
    /// completion when it is too large to be a part of it.
    fn find(
        prompt: Option<u64>,
        completion: Option<u64>,
        total: Option<u64>,
        caches: &Caches,
        thinking: Option<u64>,
    ) -> Self {
        let Some(total) = total else {
            let thinking = thinking.is_some_and(|n| completion.is_some_and(|c| n > c));
            return Beside { thinking, caches: false };
        };
        let outside = total.saturating_sub(sum([prompt, completion]));
        let cached = sum([caches.read, caches.written]);
        let thinking = sum([thinking]);
        let readings = [(false, false), (true, false), (false, true), (true, true)];
        let fits = |(t, c): &(bool, bool)| {
            u64::from(*t).saturating_mul(thinking).saturating_add(u64::from(*c).saturating_mul(cached))
                == outside
        };
        let (thinking, caches) = readings.into_iter().find(fits).unwrap_or_default();
        Beside { thinking, caches }
    }
}

/// Splits the prompt. The caches come first: they decide the price.
fn level_input(
    usage: &mut Usage,
    prompt: Option<u64>,
    caches: &Caches,
    beside: bool,
    counters: &Counters<'_>,
    input: &Counters<'_>,
) {
    let Some(prompt) = prompt else { return };
    let mut rest = match beside {
        true => sum([Some(prompt), caches.read, caches.written]),
        false => prompt,
    };
    usage.set(Class::CacheRead, take(&mut rest, caches.read));
    let hour = caches.written_1h.filter(|n| *n > 0);
    let other = caches.written.map(|w| w.saturating_sub(hour.unwrap_or(0)));
    usage.set(Class::CacheWrite1h, take(&mut rest, hour));
    usage.set(Class::CacheWrite5m, take(&mut rest, other));
    let audio = input.first(&["audio_tokens"]).or_else(|| counters.first(&["audio_prompt_tokens"]));
    usage.set(Class::AudioInput, take(&mut rest, audio));
    usage.set(Class::ImageInput, take(&mut rest, input.first(&["image_tokens"])));
    usage.set(Class::VideoInput, take(&mut rest, input.first(&["video_tokens"])));
    usage.set(Class::Input, Some(rest));
}

/// Splits what was written.
fn level_output(
    usage: &mut Usage,
    completion: Option<u64>,
    thinking: Option<u64>,
    beside: bool,
    output: &Counters<'_>,
) {
    let Some(completion) = completion else { return };
    let mut rest = completion;
    match thinking {
        Some(_) if beside => usage.set(Class::Reasoning, thinking),
        // More than the total has room for: it is billed apart, and the total stays what the provider says.
        Some(n) if n > completion => {}
        _ => usage.set(Class::Reasoning, take(&mut rest, thinking)),
    }
    usage.set(Class::AudioOutput, take(&mut rest, output.first(&["audio_tokens"])));
    usage.set(Class::ImageOutput, take(&mut rest, output.first(&["image_tokens"])));
    usage.set(Class::Output, Some(rest));
}

/// Takes a part out of what is left; never more than there is.
fn take(rest: &mut u64, part: Option<u64>) -> Option<u64> {
    let part = part?.min(*rest);
    *rest -= part;
    Some(part)
}

fn sum<const N: usize>(counts: [Option<u64>; N]) -> u64 {
    counts.into_iter().flatten().fold(0, u64::saturating_add)
}

fn reported([input, output, cached, thinking, total]: [Option<u64>; 5]) -> Reported {
    let mut reported = Reported::default();
    reported.input_tokens = input;
    reported.output_tokens = output;
    reported.cache_read_tokens = cached;
    reported.reasoning_tokens = thinking;
    reported.total_tokens = total;
    reported
}

/// Counters under any of several names; `None` for an object that is not there.
struct Counters<'a>(Option<&'a Map<String, Value>>);

impl<'a> Counters<'a> {
    /// The first of these that is a non-negative whole number.
    fn first(&self, names: &[&str]) -> Option<u64> {
        names.iter().find_map(|name| count(self.get(name)?))
    }

    /// The first of these that is an object.
    fn inner(&self, names: &[&str]) -> Counters<'a> {
        Counters(names.iter().find_map(|name| self.get(name)?.as_object()))
    }

    /// There are a few: looking at each is less than the hash of a name.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0?.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

/// A whole number, also when it is written with a fraction of zero.
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| format!("{:.0}", value.as_f64().filter(|n| n.fract() == 0.0)?).parse().ok())
}
