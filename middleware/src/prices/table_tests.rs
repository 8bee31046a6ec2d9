use std::collections::BTreeSet;

use belvedere_core::usage::{Class, Usage};

use super::*;

#[test]
fn every_line_is_read() {
    let count = lines().count();
    assert!(count > 1_500, "{count}");
    assert_eq!(lines().filter_map(entry).count(), count);
    assert_eq!(SHIPPED.values().map(HashMap::len).sum::<usize>(), count, "no model is in it twice");
    assert!(lines().all(|line| line.split(' ').next().is_some_and(|key| key == key.to_lowercase())));
    let providers: BTreeSet<_> = SHIPPED.keys().copied().collect();
    assert!(providers.iter().all(|name| canonical(name) == *name), "{providers:?}");
    assert!(
        ["openai", "anthropic", "google", "vertex", "bedrock", "azure"].iter().all(|p| providers.contains(p))
    );
}

/// The price of an input token, in dollars per million.
fn input(provider: &str, model: &str) -> Option<String> {
    Some(PriceTable::shipped().price(provider, model)?.input?.to_string())
}

#[test]
fn a_model_is_found_by_the_names_it_goes_by() {
    for (provider, model, price) in [
        ("openai", "gpt-4o", "2.5"),
        ("openai", "GPT-4o", "2.5"),
        ("openai", "openai/gpt-4o", "2.5"),
        ("openai", "gpt-4o-2024-05-13", "5"),
        ("openai", "gpt-4o-2031-01-01", "2.5"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "0.3"),
        ("azure_openai", "gpt-4o", "2.5"),
        ("anthropic", "claude-sonnet-4-5-20250929", "3"),
        ("google", "models/gemini-2.5-pro", "1.25"),
        ("gemini", "gemini-2.5-pro", "1.25"),
        ("vertex", "publishers/anthropic/models/claude-haiku-4-5@20251001", "1"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3"),
        ("bedrock", "arn:aws:bedrock:us-east-1:1:foundation-model/amazon.nova-lite-v1:0", "0.06"),
        ("groq", "openai/gpt-oss-20b", "0.075"),
        ("together", "meta-llama/Llama-4-Scout-17B-16E-Instruct", "0.18"),
        ("ollama", "llama3.1", "0"),
        ("my-gateway", "openai/gpt-4o", "2.5"),
        ("openrouter", "x-ai/grok-4.3", "1.25"),
        ("openrouter", "meta-llama/llama-9:free", "0"),
    ] {
        assert_eq!(input(provider, model).as_deref(), Some(price), "{provider} {model}");
    }
}

#[test]
fn p5_an_unknown_model_has_no_price() {
    for (provider, model) in [
        ("openai", "gpt-nonesuch"),
        ("openai", ""),
        ("openai", "claude-sonnet-4-5"),
        ("openai", "anthropic/claude-sonnet-4-5"),
        ("my-gateway", "gpt-4o"),
        ("my-gateway", "meta-llama/llama-9:free"),
        ("groq", "gpt-4o:free"),
        ("", "gpt-4o"),
    ] {
        assert_eq!(PriceTable::shipped().price(provider, model), None, "{provider} {model}");
    }
}

#[test]
fn what_a_user_states_goes_before_the_table() {
    let stated: Overrides = serde_json::from_str(
        r#"{"GPT-4o": {"input": 1}, "azure/gpt-4o": {"input": "2"}, "local/llama": {"input": 0, "output": 0}}"#,
    )
    .unwrap();
    let table = PriceTable::with(stated.clone());
    let input = |provider: &str, model: &str| Some(table.price(provider, model)?.input?.to_string());
    assert_eq!(input("openai", "gpt-4o-2024-08-06").as_deref(), Some("1"));
    assert_eq!(input("azure_openai", "gpt-4o").as_deref(), Some("2"));
    assert_eq!(input("local", "llama").as_deref(), Some("0"));
    assert_eq!(input("elsewhere", "llama"), None);
    assert_eq!(input("openai", "gpt-4o-mini").as_deref(), Some("0.15"), "the table is behind");
    assert!(table.price("openai", "gpt-4o").unwrap().output.is_none(), "the whole entry is replaced");
    assert_eq!(PriceTable::only(stated).price("openai", "gpt-4o-mini"), None);
}

#[test]
fn p3_the_shipped_table_knows_long_prompts() {
    let price = PriceTable::shipped().price("google", "gemini-2.5-pro").unwrap();
    let cost = |input| {
        let mut usage = Usage::default();
        usage.set(Class::Input, Some(input));
        usage.set(Class::Output, Some(1_000));
        price.cost(&usage).unwrap().to_string()
    };
    assert_eq!(cost(200_000), "$0.26");
    assert_eq!(cost(200_001), "$0.5150025");
}
