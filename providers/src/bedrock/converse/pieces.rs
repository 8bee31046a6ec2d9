//! Pieces of blocks that are rare: media, encrypted thinking, and what is handed on whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The bytes in a piece such as `{"image": {"source": {"bytes": "..."}}}`.
pub(super) fn bytes_of(pieces: &Map<String, Value>) -> Option<Vec<u8>> {
    let text = pieces.values().find_map(|piece| piece.get("source")?.get("bytes")?.as_str())?;
    STANDARD.decode(text).ok()
}

/// Appends base64 to base64: of the bytes, since a piece may end with padding.
pub(super) fn append_base64(data: &mut String, piece: &str) {
    match (STANDARD.decode(&*data), STANDARD.decode(piece)) {
        (Ok(mut bytes), Ok(more)) if !bytes.is_empty() => {
            bytes.extend(more);
            *data = STANDARD.encode(bytes);
        }
        _ => data.push_str(piece),
    }
}

/// Adds a piece to what is handed on whole: lists and texts grow, everything else is replaced.
pub(super) fn join(value: &mut Value, piece: Value) {
    match (value, piece) {
        (Value::Object(fields), Value::Array(items)) => {
            let content = fields.entry("content").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(content) = content {
                items.into_iter().for_each(|item| join_item(content, item));
            }
        }
        (Value::Object(fields), Value::Object(pieces)) => {
            for (key, piece) in pieces {
                join(fields.entry(key).or_insert(Value::Null), piece);
            }
        }
        (Value::String(text), Value::String(piece)) => text.push_str(&piece),
        (value, piece) => *value = piece,
    }
}

/// Adds a piece of a tool result: text goes on with the text before it.
fn join_item(content: &mut Vec<Value>, item: Value) {
    let last = content.last_mut().and_then(|last| last.get_mut("text"));
    match (last, item.get("text")) {
        (Some(Value::String(text)), Some(Value::String(piece))) => text.push_str(piece),
        _ => content.push(item),
    }
}

/// The one field of a block or piece that is handed on whole; `None` when it says nothing. `p` is padding against
/// guesses from lengths, and `type` repeats the kind.
pub(super) fn field(block: Map<String, Value>) -> Option<(String, Value)> {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    // `p` is padding against guesses from lengths, and `type` repeats the kind.
    let is_own = |key: &str| !matches!(key, "type" | "p" | "text");
    block.into_iter().find(|(key, value)| is_own(key) && says(value))
}
