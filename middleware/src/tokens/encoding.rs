//! The encodings, and the models that have them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A public vocabulary of OpenAI, with the rules for cutting text before it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Encoding {
    /// 200,000 tokens: `gpt-4o` and everything after it, also `gpt-oss`.
    #[serde(rename = "o200k_base")]
    O200kBase,
    /// 100,000 tokens: `gpt-4`, `gpt-3.5-turbo`, the `text-embedding` models.
    #[serde(rename = "cl100k_base")]
    Cl100kBase,
}

impl Encoding {
    /// Its name in tiktoken.
    pub const fn as_str(self) -> &'static str {
        match self {
            Encoding::O200kBase => "o200k_base",
            Encoding::Cl100kBase => "cl100k_base",
        }
    }

    /// The encoding with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Encoding::O200kBase, Encoding::Cl100kBase].into_iter().find(|encoding| encoding.as_str() == name)
    }

    /// The encoding of a model of OpenAI, also behind a provider's prefix (`openai/gpt-4o`) or fine-tuned (`ft:gpt-4o:...`).
    /// `None` for models of others, and for those of before 2022.
    ///
    /// The models are those of OpenAI's tiktoken (`tiktoken/model.py`). One that is newer than its list is taken to have
    /// `o200k_base`, as all since `gpt-4o` do.
    pub fn for_model(model: &str) -> Option<Self> {
        let model = model.rsplit('/').next().unwrap_or(model);
        let model = model.strip_prefix("ft:").and_then(|tuned| tuned.split(':').next()).unwrap_or(model);
        if is_of_o200k(model) {
            Some(Encoding::O200kBase)
        } else if is_of_cl100k(model) {
            Some(Encoding::Cl100kBase)
        } else {
            None
        }
    }
}

/// True for `gpt-4o`, `gpt-4.1`, `gpt-5`, `gpt-10`, `o3-pro`, `chatgpt-...`, `codex-...`; Amazon writes
/// `openai.gpt-oss-20b-1:0`.
fn is_of_o200k(model: &str) -> bool {
    let model = model.strip_prefix("openai.").unwrap_or(model);
    let starts_with_digit = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    let words = ["chatgpt-", "codex-", "computer-use-", "gpt-4o", "gpt-4.", "gpt-oss", "gpt-chat-"];
    words.iter().any(|word| model.starts_with(word))
        || model
            .strip_prefix("gpt-")
            .is_some_and(|rest| starts_with_digit(rest) && !rest.starts_with(['2', '3', '4']))
        || model.strip_prefix('o').is_some_and(starts_with_digit)
}

/// True for `gpt-4`, `gpt-3.5-turbo`, which Azure writes `gpt-35-turbo`, and the models of embeddings since `ada-002`.
fn is_of_cl100k(model: &str) -> bool {
    let names = [
        "gpt-4",
        "gpt-3.5",
        "gpt-3.5-turbo",
        "gpt-35-turbo",
        "text-embedding-ada-002",
        "davinci-002",
        "babbage-002",
    ];
    let families = ["gpt-4-", "gpt-3.5-turbo-", "gpt-35-turbo-", "text-embedding-3-"];
    names.contains(&model) || families.iter().any(|family| model.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_the_encoding_that_openai_gives_them() {
        for model in [
            "gpt-4o",
            "gpt-4o-mini-2024-07-18",
            "gpt-4.1",
            "gpt-4.5-preview",
            "gpt-5",
            "gpt-5-mini-2025-08-07",
            "gpt-5.4",
            "gpt-6.1-terra",
            "o1",
            "o1-preview",
            "o3",
            "o3-pro",
            "o4-mini",
            "o5-mini",
            "chatgpt-4o-latest",
            "gpt-oss-120b",
            "openai/gpt-oss-20b",
            "openai.gpt-oss-20b-1:0",
            "codex-mini-latest",
            "ft:gpt-4o-mini-2024-07-18:acme::abc",
            "openai/gpt-4o",
            "computer-use-preview",
            "gpt-chat-latest",
        ] {
            assert_eq!(Encoding::for_model(model), Some(Encoding::O200kBase), "{model}");
        }
        for model in [
            "gpt-4",
            "gpt-4-0613",
            "gpt-4-turbo",
            "gpt-3.5-turbo",
            "gpt-3.5-turbo-1106",
            "gpt-35-turbo",
            "text-embedding-3-small",
            "text-embedding-ada-002",
            "ft:gpt-3.5-turbo:acme::abc",
        ] {
            assert_eq!(Encoding::for_model(model), Some(Encoding::Cl100kBase), "{model}");
        }
        for model in
            ["claude-sonnet-4-5", "gemini-2.5-pro", "text-davinci-003", "gpt-2", "olmo-2", "llama3", "o", ""]
        {
            assert_eq!(Encoding::for_model(model), None, "{model}");
        }
    }

    #[test]
    fn names_are_those_of_tiktoken() {
        for encoding in [Encoding::O200kBase, Encoding::Cl100kBase] {
            assert_eq!(Encoding::named(encoding.as_str()), Some(encoding));
            assert_eq!(serde_json::to_value(encoding).unwrap(), encoding.as_str());
        }
        assert_eq!(Encoding::named("p50k_base"), None);
    }
}
