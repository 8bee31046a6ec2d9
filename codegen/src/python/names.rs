//! Names in Python: of classes, and of fields that are words of the language.

/// Words that are not written as their letters suggest.
const WORDS: &[(&str, &str)] = &[
    ("openai", "OpenAI"),
    ("openrouter", "OpenRouter"),
    ("oauth", "OAuth"),
    ("deepinfra", "DeepInfra"),
    ("deepseek", "DeepSeek"),
    ("github", "GitHub"),
    ("gpustack", "GPUStack"),
    ("huggingface", "HuggingFace"),
    ("lm", "LM"),
    ("mistralrs", "MistralRs"),
    ("nvidia", "NVIDIA"),
    ("sambanova", "SambaNova"),
    ("sglang", "SGLang"),
    ("vllm", "VLLM"),
    ("xai", "XAI"),
    ("zai", "ZAI"),
];

/// Words of Python that can't be names.
const RESERVED: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
    "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not",
    "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// The class of a name in snake case: `azure_openai` is `AzureOpenAI`.
pub(super) fn class(name: &str) -> String {
    name.split('_').map(word).collect()
}

fn word(word: &str) -> String {
    if let Some((_, known)) = WORDS.iter().find(|(small, _)| *small == word) {
        return (*known).to_owned();
    }
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The class of a definition inside an entry: `Budget` in `Retry` is `RetryBudget`, `RetryOn` stays.
pub(super) fn inner(owner: &str, definition: &str) -> String {
    let short = definition.strip_suffix("Config").filter(|rest| !rest.is_empty()).unwrap_or(definition);
    if short.starts_with(owner) { short.to_owned() } else { format!("{owner}{short}") }
}

/// A field's name; words of the language get a `_`, which the dict does not have.
pub(super) fn field(name: &str) -> String {
    if RESERVED.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_as_people_write_them() {
        let of = ["retry", "azure_openai", "llama_cpp", "prompt_cache"].map(class);
        assert_eq!(of, ["Retry", "AzureOpenAI", "LlamaCpp", "PromptCache"]);
        assert_eq!(inner("Retry", "Budget"), "RetryBudget");
        assert_eq!(inner("Retry", "RetryOn"), "RetryOn");
        assert_eq!(inner("Route", "TargetConfig"), "RouteTarget");
        assert_eq!((field("from"), field("by")), ("from_".to_owned(), "by".to_owned()));
    }
}
