//! The body of a request.

use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part, Role};
use belvedere_core::request::{Function, Request, ResponseFormat, Tool, ToolChoice};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

use super::block::{Block, CachePoint, invalid, unsupported};
use super::family::Family;
use crate::capabilities::{is_adaptive, without_type};

#[derive(Debug, Serialize)]
struct Body<'a> {
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    /// What is small: derived settings and the request's own `extra`.
    #[serde(flatten)]
    settings: Map<String, Value>,
}

/// The messages of one role in a row.
#[derive(Debug, Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// The body of a request for `model`, as JSON.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming what the wire or the model cannot express.
pub(super) fn body(request: &Request, model: &str) -> Result<Bytes> {
    refuse_lacking(request)?;
    let family = Family::of(model);
    let mut settings = settings(request, family, model)?;
    let native = settings.remove("system");
    let (system, mut messages) = conversation(request, native, family)?;
    if let (true, Family::Claude, Some(last)) = (request.continue_final_message, family, messages.last_mut())
    {
        last.leave_open();
    }
    let body = Body { messages, system, settings };
    let bytes =
        serde_json::to_vec(&body).map_err(|_| invalid("request", "has a number that JSON cannot carry"))?;
    Ok(bytes.into())
}

/// Refuses what the wire lacks. What asks for no more than the wire gives anyway is fine.
fn refuse_lacking(request: &Request) -> Result<()> {
    let chooses = |choice: &ToolChoice| matches!(choice, ToolChoice::Required | ToolChoice::Function { .. });
    let tools = !request.tools.is_empty();
    let lacking = [
        ("n", request.n.is_some_and(|n| n != 1)),
        ("seed", request.seed.is_some()),
        ("presence_penalty", request.presence_penalty.is_some_and(|p| p != 0.0)),
        ("frequency_penalty", request.frequency_penalty.is_some_and(|p| p != 0.0)),
        ("logprobs", request.logprobs == Some(true)),
        ("top_logprobs", request.top_logprobs.is_some_and(|n| n > 0)),
        ("parallel_tool_calls", tools && request.parallel_tool_calls == Some(false)),
        ("tool_choice", tools && request.tool_choice == Some(ToolChoice::None)),
        ("response_format", request.response_format == Some(ResponseFormat::JsonObject)),
    ];
    if let Some((parameter, _)) = lacking.iter().find(|(_, asked)| *asked) {
        return Err(unsupported(parameter, "Converse has no such parameter").with("parameter", *parameter));
    }
    if !tools && request.tool_choice.as_ref().is_some_and(chooses) {
        return Err(invalid("tool_choice", "asks for a tool, and there is none"));
    }
    Ok(())
}

/// The system blocks, and the turns in alternation. `native` is a `system` in the wire's own form: it comes first.
fn conversation(
    request: &Request,
    native: Option<Value>,
    family: Family,
) -> Result<(Vec<Block<'_>>, Vec<Turn<'_>>)> {
    let mut system: Vec<Block<'_>> = match native {
        Some(Value::String(text)) => vec![Block::Opaque(Cow::Owned(json!({ "text": text })))],
        Some(Value::Array(blocks)) => {
            blocks.into_iter().map(|block| Block::Opaque(Cow::Owned(block))).collect()
        }
        _ => Vec::new(),
    };
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (i, message) in request.messages.iter().enumerate() {
        let path = format!("messages[{i}].content");
        let blocks = blocks(message, &path, family.takes_unsigned())?;
        let role = match message.role {
            Role::System | Role::Developer => {
                if !message.parts.iter().all(|part| matches!(part, Part::Text { .. } | Part::Opaque { .. })) {
                    return Err(unsupported(&path, "Converse takes text only as system"));
                }
                system.extend(blocks);
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        if role == "user" && family == Family::Claude {
            drop_idle_thinking(&mut turns);
        }
        match turns.last_mut().filter(|turn| turn.role == role) {
            Some(turn) => turn.content.extend(blocks),
            None if blocks.is_empty() => {}
            None => turns.push(Turn { role, content: blocks }),
        }
    }
    for turn in turns.iter_mut().filter(|turn| turn.role == "user") {
        turn.results_first();
    }
    if family == Family::Claude {
        drop_idle_thinking(&mut turns);
    }
    Ok((system, turns))
}

/// Takes out thinking that nothing follows, as of an answer that was cut off: Claude refuses a turn that ends in it.
fn drop_idle_thinking(turns: &mut Vec<Turn<'_>>) {
    let Some(last) = turns.last_mut().filter(|turn| turn.role == "assistant") else { return };
    while last.content.last().is_some_and(Block::is_thinking) {
        last.content.pop();
    }
    if last.content.is_empty() {
        turns.pop();
    }
}

impl Turn<'_> {
    /// Makes it the beginning of an answer. Claude takes no blank at its end, and no thinking in it.
    fn leave_open(&mut self) {
        self.content.retain(|block| !block.is_thinking());
        loop {
            match self.content.last_mut() {
                Some(Block::Text(text)) => {
                    *text = text.trim_end();
                    if !text.is_empty() {
                        return;
                    }
                }
                Some(Block::CachePoint(_)) => {}
                _ => return,
            }
            self.content.pop();
        }
    }

    /// Moves tool results ahead of the other blocks. A cache mark goes with the block before it.
    fn results_first(&mut self) {
        let is_result = |block: &Block<'_>| matches!(block, Block::ToolResult(_));
        let mut after_result = false;
        let (results, others) = std::mem::take(&mut self.content).into_iter().partition(|block| {
            after_result = is_result(block) || after_result && matches!(block, Block::CachePoint(_));
            after_result
        });
        self.content = results;
        self.content.extend::<Vec<_>>(others);
    }
}

