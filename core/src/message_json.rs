//! Reading messages from JSON: the canonical form, and OpenAI's as people have it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::error::{Error, ErrorKind, Result};
use crate::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};

const ROLES: &str = "system, developer, user, assistant, tool, function";
const PARTS: &str = "text, reasoning, refusal, tool_call, tool_result, media, opaque, and OpenAI's image_url, \
                     input_audio, file, video_url";

fn invalid(path: &str, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("{path}: {what}"))
}

fn object(value: Value, path: &str) -> Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(invalid(path, format_args!("must be an object, is {}", type_name(&other)))),
    }
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Takes a string field; null counts as absent.
fn take_str(map: &mut Map<String, Value>, key: &str, path: &str) -> Result<Option<String>> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(s)) => Ok(Some(s)),
        Some(other) => {
            Err(invalid(&format!("{path}.{key}"), format_args!("must be a string, is {}", type_name(&other))))
        }
    }
}

fn need_str(map: &mut Map<String, Value>, key: &str, path: &str) -> Result<String> {
    take_str(map, key, path)?
        .ok_or_else(|| invalid(&format!("{path}.{key}"), "is missing; a string is needed"))
}

pub(crate) fn message(value: Value, path: &str) -> Result<Message> {
    let mut map = object(value, path)?;
    let role_name = need_str(&mut map, "role", path)?;
    let role = match role_name.as_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => return Err(invalid(&format!("{path}.role"), format_args!("unknown role; known: {ROLES}"))),
    };
    let mut name = take_str(&mut map, "name", path)?.map(SmolStr::from);
    let mut parts = Vec::new();
    // DeepSeek, vLLM and others hand reasoning back in a field of its own.
    for key in ["reasoning_content", "reasoning"] {
        if let Some(Value::String(_)) = map.get(key)
            && let Some(text) = take_str(&mut map, key, path)?
        {
            parts.push(Part::reasoning(text));
        }
    }
    let content = content(map.remove("content"), &format!("{path}.content"))?;
    if role == Role::Tool && !content.iter().any(|p| matches!(p, Part::ToolResult { .. })) {
        let id = match take_str(&mut map, "tool_call_id", path)? {
            Some(id) => id.into(),
            None if role_name == "function" => SmolStr::default(),
            None => {
                let fault = "is missing; a tool message answers a call by its id";
                return Err(invalid(&format!("{path}.tool_call_id"), fault));
            }
        };
        let is_error = map.remove("is_error") == Some(Value::Bool(true));
        let name = name.take();
        parts.push(Part::ToolResult { id, name, content, is_error, extra: Map::new() });
    } else {
        parts.extend(content);
    }
    if let Some(text) = take_str(&mut map, "refusal", path)? {
        parts.push(Part::Refusal { text });
    }
    match map.remove("tool_calls") {
        None | Some(Value::Null) => {}
        Some(Value::Array(calls)) => {
            for (i, call) in calls.into_iter().enumerate() {
                parts.push(tool_call(call, &format!("{path}.tool_calls[{i}]"))?);
            }
        }
        Some(other) => {
            let fault = format!("must be an array, is {}", type_name(&other));
            return Err(invalid(&format!("{path}.tool_calls"), fault));
        }
    }
    if let Some(call) = map.remove("function_call").filter(|c| !c.is_null()) {
        let mut call = object(call, &format!("{path}.function_call"))?;
        let name = need_str(&mut call, "name", &format!("{path}.function_call"))?.into();
        let input = need_str(&mut call, "arguments", &format!("{path}.function_call"))?;
        let extra = extra(call, OF_TOOL_CALL);
        parts.push(Part::ToolCall { id: SmolStr::default(), name, input, by: ToolBy::Client, extra });
    }
    Ok(Message { role, parts, name, extra: map })
}

