//! What a response repeats of its request.

use std::sync::Arc;

use belvedere_core::request::Request;
use serde_json::{Map, Value, json};

use super::super::encode;

/// Fields of a request that are none of its response.
const NOT_REPEATED: [&str; 4] = ["input", "include", "stream", "stream_options"];

/// The fields that a response repeats, and the server's words for those that were not set. The clients ask for them.
pub(super) fn of(request: &Request) -> Map<String, Value> {
    let mut fields = defaults();
    let mut small = request.clone();
    small.messages = Arc::default();
    let sent = encode::body("", &small).ok().and_then(|body| serde_json::from_slice(&body).ok());
    let sent: Map<String, Value> = sent.unwrap_or_default();
    fields.extend(sent.into_iter().filter(|(name, _)| !NOT_REPEATED.contains(&name.as_str())));
    fields
}

fn defaults() -> Map<String, Value> {
    let fields = json!({
        "instructions": null, "max_output_tokens": null, "metadata": {}, "parallel_tool_calls": true,
        "previous_response_id": null, "reasoning": {"effort": null, "summary": null},
        "temperature": null, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
        "top_p": null, "truncation": "disabled", "user": null,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
