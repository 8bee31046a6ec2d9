//! Writes whole answers.

use belvedere_core::completion::Completion;
use belvedere_core::error::Error;
use belvedere_core::event::Model;
use belvedere_core::message::{Part, ToolBy, extra_of};
use belvedere_core::request::Request;
use serde_json::{Map, Value, json};

use super::super::{TOOL_PLAN, WIRE, finish, source, usage};
use crate::endpoint::derived_id;

/// The sentence an error is told in: the provider's own, where there is one.
pub(super) fn sentence(error: &Error) -> &str {
    error.provider().and_then(|said| said.message.as_deref()).unwrap_or_else(|| error.message())
}

/// True for the extra of a plan for tools.
pub(super) fn is_plan(extra: &Map<String, Value>) -> bool {
    extra_of(extra, WIRE).any(|(name, value)| name == "type" && value == TOOL_PLAN)
}

/// The id of an answer; the wire asks for one.
pub(super) fn id(own: Option<&str>, text: &str) -> String {
    own.map_or_else(|| derived_id("", &[text]).to_string(), str::to_owned)
}

/// A whole answer.
pub(super) fn whole(answer: &Completion) -> Value {
    let choice = answer.choices.first();
    let (mut content, mut calls, mut plan) = (Vec::new(), Vec::new(), String::new());
    for part in choice.iter().flat_map(|choice| &choice.parts) {
        match part {
            Part::Text { text, .. } | Part::Refusal { text } => {
                content.push(json!({"type": "text", "text": text}));
            }
            Part::Reasoning { text, extra, .. } if is_plan(extra) => plan.push_str(text),
            Part::Reasoning { text, .. } => content.push(json!({"type": "thinking", "thinking": text})),
            Part::ToolCall { id, name, input, by: ToolBy::Client, .. } => calls.push(call(id, name, input)),
            Part::Opaque { data, wire, .. } if wire == WIRE => content.push(data.clone()),
            _ => {}
        }
    }
    let mut message = Map::from_iter([("role".to_owned(), "assistant".into())]);
    if !plan.is_empty() {
        message.insert("tool_plan".into(), plan.into());
    }
    let citations: Vec<Value> = choice.iter().flat_map(|choice| &choice.sources).map(source::write).collect();
    for (name, list) in [("content", content), ("tool_calls", calls), ("citations", citations)] {
        if !list.is_empty() {
            message.insert(name.into(), list.into());
        }
    }
    let mut body = Map::new();
    body.insert("id".into(), id(answer.id.as_deref(), &answer.text()).into());
    body.insert("message".into(), message.into());
    body.insert(
        "finish_reason".into(),
        finish::write(choice.and_then(|choice| choice.finish.as_ref())).into(),
    );
    if let Some(usage) = &answer.usage {
        body.insert("usage".into(), usage::write(usage).into());
    }
    if let Some(entries) = choice.map(|choice| &choice.logprobs).filter(|entries| !entries.is_empty()) {
        body.insert("logprobs".into(), json!(entries));
    }
    body.into()
}

/// A tool call, with its arguments as far as they came.
pub(super) fn call(id: &str, name: &str, input: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": input}})
}

/// The vectors of an answer.
pub(super) fn embeddings(request: &Request, answer: &Completion) -> Value {
    let vectors: Vec<&[f64]> = answer.embeddings.iter().map(|e| &*e.vector).collect();
    let mut meta = answer.usage.as_deref().map(usage::write).unwrap_or_default();
    meta.insert("api_version".into(), json!({"version": "2"}));
    json!({
        "id": id(answer.id.as_deref(), &request.input.concat()), "embeddings": {"float": vectors},
        "texts": *request.input, "meta": meta, "response_type": "embeddings_by_type",
    })
}

/// The models of an answer.
pub(super) fn models(answer: &Completion) -> Value {
    let one = |model: &Model| match &model.raw {
        own @ Value::Object(fields) if fields.get("name").is_some_and(|name| *name == model.id) => {
            own.clone()
        }
        _ => json!({"name": model.id, "endpoints": ["chat"]}),
    };
    json!({ "models": answer.models.iter().map(one).collect::<Vec<_>>() })
}