/// `content` as a string, an array of parts and strings, or nothing.
fn content(value: Option<Value>, path: &str) -> Result<Vec<Part>> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(items)) => {
            items.into_iter().enumerate().map(|(i, item)| part(item, &format!("{path}[{i}]"))).collect()
        }
        Some(other) => Err(invalid(
            path,
            format_args!("must be a string or an array of parts, is {}", type_name(&other)),
        )),
    }
}

/// What is left of an object, to be sent on as it is. Names of our own are not its to use: they stand beside it in
/// the canonical form.
fn extra(mut map: Map<String, Value>, ours: &[&str]) -> Map<String, Value> {
    map.retain(|name, _| !ours.contains(&name.as_str()));
    map
}

const OF_TOOL_CALL: &[&str] = &["type", "id", "name", "input", "by"];
const OF_MEDIA: &[&str] = &["type", "kind", "source", "name"];

/// OpenAI's `{id, type: function, function: {name, arguments}}` (and `type: custom`).
fn tool_call(value: Value, path: &str) -> Result<Part> {
    let mut map = object(value, path)?;
    let id = take_str(&mut map, "id", path)?.unwrap_or_default().into();
    let (mut function, inner, input_key) = match (map.remove("function"), map.remove("custom")) {
        (Some(f), _) if !f.is_null() => (object(f, &format!("{path}.function"))?, "function", "arguments"),
        (_, Some(c)) => (object(c, &format!("{path}.custom"))?, "custom", "input"),
        _ => return Err(invalid(&format!("{path}.function"), "is missing; name and arguments are needed")),
    };
    let inner_path = format!("{path}.{inner}");
    let name = need_str(&mut function, "name", &inner_path)?.into();
    let input = match function.remove(input_key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        // Some stacks keep arguments as a value; the wire form is text.
        Some(value) => value.to_string(),
    };
    let mut extra = extra(map, OF_TOOL_CALL);
    if inner == "custom" {
        extra.insert("custom".into(), Value::Bool(true));
    }
    Ok(Part::ToolCall { id, name, input, by: ToolBy::Client, extra })
}

/// One part in its canonical form or OpenAI's.
pub(crate) fn part(value: Value, path: &str) -> Result<Part> {
    if let Value::String(text) = value {
        return Ok(Part::text(text));
    }
    let mut map = object(value, path)?;
    let kind = need_str(&mut map, "type", path)?;
    Ok(match kind.as_str() {
        "text" | "input_text" | "output_text" => {
            Part::Text { text: need_str(&mut map, "text", path)?, extra: map }
        }
        "reasoning" => Part::Reasoning {
            text: take_str(&mut map, "text", path)?.unwrap_or_default(),
            signature: take_str(&mut map, "signature", path)?,
            wire: take_str(&mut map, "wire", path)?.unwrap_or_default().into(),
            extra: map,
        },
        "refusal" => Part::Refusal {
            text: match take_str(&mut map, "text", path)? {
                Some(text) => text,
                None => need_str(&mut map, "refusal", path)?,
            },
        },
        "tool_call" => Part::ToolCall {
            id: take_str(&mut map, "id", path)?.unwrap_or_default().into(),
            name: need_str(&mut map, "name", path)?.into(),
            input: match map.remove("input") {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text,
                Some(value) => value.to_string(),
            },
            by: match take_str(&mut map, "by", path)?.as_deref() {
                None | Some("client") => ToolBy::Client,
                Some("provider") => ToolBy::Provider,
                Some(_) => return Err(invalid(&format!("{path}.by"), "must be client or provider")),
            },
            extra: map,
        },
        "tool_result" => Part::ToolResult {
            id: need_str(&mut map, "id", path)?.into(),
            name: take_str(&mut map, "name", path)?.map(SmolStr::from),
            content: content(map.remove("content"), &format!("{path}.content"))?,
            is_error: map.remove("is_error") == Some(Value::Bool(true)),
            extra: map,
        },
        "media" => Part::Media(
            serde_json::from_value(Value::Object(map))
                .map_err(|e| invalid(path, format_args!("media: {e}")))?,
        ),
        "opaque" => Part::Opaque {
            kind: need_str(&mut map, "kind", path)?.into(),
            data: map.remove("data").unwrap_or(Value::Null),
            wire: take_str(&mut map, "wire", path)?.unwrap_or_default().into(),
        },
        "image_url" => Part::Media(at_url(map, "image_url", MediaKind::Image, path)?),
        "video_url" => Part::Media(at_url(map, "video_url", MediaKind::Video, path)?),
        "input_audio" => Part::Media(input_audio(map, path)?),
        "file" => Part::Media(file(map, path)?),
        _ => return Err(invalid(&format!("{path}.type"), format_args!("unknown part type; known: {PARTS}"))),
    })
}

