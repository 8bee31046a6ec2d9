//! Which requests a step is for.

use std::collections::BTreeMap;

use belvedere_core::request::{Operation, Request};
use http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which requests a step is for: those that fit all that is said here. In a text, `*` stands for any text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct When {
    /// The wire, such as `openai.chat` or `*.messages`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire: Option<String>,
    /// The operation: `chat`, `embed` or `models`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub operation: Option<Operation>,
    /// The model, such as `gpt-*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The path, such as `/v1/*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers by name; one that is missing does not fit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Whether a stream is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
}

/// What is looked at of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) wire: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) request: &'a Request,
}

impl When {
    /// True when a request fits.
    pub(crate) fn fits(&self, seen: Seen<'_>) -> bool {
        let text = |pattern: &Option<String>, text: &str| pattern.as_deref().is_none_or(|p| like(p, text));
        text(&self.wire, seen.wire)
            && text(&self.path, seen.path)
            && text(&self.model, seen.request.model.as_deref().unwrap_or_default())
            && self.operation.is_none_or(|operation| operation == seen.request.operation)
            && self.stream.is_none_or(|stream| stream == seen.request.stream)
            && self.headers.iter().all(|(name, pattern)| {
                let value = seen.headers.get(name).and_then(|value| value.to_str().ok());
                value.is_some_and(|value| like(pattern, value))
            })
    }
}

/// True when `text` is what `pattern` says, where `*` stands for any text. Each piece between two stars is taken
/// where it first occurs, which finds a fit whenever there is one.
fn like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = text.strip_prefix(first).and_then(|text| text.strip_suffix(last));
    let fit = |text: &str| {
        let left =
            middle.split('*').try_fold(text, |text, piece| text.split_once(piece).map(|(_, left)| left));
        left.is_some()
    };
    inner.is_some_and(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "x"),
            ("gpt-*", "gpt-5"),
            ("*-mini", "gpt-5-mini"),
            ("a*b*c", "aXbYbc"),
        ] {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a", "b"), ("a", ""), ("gpt-*", "o3"), ("ab*ba", "aba"), ("a*b*c", "acb"), ("a**b", "a")]
        {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }
}
