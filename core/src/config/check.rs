//! Holding a document to a JSON Schema, with all findings at once.
//!
//! It reads the part of JSON Schema (draft 2020-12) that `schemars` writes for configuration types. A general
//! validator would cost the browser build several times the size of this crate.

use serde_json::{Map, Value};

use super::Findings;
use crate::message_json::type_name;

/// Checks `value` against `schema`, whose references are looked up in `root`.
pub(super) fn check(value: &Value, schema: &Value, root: &Value, path: &str, findings: &mut Findings) {
    let Value::Object(schema) = schema else { return };
    if let Some(target) = schema.get("$ref").and_then(Value::as_str)
        && let Some(target) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer))
    {
        check(value, target, root, path, findings);
    }
    for all in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        check(value, all, root, path, findings);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(branches) = schema.get(key).and_then(Value::as_array) {
            any_of(value, branches, root, path, findings);
        }
    }
    if !has_type(value, schema) {
        let what = format!("must be {}, is {}", expected(schema), type_name(value));
        return findings.add(path, what);
    }
    match value {
        Value::Object(map) => object(map, schema, root, path, findings),
        Value::Array(items) => array(items, schema, root, path, findings),
        Value::Number(number) => range(number, schema, path, findings),
        Value::String(text) => string(text, schema, path, findings),
        _ => {}
    }
    one_of_values(value, schema, path, findings);
}

/// One branch has to fit. Branches that a tag tells apart are chosen by it. Of others, the findings of the closest
/// are reported: the one that got deepest, or the only one of the value's type.
fn any_of(value: &Value, branches: &[Value], root: &Value, path: &str, findings: &mut Findings) {
    if let (Value::Object(map), Some((tag, names))) = (value, tags(branches, root)) {
        let named = map.get(tag).and_then(Value::as_str);
        let chosen = names.iter().zip(branches).find(|(name, _)| Some(**name) == named);
        return match chosen {
            Some((_, branch)) => check(value, branch, root, path, findings),
            None => {
                let what = if map.contains_key(tag) { "unknown value" } else { "is missing" };
                findings.add(&join(path, tag), format!("{what}; allowed: {}", names.join(", ")));
            }
        };
    }
    let known: Option<Vec<Vec<&Value>>> = branches.iter().map(|branch| values(branch, root)).collect();
    if let Some(known) = known {
        return one_of(value, known.into_iter().flatten(), path, findings);
    }
    let mut closest: Option<Findings> = None;
    for branch in branches {
        let mut found = Findings::default();
        check(value, branch, root, path, &mut found);
        if found.is_empty() {
            return;
        }
        let depth = |f: &Findings| f.paths().map(str::len).max().unwrap_or_default();
        let fits_type = |b: &Value| resolve(b, root).as_object().is_some_and(|s| has_type(value, s));
        if values(branch, root).is_none()
            && fits_type(branch)
            && closest.as_ref().is_none_or(|c| depth(&found) > depth(c))
        {
            closest = Some(found);
        }
    }
    match closest {
        Some(found) => findings.append(found),
        None => findings.add(path, allowed(value, branches, root)),
    }
}

/// What is allowed where no branch is for values of this type but those that list single values.
fn allowed(value: &Value, branches: &[Value], root: &Value) -> String {
    let words: Vec<String> =
        branches.iter().filter_map(|branch| values(branch, root)).flatten().map(shown).collect();
    let others = branches.iter().filter(|branch| values(branch, root).is_none());
    let others = others.filter_map(|branch| resolve(branch, root).as_object());
    if words.is_empty() {
        let names: Vec<String> = others.filter_map(wanted).collect();
        return format!("must be {}, is {}", names.join(" or "), type_name(value));
    }
    let with_fields = |schema: &Map<String, Value>| {
        let fields = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let fields: Vec<String> = fields.filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
        let fields = if fields.is_empty() { String::new() } else { format!(" with {}", fields.join(", ")) };
        Some(wanted(schema)? + &fields)
    };
    let all: Vec<String> = words.into_iter().chain(others.filter_map(with_fields)).collect();
    format!("unknown value; allowed: {}", all.join(", "))
}

/// The field whose constant tells the branches apart, and its value in each.
fn tags<'a>(branches: &'a [Value], root: &'a Value) -> Option<(&'a str, Vec<&'a str>)> {
    let constants = |branch: &'a Value| {
        let properties = resolve(branch, root).get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flatten()
            .filter_map(|(name, of)| Some((name.as_str(), of.get("const")?.as_str()?)))
    };
    let (tag, _) = constants(branches.first()?).next()?;
    let of_tag = |branch| constants(branch).find(|(name, _)| *name == tag).map(|(_, value)| value);
    let names: Option<Vec<&str>> = branches.iter().map(of_tag).collect();
    names.map(|names| (tag, names))
}

fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|t| t.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