/// `{image_url: {url, detail}}` or `{image_url: "..."}`; a data URL becomes bytes.
fn at_url(mut map: Map<String, Value>, key: &str, kind: MediaKind, path: &str) -> Result<Media> {
    let path = format!("{path}.{key}");
    let (url, inner) = match map.remove(key) {
        Some(Value::String(url)) => (url, Map::new()),
        Some(Value::Object(mut inner)) => (need_str(&mut inner, "url", &path)?, inner),
        _ => return Err(invalid(&path, "is missing; an address or {url} is needed")),
    };
    let mut rest = inner;
    rest.append(&mut map);
    Ok(Media { kind, source: from_url(url, &path)?, name: None, extra: extra(rest, OF_MEDIA) })
}

/// An address, or the bytes inside a `data:` URL.
fn from_url(url: String, path: &str) -> Result<MediaSource> {
    let Some(rest) = url.strip_prefix("data:") else { return Ok(MediaSource::Url(url)) };
    let Some((mime, text)) = rest.split_once(";base64,") else {
        return Err(invalid(path, "a data URL must carry base64"));
    };
    let data = STANDARD.decode(text.as_bytes()).map_err(|_| invalid(path, "the data URL is not base64"))?;
    Ok(MediaSource::Data { mime: mime.into(), data: data.into() })
}

/// `{input_audio: {data, format}}`.
fn input_audio(mut map: Map<String, Value>, path: &str) -> Result<Media> {
    let path = format!("{path}.input_audio");
    let mut inner = object(map.remove("input_audio").unwrap_or_default(), &path)?;
    let data = need_str(&mut inner, "data", &path)?;
    let format = take_str(&mut inner, "format", &path)?.unwrap_or_else(|| "wav".into());
    let data = STANDARD.decode(data).map_err(|_| invalid(&path, "data is not base64"))?;
    let source = MediaSource::Data { mime: format!("audio/{format}").into(), data: data.into() };
    inner.append(&mut map);
    Ok(Media { kind: MediaKind::Audio, source, name: None, extra: extra(inner, OF_MEDIA) })
}

