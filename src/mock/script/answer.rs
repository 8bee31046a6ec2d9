//! What is said.

use belvedere_core::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::invalid;

/// What is said. What is left out is made up from the request, the same way each time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Answer {
    /// The text. Default: what was said, repeated; or JSON that fits the schema which was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The thinking before the text. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// The words in which the model declines; no text and no calls then. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The tools that are called, all in one answer. Default: the first tool, when the request demands one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Call>,
    /// Why it ends: `stop`, `length`, `tool_calls`, `content_filter`, `refusal`, `pause`, `error`; another word is
    /// sent as it is where the wire takes any; `missing` leaves it out of a stream. Default: what fits the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Whether usage is told. Default `true`.
    pub usage: bool,
    /// Characters in a token. Default: a token is a word with the space after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub token_size: Option<usize>,
    /// The id of the answer. Default: the wire's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model that answers. Default: the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Length of an embedding, when the request names none. Default 64.
    #[schemars(range(min = 1))]
    pub dimensions: u32,
    /// The models of a model list. Default `mock-1`.
    pub models: Vec<String>,
}

impl Default for Answer {
    fn default() -> Self {
        Answer {
            text: None,
            reasoning: None,
            refusal: None,
            tool_calls: Vec::new(),
            finish_reason: None,
            usage: true,
            token_size: None,
            id: None,
            model: None,
            dimensions: 64,
            models: vec!["mock-1".to_owned()],
        }
    }
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Call {
    /// The tool. Default: the one the request demands, else its first for the first call, and so on in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The arguments; a text is sent as it is, whether it is JSON or not. Default: some that fit the tool's schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The call's id. Default: one that is the same for the same place in the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Characters of the arguments that are sent; the rest is cut off, and the answer ends with `length`.
    /// Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
}

impl Answer {
    pub(super) fn check(&self, path: &str) -> Result<()> {
        if self.token_size == Some(0) {
            return Err(invalid(&format!("{path}.token_size"), "must be at least 1"));
        }
        if self.dimensions == 0 {
            return Err(invalid(&format!("{path}.dimensions"), "must be at least 1"));
        }
        Ok(())
    }
}
