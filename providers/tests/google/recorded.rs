//! The recordings of Google's wire.

use belvedere_providers::google::Google;
use serde_json::{Map, Value, json};

use crate::corpus::Row;

/// The server that was recorded.
pub(crate) fn provider(row: &Row) -> Google {
    match row.facts["provider"].as_str() {
        Some("google_vertex") => Google::vertex("p", "global").unwrap(),
        _ => Google::default(),
    }
}

/// The frames of the body as values.
pub(crate) fn frames(row: &Row) -> Vec<Value> {
    let text = String::from_utf8(row.body.clone()).unwrap();
    match serde_json::from_str(&text) {
        Ok(Value::Array(frames)) => frames,
        Ok(frame) => vec![frame],
        Err(_) => {
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            data.filter_map(|data| serde_json::from_str(data).ok()).collect()
        }
    }
}

/// The address that was asked. Recordings have placeholders in it that no address takes, and some streams were asked
/// for as an array, which the endpoint does not give.
pub(crate) fn uri(row: &Row) -> http::Uri {
    let mut url = row.facts["url"].as_str().unwrap().replace(['<', '>'], "");
    if row.is_stream() && !url.contains("alt=sse") {
        url.push_str("?alt=sse");
    }
    url.parse().unwrap()
}

/// The parts of the first candidate of a frame.
pub(crate) fn parts(frame: &Value) -> Vec<Value> {
    let parts = frame["candidates"][0]["content"]["parts"].as_array();
    parts.cloned().unwrap_or_default()
}

/// A body without the differences that mean nothing to the server:
/// - JSON of protocol buffers takes both spellings of a field's name, and null, an empty object and an absent field
///   are the same to it;
/// - `thought: false` is the default, and so is `includeThoughts: false`;
/// - a turn without a role is the user's, and an instruction's role is not looked at;
/// - types in schemas are taken in either case;
/// - a list of one tool may be that tool alone.
pub(crate) fn normal(body: Value) -> Value {
    let Value::Object(body) = body else { return body };
    let mut normal = Map::new();
    for (name, value) in body {
        let name = camel(&name);
        let value = match name.as_str() {
            "contents" => each(value, content),
            "systemInstruction" => json!({"parts": each(value["parts"].clone(), part)}),
            "tools" => each(value, tool),
            "generationConfig" => object(value, |name, value| match name {
                "thinkingConfig" => object(value, |name, value| match name {
                    "includeThoughts" if value == false => Value::Null,
                    _ => value,
                }),
                "responseSchema" => schema(value),
                _ => value,
            }),
            "toolConfig" => object(value, |_, value| object(value, |_, value| value)),
            _ => value,
        };
        if !value.is_null() && value != json!({}) && value != json!({"parts": null}) {
            normal.insert(name, value);
        }
    }
    Value::Object(normal)
}

fn each(value: Value, one: impl Fn(Value) -> Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(one).collect()),
        Value::Null => Value::Null,
        alone => Value::Array(vec![one(alone)]),
    }
}

/// An object with its fields in camel case, without null.
fn object(value: Value, field: impl Fn(&str, Value) -> Value) -> Value {
    let Value::Object(map) = value else { return value };
    let fields = map.into_iter().map(|(name, value)| {
        let name = camel(&name);
        let value = field(&name, value);
        (name, value)
    });
    Value::Object(fields.filter(|(_, value)| !value.is_null()).collect())
}

fn content(content: Value) -> Value {
    let role = content.get("role").cloned().unwrap_or_else(|| "user".into());
    json!({"role": role, "parts": each(content["parts"].clone(), part)})
}

fn part(part: Value) -> Value {
    object(part, |name, value| match name {
        "thought" if value == false => Value::Null,
        "inlineData" => object(value, |_, value| value),
        _ => value,
    })
}

fn tool(tool: Value) -> Value {
    let Value::Object(tool) = tool else { return tool };
    let fields = tool.into_iter().filter(|(_, value)| !value.is_null());
    let fields = fields.map(|(name, value)| match camel(&name).as_str() {
        "functionDeclarations" => {
            let declared = each(value, |function| {
                object(function, |name, value| if name == "parameters" { schema(value) } else { value })
            });
            ("functionDeclarations".to_owned(), declared)
        }
        _ => (name, value),
    });
    Value::Object(fields.collect())
}

fn schema(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| match (name.as_str(), value) {
                    ("type", Value::String(kind)) => (name, kind.to_lowercase().into()),
                    (_, value) => (name, self::schema(value)),
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(self::schema).collect()),
        other => other,
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        camel + &head.to_uppercase() + tail
    })
}
