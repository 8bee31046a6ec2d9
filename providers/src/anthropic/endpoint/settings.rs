//! Reads the settings of a request that have another shape in ours. What ours can't say stays as it is.

use belvedere_core::error::Result;
use belvedere_core::request::{Effort, Request, ResponseFormat, Schema, ToolChoice};
use serde_json::Value;

use super::request::has_only;
use crate::endpoint::Fields;

/// The wire's schemas have no name, ours need one.
const SCHEMA: &str = "answer";

/// `{type: auto | any | tool | none, name, disable_parallel_tool_use}`.
pub(super) fn tool_choice(body: &mut Fields, out: &mut Request) -> Result<()> {
    let Some(mut choice) = body.object("tool_choice")? else { return Ok(()) };
    out.tool_choice = Some(match choice.need_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Function { name: choice.need_text("name")?.into() },
        _ => return Err(choice.fault("type", "must be auto, any, tool or none")),
    });
    let one_at_a_time = choice.take("disable_parallel_tool_use", "true or false")?;
    out.parallel_tool_calls = (one_at_a_time == Some(true)).then_some(false);
    Ok(())
}

/// `output_config: {effort, format}`, and the older `output_format`.
pub(super) fn output(body: &mut Fields, out: &mut Request) -> Result<()> {
    if let Some(mut config) = body.object("output_config")? {
        let effort = config.get("effort").and_then(Value::as_str).and_then(effort);
        if effort.is_some() {
            config.value("effort");
            out.reasoning.get_or_insert_default().effort = effort;
        }
        out.response_format = format(&mut config, "format");
        if !config.is_empty() {
            body.put("output_config", config.rest().into());
        }
    }
    if out.response_format.is_none() {
        out.response_format = format(body, "output_format");
    }
    Ok(())
}

/// The words that are ours as well; another, such as `max`, stays as it is.
fn effort(word: &str) -> Option<Effort> {
    [Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh].into_iter().find(|e| e.as_str() == word)
}

/// `{type: json_schema, schema}`, which is always held to.
fn format(fields: &mut Fields, key: &str) -> Option<ResponseFormat> {
    let format = fields.get(key)?.as_object()?;
    if !has_only(format, &["type", "schema"]) || format.get("type")? != "json_schema" {
        return None;
    }
    let schema = format.get("schema")?.clone();
    fields.value(key);
    Some(ResponseFormat::JsonSchema { json_schema: Schema::new(SCHEMA, schema) })
}

/// `{type: enabled, budget_tokens}` and `{type: disabled}`; others, such as `adaptive`, stay as they are.
pub(super) fn thinking(body: &mut Fields, out: &mut Request) -> Result<()> {
    let Some(Value::Object(thinking)) = body.get("thinking") else { return Ok(()) };
    let budget = thinking.get("budget_tokens").and_then(Value::as_u64).filter(|tokens| *tokens > 0);
    let is = |kind: &str| thinking.get("type").is_some_and(|own| own == kind);
    let known = match budget {
        Some(_) => is("enabled") && has_only(thinking, &["type", "budget_tokens"]),
        None => is("disabled") && has_only(thinking, &["type"]),
    };
    if !known {
        return Ok(());
    }
    body.value("thinking");
    let reasoning = out.reasoning.get_or_insert_default();
    match (budget, reasoning.effort) {
        // An effort that goes without thinking is one of the answer.
        (None, Some(_)) => reasoning.max_tokens = Some(0),
        (None, None) => reasoning.effort = Some(Effort::None),
        (budget, _) => reasoning.max_tokens = budget,
    }
    Ok(())
}

/// `metadata: {user_id}`.
pub(super) fn user(body: &mut Fields, out: &mut Request) -> Result<()> {
    let Some(mut metadata) = body.object("metadata")? else { return Ok(()) };
    out.user = metadata.text("user_id")?.map(Into::into);
    if !metadata.is_empty() {
        body.put("metadata", metadata.rest().into());
    }
    Ok(())
}
