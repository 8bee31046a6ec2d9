//! Writes the table of prices that the crate ships, from a file of prices: what `cargo xtask prices FILE` runs.
//!
//! ```text
//! price_table FILE > middleware/src/prices/table.txt
//! ```
//!
//! The file is `{meta, models: {name: {litellm_provider, mode, input_cost_per_token, ...}}}`: the form of LiteLLM's
//! `model_prices_and_context_window.json`, in US dollars a token, with where and when it was taken in `meta`.
//!
//! Left out are models that no layer of this project calls (rerankers, reserved capacity, containers), what has no price
//! for text, and entries whose shorter name says the same, which the lookup of names finds.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write;

use serde_json::{Map, Value};

type Entry = Map<String, Value>;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: price_table FILE")?;
    let file: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let models = file.get("models").and_then(Value::as_object).ok_or("models: an object is needed")?;
    let mut out = std::io::stdout().lock();
    head(&file, &mut out)?;
    let mut lines = BTreeMap::new();
    for (name, entry) in models {
        let entry = entry.as_object().ok_or_else(|| format!("models.{name}: an object is needed"))?;
        if let Some(key) = key(name, entry)
            && let Some(fields) =
                fields(entry).map_err(|field| format!("models.{name}.{field}: not a price"))?
        {
            // A name that stands twice, such as with and without its provider, is the plainer one's.
            lines.entry(key).or_insert(fields);
        }
    }
    for key in lines.keys().filter(|key| !is_implied(key, &lines)) {
        if let Some(fields) = lines.get(key) {
            writeln!(out, "{key} {fields}")?;
        }
    }
    Ok(())
}

fn head(file: &Value, out: &mut impl Write) -> std::io::Result<()> {
    let meta = |name: &str| file.get("meta").and_then(|meta| meta.get(name)).and_then(Value::as_str);
    writeln!(
        out,
        "# Prices of models, in US dollars per million tokens. Written by `cargo xtask prices`: do not edit."
    )?;
    let facts = [("Source", "primary_source"), ("Compared with", "second_source"), ("Taken on", "taken_on")];
    for (word, name) in facts {
        let text = meta(name).unwrap_or("not stated");
        // What stands between a semicolon and its bracket is how it was taken, not what.
        let (fact, rest) = text.split_once(';').unwrap_or((text, ""));
        let text = format!("{fact}{}", rest.find(')').and_then(|end| rest.get(end..)).unwrap_or_default());
        writeln!(out, "# {word}: {}", text.strip_suffix(" (machine clock)").unwrap_or(&text))?;
    }
    writeln!(
        out,
        "# A line: provider/model, its prices and limit, then those of long prompts and of service tiers."
    )
}

/// Provider and model in lower case, with the provider's name in this project; `None` for what is left out.
fn key(name: &str, entry: &Entry) -> Option<String> {
    let listed = entry.get("litellm_provider")?.as_str()?;
    let provider = match listed {
        "azure_ai" => "azure",
        "bedrock_converse" | "bedrock_mantle" => "bedrock",
        "codestral" => "mistral",
        "cohere_chat" => "cohere",
        "fireworks_ai" => "fireworks",
        "gemini" => "google",
        "text-completion-openai" => "openai",
        "together_ai" => "together",
        vertex if vertex.starts_with("vertex_ai") => "vertex",
        other => other,
    };
    let prefix = listed.split('-').next().unwrap_or(listed);
    let bare = [listed, prefix, provider, "bedrock", "azure_ai", "text-completion-openai"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix)?.strip_prefix('/'))
        .unwrap_or(name);
    let left_out = matches!(entry.get("mode")?.as_str()?, "rerank")
        || bare.contains("commitment/")
        || bare.starts_with("preset/")
        || bare.ends_with("container");
    (!left_out).then(|| format!("{provider}/{bare}").to_lowercase())
}

/// The prices of a line, their names here, and the names they have in the file.
const PRICES: &[(&str, &str)] = &[
    ("input", "input_cost_per_token"),
    ("output", "output_cost_per_token"),
    ("cache_read", "cache_read_input_token_cost"),
    ("cache_write_5m", "cache_creation_input_token_cost"),
    ("cache_write_1h", "cache_creation_input_token_cost_above_1hr"),
    ("reasoning", "output_cost_per_reasoning_token"),
    ("audio_input", "input_cost_per_audio_token"),
    ("audio_output", "output_cost_per_audio_token"),
];

