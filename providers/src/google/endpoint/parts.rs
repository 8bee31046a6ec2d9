//! Parts of a request: the mirror of what the client's side writes.

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaSource, Part, ToolBy};
use serde_json::{Map, Value};

use super::super::{EXECUTABLE_CODE, WIRE, media};
use super::field::{self, inner};
use crate::endpoint::Fields;

/// The fields that a part has beside what it holds.
const BESIDE: [&str; 4] = ["thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"];

/// Reads a part.
///
/// # Errors
/// `InvalidRequest` naming the field.
pub(super) fn read((path, part): (String, Value)) -> Result<Part> {
    let mut fields = field::object(part, path)?;
    let thought = fields.take("thought", "true or false")?.unwrap_or(false);
    if let Some(call) = inner(&mut fields, "functionCall")? {
        return function_call(call, own(fields, thought));
    }
    if let Some(result) = inner(&mut fields, "functionResponse")? {
        return function_response(result, own(fields, thought));
    }
    if let Some(blob) = inner(&mut fields, "inlineData")? {
        return Ok(Part::Media(with(inline(blob)?, own(fields, thought))));
    }
    if let Some(file) = inner(&mut fields, "fileData")? {
        return Ok(Part::Media(with(file_data(file)?, own(fields, thought))));
    }
    if let Some(code) = fields.value("executableCode") {
        let id = code.get("id").and_then(Value::as_str).map(SmolStr::from).unwrap_or_default();
        let (name, input) = (SmolStr::new_static(EXECUTABLE_CODE), code.to_string());
        return Ok(Part::ToolCall { id, name, input, by: ToolBy::Provider, extra: own(fields, thought) });
    }
    if let Some(mut call) = inner(&mut fields, "toolCall")? {
        let id = call.text("id")?.unwrap_or_default().into();
        let name = call.text("toolType")?.unwrap_or_default().into();
        let input = call.value("args").map(|args| args.to_string()).unwrap_or_default();
        return Ok(Part::ToolCall { id, name, input, by: ToolBy::Provider, extra: own(fields, thought) });
    }
    match fields.text("text")? {
        Some(text) if thought => {
            let signature = fields.text("thoughtSignature")?;
            let wire = signature.as_ref().map(|_| SmolStr::new_static(WIRE)).unwrap_or_default();
            Ok(Part::Reasoning { text, signature, wire, extra: own(fields, false) })
        }
        Some(text) => Ok(Part::Text { text, extra: own(fields, false) }),
        None => opaque(fields, thought),
    }
}

/// The fields beside what the part holds, under the wire's name.
fn own(fields: Fields, thought: bool) -> Map<String, Value> {
    let mut own = fields.rest();
    if thought {
        own.insert("thought".into(), true.into());
    }
    wrapped(own)
}

/// Fields that only this wire is sent.
pub(super) fn wrapped(own: Map<String, Value>) -> Map<String, Value> {
    match own.is_empty() {
        true => own,
        false => Map::from_iter([(WIRE.to_owned(), Value::Object(own))]),
    }
}

/// A part of a kind that only the provider reads: what its own tools gave.
fn opaque(fields: Fields, thought: bool) -> Result<Part> {
    let missing = fields.fault("text", "is missing, and so is every other kind of content");
    let mut data = fields.rest();
    let kind = data.keys().find(|name| !BESIDE.contains(&name.as_str())).cloned();
    let kind = kind.or_else(|| data.contains_key("thoughtSignature").then(|| "thoughtSignature".to_owned()));
    if thought {
        data.insert("thought".into(), true.into());
    }
    Ok(Part::opaque(WIRE, kind.ok_or(missing)?, Value::Object(data)))
}

fn function_call(mut call: Fields, extra: Map<String, Value>) -> Result<Part> {
    let name = call.need_text("name")?.into();
    let id = call.text("id")?.unwrap_or_default().into();
    let input =
        field::read(&mut call, "args", "an object", |args| args.is_object().then(|| args.to_string()))?;
    let input = input.unwrap_or_default();
    Ok(Part::ToolCall { id, name, input, by: ToolBy::Client, extra })
}

/// A result. `{"result": text}` and `{"error": text}` are what we write for text, any other object is kept whole.
fn function_response(mut result: Fields, mut extra: Map<String, Value>) -> Result<Part> {
    let id = result.text("id")?.unwrap_or_default().into();
    let name = result.text("name")?.map(SmolStr::from);
    let response = field::read(&mut result, "response", "an object", |value| value.as_object().cloned())?;
    let (mut content, mut is_error) = (Vec::new(), false);
    if let Some(response) = response.filter(|response| !response.is_empty()) {
        let alone = |key: &str| response.get(key).filter(|_| response.len() == 1);
        let plain = |value: &Value| value.as_str().filter(|text| !is_object(text)).map(str::to_owned);
        let failure = alone("error");
        let text = match (alone("result").and_then(plain), failure) {
            (Some(text), _) => text,
            (None, Some(failure)) if failure.is_object() || plain(failure).is_some() => {
                is_error = true;
                plain(failure).unwrap_or_else(|| failure.to_string())
            }
            _ => Value::Object(response).to_string(),
        };
        content.push(Part::text(text));
    }
    for part in field::list(&mut result, "parts")? {
        content.push(read(part)?);
    }
    let further = result.rest();
    if let Value::Object(own) = extra.entry(WIRE).or_insert_with(|| Value::Object(Map::new())) {
        own.extend(further);
    }
    extra.retain(|_, own| own.as_object().is_none_or(|own| !own.is_empty()));
    Ok(Part::ToolResult { id, name, content, is_error, extra })
}

/// True for text that would be sent as the object it stands for.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

fn inline(mut blob: Fields) -> Result<Media> {
    let mime = SmolStr::from(blob.text("mimeType")?.unwrap_or_default());
    let data =
        field::read(&mut blob, "data", "base64", |data| media::bytes(data.as_str()?))?.unwrap_or_default();
    let mut media = Media::new(media::kind(&mime), MediaSource::Data { mime, data: data.into() });
    media.name = blob.text("displayName")?;
    Ok(media)
}

fn file_data(mut file: Fields) -> Result<Media> {
    let uri = file.need_text("fileUri")?;
    let mime = file.text("mimeType")?.filter(|mime| !mime.is_empty());
    let mut media = media::at(&uri, mime.as_deref());
    media.name = file.text("displayName")?;
    Ok(media)
}

/// Adds further fields of this wire to those that are there.
fn with(mut media: Media, extra: Map<String, Value>) -> Media {
    for (wire, fields) in extra {
        match (media.extra.get_mut(&wire), fields) {
            (Some(Value::Object(there)), Value::Object(fields)) => there.extend(fields),
            (_, fields) => drop(media.extra.insert(wire, fields)),
        }
    }
    media
}
