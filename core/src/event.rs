//! What an answer is made of, one event at a time.

mod notice;

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::message::{Media, ToolBy};
use crate::usage::Usage;
pub use notice::{ContinuedBy, Notice};

/// One event of an answer. Its JSON form (`type`, then its fields) is the event in every language.
///
/// The grammar is `Notice* Start (Notice | Usage | part events)* Finish+`: one `Finish` for each choice, at the
/// very end. [`Raw`](Event::Raw) may stand anywhere. After [`Notice::Restart`] everything since `Start` is void
/// and a new `Start` follows. A part is opened by its first event and closed by `PartEnd`.
/// [`laws`](crate::laws) checks all of it in debug builds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The provider has begun to answer.
    Start {
        /// The provider's id of the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<SmolStr>,
        /// The model that answers, in the provider's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<SmolStr>,
    },
    /// Visible text.
    Text {
        /// Which answer, when more than one was asked for.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// Which part of that answer.
        part: u32,
        /// The text that is new.
        delta: SmolStr,
    },
    /// The model's thinking.
    Reasoning {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// Which part of that answer.
        part: u32,
        /// The text that is new.
        delta: SmolStr,
    },
    /// The provider's signature or encrypted form of a reasoning part, to be carried back as it is.
    Signature {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// The reasoning part it signs; opens that part when it comes first.
        part: u32,
        /// What is new of it.
        delta: SmolStr,
        /// The wire that can read it, such as `anthropic.messages`; empty: unknown.
        #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
        wire: SmolStr,
    },
    /// The model declines, in words.
    Refusal {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// Which part of that answer.
        part: u32,
        /// The text that is new.
        delta: SmolStr,
    },
    /// A tool call begins.
    ToolStart {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// Which part of that answer.
        part: u32,
        /// The call's id; empty where the provider gives none.
        id: SmolStr,
        /// The tool's name.
        name: SmolStr,
        /// Who has to run it.
        #[serde(default, skip_serializing_if = "ToolBy::is_client")]
        by: ToolBy,
    },
    /// A fragment of a tool call's arguments: JSON text, complete only when the part ends.
    ToolInput {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// The part opened by `ToolStart`.
        part: u32,
        /// The text that is new.
        delta: SmolStr,
    },
    /// Image, audio or other media written by the model. Several events of one part append their bytes.
    Media {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// Which part of that answer.
        part: u32,
        /// The media, or what is new of it.
        media: Box<Media>,
    },
    /// A whole part that only its provider understands, to be carried back as it is: redacted thinking, the
    /// result of a tool the provider ran itself, and the like.
    Opaque {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// Which part of that answer.
        part: u32,
        /// The provider's word for it.
        kind: SmolStr,
        /// The provider's object.
        data: Box<Value>,
        /// The wire that can read it, such as `anthropic.messages`; empty: unknown.
        #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
        wire: SmolStr,
    },
    /// Further fields of an open part, to be carried back as they are: see
    /// [`extra_of`](crate::message::extra_of). Several events of one part are joined, the later field wins.
    Extra {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// The part, which an earlier event has opened.
        part: u32,
        /// The fields.
        extra: Box<Map<String, Value>>,
    },
    /// A citation or source.
    Source {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// The source.
        source: Box<Source>,
    },
    /// Log probabilities as the provider gives them.
    Logprobs {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// The provider's entries that are new.
        data: Box<Value>,
    },
    /// A part is complete.
    PartEnd {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// The part.
        part: u32,
    },
    /// Usage so far, cumulative: each replaces the one before.
    Usage(Arc<Usage>),
    /// One embedding.
    Embedding {
        /// The index of the input it belongs to.
        index: u32,
        /// The vector, in the precision the provider wrote it.
        vector: Arc<[f64]>,
    },
    /// One model of a model list.
    Model(Box<Model>),
    /// What the pipeline did.
    Notice(Notice),
    /// A frame of the wire as it came, before its own events; only when `Options::raw` asks for it.
    Raw {
        /// The event name the frame carried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<SmolStr>,
        /// The frame's payload.
        #[serde(with = "crate::message::base64_bytes")]
        data: Bytes,
    },
    /// The answer of one choice is complete.
    Finish {
        /// Which answer.
        #[serde(default, skip_serializing_if = "is_zero")]
        choice: u32,
        /// Why it ended.
        #[serde(flatten)]
        finish: Finish,
    },
}

/// The bytes of a JSON value, about.
fn value_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(list) => list.iter().map(|v| value_size(v) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(k, v)| k.len() + value_size(v) + 4).sum::<usize>() + 2,
        _ => 8,
    }
}

pub(crate) fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Why an answer ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// Ours; `None` when a well-formed whole answer gives no reason.
    #[serde(default)]
    pub reason: Option<FinishReason>,
    /// The provider's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<SmolStr>,
    /// The stop sequence that was hit, where the provider tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_sequence: Option<SmolStr>,
}

/// Why an answer ended, in one vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done, or a stop sequence was hit.
    Stop,
    /// The token limit was reached.
    Length,
    /// The client has tools to run.
    ToolCalls,
    /// A content filter cut the answer.
    ContentFilter,
    /// The model declined.
    Refusal,
    /// The provider paused a long turn, to be continued.
    Pause,
    /// The provider gave up inside the answer.
    Error,
    /// A word of the provider that has no equivalent here; it stands in [`Finish::raw`].
    Other,
}

/// A citation or source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Source {
    /// The part it supports, where the provider tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text it quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The provider's object.
    pub raw: Value,
}

/// A model a provider offers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Model {
    /// The name to ask for.
    pub id: String,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The provider's object.
    pub raw: Value,
}

