//! How a scenario is written down: for people who read what changed.

use serde_json::Value;

use crate::scenario::Scenario;

/// What is longer than this is broken into lines, in characters.
const WIDTH: usize = 110;

/// The keys that come first in any object; the others follow in alphabetical order.
const FIRST: [&str; 23] = [
    "about",
    "config",
    "replies",
    "calls",
    "same_answers",
    "signals",
    "verb",
    "after",
    "together",
    "request",
    "cancel",
    "expect",
    "line",
    "type",
    "role",
    "version",
    "provider",
    "category",
    "kind",
    "phase",
    "status",
    "message",
    "headers",
];

/// The text of a scenario file: JSON in which whatever fits stands on one line.
///
/// # Errors
/// A scenario that has no JSON form.
pub fn text(scenario: &Scenario) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    block(&serde_json::to_value(scenario)?, 0, &mut out);
    out.push('\n');
    Ok(out)
}

fn block(value: &Value, depth: usize, out: &mut String) {
    let line = inline(value);
    if depth > 0 && 2 * depth + line.chars().count() <= WIDTH {
        return out.push_str(&line);
    }
    match value {
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter().map(|item| (String::new(), item));
            lines(['[', ']'], items, depth, out);
        }
        Value::Object(map) if !map.is_empty() => {
            let entries = sorted(map).into_iter().map(|(key, value)| (format!("{}: ", quoted(key)), value));
            lines(['{', '}'], entries, depth, out);
        }
        _ => out.push_str(&line),
    }
}

fn lines<'a>(
    [open, close]: [char; 2],
    items: impl Iterator<Item = (String, &'a Value)>,
    depth: usize,
    out: &mut String,
) {
    out.push(open);
    let mut comma = "";
    for (key, value) in items {
        out.push_str(comma);
        out.push('\n');
        out.push_str(&"  ".repeat(depth + 1));
        out.push_str(&key);
        block(value, depth + 1, out);
        comma = ",";
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries = sorted(map).into_iter();
            let entries = entries.map(|(key, value)| format!("{}: {}", quoted(key), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

fn sorted(map: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries
        .sort_by_key(|(key, _)| (FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()), *key));
    entries
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        let mut out = String::new();
        block(value, 0, &mut out);
        out
    }

    #[test]
    fn what_fits_stands_on_one_line_and_the_telling_keys_come_first() {
        let value = json!({"calls": [{"part": 0, "type": "text", "delta": "a\nb"}], "about": "x", "n": []});
        let text = "{\n  \"about\": \"x\",\n  \"calls\": [{ \"type\": \"text\", \"delta\": \"a\\nb\", \"part\": 0 }],\n  \"n\": []\n}";
        assert_eq!(written(&value), text);
    }

    #[test]
    fn what_is_long_is_broken_and_reads_back() {
        let value = json!({"list": ["x".repeat(60), "y".repeat(60), {"deep": {"a": "z".repeat(120)}}]});
        let text = written(&value);
        assert_eq!(text.lines().count(), 11, "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
