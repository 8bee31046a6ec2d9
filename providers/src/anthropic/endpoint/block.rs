//! Blocks of an answer, whole or as they begin.

use belvedere_core::SmolStr;
use belvedere_core::event::{Finish, FinishReason, Source};
use belvedere_core::message::ToolBy;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::super::answer;
use super::super::block::Further;
use crate::endpoint::derived_id;

/// One block.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Value>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    ToolUse(Call<'a>),
    ServerToolUse(Call<'a>),
    #[serde(untagged)]
    Opaque(&'a Value),
}

/// A call of a tool.
#[derive(Debug, Serialize)]
pub(super) struct Call<'a> {
    id: SmolStr,
    name: &'a str,
    input: Input<'a>,
    #[serde(flatten)]
    further: Further<'a>,
}

impl<'a> Block<'a> {
    /// A call. One without an id gets one that is derived from the answer's and its place: results go back by it.
    pub(super) fn call(
        (answer, at): (&str, usize),
        (id, name, input): (&SmolStr, &'a str, &'a str),
        by: ToolBy,
        extra: &'a Map<String, Value>,
    ) -> Self {
        let id = match id.is_empty() {
            true => derived_id("toolu_", &[answer, &at.to_string()]),
            false => id.clone(),
        };
        let call =
            Call { id, name, input: Input(input), further: Further::of(extra, &["caller", "toolset_name"]) };
        match by {
            ToolBy::Client => Block::ToolUse(call),
            ToolBy::Provider => Block::ServerToolUse(call),
        }
    }
}

/// Arguments: an object as it was written. What is not whole, because the model was cut off, stays text: `{}` would
/// let a tool run with arguments that nobody gave.
#[derive(Debug)]
struct Input<'a>(&'a str);

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = if self.0.trim().is_empty() { "{}" } else { self.0 };
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) if raw.get().starts_with('{') => raw.serialize(serializer),
            _ => serializer.serialize_str(text),
        }
    }
}

/// True for an object of the wire's that can stand as a block.
pub(super) fn is_block(wire: &str, data: &Value) -> bool {
    super::super::block::is_ours(wire) && data.get("type").is_some_and(Value::is_string)
}

/// A citation. The provider's own object stays when it is one of this wire.
pub(super) fn citation(source: &Source) -> Value {
    let kind = source.raw.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind.ends_with("_location") {
        return source.raw.clone();
    }
    json!({
        "type": "web_search_result_location",
        "url": source.url.as_deref().unwrap_or_default(),
        "title": source.title,
        "cited_text": source.quote.as_deref().unwrap_or_default(),
        "encrypted_index": "",
    })
}

/// Why the model stopped. The provider's own word stays when it means the same on this wire, and when it has no
/// equivalent: `end_turn` would be a lie.
pub(super) fn stop_reason(finish: Option<&Finish>) -> &str {
    let Some(finish) = finish else { return "end_turn" };
    let raw = finish.raw.as_deref();
    if let Some(raw) = raw.filter(|raw| finish.reason == Some(answer::finish_reason(raw))) {
        return raw;
    }
    match finish.reason {
        None | Some(FinishReason::Stop) if finish.stop_sequence.is_some() => "stop_sequence",
        None | Some(FinishReason::Stop) => "end_turn",
        Some(FinishReason::Length) => "max_tokens",
        Some(FinishReason::ToolCalls) => "tool_use",
        Some(FinishReason::ContentFilter | FinishReason::Refusal) => "refusal",
        Some(FinishReason::Pause) => "pause_turn",
        Some(FinishReason::Error) => raw.unwrap_or("error"),
        Some(_) => raw.unwrap_or("other"),
    }
}
