//! Whole answers of a chat.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::completion::{self, Completion};
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy};
use belvedere_core::request::Request;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{details, is_ours};
use super::calls::{self, Call};
use super::{id_of, model_of, pieces, usage};
use crate::endpoint::created;

/// The body of an answer.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    id: SmolStr,
    object: &'static str,
    created: u64,
    model: SmolStr,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

#[derive(Debug, Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<Value>,
    finish_reason: Cow<'a, str>,
    /// The stop sequence that was hit (vLLM's field).
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executed_tools: Option<&'a Value>,
}

impl<'a> Body<'a> {
    pub(super) fn of(request: &Request, answer: &'a Completion) -> Self {
        let id = id_of(request, answer.id.as_deref());
        Body {
            object: "chat.completion",
            created: created(request),
            model: model_of(request, answer.model.as_deref()),
            choices: answer.choices.iter().map(|choice| Choice::of(request, &id, choice)).collect(),
            usage: answer.usage.as_ref().map(|usage| usage::chat(usage)),
            id,
        }
    }
}

impl<'a> Choice<'a> {
    fn of(request: &Request, id: &str, choice: &'a completion::Choice) -> Self {
        let finish = choice.finish.as_ref();
        Choice {
            index: choice.index,
            message: Message::of(request, id, choice),
            logprobs: pieces::logprobs(&choice.logprobs),
            finish_reason: finish.map_or("stop".into(), pieces::finish_reason),
            stop_reason: finish.and_then(|finish| finish.stop_sequence.as_deref()),
        }
    }
}

impl<'a> Message<'a> {
    fn of(request: &Request, id: &str, choice: &'a completion::Choice) -> Self {
        let text = joined(choice, Part::as_text);
        let sound = choice.parts.iter().find_map(|part| match part {
            Part::Media(media) if media.kind == MediaKind::Audio => Some(media),
            _ => None,
        });
        // The text beside sound is its transcript.
        let (content, audio) = match sound {
            Some(media) => (None, Some(audio(media, text.unwrap_or_default()))),
            None => (text, None),
        };
        Message {
            role: "assistant",
            content,
            refusal: joined(choice, |part| match part {
                Part::Refusal { text } => Some(text),
                _ => None,
            }),
            reasoning_content: joined(choice, |part| match part {
                Part::Reasoning { text, .. } => {
                    Some(text).filter(|text| !text.is_empty()).map(String::as_str)
                }
                _ => None,
            }),
            annotations: choice.sources.iter().filter_map(pieces::annotation).collect(),
            audio,
            images: choice.parts.iter().filter_map(image).collect(),
            tool_calls: tool_calls(request, id, choice),
            reasoning_details: own(choice, details::KIND),
            executed_tools: own(choice, "executed_tools"),
        }
    }
}

fn image(part: &Part) -> Option<Value> {
    match part {
        Part::Media(media) => pieces::image(media),
        _ => None,
    }
}

/// The texts of one kind, joined; `None` when there are none.
fn joined<'a>(choice: &'a completion::Choice, of: impl Fn(&'a Part) -> Option<&'a str>) -> Option<String> {
    let mut texts = choice.parts.iter().filter_map(of).peekable();
    texts.peek().is_some().then(|| texts.collect())
}

/// A part in the wire's own words.
fn own<'a>(choice: &'a completion::Choice, own: &str) -> Option<&'a Value> {
    choice.parts.iter().find_map(|part| match part {
        Part::Opaque { kind, data, wire } if kind == own && is_ours(wire) => Some(data),
        _ => None,
    })
}

fn tool_calls<'a>(request: &Request, answer: &str, choice: &'a completion::Choice) -> Vec<Call<'a>> {
    let calls = choice.parts.iter().filter_map(|part| match part {
        Part::ToolCall { id, name, input, by: ToolBy::Client, extra } => Some((id, name, input, extra)),
        _ => None,
    });
    calls
        .enumerate()
        .map(|(at, (id, name, input, extra))| Call {
            index: None,
            start: Some((calls::id(id, answer, at), name)),
            custom: calls::custom(request, name, Some(extra)),
            input: Some(input),
            extra: Some(extra),
        })
        .collect()
}

/// Sound. No clock tells when the provider will have forgotten it.
fn audio(media: &Media, transcript: String) -> Value {
    let data = match &media.source {
        MediaSource::Data { data, .. } => STANDARD.encode(data),
        _ => String::new(),
    };
    json!({ "id": media.extra.get("id"), "data": data, "transcript": transcript, "expires_at": 0 })
}
