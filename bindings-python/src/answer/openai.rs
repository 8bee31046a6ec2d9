//! An answer in the form of OpenAI's API
//! (<https://platform.openai.com/docs/api-reference/chat/object>).

use belvedere::FinishReason;
use belvedere::completion::{Choice, Completion};
use belvedere::message::{Part, ToolBy};
use belvedere::usage::{Class, Usage};
use serde_json::{Map, Value, json};

/// The whole answer.
pub(super) fn view(completion: &Completion) -> Value {
    let mut view = match completion.embeddings.as_slice() {
        [] => json!({
            "id": completion.id.as_deref().unwrap_or_default(),
            "object": "chat.completion",
            "created": 0,
            "model": completion.model.as_deref().unwrap_or_default(),
            "choices": completion.choices.iter().map(choice).collect::<Vec<_>>(),
        }),
        embeddings => json!({
            "object": "list",
            "model": completion.model.as_deref().unwrap_or_default(),
            "data": embeddings
                .iter()
                .map(|e| json!({"object": "embedding", "index": e.index, "embedding": &*e.vector}))
                .collect::<Vec<_>>(),
        }),
    };
    if let (Some(used), Value::Object(fields)) = (&completion.usage, &mut view) {
        fields.insert("usage".into(), usage(used));
    }
    view
}

fn choice(choice: &Choice) -> Value {
    let joined = |text: fn(&Part) -> Option<&str>| {
        let texts: Vec<&str> = choice.parts.iter().filter_map(text).collect();
        (!texts.is_empty()).then(|| texts.concat())
    };
    let mut message = Map::new();
    message.insert("role".into(), json!("assistant"));
    message.insert("content".into(), json!(joined(Part::as_text)));
    let refusal = joined(|part| match part {
        Part::Refusal { text } => Some(text),
        _ => None,
    });
    message.insert("refusal".into(), json!(refusal));
    let reasoning = joined(|part| match part {
        Part::Reasoning { text, .. } if !text.is_empty() => Some(text),
        _ => None,
    });
    if let Some(reasoning) = reasoning {
        message.insert("reasoning_content".into(), json!(reasoning));
    }
    let calls: Vec<Value> = choice.parts.iter().filter_map(tool_call).collect();
    if !calls.is_empty() {
        message.insert("tool_calls".into(), Value::Array(calls));
    }
    let reason = choice.finish.as_ref().and_then(|finish| finish.reason);
    let logprobs = match choice.logprobs.as_slice() {
        [] => Value::Null,
        entries => json!({ "content": entries }),
    };
    json!({
        "index": choice.index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": reason.map(finish_reason),
    })
}

fn tool_call(part: &Part) -> Option<Value> {
    match part {
        Part::ToolCall { id, name, input, by: ToolBy::Client, .. } => Some(json!({
            "id": id,
            "type": "function",
            "function": { "name": name, "arguments": input },
        })),
        _ => None,
    }
}

/// OpenAI has five words; the others become the nearest one.
fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        _ => "stop",
    }
}

fn usage(usage: &Usage) -> Value {
    let input = usage.input_tokens().unwrap_or(0);
    let output = usage.output_tokens().unwrap_or(0);
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
        "prompt_tokens_details": { "cached_tokens": usage.get(&Class::CacheRead).unwrap_or(0) },
        "completion_tokens_details": { "reasoning_tokens": usage.get(&Class::Reasoning).unwrap_or(0) },
    })
}