const TIERS: &[(&str, &str)] = &[("batch", "_batches"), ("flex", "_flex"), ("priority", "_priority")];

/// The fields of a line; `None` without a price for text. `Err` names a field that is no price.
fn fields(entry: &Entry) -> Result<Option<String>, String> {
    let mut usual = section(entry, "")?;
    if !usual.contains_key("input") {
        return Ok(None);
    }
    let follows = audio_follows_text(entry);
    level(&mut usual, follows);
    let mut line = vec![text(&usual)];
    if let Some(most) = entry.get("max_output_tokens").and_then(Value::as_u64) {
        line.push(format!(" max_output={most}"));
    }
    for tokens in thresholds(entry) {
        let mut part = section(entry, &format!("_above_{}k_tokens", tokens / 1_000))?;
        level(&mut part, follows);
        line.push(format!(" | above {tokens} {}", text(&part)));
    }
    for (tier, suffix) in TIERS {
        let mut part = section(entry, suffix)?;
        level(&mut part, follows);
        if !part.is_empty() {
            line.push(format!(" | {tier} {}", text(&part)));
        }
    }
    Ok(Some(line.concat()))
}

/// Google's price list names audio apart only where it costs something else than text.
fn audio_follows_text(entry: &Entry) -> bool {
    let google = ["gemini", "vertex_ai"];
    let provider = entry.get("litellm_provider").and_then(Value::as_str).unwrap_or_default();
    google.iter().any(|name| provider.starts_with(name))
        && entry.get("supports_audio_input").and_then(Value::as_bool) == Some(true)
        && !entry.contains_key("input_cost_per_audio_token")
}

/// Leaves out what is meant anyway, that thinking is billed as output, and states what the list means by silence.
fn level(prices: &mut BTreeMap<&'static str, String>, audio_follows_text: bool) {
    if prices.get("reasoning") == prices.get("output") {
        prices.remove("reasoning");
    }
    if audio_follows_text && let Some(input) = prices.get("input").cloned() {
        prices.insert("audio_input", input);
    }
}

/// The thresholds of long prompts, in tokens. Those of special services have further words behind.
fn thresholds(entry: &Entry) -> BTreeSet<u64> {
    let between = |field: &str| field.rsplit_once("_above_")?.1.strip_suffix("k_tokens")?.parse::<u64>().ok();
    entry.keys().filter_map(|field| between(field)).map(|thousands| thousands * 1_000).collect()
}

fn section(entry: &Entry, suffix: &str) -> Result<BTreeMap<&'static str, String>, String> {
    let mut prices = BTreeMap::new();
    for (name, field) in PRICES {
        let field = format!("{field}{suffix}");
        if let Some(price) = entry.get(&field).filter(|price| !price.is_null()) {
            prices.insert(*name, per_million(price).ok_or(field)?);
        }
    }
    Ok(prices)
}

fn text(prices: &BTreeMap<&str, String>) -> String {
    let stated = PRICES.iter().filter_map(|(name, _)| Some(format!("{name}={}", prices.get(name)?)));
    stated.collect::<Vec<_>>().join(" ")
}

/// Dollars per million tokens, of dollars a token. The decimal point moves in the text, so nothing is rounded.
fn per_million(price: &Value) -> Option<String> {
    let price = price.as_f64().filter(|price| *price >= 0.0)?;
    if price == 0.0 {
        return Some("0".to_owned());
    }
    let scientific = format!("{price:e}");
    let (digits, exponent) = scientific.split_once('e')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = i32::try_from(fraction.len()).ok()? - (exponent.parse::<i32>().ok()? + 6);
    let digits = format!("{whole}{fraction}");
    let Ok(decimals) = usize::try_from(decimals) else {
        return Some(digits + &"0".repeat(usize::try_from(-decimals).ok()?));
    };
    let digits = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - decimals)?;
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// True when the lookup finds the same line by a shorter name: without the region, without the date.
fn is_implied(key: &str, lines: &BTreeMap<String, String>) -> bool {
    let Some((provider, model)) = key.split_once('/') else { return false };
    let found = belvedere_middleware::prices::names(model)
        .skip(1)
        .find_map(|name| lines.get(&format!("{provider}/{name}")));
    found.is_some() && found == lines.get(key)
}