/// `{file: {file_data | file_id | file_url, filename}}`.
fn file(mut map: Map<String, Value>, path: &str) -> Result<Media> {
    let path = format!("{path}.file");
    let mut inner = object(map.remove("file").unwrap_or_default(), &path)?;
    let name = take_str(&mut inner, "filename", &path)?;
    let source = if let Some(id) = take_str(&mut inner, "file_id", &path)? {
        MediaSource::Id(id)
    } else if let Some(data) = take_str(&mut inner, "file_data", &path)? {
        match from_url(data, &path)? {
            MediaSource::Url(text) => MediaSource::Data {
                mime: SmolStr::default(),
                data: STANDARD.decode(text).map_err(|_| invalid(&path, "file_data is not base64"))?.into(),
            },
            data => data,
        }
    } else if let Some(url) = take_str(&mut inner, "file_url", &path)? {
        MediaSource::Url(url)
    } else {
        return Err(invalid(&path, "file_data, file_id or file_url is needed"));
    };
    inner.append(&mut map);
    Ok(Media { kind: MediaKind::File, source, name, extra: extra(inner, OF_MEDIA) })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Message {
        Message::from_json(value, "messages[0]").unwrap()
    }

    fn fault(value: Value) -> String {
        Message::from_json(value, "messages[0]").unwrap_err().message().to_owned()
    }

    #[test]
    fn openai_messages_are_accepted_as_they_are() {
        assert_eq!(read(json!({"role": "user", "content": "hi"})), Message::user("hi"));
        let message = read(json!({"role": "user", "content": [
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
        ]}));
        let Part::Media(image) = &message.parts[1] else { panic!("not media") };
        assert_eq!(
            image.source,
            MediaSource::Data { mime: "image/png".into(), data: vec![0u8, 1, 2].into() }
        );
        assert_eq!(image.extra["detail"], "low");
        let Part::Media(audio) = &message.parts[2] else { panic!("not media") };
        assert_eq!(audio.source, MediaSource::Data { mime: "audio/mp3".into(), data: vec![0u8].into() });
    }

    #[test]
    fn tool_calls_and_results_become_parts() {
        let call = read(json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}
        ]}));
        let Part::ToolCall { id, name, input, .. } = &call.parts[0] else { panic!("not a call") };
        assert_eq!((id.as_str(), name.as_str(), input.as_str()), ("c1", "f", "{\"a\":1}"));
        let result = read(json!({"role": "tool", "tool_call_id": "c1", "content": "42"}));
        assert_eq!(result, Message::tool("c1", "42"));
    }

    #[test]
    fn the_canonical_form_reads_back_what_it_wrote() {
        let message = Message::new(
            Role::Assistant,
            vec![
                Part::Reasoning {
                    text: "hm".into(),
                    signature: Some("sig".into()),
                    wire: "anthropic.messages".into(),
                    extra: json!({"id": "rs_1"}).as_object().unwrap().clone(),
                },
                Part::text("answer"),
                Part::ToolCall {
                    id: "c".into(),
                    name: "f".into(),
                    input: "{}".into(),
                    by: ToolBy::Provider,
                    extra: Map::new(),
                },
                Part::Media(Media::new(MediaKind::Image, MediaSource::Url("https://x/y.png".into()))),
                Part::opaque("anthropic.messages", "redacted_thinking", json!({"data": "x"})),
                Part::opaque("", "unknown", json!(1)),
            ],
        );
        let value = serde_json::to_value(&message).unwrap();
        assert_eq!(read(value), message);
        let result = Message::tool("c", "r");
        assert_eq!(read(serde_json::to_value(&result).unwrap()), result);
    }

    #[test]
    fn what_a_message_carries_beside_ours_never_takes_our_names() {
        let custom = json!({"role": "assistant", "tool_calls": [
            {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}, "by": "nobody", "input": 3}
        ]});
        let media = json!({"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "https://x/y", "kind": "a", "source": 1}, "name": 2},
            {"type": "input_audio", "input_audio": {"data": "AA==", "kind": "a", "type": "b"}},
            {"type": "file", "file": {"file_id": "f", "source": "a"}, "kind": 0},
        ]});
        let legacy = json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{}", "type": "x", "id": 1}});
        for value in [custom, media, legacy] {
            let message = read(value);
            assert_eq!(read(serde_json::to_value(&message).unwrap()), message);
        }
    }

    #[test]
    fn faults_name_the_path_and_what_is_allowed() {
        assert_eq!(
            fault(json!({"role": "user", "content": [{"type": "picture"}]})),
            format!("messages[0].content[0].type: unknown part type; known: {PARTS}")
        );
        assert!(fault(json!({"role": "robot"})).starts_with("messages[0].role: unknown role; known: system"));
        assert_eq!(
            fault(json!({"role": "tool", "content": "x"})),
            "messages[0].tool_call_id: is missing; a tool message answers a call by its id"
        );
        assert_eq!(
            fault(json!({"role": "user", "content": 3})),
            "messages[0].content: must be a string or an array of parts, is a number"
        );
        assert_eq!(fault(json!("hi")), "messages[0]: must be an object, is a string");
    }
}
