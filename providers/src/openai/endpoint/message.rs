//! Reads messages. Most of the work is core's, which reads this wire's messages as people have them.

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::WIRE;
use crate::endpoint::as_extra;

/// The message at `path`.
///
/// # Errors
/// `InvalidRequest` naming the path and what is allowed there.
pub(super) fn read(mut value: Value, path: &str) -> Result<Message> {
    if let Value::Object(map) = &mut value {
        prepare(map);
    }
    let mut message = Message::from_json(value, path).map_err(|error| {
        let at = error.message().split(": ").next().unwrap_or(path).to_owned();
        error.with("parameter", at)
    })?;
    if message.role == Role::Assistant {
        sound(&mut message);
        message.parts.iter_mut().for_each(extra_content);
    }
    Ok(message)
}

/// What only this wire may be sent with a call stands under its name.
fn extra_content(part: &mut Part) {
    if let Part::ToolCall { extra, .. } = part
        && let Some(content) = extra.remove("extra_content")
    {
        extra.insert(WIRE.to_owned(), json!({ "extra_content": content }));
    }
}

/// Brings what this wire's servers and clients have into the forms that core reads.
fn prepare(map: &mut Map<String, Value>) {
    // Clients with a fixed shape send null for what is absent (Hugging Face's).
    as_extra(map);
    // The same thinking under its two names (GPUStack).
    if map.contains_key("reasoning") && map.get("reasoning") == map.get("reasoning_content") {
        map.remove("reasoning");
    }
    for call in map.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        call.as_object_mut().into_iter().for_each(as_extra);
    }
    let asks = map.get("role").is_some_and(|role| ["user", "system", "developer"].iter().any(|r| role == r));
    if let Some(Value::Array(items)) = map.get_mut("content") {
        for item in items {
            let Value::Object(fields) = item else { continue };
            as_extra(fields);
            fields.values_mut().filter_map(Value::as_object_mut).for_each(as_extra);
            if let Some(other) = converted(fields, asks) {
                *item = other;
            }
        }
    }
}

/// Mistral's `thinking` items, and in what is asked the items of servers that have more kinds.
fn converted(item: &mut Map<String, Value>, asks: bool) -> Option<Value> {
    const KNOWN: [&str; 8] =
        ["text", "input_text", "output_text", "refusal", "image_url", "input_audio", "video_url", "file"];
    let kind = item.get("type")?.as_str()?.to_owned();
    if kind == "thinking" {
        let text = thoughts(item.remove("thinking"));
        return Some(json!({
            "type": "reasoning", "text": text, "signature": item.remove("signature"), "wire": WIRE,
        }));
    }
    (asks && !KNOWN.contains(&kind.as_str()))
        .then(|| json!({"type": "opaque", "kind": kind, "data": std::mem::take(item), "wire": WIRE}))
}

/// The text of a `thinking` item: a string, or a list of texts.
fn thoughts(thinking: Option<Value>) -> String {
    match thinking {
        Some(Value::String(text)) => text,
        Some(Value::Array(items)) => items.iter().filter_map(|i| i.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// Sound of the model comes back by its id alone.
fn sound(message: &mut Message) {
    let id = message.extra.get("audio").and_then(|audio| audio.get("id")).and_then(Value::as_str);
    let Some(id) = id.map(Value::from) else { return };
    message.extra.remove("audio");
    let source = MediaSource::Data { mime: SmolStr::default(), data: Bytes::new() };
    let mut media = Media::new(MediaKind::Audio, source);
    media.extra.insert("id".into(), id);
    message.parts.insert(0, Part::Media(media));
}
