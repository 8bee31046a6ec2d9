//! The body of a chat request.

use std::borrow::Cow;

use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part, Role, extra_of};
use belvedere_core::request::{Effort, Function, Request, ResponseFormat, Tool, ToolChoice};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Anthropic;
use super::block::{Block, Further, invalid, unsupported};
use crate::capabilities::is_adaptive;
use crate::outgoing;

#[derive(Debug, Serialize)]
struct Body<'a> {
    /// Absent where a host has it in the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolDefinition<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    /// Small settings: derived ones and the request's own `extra`.
    #[serde(flatten)]
    settings: Map<String, Value>,
}

/// The messages of one role in a row.
#[derive(Debug, Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ToolDefinition<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Cow<'a, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(flatten)]
        extra: Further<'a>,
    },
    Provider(&'a Map<String, Value>),
}

/// The body of a chat request, as JSON.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming what the wire cannot express.
pub(super) fn body(provider: &Anthropic, request: &Request) -> Result<Bytes> {
    let model = outgoing::model(request, provider.model.as_deref())?;
    write(request, model, true, provider.max_tokens, Map::new())
}

/// The body for a host that has the model and `stream` in its address and asks for `fields` of its own.
///
/// # Errors
/// As [`body`].
#[cfg(any(feature = "bedrock", feature = "google"))]
pub(crate) fn hosted(
    request: &Request,
    model: &str,
    max_tokens: u64,
    fields: Map<String, Value>,
) -> Result<Bytes> {
    write(request, model, false, max_tokens, fields)
}

/// Writes a body. `named`: the model and `stream` stand in it.
fn write(
    request: &Request,
    model: &str,
    named: bool,
    max_tokens: u64,
    fields: Map<String, Value>,
) -> Result<Bytes> {
    let mut settings = fields;
    settings.extend(self::settings(request, model)?);
    let native = settings.remove("system");
    let (system, messages) = conversation(request, native)?;
    let body = Body {
        model: named.then_some(model),
        max_tokens: request
            .max_tokens
            .unwrap_or_else(|| max_tokens.saturating_add(budget(request).unwrap_or(0))),
        system,
        messages,
        tools: request.tools.iter().map(ToolDefinition::of).collect::<Result<_>>()?,
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        stream: named && request.stream,
        settings,
    };
    outgoing::json(request, &body)
}

/// The system blocks, and the turns in alternation. `native` is a `system` in the wire's own form: it comes first.
fn conversation(request: &Request, native: Option<Value>) -> Result<(Vec<Block<'_>>, Vec<Turn<'_>>)> {
    let mut system: Vec<Block<'_>> = match native {
        Some(Value::String(text)) => vec![Block::Opaque(Cow::Owned(json!({"type": "text", "text": text})))],
        Some(Value::Array(blocks)) => {
            blocks.into_iter().map(|block| Block::Opaque(Cow::Owned(block))).collect()
        }
        _ => Vec::new(),
    };
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (i, message) in request.messages.iter().enumerate() {
        let path = format!("messages[{i}].content");
        let blocks = blocks(message, &path)?;
        let role = match message.role {
            Role::System | Role::Developer => {
                if !message.parts.iter().all(|part| matches!(part, Part::Text { .. } | Part::Opaque { .. })) {
                    return Err(unsupported(&path, "Anthropic's wire takes text only as system"));
                }
                system.extend(blocks);
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        if role == "user" {
            drop_idle_thinking(&mut turns);
        }
        match turns.last_mut().filter(|turn| turn.role == role) {
            Some(turn) => turn.content.extend(blocks),
            None if blocks.is_empty() => {}
            None => turns.push(Turn { role, content: blocks }),
        }
    }
    for turn in turns.iter_mut().filter(|turn| turn.role == "user") {
        turn.content.sort_by_key(|block| !matches!(block, Block::ToolResult { .. }));
    }
    if let (true, Some(last)) = (request.continue_final_message, turns.last_mut()) {
        last.leave_open();
    }
    drop_idle_thinking(&mut turns);
    Ok((system, turns))
}

/// Takes out thinking that nothing follows, as of an answer that was cut off: the wire refuses a turn that ends in it.
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
    /// Makes it the beginning of an answer. The wire takes no blank at its end, and no thinking in it: it goes on
    /// with an answer only while the model does not think.
    fn leave_open(&mut self) {
        self.content.retain(|block| !block.is_thinking());
        while let Some(Block::Text { text, .. }) = self.content.last_mut() {
            *text = text.trim_end();
            if !text.is_empty() {
                break;
            }
            self.content.pop();
        }
    }
}

