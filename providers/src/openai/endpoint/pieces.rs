//! Pieces of an answer in the wire's words, the same in a whole answer and in a stream.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::event::{Finish, FinishReason, Source};
use belvedere_core::message::{Media, MediaKind, MediaSource};
use serde_json::{Map, Value, json};

use super::super::finish;

/// Why an answer ended. The provider's own word stays when it is one of the wire's five and means the same there;
/// a word that has no equivalent stays, too, because `stop` would be a lie.
pub(super) fn finish_reason(finish: &Finish) -> Cow<'_, str> {
    const WORDS: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];
    let raw = finish.raw.as_deref();
    let own = |raw: &&str| WORDS.contains(raw) && finish.reason == Some(finish::reason(raw));
    if let Some(raw) = raw.filter(own) {
        return raw.into();
    }
    match finish.reason {
        None | Some(FinishReason::Stop | FinishReason::Pause) => "stop".into(),
        Some(FinishReason::Length) => "length".into(),
        Some(FinishReason::ToolCalls) => "tool_calls".into(),
        Some(FinishReason::ContentFilter | FinishReason::Refusal) => "content_filter".into(),
        Some(FinishReason::Error) => "error".into(),
        Some(_) => raw.unwrap_or("other").into(),
    }
}

/// A citation; `None` for a source without an address. The clients ask for a title and for places in the text.
pub(super) fn annotation(source: &Source) -> Option<Value> {
    let own =
        |kind: &str| source.raw.get("type").is_some_and(|t| t == kind) && source.raw.get(kind).is_some();
    if own("url_citation") || own("file_citation") {
        return Some(source.raw.clone());
    }
    let place = |key: &str| source.raw.get(key).and_then(Value::as_u64).unwrap_or_default();
    let mut citation = json!({
        "url": source.url.as_deref()?,
        "title": source.title.as_deref().unwrap_or_default(),
        "start_index": place("start_index"),
        "end_index": place("end_index"),
    });
    if let (Some(quote), Some(map)) = (&source.quote, citation.as_object_mut()) {
        map.insert("content".into(), quote.as_str().into());
    }
    Some(json!({ "type": "url_citation", "url_citation": citation }))
}

/// An image in the form of OpenRouter's `images`: this wire has none of its own. `None` for other media.
pub(super) fn image(media: &Media) -> Option<Value> {
    if media.kind != MediaKind::Image {
        return None;
    }
    let url = match &media.source {
        MediaSource::Url(url) => url.clone(),
        MediaSource::Data { mime, data } => {
            let mime = if mime.is_empty() { "image/png" } else { mime };
            format!("data:{mime};base64,{}", STANDARD.encode(data))
        }
        MediaSource::Id(_) => return None,
    };
    Some(json!({ "type": "image_url", "image_url": { "url": url } }))
}

/// Log probabilities: the entries of each section, joined. `None` when there are none.
pub(super) fn logprobs<'a>(entries: impl IntoIterator<Item = &'a Value>) -> Option<Value> {
    let mut joined = Map::new();
    for entry in entries {
        for (section, list) in entry.as_object()? {
            match (joined.get_mut(section), list) {
                (Some(Value::Array(all)), Value::Array(more)) => all.extend(more.iter().cloned()),
                _ => {
                    joined.insert(section.clone(), list.clone());
                }
            }
        }
    }
    if joined.is_empty() {
        return None;
    }
    for section in ["content", "refusal"] {
        joined.entry(section).or_insert(Value::Null);
    }
    Some(Value::Object(joined))
}
