//! Tools and settings of a request: the mirror of what the client's side writes.

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::request::{Function, Request, ResponseFormat, Schema, Tool, ToolChoice};
use serde_json::{Map, Value};

use super::super::thinking;
use super::field::{self, inner, put, read};
use super::parts::wrapped;
use crate::endpoint::Fields;

/// The name of an answer's schema, which the wire does not carry.
const ANSWER: &str = "answer";

/// Reads the entries of `tools`. A tool of the provider gets the `type` that tells it from a function.
///
/// # Errors
/// `InvalidRequest` naming the field.
pub(super) fn tools(entries: Vec<(String, Value)>) -> Result<Vec<Tool>> {
    let mut tools = Vec::new();
    for (path, entry) in entries {
        let mut entry = Fields::of(entry, path)?;
        for key in ["functionDeclarations", "function_declarations"] {
            for (path, function) in field::list(&mut entry, key)? {
                tools.push(Tool::Function(declared(field::object(function, path)?)?));
            }
        }
        for (name, value) in entry.rest() {
            let kind = ("type".to_owned(), Value::from(name.as_str()));
            tools.push(Tool::Provider(Map::from_iter([kind, (name, value)])));
        }
    }
    Ok(tools)
}

fn declared(mut fields: Fields) -> Result<Function> {
    let name = fields.need_text("name")?;
    let description = fields.text("description")?;
    let schema = fields.value("parametersJsonSchema");
    let own = fields.value("parameters").map(lower_types);
    let mut function = Function::new(name, "", Value::Null);
    (function.description, function.parameters) = (description, schema.or(own));
    function.extra = wrapped(fields.rest());
    Ok(function)
}

/// Gemini's schemas write `OBJECT` for JSON Schema's `object`, and take both.
fn lower_types(mut schema: Value) -> Value {
    if let Value::Object(fields) = &mut schema {
        if let Some(Value::String(kind)) = fields.get_mut("type") {
            kind.make_ascii_lowercase();
        }
        for (name, inner) in fields.iter_mut() {
            match (name.as_str(), inner) {
                ("items", inner) => *inner = lower_types(inner.take()),
                ("anyOf", Value::Array(list)) => {
                    list.iter_mut().for_each(|inner| *inner = lower_types(inner.take()));
                }
                ("properties", Value::Object(map)) => {
                    map.values_mut().for_each(|inner| *inner = lower_types(inner.take()));
                }
                _ => {}
            }
        }
    }
    schema
}

/// Reads `toolConfig`. What has no place in a request of ours stays in its `extra`.
///
/// # Errors
/// `InvalidRequest` naming the field.
pub(super) fn tool_config(mut config: Fields, tools: &mut [Tool], request: &mut Request) -> Result<()> {
    let mut functions = tools.iter_mut().filter_map(|tool| match tool {
        Tool::Function(function) => Some(function),
        _ => None,
    });
    let mut left = Map::new();
    if let Some(mut calling) = inner(&mut config, "functionCallingConfig")? {
        let mode = calling.text("mode")?.map(|mode| mode.to_ascii_uppercase());
        let names =
            calling.take::<Vec<String>>("allowedFunctionNames", "a list of names")?.unwrap_or_default();
        let mut first = functions.next();
        let mut names: Vec<Value> = names.into_iter().map(Value::from).collect();
        request.tool_choice = match (mode.as_deref(), names.as_slice()) {
            (Some("ANY"), [Value::String(name)]) => {
                let name = SmolStr::from(name);
                names.clear();
                Some(ToolChoice::Function { name })
            }
            (Some("ANY"), _) => Some(ToolChoice::Required),
            (Some("AUTO"), _) if first.is_some() => Some(ToolChoice::Auto),
            (Some("NONE"), _) if first.is_some() => Some(ToolChoice::None),
            (Some("VALIDATED"), _) if first.is_some() => {
                first.iter_mut().for_each(|function| function.strict = Some(true));
                functions.for_each(|function| function.strict = Some(true));
                None
            }
            (mode, _) => {
                put(&mut left, "mode", mode);
                None
            }
        };
        if !names.is_empty() {
            left.insert("allowedFunctionNames".into(), names.into());
        }
        left.extend(calling.rest());
    }
    let mut rest = config.rest();
    if !left.is_empty() {
        rest.insert("functionCallingConfig".into(), left.into());
    }
    if !rest.is_empty() {
        request.extra.insert("toolConfig".into(), rest.into());
    }
    Ok(())
}

/// A whole number, also when it is written with a fraction of zero.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| format!("{:.0}", value.as_f64().filter(|n| n.fract() == 0.0)?).parse().ok())
}

/// A whole number that is small.
pub(super) fn small(value: &Value) -> Option<u32> {
    whole(value)?.try_into().ok()
}

/// Reads `generationConfig`. What has no place in a request of ours stays in its `extra`.
///
/// # Errors
/// `InvalidRequest` naming the field.
pub(super) fn generation_config(mut config: Fields, request: &mut Request) -> Result<()> {
    const NUMBER: &str = "a number";
    const COUNT: &str = "a whole number";
    request.max_tokens = read(&mut config, "maxOutputTokens", COUNT, whole)?;
    request.temperature = config.take("temperature", NUMBER)?;
    request.top_p = config.take("topP", NUMBER)?;
    request.top_k = read(&mut config, "topK", COUNT, whole)?;
    request.stop = config.take("stopSequences", "a list of strings")?.unwrap_or_default();
    request.seed = config.take("seed", COUNT)?;
    request.n = read(&mut config, "candidateCount", COUNT, small)?;
    request.presence_penalty = config.take("presencePenalty", NUMBER)?;
    request.frequency_penalty = config.take("frequencyPenalty", NUMBER)?;
    request.logprobs = config.take("responseLogprobs", "true or false")?;
    request.top_logprobs = read(&mut config, "logprobs", COUNT, small)?;
    let mut left = Map::new();
    if let Some(own) = inner(&mut config, "thinkingConfig")? {
        let mut own = own.rest();
        request.reasoning = Some(thinking::read(&mut own));
        if !own.is_empty() {
            left.insert("thinkingConfig".into(), own.into());
        }
    }
    request.response_format = response_format(&mut config);
    left.extend(config.rest());
    if !left.is_empty() {
        request.extra.insert("generationConfig".into(), left.into());
    }
    Ok(())
}

/// The form of the answer. Another media type than JSON or plain text stays where it is, and its schema with it.
fn response_format(config: &mut Fields) -> Option<ResponseFormat> {
    const SCHEMAS: [&str; 2] = ["responseJsonSchema", "_responseJsonSchema"];
    let has_schema =
        || SCHEMAS.iter().chain(["responseSchema"].iter()).any(|name| config.get(name).is_some());
    match config.get("responseMimeType").and_then(Value::as_str) {
        Some("text/plain") if !has_schema() => {
            config.value("responseMimeType");
            return Some(ResponseFormat::Text);
        }
        Some("application/json") => config.value("responseMimeType"),
        _ => return None,
    };
    let own = config.value("responseSchema").map(lower_types);
    let schema = SCHEMAS.iter().fold(None, |schema, name| schema.or(config.value(name))).or(own);
    Some(match schema {
        Some(schema) => ResponseFormat::JsonSchema { json_schema: Schema::new(ANSWER, schema) },
        None => ResponseFormat::JsonObject,
    })
}