fn type_names(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn has_type(value: &Value, schema: &Map<String, Value>) -> bool {
    let names = type_names(schema);
    names.is_empty()
        || names.iter().any(|name| match *name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        })
}

/// What a schema asks for; `None` for null alone, which nobody has to be told of.
fn wanted(schema: &Map<String, Value>) -> Option<String> {
    (type_names(schema) != ["null"]).then(|| expected(schema))
}

fn expected(schema: &Map<String, Value>) -> String {
    if schema.get("format").and_then(Value::as_str) == Some("duration-text") {
        return "a duration with units, such as \"20s\"".to_owned();
    }
    let article = |name: &&str| match *name {
        "null" => "null".to_owned(),
        "integer" => "a whole number".to_owned(),
        "array" | "object" => format!("an {name}"),
        name => format!("a {name}"),
    };
    let names: Vec<String> = type_names(schema).iter().filter(|n| **n != "null").map(article).collect();
    match names.is_empty() {
        true => "something else".to_owned(),
        false => names.join(" or "),
    }
}

fn object(
    map: &Map<String, Value>,
    schema: &Map<String, Value>,
    root: &Value,
    path: &str,
    findings: &mut Findings,
) {
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    for name in
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        if !map.contains_key(name) {
            findings.add(&join(path, name), "is missing");
        }
    }
    for (name, value) in map {
        let here = join(path, name);
        match (properties.get(name), schema.get("additionalProperties")) {
            (Some(property), _) => check(value, property, root, &here, findings),
            (None, Some(Value::Bool(false))) => {
                let mut allowed: Vec<&str> = properties.keys().map(String::as_str).collect();
                allowed.sort_unstable();
                let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                findings.add(&here, format!("unknown field; allowed: {allowed}"));
            }
            (None, Some(other)) => check(value, other, root, &here, findings),
            (None, None) => {}
        }
    }
}

fn array(items: &[Value], schema: &Map<String, Value>, root: &Value, path: &str, findings: &mut Findings) {
    if let Some(least) = schema.get("minItems").and_then(Value::as_u64)
        && (items.len() as u64) < least
    {
        findings.add(path, format!("must have at least {least} items"));
    }
    if let Some(of) = schema.get("items") {
        for (i, item) in items.iter().enumerate() {
            check(item, of, root, &format!("{path}[{i}]"), findings);
        }
    }
}

fn range(number: &serde_json::Number, schema: &Map<String, Value>, path: &str, findings: &mut Findings) {
    let Some(value) = number.as_f64() else { return };
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    if let Some(least) = bound("minimum").filter(|least| value < *least) {
        findings.add(path, format!("must be at least {least}"));
    }
    if let Some(most) = bound("maximum").filter(|most| value > *most) {
        findings.add(path, format!("must be at most {most}"));
    }
    if let Some(over) = bound("exclusiveMinimum").filter(|over| value <= *over) {
        findings.add(path, format!("must be more than {over}"));
    }
}

fn string(text: &str, schema: &Map<String, Value>, path: &str, findings: &mut Findings) {
    if schema
        .get("minLength")
        .and_then(Value::as_u64)
        .is_some_and(|least| (text.chars().count() as u64) < least)
    {
        findings.add(path, "must not be empty");
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("duration-text") => {
            if let Err(what) = crate::duration::parse(text) {
                findings.add(path, what);
            }
        }
        Some("uri") => {
            let absolute =
                text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some() && uri.host().is_some());
            if !absolute {
                findings.add(path, "must be an absolute address, such as \"https://api.example.com/v1\"");
            }
        }
        _ => {}
    }
}

/// `enum` and `const`.
fn one_of_values(value: &Value, schema: &Map<String, Value>, path: &str, findings: &mut Findings) {
    if let Some(known) = schema.get("enum").and_then(Value::as_array) {
        one_of(value, known, path, findings);
    }
    if let Some(only) = schema.get("const")
        && only != value
    {
        findings.add(path, format!("must be {}", shown(only)));
    }
}

/// The values of a branch that allows no more than values: a word of an enum, with its documentation.
fn values<'a>(branch: &'a Value, root: &'a Value) -> Option<Vec<&'a Value>> {
    let schema = resolve(branch, root);
    let listed = schema.get("enum").and_then(Value::as_array).map(|known| known.iter().collect());
    listed.or_else(|| schema.get("const").map(|only| vec![only]))
}

/// One of the known values. The value is not shown: it may be a secret in the wrong place.
fn one_of<'a>(
    value: &Value,
    known: impl IntoIterator<Item = &'a Value>,
    path: &str,
    findings: &mut Findings,
) {
    let known: Vec<&Value> = known.into_iter().collect();
    if !known.contains(&value) {
        let known: Vec<String> = known.into_iter().map(shown).collect();
        findings.add(path, format!("unknown value; allowed: {}", known.join(", ")));
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The path of a field.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
