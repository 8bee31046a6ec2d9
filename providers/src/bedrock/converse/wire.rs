//! The shapes of answers, as far as they are read. Every field may be absent, null or of another type.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::lax::{Int, List, Object, Text};

/// A JSON value left as it came.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// One event of a stream. Which it is, its frame's name tells.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Incoming<'a> {
    pub(super) content_block_index: Int,
    pub(super) start: Raw<'a>,
    pub(super) delta: Object<Delta<'a>>,
    pub(super) stop_reason: Text<'a>,
    pub(super) additional_model_response_fields: Object<Further<'a>>,
    pub(super) usage: Object<Map<String, Value>>,
}

/// What is new of a block. What is rare stays raw.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Delta<'a> {
    pub(super) text: Text<'a>,
    pub(super) tool_use: Object<ToolInput<'a>>,
    pub(super) reasoning_content: Object<ReasoningDelta<'a>>,
    pub(super) citation: Raw<'a>,
}

/// A piece of a tool call's input: JSON text.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct ToolInput<'a> {
    pub(super) input: Text<'a>,
}

/// What is new of the model's thinking.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct ReasoningDelta<'a> {
    pub(super) text: Text<'a>,
    pub(super) signature: Text<'a>,
    pub(super) redacted_content: Text<'a>,
}

/// Fields of the model's own, which `additionalModelResponseFieldPaths` asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Further<'a> {
    pub(super) stop_sequence: Text<'a>,
}

/// A whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Answer<'a> {
    /// `None` when there is no such field at all: then it may be an error in another shape.
    pub(super) output: Option<Object<Output<'a>>>,
    pub(super) stop_reason: Text<'a>,
    pub(super) additional_model_response_fields: Object<Further<'a>>,
    pub(super) usage: Object<Map<String, Value>>,
}

/// What a whole answer says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Output<'a> {
    pub(super) message: Object<Message<'a>>,
}

/// The message of a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Message<'a> {
    pub(super) content: Blocks<'a>,
}

/// Blocks as they came; anything but a list is none.
#[derive(Debug, Default)]
pub(super) struct Blocks<'a>(pub(super) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Blocks<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?;
        Ok(Blocks(serde_json::from_str(raw.get()).unwrap_or_default()))
    }
}

/// A content block, whole or as it begins: the one field that is there tells its kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Block<'a> {
    pub(super) text: Text<'a>,
    pub(super) tool_use: Object<ToolUse<'a>>,
    pub(super) reasoning_content: Object<Reasoning<'a>>,
    pub(super) citations_content: Object<Citations<'a>>,
    pub(super) image: Object<Medium<'a>>,
    pub(super) video: Object<Medium<'a>>,
    pub(super) audio: Object<Medium<'a>>,
}

/// A call of a tool.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct ToolUse<'a> {
    pub(super) tool_use_id: Text<'a>,
    pub(super) name: Text<'a>,
    /// `server_tool_use` when Bedrock runs the tool itself.
    pub(super) r#type: Text<'a>,
    pub(super) input: Raw<'a>,
}

/// The model's thinking.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Reasoning<'a> {
    pub(super) reasoning_text: Object<ReasoningText<'a>>,
}

/// Thinking that may be read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct ReasoningText<'a> {
    pub(super) text: Text<'a>,
    pub(super) signature: Text<'a>,
}

/// Text with what it cites.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Citations<'a> {
    pub(super) content: List<Cited<'a>>,
    pub(super) citations: Blocks<'a>,
}

/// A piece of a text with citations.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Cited<'a> {
    pub(super) text: Text<'a>,
}

/// An image, video or audio.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Medium<'a> {
    pub(super) format: Text<'a>,
    pub(super) source: Object<Source<'a>>,
    /// Why it could not be made.
    pub(super) error: Raw<'a>,
}

/// Where its bytes are.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Source<'a> {
    pub(super) bytes: Text<'a>,
}