fn blocks<'a>(message: &'a Message, path: &str) -> Result<Vec<Block<'a>>> {
    let mut blocks = Block::all(&message.parts, path)?;
    if let (Some(last), Some(cache_control)) = (blocks.last_mut(), message.extra.get("cache_control")) {
        last.mark_cached(cache_control);
    }
    Ok(blocks)
}

impl<'a> ToolDefinition<'a> {
    fn of(tool: &'a Tool) -> Result<Self> {
        match tool {
            Tool::Function(function) => Ok(ToolDefinition::Function {
                name: &function.name,
                description: function.description.as_deref(),
                input_schema: input_schema(function),
                strict: function.strict,
                extra: Further::all(&function.extra),
            }),
            Tool::Provider(own) => Ok(ToolDefinition::Provider(own)),
            _ => Err(unsupported("tools", "Anthropic's wire lacks a tool of this kind")),
        }
    }
}

/// The schema of a function's arguments. The wire asks for one, and for its `type`.
fn input_schema(function: &Function) -> Cow<'_, Value> {
    match &function.parameters {
        Some(schema) if schema.get("type").is_some() => Cow::Borrowed(schema),
        Some(Value::Object(schema)) => {
            let mut schema = schema.clone();
            schema.insert("type".into(), "object".into());
            Cow::Owned(Value::Object(schema))
        }
        Some(other) if !other.is_null() => Cow::Borrowed(other),
        _ => Cow::Owned(json!({"type": "object", "properties": {}})),
    }
}

/// The tokens for thinking that were asked for; 0 turns it off.
fn budget(request: &Request) -> Option<u64> {
    request.reasoning.as_ref()?.max_tokens
}

/// The small settings. What stands in `extra` wins; objects are joined field by field.
fn settings(request: &Request, model: &str) -> Result<Map<String, Value>> {
    let extra = extra_of(&request.extra, super::WIRE);
    let mut settings: Map<String, Value> =
        extra.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let mut put = |key: &str, value: Value| match (settings.get_mut(key), value) {
        (Some(Value::Object(own)), Value::Object(derived)) => {
            for (key, value) in derived {
                own.entry(key).or_insert(value);
            }
        }
        (Some(_), _) => {}
        (None, value) => {
            settings.insert(key.into(), value);
        }
    };
    if !request.stop.is_empty() {
        put("stop_sequences", json!(request.stop));
    }
    if let Some(user) = &request.user {
        put("metadata", json!({"user_id": user}));
    }
    if let Some(choice) = tool_choice(request) {
        put("tool_choice", choice);
    }
    let effort = request.reasoning.as_ref().and_then(|r| r.effort);
    match (budget(request), effort) {
        (Some(0), _) | (None, Some(Effort::None)) => put("thinking", json!({"type": "disabled"})),
        (Some(tokens), _) => put("thinking", json!({"type": "enabled", "budget_tokens": tokens})),
        (None, Some(_)) if is_adaptive(super::WIRE, model) => put("thinking", json!({"type": "adaptive"})),
        (None, _) => {}
    }
    match effort {
        None | Some(Effort::None) => {}
        // The wire's least is `low`.
        Some(Effort::Minimal) => put("output_config", json!({"effort": "low"})),
        Some(effort) => put("output_config", json!({"effort": effort.as_str()})),
    }
    if let Some(schema) = answer_schema(request)? {
        put("output_config", json!({"format": {"type": "json_schema", "schema": schema}}));
    }
    Ok(settings)
}

/// <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>: a schema has neither name nor
/// description there, and is always held to.
fn answer_schema(request: &Request) -> Result<Option<&Value>> {
    const NO_OBJECT: &str = "Anthropic's wire has no free JSON object; give a json_schema";
    match &request.response_format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(ResponseFormat::JsonSchema { json_schema }) => match &json_schema.schema {
            Some(schema) => Ok(Some(schema)),
            None => Err(invalid("response_format.json_schema.schema", "is missing")),
        },
        Some(_) => Err(unsupported("response_format", NO_OBJECT).with("parameter", "response_format")),
    }
}

/// Where there are no tools the wire takes no choice, except one that asks for a tool of an MCP server.
fn tool_choice(request: &Request) -> Option<Value> {
    let one_at_a_time = request.parallel_tool_calls == Some(false);
    let mut choice = match &request.tool_choice {
        Some(ToolChoice::Required) => json!({"type": "any"}),
        Some(ToolChoice::Function { name }) => json!({"type": "tool", "name": name}),
        _ if request.tools.is_empty() => return None,
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        None if !one_at_a_time => return None,
        _ => json!({"type": "auto"}),
    };
    if let (true, Some(choice)) = (one_at_a_time, choice.as_object_mut()) {
        choice.insert("disable_parallel_tool_use".into(), true.into());
    }
    Some(choice)
}
