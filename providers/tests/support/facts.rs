//! What a recorded answer says, in the words of its facts.

use belvedere_core::completion::Completion;
use belvedere_core::message::{Part, arguments};
use serde_json::{Value, json};

use crate::corpus::Row;

/// The facts of an answer. What the provider ran itself has a word of each wire's own.
pub(crate) fn facts(answer: &Completion, server_tool: impl Fn(&Part) -> Option<String>) -> Value {
    let parts = answer.choices.first().map(|choice| choice.parts.as_slice()).unwrap_or_default();
    let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
    let calls = answer.tool_calls().map(|call| {
        let id = Some(call.id).filter(|id| !id.is_empty());
        json!({"id": id, "name": call.name, "arguments": arguments(call.input).ok()})
    });
    let finish = answer.choices.first().and_then(|choice| choice.finish.clone()).unwrap_or_default();
    let usage = answer.usage.as_ref();
    json!({
        "text": (!texts.is_empty()).then(|| texts.concat()), "text_parts": texts,
        "reasoning_text": answer.reasoning().filter(|text| !text.is_empty()),
        "refusal": answer.refusal(), "tool_calls": calls.collect::<Value>(),
        "server_tools": parts.iter().filter_map(server_tool).collect::<Value>(),
        "finish_reason": finish.reason, "finish_reason_raw": finish.raw, "stop_sequence": finish.stop_sequence,
        "usage": usage.map(|usage| &usage.reported), "usage_raw": usage.map(|usage| &usage.raw),
        "model": answer.model, "response_id": answer.id, "n_choices": answer.choices.len(),
    })
}

/// What the row says of its answer, without the notes of whoever recorded it.
pub(crate) fn expected(row: &Row) -> Value {
    let mut facts = facts(&Completion::default(), |_| None);
    for (name, fact) in facts.as_object_mut().unwrap() {
        *fact = row.facts["expected"][name].clone();
    }
    for call in facts["tool_calls"].as_array_mut().unwrap() {
        call.as_object_mut().unwrap().retain(|name, _| ["id", "name", "arguments"].contains(&name.as_str()));
    }
    facts
}
