//! Reads a request.

use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part, Role};
use belvedere_core::request::{Function, Request, ResponseFormat, Schema, Tool, ToolChoice};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

use super::super::super::target;
use super::super::family::Family;
use super::content::{cache_mark, parts};
use crate::endpoint::{Fields, invalid, is_begun};

/// A request with its model, which stands in the path.
///
/// # Errors
/// `InvalidRequest` naming the field and what is allowed there.
pub(super) fn read(from: &http::Request<Bytes>) -> Result<Request> {
    let route = target::route(from.uri().path());
    let (model, action) = route.ok_or_else(|| invalid("path", "must be /model/{model}/converse"))?;
    let mut fields = Fields::of_body(from)?;
    let mut request = Request::default();
    request.stream = action == "converse-stream";
    request.messages = Arc::new(conversation(&mut fields)?);
    request.continue_final_message = is_begun(&request.messages);
    inference(&mut fields, &mut request)?;
    tools(&mut fields, &mut request)?;
    output(&mut fields, &mut request)?;
    if let Some(mut metadata) = fields.object("requestMetadata")? {
        request.user = metadata.text("user")?.map(Into::into);
        put_back(&mut fields, "requestMetadata", metadata.rest());
    }
    if let Some(own) = fields.object("additionalModelRequestFields")? {
        let mut own = own.rest();
        Family::of(&model).lift(&mut own, &mut request);
        put_back(&mut fields, "additionalModelRequestFields", own);
    }
    request.model = Some(model.into());
    request.extra = fields.rest();
    Ok(request)
}

/// What was not taken of an object stays part of the rest.
fn put_back(fields: &mut Fields, key: &str, rest: Map<String, Value>) {
    if !rest.is_empty() {
        fields.put(key, Value::Object(rest));
    }
}

fn conversation(fields: &mut Fields) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    let system = parts(fields.list("system")?, false)?;
    if !system.is_empty() {
        messages.push(Message::new(Role::System, system));
    }
    for (path, message) in fields.list("messages")? {
        let mut message = Fields::of(message, path)?;
        let role = match message.need_text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(message.fault("role", "must be user, assistant or system")),
        };
        let content = parts(message.list("content")?, role == Role::User)?;
        if role != Role::User {
            messages.push(Message::new(role, content));
            continue;
        }
        let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
        let (results, others): (Vec<Part>, Vec<Part>) = content.into_iter().partition(is_result);
        let turns = [(Role::Tool, results), (Role::User, others)];
        messages
            .extend(turns.into_iter().filter(|(_, p)| !p.is_empty()).map(|(role, p)| Message::new(role, p)));
    }
    Ok(messages)
}

fn inference(fields: &mut Fields, request: &mut Request) -> Result<()> {
    let Some(mut config) = fields.object("inferenceConfig")? else { return Ok(()) };
    request.max_tokens = config.take("maxTokens", "a whole number")?;
    request.temperature = config.take("temperature", "a number")?;
    request.top_p = config.take("topP", "a number")?;
    request.stop = config.take("stopSequences", "an array of strings")?.unwrap_or_default();
    put_back(fields, "inferenceConfig", config.rest());
    Ok(())
}

fn tools(fields: &mut Fields, request: &mut Request) -> Result<()> {
    let Some(mut config) = fields.object("toolConfig")? else { return Ok(()) };
    let mut tools: Vec<Tool> = Vec::new();
    for (path, tool) in config.list("tools")? {
        match (cache_mark(&tool), tools.last_mut()) {
            (Some(mark), Some(Tool::Function(function))) if function.extra.is_empty() => {
                function.extra.insert("cache_control".to_owned(), mark);
            }
            _ => tools.push(self::tool(tool, path)?),
        }
    }
    request.tools = Arc::new(tools);
    if let Some(mut choice) = config.object("toolChoice")? {
        let named = choice.object("tool")?;
        request.tool_choice = Some(match named {
            Some(mut named) => ToolChoice::Function { name: named.need_text("name")?.into() },
            None if choice.get("any").is_some() => ToolChoice::Required,
            None if choice.get("auto").is_some() => ToolChoice::Auto,
            None => return Err(config.fault("toolChoice", "must have one of auto, any and tool")),
        });
    }
    put_back(fields, "toolConfig", config.rest());
    Ok(())
}

/// A function; anything else is a tool of Bedrock's own.
fn tool(tool: Value, path: String) -> Result<Tool> {
    let mut fields = Fields::of(tool, path)?;
    let Some(mut spec) = fields.object("toolSpec")? else { return Ok(Tool::Provider(fields.rest())) };
    let schema = spec.object("inputSchema")?.and_then(|mut schema| schema.value("json"));
    let mut function = Function::new(spec.need_text("name")?, "", schema.unwrap_or_default());
    function.parameters = function.parameters.filter(|schema| !schema.is_null());
    function.description = spec.text("description")?;
    function.strict = spec.take("strict", "a boolean")?;
    Ok(Tool::Function(function))
}

fn output(fields: &mut Fields, request: &mut Request) -> Result<()> {
    let Some(mut config) = fields.object("outputConfig")? else { return Ok(()) };
    let Some(mut format) = config.object("textFormat")? else {
        put_back(fields, "outputConfig", config.rest());
        return Ok(());
    };
    let definition = format.object("structure")?.map(|mut structure| structure.object("jsonSchema"));
    let definition = definition.transpose()?.flatten();
    let mut definition = definition.ok_or_else(|| format.fault("structure", "must have a jsonSchema"))?;
    let text = definition.need_text("schema")?;
    let schema: Value =
        serde_json::from_str(&text).map_err(|_| definition.fault("schema", "must be JSON as text"))?;
    let mut schema = Schema::new(definition.text("name")?.unwrap_or_default(), schema);
    schema.description = definition.text("description")?;
    request.response_format = Some(ResponseFormat::JsonSchema { json_schema: schema });
    put_back(fields, "outputConfig", config.rest());
    Ok(())
}
