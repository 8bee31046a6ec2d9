//! Estimates for models without a public vocabulary.

use belvedere_core::request::Request;
use belvedere_core::tokens::{Estimate, TWELFTHS, TokenCounter, twelfths_of};

/// Models that share a tokenizer, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Claude.
    Anthropic,
    /// Gemini and Gemma.
    Google,
    /// Mistral, Codestral, Magistral and their kin.
    Mistral,
    /// Llama.
    Llama,
    /// Qwen.
    Qwen,
    /// DeepSeek.
    DeepSeek,
    /// Grok.
    Grok,
    /// All others.
    Other,
}

impl Family {
    /// The family of a model, by what its name contains.
    pub fn of(model: &str) -> Self {
        const WORDS: &[(&str, Family)] = &[
            // The first that fits: `deepseek-r1-distill-llama-70b` has the tokenizer of Llama.
            ("claude", Family::Anthropic),
            ("gemini", Family::Google),
            ("gemma", Family::Google),
            ("grok", Family::Grok),
            ("llama", Family::Llama),
            ("qwen", Family::Qwen),
            ("qwq", Family::Qwen),
            ("deepseek", Family::DeepSeek),
            ("stral", Family::Mistral),
            ("mixtral", Family::Mistral),
        ];
        let model = model.to_ascii_lowercase();
        WORDS.iter().find(|(word, _)| model.contains(word)).map_or(Family::Other, |(_, family)| *family)
    }

    /// Fitted to recorded requests: `docs/tokens.md` says to which, and how.
    const fn scale(self) -> Scale {
        let (texts, tools, having_tools) = match self {
            Family::Anthropic => (1_060, 1_120, 480),
            Family::Google => (650, 590, 0),
            Family::Mistral => (820, 1_000, 0),
            Family::Llama => (1_130, 580, 160),
            Family::Qwen => (1_000, 2_000, 10),
            Family::DeepSeek => (860, 1_460, 160),
            Family::Grok => (1_220, 1_080, 100),
            Family::Other => (1_000, 1_020, 280),
        };
        Scale { texts, tools, having_tools }
    }
}

/// How a family counts beside the plain estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    /// Of texts, in thousandths.
    texts: u64,
    /// Of the definitions of tools, in thousandths.
    tools: u64,
    /// The tokens that a request with tools has beside their definitions: the provider explains them to the model.
    having_tools: u64,
}

/// Estimates as [`Estimate`] does, scaled to what a family of models was recorded to count.
///
/// The error of a single request stays large, most of all for short ones and for those with tools: `docs/tokens.md` has the
/// percentiles of each family. Leave a margin. It needs no vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibrated {
    scale: Scale,
}

impl Calibrated {
    /// An estimate for a family.
    pub const fn new(family: Family) -> Self {
        Calibrated { scale: family.scale() }
    }

    /// An estimate for a model.
    pub fn for_model(model: &str) -> Self {
        Calibrated::new(Family::of(model))
    }
}

impl TokenCounter for Calibrated {
    fn text(&self, text: &str) -> u64 {
        twelfths_of(text).saturating_mul(self.scale.texts).div_ceil(TWELFTHS * 1_000)
    }

    fn request(&self, request: &Request) -> u64 {
        let mut tools = Request::default();
        tools.tools = request.tools.clone();
        let tools = Estimate.request(&tools);
        let texts = Estimate.request(request).saturating_sub(tools);
        let scaled = |tokens: u64, thousandths| tokens.saturating_mul(thousandths).div_ceil(1_000);
        let having = if request.tools.is_empty() { 0 } else { self.scale.having_tools };
        scaled(texts, self.scale.texts).saturating_add(scaled(tools, self.scale.tools)).saturating_add(having)
    }
}

#[cfg(test)]
mod tests {
    use belvedere_core::message::Message;
    use belvedere_core::request::Function;
    use serde_json::json;

    use super::*;

    #[test]
    fn models_are_of_a_family() {
        for (model, family) in [
            ("claude-sonnet-4-5", Family::Anthropic),
            ("us.anthropic.claude-opus-4-5-20251101-v1:0", Family::Anthropic),
            ("models/gemini-2.5-pro", Family::Google),
            ("gemma-3-27b-it", Family::Google),
            ("codestral-latest", Family::Mistral),
            ("mistralai/Mixtral-8x7B", Family::Mistral),
            ("meta-llama/Llama-4-Scout-17B-16E-Instruct", Family::Llama),
            ("Qwen/Qwen3-32B", Family::Qwen),
            ("deepseek-chat", Family::DeepSeek),
            ("grok-4", Family::Grok),
            ("command-r-plus", Family::Other),
            ("", Family::Other),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }

    #[test]
    fn x9_a_request_counts_its_tools_and_what_explains_them() {
        let counter = Calibrated::new(Family::Anthropic);
        let plain = Request::new([Message::user("four".repeat(100))]);
        assert_eq!(Estimate.request(&plain), 106);
        assert_eq!(counter.request(&plain), 113, "106 by 1.06");
        let tools = plain.clone().with_tools([Function::new("look_up", "finds", json!({"type": "object"}))]);
        let definition = Estimate.request(&tools) - 106;
        assert_eq!(counter.request(&tools), 113 + (definition * 1_120).div_ceil(1_000) + 480);
    }

    #[test]
    fn x4_a_text_of_any_length_has_a_count() {
        assert_eq!(Calibrated::new(Family::Google).text(&"a".repeat(100_000)), 16_250);
        assert_eq!(Calibrated::new(Family::Google).text(""), 0);
        assert_eq!(Calibrated::new(Family::Anthropic).text("<|endoftext|>"), 5);
    }
}
