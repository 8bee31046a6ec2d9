//! Reads a request.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part, Role};
use belvedere_core::request::Request;
use bytes::Bytes;
use http::Uri;

use super::field::{self, inner, list};
use super::{METHODS, Method, embeddings, parts, settings};
use crate::endpoint::{Fields, invalid};

/// Reads a request of any method.
///
/// # Errors
/// `InvalidRequest` naming the field.
pub(super) fn read(incoming: &http::Request<Bytes>) -> Result<Request> {
    let mut request = Request::default();
    let (model, method) = target(incoming.uri())?;
    (request.model, request.stream) = (Some(model), method == Method::Stream);
    let body = Fields::of_body(incoming)?.rest();
    let mut body = field::object(body.into(), "")?;
    match method {
        Method::Generate | Method::Stream => {}
        method => return embeddings::read(method, body, &mut request).map(|()| request),
    }
    let mut messages = Vec::new();
    if let Some(mut instruction) = inner(&mut body, "systemInstruction")? {
        let read = list(&mut instruction, "parts")?.into_iter().map(parts::read);
        messages.push(Message::new(Role::System, read.collect::<Result<_>>()?));
    }
    for (path, content) in list(&mut body, "contents")? {
        messages.push(message(field::object(content, path)?)?);
    }
    let mut tools = settings::tools(list(&mut body, "tools")?)?;
    if let Some(config) = inner(&mut body, "toolConfig")? {
        settings::tool_config(config, &mut tools, &mut request)?;
    }
    if let Some(config) = inner(&mut body, "generationConfig")? {
        settings::generation_config(config, &mut request)?;
    }
    (request.messages, request.tools) = (Arc::new(messages), Arc::new(tools));
    // AI Studio takes the model in the body, too; the path has told it.
    body.value("model");
    request.extra.extend(body.rest());
    Ok(request)
}

/// The model that the path names, and what is asked of it.
fn target(uri: &Uri) -> Result<(SmolStr, Method)> {
    let found = METHODS.iter().find_map(|(name, method)| Some((uri.path().strip_suffix(name)?, *method)));
    let (path, method) = found.ok_or_else(|| {
        invalid("the path", "must end with models/{model}:generateContent or :streamGenerateContent")
    })?;
    let sse = |pair: &str| matches!(pair, "alt=sse" | "$alt=sse" | "%24alt=sse");
    if method == Method::Stream && !uri.query().unwrap_or_default().split('&').any(sse) {
        return Err(invalid("alt", "must be sse; a stream is given as server-sent events only"));
    }
    let model = match path.rsplit_once("/models/") {
        Some((before, model)) => match before.rsplit_once("publishers/") {
            Some((_, publisher)) if publisher != "google" => {
                SmolStr::from(format!("publishers/{publisher}/models/{model}"))
            }
            _ => model.into(),
        },
        // A tuned model or an endpoint has its whole path.
        None => match ["projects/", "tunedModels/", "endpoints/"].iter().find_map(|kind| path.find(kind)) {
            Some(at) => path.get(at..).unwrap_or_default().into(),
            None => path.rsplit('/').next().unwrap_or_default().into(),
        },
    };
    match model.is_empty() {
        true => Err(invalid("the path", "names no model")),
        false => Ok((model, method)),
    }
}

/// Reads a turn. One that holds results of functions only is a message of the tools.
fn message(mut content: Fields) -> Result<Message> {
    let role = content.text("role")?.unwrap_or_default();
    let path = content.path("role");
    let parts: Vec<Part> =
        list(&mut content, "parts")?.into_iter().map(parts::read).collect::<Result<_>>()?;
    let results = !parts.is_empty() && parts.iter().all(|part| matches!(part, Part::ToolResult { .. }));
    let role = match role.as_str() {
        "model" => Role::Assistant,
        "user" | "function" | "tool" | "" if results => Role::Tool,
        "user" | "function" | "" => Role::User,
        "system" => Role::System,
        _ => return Err(invalid(&path, "must be user or model")),
    };
    Ok(Message::new(role, parts))
}
