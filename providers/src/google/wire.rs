//! What comes over the wire: the frames of a stream and whole answers, in one shape.
//!
//! Every field is optional, nullable and borrowed. What is rare stays raw and is read only when it is there.
//! Fields: <https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse>, and for Vertex AI
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse>.

use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) use crate::incoming::read;
use crate::lax::{Int, List, Object, Text};

/// A JSON value left as it came.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// One frame of a stream, or a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Frame<'a> {
    /// `None` when the frame has no such field at all.
    pub(super) candidates: Option<List<Candidate<'a>>>,
    pub(super) prompt_feedback: Object<PromptFeedback<'a>>,
    pub(super) usage_metadata: Raw<'a>,
    pub(super) model_version: Text<'a>,
    pub(super) response_id: Text<'a>,
    pub(super) error: Raw<'a>,
}

impl Frame<'_> {
    /// True when it has any of the fields of an answer.
    pub(super) fn is_answer(&self) -> bool {
        let text = self.model_version.get().or(self.response_id.get());
        self.candidates.is_some()
            || self.prompt_feedback.0.is_some()
            || self.usage_metadata.is_some()
            || text.is_some()
    }
}

/// What the provider thinks of the prompt.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct PromptFeedback<'a> {
    pub(super) block_reason: Raw<'a>,
}

/// One of the answers, or what is new of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Candidate<'a> {
    pub(super) index: Int,
    pub(super) content: Object<Content<'a>>,
    pub(super) finish_reason: Raw<'a>,
    pub(super) avg_logprobs: Raw<'a>,
    pub(super) logprobs_result: Raw<'a>,
    pub(super) grounding_metadata: Raw<'a>,
    pub(super) citation_metadata: Raw<'a>,
    pub(super) url_context_metadata: Raw<'a>,
}

/// What a candidate says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Content<'a> {
    pub(super) parts: List<Part<'a>>,
}

/// One part. Which of its fields is there tells its kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Part<'a> {
    pub(super) text: Option<Text<'a>>,
    pub(super) thought: Raw<'a>,
    pub(super) thought_signature: Text<'a>,
    pub(super) inline_data: Object<Blob<'a>>,
    pub(super) file_data: Object<FileData<'a>>,
    pub(super) function_call: Object<FunctionCall<'a>>,
    pub(super) executable_code: Raw<'a>,
    pub(super) tool_call: Object<ToolCall<'a>>,
    pub(super) media_resolution: Raw<'a>,
    pub(super) part_metadata: Raw<'a>,
    pub(super) video_metadata: Raw<'a>,
}

/// Bytes inside a part.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct Blob<'a> {
    pub(super) mime_type: Text<'a>,
    pub(super) data: Text<'a>,
    pub(super) display_name: Text<'a>,
}

/// Bytes at an address.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct FileData<'a> {
    pub(super) mime_type: Text<'a>,
    pub(super) file_uri: Text<'a>,
    pub(super) display_name: Text<'a>,
}

/// A call of a function, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct FunctionCall<'a> {
    pub(super) id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) args: Raw<'a>,
    pub(super) partial_args: Option<List<PartialArg<'a>>>,
    pub(super) will_continue: Raw<'a>,
}

/// A piece of a call's arguments.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct PartialArg<'a> {
    pub(super) json_path: Text<'a>,
    pub(super) string_value: Option<Text<'a>>,
    pub(super) number_value: Raw<'a>,
    pub(super) bool_value: Raw<'a>,
}

/// A call of one of the provider's own tools.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct ToolCall<'a> {
    pub(super) id: Text<'a>,
    pub(super) tool_type: Text<'a>,
    pub(super) args: Raw<'a>,
}

/// True for a raw `true`.
pub(super) fn is_true(raw: Raw<'_>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}