impl Event {
    /// The choice and part this event belongs to, for part events.
    pub fn part(&self) -> Option<(u32, u32)> {
        match self {
            Event::Text { choice, part, .. }
            | Event::Reasoning { choice, part, .. }
            | Event::Signature { choice, part, .. }
            | Event::Refusal { choice, part, .. }
            | Event::ToolStart { choice, part, .. }
            | Event::ToolInput { choice, part, .. }
            | Event::Media { choice, part, .. }
            | Event::Opaque { choice, part, .. }
            | Event::Extra { choice, part, .. }
            | Event::PartEnd { choice, part } => Some((*choice, *part)),
            _ => None,
        }
    }

    /// The same, to number parts anew.
    pub(crate) fn part_mut(&mut self) -> Option<(&u32, &mut u32)> {
        match self {
            Event::Text { choice, part, .. }
            | Event::Reasoning { choice, part, .. }
            | Event::Signature { choice, part, .. }
            | Event::Refusal { choice, part, .. }
            | Event::ToolStart { choice, part, .. }
            | Event::ToolInput { choice, part, .. }
            | Event::Media { choice, part, .. }
            | Event::Opaque { choice, part, .. }
            | Event::Extra { choice, part, .. }
            | Event::PartEnd { choice, part } => Some((choice, part)),
            _ => None,
        }
    }

    /// Whether the model itself has begun to answer: providers send `Start`, `Usage` and `Raw` before it has done a
    /// thing, and a `Notice` is the pipeline's.
    pub fn is_content(&self) -> bool {
        !matches!(self, Event::Start { .. } | Event::Usage(_) | Event::Notice(_) | Event::Raw { .. })
    }

    /// What is new of a text, of thinking, of a refusal or of a tool's arguments.
    pub fn delta(&self) -> Option<&str> {
        match self {
            Event::Text { delta, .. }
            | Event::Reasoning { delta, .. }
            | Event::Refusal { delta, .. }
            | Event::ToolInput { delta, .. } => Some(delta),
            _ => None,
        }
    }

    /// About how many bytes of memory it takes, for bounds on what is kept. JSON values count as they stand on the
    /// wire, which is less than they take.
    pub fn size(&self) -> usize {
        let held = |text: &SmolStr| if text.is_heap_allocated() { text.len() } else { 0 };
        let json = |value: &Value| 64 + value_size(value);
        size_of::<Event>()
            + match self {
                Event::Text { delta, .. }
                | Event::Reasoning { delta, .. }
                | Event::Refusal { delta, .. }
                | Event::ToolInput { delta, .. }
                | Event::Signature { delta, .. } => held(delta),
                Event::ToolStart { id, name, .. } => held(id) + held(name),
                Event::Media { media, .. } => media.size(),
                Event::Opaque { data, .. } | Event::Logprobs { data, .. } => json(data),
                Event::Extra { extra, .. } => 64 + extra.values().map(json).sum::<usize>(),
                Event::Source { source, .. } => json(&source.raw),
                Event::Embedding { vector, .. } => vector.len() * size_of::<f64>(),
                Event::Model(model) => json(&model.raw),
                Event::Raw { data, .. } => data.len(),
                Event::Usage(_) => 512,
                _ => 0,
            }
    }

    /// The name of the event in its JSON form.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Start { .. } => "start",
            Event::Text { .. } => "text",
            Event::Reasoning { .. } => "reasoning",
            Event::Signature { .. } => "signature",
            Event::Refusal { .. } => "refusal",
            Event::ToolStart { .. } => "tool_start",
            Event::ToolInput { .. } => "tool_input",
            Event::Media { .. } => "media",
            Event::Opaque { .. } => "opaque",
            Event::Extra { .. } => "extra",
            Event::Source { .. } => "source",
            Event::Logprobs { .. } => "logprobs",
            Event::PartEnd { .. } => "part_end",
            Event::Usage(_) => "usage",
            Event::Embedding { .. } => "embedding",
            Event::Model(_) => "model",
            Event::Notice(_) => "notice",
            Event::Raw { .. } => "raw",
            Event::Finish { .. } => "finish",
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_json_form_is_type_then_fields() {
        let text = Event::Text { choice: 0, part: 1, delta: "hi".into() };
        let json = r#"{"type":"text","part":1,"delta":"hi"}"#;
        assert_eq!(serde_json::to_string(&text).unwrap(), json);
        assert_eq!(serde_json::from_str::<Event>(json).unwrap(), text);
        let finish = Event::Finish {
            choice: 2,
            finish: Finish {
                reason: Some(FinishReason::ToolCalls),
                raw: Some("tool_use".into()),
                stop_sequence: None,
            },
        };
        let json = serde_json::to_string(&finish).unwrap();
        assert_eq!(json, r#"{"type":"finish","choice":2,"reason":"tool_calls","raw":"tool_use"}"#);
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), finish);
    }

    #[test]
    fn the_size_of_an_event_counts_what_it_holds() {
        let text = |delta: &str| Event::Text { choice: 0, part: 0, delta: delta.into() }.size();
        assert_eq!(text("short"), size_of::<Event>());
        assert_eq!(text(&"x".repeat(1000)), size_of::<Event>() + 1000);
        let raw = Event::Raw { name: None, data: Bytes::from_static(&[0; 77]) };
        assert_eq!(raw.size(), size_of::<Event>() + 77);
        let vector = Event::Embedding { index: 0, vector: vec![0.0; 10].into() };
        assert_eq!(vector.size(), size_of::<Event>() + 80);
    }

    #[test]
    fn an_event_stays_small() {
        assert!(size_of::<Event>() <= 96, "{} bytes", size_of::<Event>());
    }
}