fn blocks<'a>(message: &'a Message, path: &str, unsigned: bool) -> Result<Vec<Block<'a>>> {
    let mut blocks = Block::all(&message.parts, path, unsigned)?;
    let mark = message.extra.get("cache_control").filter(|mark| mark.is_object());
    if let (Some(mark), false) = (mark, matches!(blocks.last(), None | Some(Block::CachePoint(_)))) {
        blocks.push(Block::CachePoint(CachePoint::of(mark)));
    }
    Ok(blocks)
}

/// The small settings. What stands in `extra` wins; objects are joined field by field.
fn settings(request: &Request, family: Family, model: &str) -> Result<Map<String, Value>> {
    let mut settings = Map::new();
    let mut inference = Map::new();
    let mut set =
        |key: &str, value: Option<Value>| inference.extend(value.map(|value| (key.to_owned(), value)));
    set("maxTokens", request.max_tokens.map(Value::from));
    set("temperature", request.temperature.map(Value::from));
    set("topP", request.top_p.map(Value::from));
    set("stopSequences", (!request.stop.is_empty()).then(|| json!(request.stop)));
    let mut put = |key: &str, value: Map<String, Value>| {
        if !value.is_empty() {
            settings.insert(key.to_owned(), Value::Object(value));
        }
    };
    put("inferenceConfig", inference);
    let mut fields = family.fields(request)?;
    if fields.contains_key("output_config") && is_adaptive(super::WIRE, model) {
        fields.entry("thinking").or_insert(json!({"type": "adaptive"}));
    }
    put("additionalModelRequestFields", fields);
    put("toolConfig", tool_config(request)?);
    put("outputConfig", output_config(request)?);
    if let Some(user) = &request.user {
        put("requestMetadata", Map::from_iter([("user".to_owned(), json!(user))]));
    }
    for (key, value) in &request.extra {
        join(settings.entry(key.clone()).or_insert(Value::Null), value);
    }
    Ok(settings)
}

/// Puts `value` over what was derived: objects field by field, everything else as it is.
fn join(derived: &mut Value, value: &Value) {
    match (derived, value) {
        (Value::Object(derived), Value::Object(fields)) => {
            for (key, value) in fields {
                join(derived.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (derived, value) => *derived = value.clone(),
    }
}

/// The tools and the choice among them; nothing when there are none.
fn tool_config(request: &Request) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    if request.tools.is_empty() {
        return Ok(config);
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in request.tools.iter() {
        match tool {
            Tool::Function(function) => {
                tools.push(tool_spec(function));
                let mark = function.extra.get("cache_control").filter(|mark| mark.is_object());
                tools.extend(mark.map(|mark| json!({ "cachePoint": CachePoint::of(mark) })));
            }
            Tool::Provider(own) => tools.push(Value::Object(without_type(own))),
            _ => return Err(unsupported("tools", "Converse lacks a tool of this kind")),
        }
    }
    config.insert("tools".to_owned(), Value::Array(tools));
    let choice = match &request.tool_choice {
        Some(ToolChoice::Auto) => Some(json!({"auto": {}})),
        Some(ToolChoice::Required) => Some(json!({"any": {}})),
        Some(ToolChoice::Function { name }) => Some(json!({"tool": {"name": name}})),
        _ => None,
    };
    config.extend(choice.map(|choice| ("toolChoice".to_owned(), choice)));
    Ok(config)
}

fn tool_spec(function: &Function) -> Value {
    let schema = function.parameters.clone().filter(|schema| !schema.is_null());
    let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let mut spec = Map::from_iter([
        ("name".to_owned(), json!(function.name)),
        ("inputSchema".to_owned(), json!({ "json": schema })),
    ]);
    spec.extend(function.description.as_ref().map(|text| ("description".to_owned(), json!(text))));
    spec.extend(function.strict.map(|strict| ("strict".to_owned(), strict.into())));
    json!({ "toolSpec": spec })
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_JsonSchemaDefinition.html>: the schema is
/// JSON text, and is always held to.
fn output_config(request: &Request) -> Result<Map<String, Value>> {
    let Some(ResponseFormat::JsonSchema { json_schema }) = &request.response_format else {
        return Ok(Map::new());
    };
    let Some(schema) = &json_schema.schema else {
        return Err(invalid("response_format.json_schema.schema", "is missing"));
    };
    let mut definition = Map::from_iter([("schema".to_owned(), Value::String(schema.to_string()))]);
    let name = Some(&json_schema.name).filter(|name| !name.is_empty());
    definition.extend(name.map(|name| ("name".to_owned(), json!(name))));
    definition.extend(json_schema.description.as_ref().map(|text| ("description".to_owned(), json!(text))));
    let format = json!({"type": "json_schema", "structure": {"jsonSchema": definition}});
    Ok(Map::from_iter([("textFormat".to_owned(), format)]))
}
