//! Estimates for models without a public vocabulary.

use belvedere_core::tokens::{TWELFTHS, TokenCounter, twelfths_of};

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
            // Before `llama`: a name says whose tokenizer it is by its first word, `deepseek-r1-distill-llama-70b`.
            ("claude", Family::Anthropic),
            ("gemini", Family::Google),
            ("gemma", Family::Google),
            ("grok", Family::Grok),
            ("llama", Family::Llama),
            ("qwen", Family::Qwen),
            ("qwq", Family::Qwen),
            ("deepseek", Family::DeepSeek),
            ("stral", Family::Mistral),
        ];
        let model = model.to_ascii_lowercase();
        WORDS.iter().find(|(word, _)| model.contains(word)).map_or(Family::Other, |(_, family)| *family)
    }

    /// What a text of so many estimated tokens really has, in thousandths.
    const fn thousandths(self) -> u64 {
        match self {
            Family::Anthropic => 1_150,
            _ => 1_000,
        }
    }
}

/// Estimates by [`Estimate`](belvedere_core::tokens::Estimate), scaled to what a family of models was recorded to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibrated {
    family: Family,
}

impl Calibrated {
    /// An estimate for a family.
    pub const fn new(family: Family) -> Self {
        Calibrated { family }
    }

    /// An estimate for a model.
    pub fn for_model(model: &str) -> Self {
        Calibrated::new(Family::of(model))
    }
}

impl TokenCounter for Calibrated {
    fn text(&self, text: &str) -> u64 {
        twelfths_of(text).saturating_mul(self.family.thousandths()).div_ceil(TWELFTHS * 1_000)
    }
}
