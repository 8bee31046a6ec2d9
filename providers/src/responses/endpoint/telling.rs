//! What a stream tells of its items: the events that begin them, bring what is new, and end their parts.

use belvedere_core::event::Event;
use belvedere_core::message::{Part, ToolBy};
use serde_json::{Map, Value, json};

/// An event: its type and its fields.
pub(super) type Told = (&'static str, Value);

/// Where a part stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) id: &'a str,
    /// The item's index.
    pub(super) item: usize,
    /// The part's index in it.
    pub(super) part: usize,
    /// The item is a call of a custom tool.
    pub(super) is_custom: bool,
}

impl At<'_> {
    /// The fields of an event about this place. `index` names the part's, where the event has one.
    fn with<const N: usize>(&self, index: Option<&str>, fields: [(&str, Value); N]) -> Value {
        let mut all = Map::from_iter([
            ("item_id".to_owned(), self.id.into()),
            ("output_index".to_owned(), self.item.into()),
        ]);
        all.extend(index.map(|index| (index.to_owned(), self.part.into())));
        all.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(all)
    }
}

const CONTENT: Option<&str> = Some("content_index");
const SUMMARY: Option<&str> = Some("summary_index");

/// The item that a part begins, as long as nothing is in it. `None` for one that is only told of when it is complete.
pub(super) fn begun_item(part: &Part, at: At<'_>) -> Option<Value> {
    Some(match part {
        Part::Text { .. } | Part::Refusal { .. } => {
            json!({"type": "message", "id": at.id, "status": "in_progress", "role": "assistant", "content": []})
        }
        Part::Reasoning { text, .. } if !text.is_empty() => {
            json!({"type": "reasoning", "id": at.id, "summary": []})
        }
        Part::ToolCall { id, name, by: ToolBy::Client, .. } => {
            let (kind, input) = match at.is_custom {
                true => ("custom_tool_call", "input"),
                false => ("function_call", "arguments"),
            };
            json!({"type": kind, "id": at.id, "status": "in_progress", "call_id": id, "name": name, input: ""})
        }
        _ => return None,
    })
}

/// What tells that a part begins.
pub(super) fn begun_part(part: &Part, at: At<'_>) -> Option<Told> {
    match part {
        Part::Text { .. } | Part::Refusal { .. } => {
            Some(("response.content_part.added", at.with(CONTENT, [("part", content(part, ""))])))
        }
        Part::Reasoning { .. } => {
            let part = json!({"type": "summary_text", "text": ""});
            Some(("response.reasoning_summary_part.added", at.with(SUMMARY, [("part", part)])))
        }
        _ => None,
    }
}

/// What tells of a piece that is new.
pub(super) fn piece(event: &Event, at: At<'_>) -> Option<Told> {
    let fields = |delta: &str, index| at.with(index, [("delta", delta.into())]);
    match event {
        Event::Text { delta, .. } if !delta.is_empty() => {
            let fields = [("delta", delta.as_str().into()), ("logprobs", json!([]))];
            Some(("response.output_text.delta", at.with(CONTENT, fields)))
        }
        Event::Refusal { delta, .. } if !delta.is_empty() => {
            Some(("response.refusal.delta", fields(delta, CONTENT)))
        }
        Event::Reasoning { delta, .. } if !delta.is_empty() => {
            Some(("response.reasoning_summary_text.delta", fields(delta, SUMMARY)))
        }
        Event::ToolInput { delta, .. } if !delta.is_empty() => {
            let kind = match at.is_custom {
                true => "response.custom_tool_call_input.delta",
                false => "response.function_call_arguments.delta",
            };
            Some((kind, fields(delta, None)))
        }
        _ => None,
    }
}

/// What tells that a part ended. `whole` is its item.
pub(super) fn ended_part(part: &Part, at: At<'_>, whole: &Value) -> Vec<Told> {
    let said = || whole.get("content").and_then(|content| content.get(at.part)).cloned();
    match part {
        Part::Text { text, .. } => {
            let content = said().unwrap_or_else(|| content(part, text));
            let logprobs = content.get("logprobs").cloned().unwrap_or_else(|| json!([]));
            let fields = [("text", text.as_str().into()), ("logprobs", logprobs)];
            vec![
                ("response.output_text.done", at.with(CONTENT, fields)),
                ("response.content_part.done", at.with(CONTENT, [("part", content)])),
            ]
        }
        Part::Refusal { text } => vec![
            ("response.refusal.done", at.with(CONTENT, [("refusal", text.as_str().into())])),
            ("response.content_part.done", at.with(CONTENT, [("part", content(part, text))])),
        ],
        Part::Reasoning { text, .. } if !text.is_empty() => {
            let part = json!({"type": "summary_text", "text": text});
            vec![
                ("response.reasoning_summary_text.done", at.with(SUMMARY, [("text", text.as_str().into())])),
                ("response.reasoning_summary_part.done", at.with(SUMMARY, [("part", part)])),
            ]
        }
        Part::ToolCall { input, .. } if at.is_custom => {
            vec![("response.custom_tool_call_input.done", at.with(None, [("input", input.as_str().into())]))]
        }
        Part::ToolCall { input, name, by: ToolBy::Client, .. } => {
            let arguments = if input.trim().is_empty() { "{}" } else { input };
            let fields = [("name", name.as_str().into()), ("arguments", arguments.into())];
            vec![("response.function_call_arguments.done", at.with(None, fields))]
        }
        _ => Vec::new(),
    }
}

/// What tells of a citation, the `count`-th of its text.
pub(super) fn cited(annotation: Value, count: usize, at: At<'_>) -> Told {
    let fields = [("annotation_index", count.saturating_sub(1).into()), ("annotation", annotation)];
    ("response.output_text.annotation.added", at.with(CONTENT, fields))
}

fn content(part: &Part, text: &str) -> Value {
    match part {
        Part::Refusal { .. } => json!({"type": "refusal", "refusal": text}),
        _ => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
    }
}
