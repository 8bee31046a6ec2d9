//! JSON that fits a JSON Schema: the same for the same schema.

use serde_json::{Map, Value, json};

/// How deep a value gets before what may be left out is left out.
const DEEP: usize = 6;
/// How deep it gets at all: a schema that demands itself has no value that fits.
const DEEPEST: usize = 24;

/// A value that fits `schema`, as far as its `pattern`s allow any guess.
///
/// It reads what providers take of JSON Schema (draft 2020-12): types, properties, items, bounds, `enum`, `const`,
/// `default`, `examples`, `format`, `anyOf`, `oneOf`, `allOf` and references inside the schema.
pub(super) fn example(schema: &Value) -> Value {
    of(schema, schema, "value", 0)
}

fn of(schema: &Value, root: &Value, name: &str, depth: usize) -> Value {
    let Value::Object(map) = schema else { return json!(name) };
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(target) = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
        return root.pointer(target).map_or(Value::Null, |schema| of(schema, root, name, depth + 1));
    }
    let given = map.get("const").or_else(|| map.get("default")).or_else(|| first(map, "enum"));
    if let Some(value) = given.or_else(|| first(map, "examples")) {
        return value.clone();
    }
    if let Some(parts) = map.get("allOf").and_then(Value::as_array) {
        return of(&merged(map, parts, root), root, name, depth + 1);
    }
    if let Some(branches) = ["anyOf", "oneOf"].iter().find_map(|key| map.get(*key)?.as_array()) {
        return of(branch(branches, depth), root, name, depth + 1);
    }
    match kind(map, depth) {
        "object" => object(map, root, depth),
        "array" => array(map, root, name, depth),
        "integer" => json!(number(map, true) as i64),
        "number" => json!(number(map, false)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!(text(map, name)),
    }
}

fn first<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.get(key)?.as_array()?.first()
}

/// The type, `null` only where nothing else is allowed or it is time to stop.
fn kind(map: &Map<String, Value>, depth: usize) -> &str {
    let guess = if map.contains_key("properties") { "object" } else { "string" };
    match map.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            let null = kinds.clone().any(|kind| kind == "null");
            if null && depth >= DEEP { "null" } else { kinds.find(|kind| *kind != "null").unwrap_or("null") }
        }
        _ => guess,
    }
}

/// The branch to follow: the first that is not null, or null when it is time to stop.
fn branch(branches: &[Value], depth: usize) -> &Value {
    let null = |schema: &&Value| schema.get("type").and_then(Value::as_str) == Some("null");
    let wanted = branches.iter().find(|schema| null(schema) == (depth >= DEEP));
    wanted.or_else(|| branches.first()).unwrap_or(&Value::Null)
}

/// One schema for all parts of an `allOf`: properties and what is required of all of them.
fn merged(map: &Map<String, Value>, parts: &[Value], root: &Value) -> Value {
    let mut whole = map.clone();
    whole.remove("allOf");
    for part in parts {
        let target = part.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
        let part = target.and_then(|target| root.pointer(target)).unwrap_or(part);
        for (key, value) in part.as_object().into_iter().flatten() {
            match (whole.get_mut(key), value) {
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
                (Some(Value::Array(old)), Value::Array(new)) => old.extend(new.iter().cloned()),
                _ => drop(whole.insert(key.clone(), value.clone())),
            }
        }
    }
    Value::Object(whole)
}

fn object(map: &Map<String, Value>, root: &Value, depth: usize) -> Value {
    let required: Vec<&str> = map
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = map.get("properties").and_then(Value::as_object).into_iter().flatten();
    let wanted = properties.filter(|(name, _)| depth < DEEP || required.contains(&name.as_str()));
    Value::Object(wanted.map(|(name, schema)| (name.clone(), of(schema, root, name, depth + 1))).collect())
}

fn array(map: &Map<String, Value>, root: &Value, name: &str, depth: usize) -> Value {
    let bound = |key| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let least =
        bound("minItems").unwrap_or(usize::from(depth < DEEP)).min(bound("maxItems").unwrap_or(usize::MAX));
    let heads = map.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let item = |at: usize| heads.get(at).or_else(|| map.get("items")).unwrap_or(&Value::Bool(true));
    Value::Array((0..least.max(heads.len())).map(|at| of(item(at), root, name, depth + 1)).collect())
}

/// The least number that is allowed, or 1 where that is allowed, too.
fn number(map: &Map<String, Value>, whole: bool) -> f64 {
    let bound = |key: &str| map.get(key).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(if whole { 1.0 } else { 0.5 });
    let over = bound("exclusiveMinimum").map(|least| ((least / step).floor() + 1.0) * step);
    let least = bound("minimum").map(|least| (least / step).ceil() * step).into_iter().chain(over);
    let least = least.fold(f64::NEG_INFINITY, f64::max);
    let under = bound("exclusiveMaximum").map(|most| ((most / step).ceil() - 1.0) * step);
    let most = bound("maximum").map(|most| (most / step).floor() * step).into_iter().chain(under);
    let most = most.fold(f64::INFINITY, f64::min);
    step.max(1.0).max(least).min(most)
}

/// A text of the right form and length; the property's own name where anything goes.
fn text(map: &Map<String, Value>, name: &str) -> String {
    let form = match map.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("date") => "2026-01-01",
        Some("time") => "00:00:00Z",
        Some("duration") => "P1D",
        Some("email") => "someone@example.com",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uri") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => name,
    };
    let bound = |key| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let (least, most) = (bound("minLength").unwrap_or(0), bound("maxLength").unwrap_or(usize::MAX));
    let filler = "x".repeat(least.saturating_sub(form.chars().count()));
    form.chars().chain(filler.chars()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_what_the_schema_asks_for() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 3, "multipleOf": 2},
                "share": {"type": "number", "exclusiveMaximum": 0.5},
                "unit": {"enum": ["c", "f"]},
                "when": {"type": "string", "format": "date"},
                "tags": {"type": "array", "items": {"type": "string", "minLength": 6}, "minItems": 2},
                "maybe": {"type": ["null", "boolean"]},
                "either": {"anyOf": [{"type": "null"}, {"const": 7}]},
                "both": {"allOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": {"type": "null"}}}]},
            },
            "$defs": {"a": {"type": "object", "properties": {"a": {"type": "boolean"}}}},
        });
        let expected = json!({
            "city": "city", "days": 4, "share": 0.0, "unit": "c", "when": "2026-01-01", "tags": ["tagsxx", "tagsxx"],
            "maybe": true, "either": 7, "both": {"a": true, "b": null},
        });
        assert_eq!(example(&schema), expected);
    }

    #[test]
    fn a_schema_of_itself_comes_to_an_end() {
        let tree = json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {"type": "object", "properties": {
                "name": {"type": "string"},
                "child": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "list": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            }, "required": ["name", "child"]}},
        });
        let mut node = &example(&tree);
        for _ in 0..DEEPEST {
            assert_eq!(node["name"], "name");
            node = &node["child"];
            if node.is_null() {
                return;
            }
        }
        panic!("no end");
    }

    #[test]
    fn nothing_is_too_odd_to_answer() {
        for odd in [json!(true), json!({}), json!({"$ref": "#"}), json!({"$ref": "x"}), json!({"anyOf": []})]
        {
            let _any = example(&odd);
        }
        assert_eq!(example(&json!({"type": "string", "maxLength": 2})), json!("va"));
    }
}
