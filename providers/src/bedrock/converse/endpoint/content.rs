//! Reads content blocks into parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy};
use serde_json::{Map, Value, json};

use super::super::{WIRE, format};
use crate::endpoint::Fields;

/// The parts of a list of blocks. `results` says whether tool results may stand there as parts of their own.
///
/// # Errors
/// `InvalidRequest` naming the path.
pub(super) fn parts(blocks: impl Iterator<Item = (String, Value)>, results: bool) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for (path, block) in blocks {
        let free = |extra: &&mut Map<String, Value>| !extra.contains_key("cache_control");
        let place = parts.last_mut().and_then(extra).filter(free);
        if let (Some(mark), Some(extra)) = (cache_mark(&block), place) {
            extra.insert("cache_control".to_owned(), mark);
            continue;
        }
        parts.push(part(block, &path, results)?);
    }
    Ok(parts)
}

/// Where a part keeps its cache mark.
fn extra(part: &mut Part) -> Option<&mut Map<String, Value>> {
    match part {
        Part::Text { extra, .. } | Part::ToolCall { extra, .. } | Part::ToolResult { extra, .. } => {
            Some(extra)
        }
        Part::Media(media) => Some(&mut media.extra),
        _ => None,
    }
}

/// The `cache_control` that a `cachePoint` stands for; `None` for another block, or one with more to say.
pub(super) fn cache_mark(block: &Value) -> Option<Value> {
    let point = block.get("cachePoint")?.as_object()?;
    let mut mark = json!({"type": "ephemeral"});
    let ttl = point.get("ttl");
    let plain = point.get("type").is_some_and(|kind| kind == "default");
    if !plain || point.len() != 1 + usize::from(ttl.is_some()) {
        return None;
    }
    if let (Some(ttl), Some(mark)) = (ttl, mark.as_object_mut()) {
        mark.insert("ttl".to_owned(), ttl.clone());
    }
    Some(mark)
}

/// What a block is kept as that has no part of its own here.
fn opaque(block: Value) -> Part {
    let fields = block.as_object();
    let kind = fields.and_then(|fields| fields.keys().find(|key| *key != "type"));
    let kind = kind.map(SmolStr::from).unwrap_or_default();
    Part::opaque(WIRE, kind, block)
}

fn part(block: Value, path: &str, results: bool) -> Result<Part> {
    let mut fields = Fields::of(block.clone(), path)?;
    if fields.get("text").is_some() {
        return Ok(Part::text(fields.text("text")?.unwrap_or_default()));
    }
    if let Some(call) = fields.object("toolUse")? {
        return tool_use(call);
    }
    for (key, kind) in [
        ("image", MediaKind::Image),
        ("video", MediaKind::Video),
        ("audio", MediaKind::Audio),
        ("document", MediaKind::File),
    ] {
        if let Some(medium) = fields.object(key)? {
            return Ok(media(medium, kind)?.map_or_else(|| opaque(block), Part::Media));
        }
    }
    if let Some(result) = fields.object("toolResult")?.filter(|r| results && r.get("type").is_none()) {
        return tool_result(result);
    }
    if let Some(mut thought) = fields.object("reasoningContent")? {
        let Some(mut thought) = thought.object("reasoningText")? else { return Ok(opaque(block)) };
        let signature = thought.text("signature")?;
        let wire = signature.as_ref().map(|_| SmolStr::new_static(WIRE)).unwrap_or_default();
        let text = thought.text("text")?.unwrap_or_default();
        return Ok(Part::Reasoning { text, signature, wire, extra: Map::new() });
    }
    if let Some(cited) = fields.object("citationsContent")? {
        return cited_text(cited).map(|part| part.unwrap_or_else(|| opaque(block)));
    }
    Ok(opaque(block))
}

/// Text with what it cites; `None` when there is no text.
fn cited_text(mut cited: Fields) -> Result<Option<Part>> {
    let mut text = String::new();
    for (path, piece) in cited.list("content")? {
        text.push_str(&Fields::of(piece, path)?.text("text")?.unwrap_or_default());
    }
    let citations = cited.value("citations").unwrap_or_else(|| json!([]));
    let extra = Map::from_iter([(WIRE.to_owned(), json!({ "citations": citations }))]);
    Ok((!text.is_empty()).then_some(Part::Text { text, extra }))
}

fn tool_use(mut call: Fields) -> Result<Part> {
    let by = match call.text("type")?.as_deref() {
        Some("server_tool_use") => ToolBy::Provider,
        _ => ToolBy::Client,
    };
    Ok(Part::ToolCall {
        id: call.need_text("toolUseId")?.into(),
        name: call.need_text("name")?.into(),
        input: call.value("input").unwrap_or_else(|| json!({})).to_string(),
        by,
        extra: Map::new(),
    })
}

fn tool_result(mut result: Fields) -> Result<Part> {
    Ok(Part::ToolResult {
        id: result.need_text("toolUseId")?.into(),
        name: None,
        is_error: result.text("status")?.as_deref() == Some("error"),
        content: parts(result.list("content")?, false)?,
        extra: Map::new(),
    })
}

/// A medium; `None` when its source has another form.
fn media(mut fields: Fields, kind: MediaKind) -> Result<Option<Media>> {
    let Some(mut source) = fields.object("source")? else { return Ok(None) };
    let word = fields.text("format")?.unwrap_or_default();
    let mut own = Map::new();
    let (source, found) = if let Some(data) = source.text("bytes")? {
        let data = STANDARD.decode(data).map_err(|_| source.fault("bytes", "must be base64"))?;
        let mime = format::mime_of(kind, &word);
        let found = format::word_of(kind, &mime);
        (MediaSource::Data { mime, data: data.into() }, found)
    } else if let Some(mut place) = source.object("s3Location")? {
        let uri = place.need_text("uri")?;
        own.extend(place.value("bucketOwner").map(|owner| ("bucketOwner".to_owned(), owner)));
        let found = format::word_of_address(kind, &uri);
        (MediaSource::Url(uri), found)
    } else {
        return Ok(None);
    };
    if found != Some(word.as_str()) && !word.is_empty() {
        own.insert("format".to_owned(), word.into());
    }
    let mut media = Media::new(kind, source);
    media.name = fields.text("name")?;
    for key in ["citations", "context"] {
        media.extra.extend(fields.value(key).map(|value| (key.to_owned(), value)));
    }
    if !own.is_empty() {
        media.extra.insert(WIRE.to_owned(), Value::Object(own));
    }
    Ok(Some(media))
}
