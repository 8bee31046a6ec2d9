//! Takes out of JSON Schemas what a target's dialect lacks.

use std::sync::Arc;

use belvedere_core::provider::Lack;
use belvedere_core::request::{Request, ResponseFormat, Tool};
use serde_json::Value;

use super::rule::{Dialect, Field, Rule, Rules};

/// Fits the schema of the answer, and those of strict functions.
pub(super) fn fit(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    let Rule::Dialect(dialect) = rules.get(Field::Dialect) else { return };
    if matches!(&request.response_format, Some(ResponseFormat::JsonSchema { .. }))
        && let Some(ResponseFormat::JsonSchema { json_schema: named }) = &mut request.response_format
        && (dialect.always || named.strict == Some(true))
        && let Some(schema) = &mut named.schema
    {
        strip(dialect, schema, "response_format.json_schema.schema", lacks);
    }
    let is_held_to = |tool: &Tool| match tool {
        Tool::Function(function) => function.strict == Some(true),
        _ => false,
    };
    let finds = |tool: &Tool| match tool {
        Tool::Function(function) => {
            function.parameters.as_ref().is_some_and(|schema| !find(dialect, schema).is_empty())
        }
        _ => false,
    };
    if !request.tools.iter().any(|tool| is_held_to(tool) && finds(tool)) {
        return;
    }
    for (i, tool) in
        Arc::make_mut(&mut request.tools).iter_mut().enumerate().filter(|(_, tool)| is_held_to(tool))
    {
        if let Tool::Function(function) = tool
            && let Some(schema) = &mut function.parameters
        {
            strip(dialect, schema, &format!("tools[{i}].parameters"), lacks);
        }
    }
}

/// Takes out what the dialect lacks.
fn strip(dialect: &Dialect, schema: &mut Value, path: &str, lacks: &mut Vec<Lack>) {
    for place in find(dialect, schema) {
        let Some((keyword, parents)) = place.split_last() else { continue };
        let parent = parents.iter().try_fold(&mut *schema, |value, step| match value {
            Value::Object(map) => map.get_mut(step),
            Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
            _ => None,
        });
        if let Some(Value::Object(parent)) = parent {
            parent.remove(keyword);
            let reason = "the target's dialect of JSON Schema does not have it";
            lacks.push(Lack::new(format!("{path}.{}", place.join(".")), reason));
        }
    }
}

/// Where a schema has what the dialect lacks, outermost first. Nothing is allocated when it has nothing.
fn find(dialect: &Dialect, schema: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    visit(dialect, schema, &Path::Root, &mut found);
    found
}

/// The way to a schema inside another.
enum Path<'a> {
    Root,
    Below(&'a Path<'a>, Step<'a>),
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Path<'_> {
    fn steps(&self) -> Vec<String> {
        match self {
            Path::Root => Vec::new(),
            Path::Below(parent, step) => {
                let mut steps = parent.steps();
                steps.push(match step {
                    Step::Key(key) => (*key).to_owned(),
                    Step::Index(index) => index.to_string(),
                });
                steps
            }
        }
    }
}

/// Keywords whose value is a map of schemas by name.
const MAPS: [&str; 5] = ["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"];

fn visit(dialect: &Dialect, schema: &Value, path: &Path<'_>, found: &mut Vec<Vec<String>>) {
    let Value::Object(map) = schema else { return };
    for (keyword, value) in map {
        let below = Path::Below(path, Step::Key(keyword));
        if lacks(dialect, keyword, value, map.get("type")) {
            found.push(below.steps());
            continue;
        }
        match value {
            Value::Object(inner) if MAPS.contains(&keyword.as_str()) => {
                inner.iter().for_each(|(name, value)| {
                    visit(dialect, value, &Path::Below(&below, Step::Key(name)), found)
                })
            }
            // Not schemas, however much they look like one.
            _ if matches!(keyword.as_str(), "const" | "enum" | "default" | "examples") => {}
            Value::Object(_) => visit(dialect, value, &below, found),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(i, value)| visit(dialect, value, &Path::Below(&below, Step::Index(i)), found)),
            _ => {}
        }
    }
}

fn lacks(dialect: &Dialect, keyword: &str, value: &Value, kind: Option<&Value>) -> bool {
    let of_string = || {
        kind.is_none_or(|kind| {
            kind == "string" || kind.as_array().is_some_and(|k| k.contains(&"string".into()))
        })
    };
    match keyword {
        "format" if !dialect.formats.is_empty() => {
            of_string() && value.as_str().is_some_and(|format| !dialect.formats.contains(&format))
        }
        "minItems" if dialect.min_items.is_some() => value.as_u64() > dialect.min_items,
        keyword => dialect.lacks.contains(&keyword),
    }
}
