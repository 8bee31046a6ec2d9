//! Whole answers: the response, and the items in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::completion::Completion;
use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::event::{Finish, FinishReason, Source};
use belvedere_core::message::{Media, MediaKind, MediaSource, Part};
use belvedere_core::request::{Request, Tool};
use belvedere_core::usage::{Class, Usage};
use serde_json::{Map, Value, json};

use super::super::input::Items;
use super::super::{IMAGE, usage};
use super::echo;
use crate::endpoint::{created, derived_id};
use crate::openai::endpoint::fault;

/// The response for a whole answer.
pub(super) fn response(request: &Request, answer: &Completion) -> Value {
    let choice = answer.choices.first();
    let parts = choice.map(|choice| choice.parts.as_slice()).unwrap_or_default();
    let id = id_of(request, answer.id.as_deref());
    let mut parts = parts.to_vec();
    if let Some(choice) = choice {
        annotate(&mut parts, &choice.sources, &choice.logprobs);
    }
    let output = items(&parts, &request.tools, &id);
    let mut fields = echo::of(request);
    fields.extend(head(request, &id, answer.model.as_deref()));
    fields.extend(end(choice.and_then(|choice| choice.finish.as_ref())));
    fields.insert("output".into(), output.into());
    fields.insert("usage".into(), answer.usage.as_deref().map_or(Value::Null, counts));
    Value::Object(fields)
}

/// What names a response.
pub(super) fn head(request: &Request, id: &str, model: Option<&str>) -> Map<String, Value> {
    let model = model.or(request.model.as_deref()).unwrap_or_default();
    object([
        ("id", id.into()),
        ("object", "response".into()),
        ("created_at", created(request).into()),
        ("model", model.into()),
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The id of an answer; one derived from its request when it has none.
pub(super) fn id_of(request: &Request, id: Option<&str>) -> String {
    match id {
        Some(id) => id.to_owned(),
        None => derived_id("resp_", &[&serde_json::to_string(request).unwrap_or_default()]).to_string(),
    }
}

/// How a response ended. A word of the provider that has no equivalent stays: `completed` would be a lie.
pub(super) fn end(finish: Option<&Finish>) -> Map<String, Value> {
    let raw = finish.and_then(|finish| finish.raw.as_deref());
    let reason = match finish.and_then(|finish| finish.reason) {
        None => {
            let running = raw.filter(|raw| matches!(*raw, "queued" | "in_progress"));
            return object([("status", running.unwrap_or("completed").into())]);
        }
        Some(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Refusal | FinishReason::Pause) => {
            return object([("status", "completed".into())]);
        }
        Some(FinishReason::Error) => {
            let error = Error::new(ErrorKind::Overloaded, "the provider gave up inside the answer");
            return object([("status", "failed".into()), ("error", fault_of(&error))]);
        }
        Some(FinishReason::Length) => "max_output_tokens",
        Some(FinishReason::ContentFilter) => "content_filter",
        Some(_) => raw.unwrap_or("other"),
    };
    object([("status", "incomplete".into()), ("incomplete_details", json!({ "reason": reason }))])
}

/// The error of a response that failed.
pub(super) fn fault_of(error: &Error) -> Value {
    let body = serde_json::to_value(fault::body(error)).unwrap_or_default();
    let mut inner = body.get("error").cloned().unwrap_or_default();
    if let Some(map) = inner.as_object_mut() {
        // Its code is not optional here.
        let kind = map.get("type").cloned().unwrap_or_default();
        map.entry("code").and_modify(|code| {
            if code.is_null() {
                *code = kind
            }
        });
    }
    inner
}

/// The usage object. The provider's own goes out when it is one of this wire; else it is made of the classes.
pub(super) fn counts(own: &Usage) -> Value {
    let names = ["input_tokens", "output_tokens", "total_tokens"];
    let searches = own.get(&Class::WebSearchCalls).unwrap_or_default();
    let reads_back =
        || usage::read(own.raw.clone(), searches).is_some_and(|read| read.classes == own.classes);
    if names.iter().all(|name| own.raw.get(*name).is_some_and(Value::is_u64)) && reads_back() {
        return Value::Object(own.raw.clone());
    }
    let count = |class: Class| own.get(&class);
    let hour = count(Class::CacheWrite1h);
    let written = match (count(Class::CacheWrite5m), hour) {
        (None, None) => None,
        (minutes, hour) => Some(minutes.unwrap_or_default().saturating_add(hour.unwrap_or_default())),
    };
    let given = |list: [(&str, Option<u64>); 5]| -> Map<String, Value> {
        let given = list.into_iter().filter_map(|(name, count)| Some((name.to_owned(), json!(count?))));
        given.collect()
    };
    let mut input = given([
        ("cached_tokens", Some(count(Class::CacheRead).unwrap_or_default())),
        ("cache_write_tokens", written),
        ("audio_tokens", count(Class::AudioInput)),
        ("image_tokens", count(Class::ImageInput)),
        ("video_tokens", count(Class::VideoInput)),
    ]);
    input.retain(|_, count| !count.is_null());
    let output = given([
        ("reasoning_tokens", Some(count(Class::Reasoning).unwrap_or_default())),
        ("audio_tokens", count(Class::AudioOutput)),
        ("image_tokens", count(Class::ImageOutput)),
        ("", None),
        ("", None),
    ]);
    let mut all = object([
        ("input_tokens", own.input_tokens().unwrap_or_default().into()),
        ("input_tokens_details", Value::Object(input)),
        ("output_tokens", own.output_tokens().unwrap_or_default().into()),
        ("output_tokens_details", Value::Object(output)),
        ("total_tokens", own.total_tokens().unwrap_or_default().into()),
    ]);
    if let Some(hour) = hour {
        all.insert("cache_creation".into(), json!({ "ephemeral_1h_input_tokens": hour }));
    }
    if let Some(searches) = count(Class::WebSearchCalls) {
        all.insert("server_side_tool_usage_details".into(), json!({ "web_search_calls": searches }));
    }
    Value::Object(all)
}

/// The items of an answer. `id` is the answer's, from which items without one get theirs.
pub(super) fn items(parts: &[Part], tools: &[Tool], id: &str) -> Vec<Value> {
    let mut all = Vec::new();
    // An image stands behind the item that made it; one of another wire has none, and gets it.
    for (i, part) in parts.iter().enumerate() {
        let is_made = i.checked_sub(1).and_then(|i| parts.get(i)).is_some_and(is_image_item);
        match part {
            Part::Media(media) if !is_made => all.push(Err(image(media))),
            part => all.push(Ok(part)),
        }
    }
    let mut out = Vec::new();
    for run in all.chunk_by(|a, b| a.is_ok() && b.is_ok()) {
        if let [Err(image)] = run {
            out.extend(image.clone());
        } else {
            let items = Items::of_answer(run.iter().filter_map(|part| part.as_ref().ok().copied()), tools);
            out.extend(items.into_inner().iter().filter_map(|item| serde_json::to_value(item).ok()));
        }
    }
    for (i, item) in out.iter_mut().enumerate() {
        complete(item, &derived_id("", &[id, &i.to_string()]));
    }
    out
}

/// True for an item that made the image behind it.
pub(super) fn is_image_item(part: &Part) -> bool {
    matches!(part, Part::Opaque { kind, data, .. } if kind == IMAGE && data.get("result").is_none())
}

/// An image of another wire; `None` for other media, and where the bytes are elsewhere.
fn image(media: &Media) -> Option<Value> {
    let (MediaKind::Image, MediaSource::Data { mime, data }) = (media.kind, &media.source) else {
        return None;
    };
    let format = mime.strip_prefix("image/").unwrap_or("png");
    Some(json!({ "type": IMAGE, "output_format": format, "result": STANDARD.encode(data) }))
}

/// Gives an item what the clients ask for.
fn complete(item: &mut Value, id: &str) {
    let Some(map) = item.as_object_mut() else { return };
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
    let prefix = match kind {
        "message" => "msg_",
        "reasoning" => "rs_",
        "function_call" => "fc_",
        "custom_tool_call" => "ctc_",
        IMAGE => "ig_",
        _ => return,
    };
    let is_message = kind == "message";
    map.entry("id").or_insert_with(|| format!("{prefix}{id}").into());
    if prefix != "rs_" {
        map.entry("status").or_insert("completed".into());
    }
    if !is_message {
        return;
    }
    if let Some(content) = map.get_mut("content") {
        if let Value::String(text) = content {
            *content = json!([{ "type": "output_text", "text": text }]);
        }
        for piece in content.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            if piece.contains_key("text") {
                piece.entry("annotations").or_insert_with(|| json!([]));
                piece.entry("logprobs").or_insert_with(|| json!([]));
            }
        }
    }
}

/// Gives texts their citations and log probabilities. A text that has annotations of this wire keeps them.
fn annotate(parts: &mut [Part], sources: &[Source], logprobs: &[Value]) {
    let last = parts.iter().rposition(|part| part.as_text().is_some());
    let first = parts.iter().position(|part| part.as_text().is_some());
    for (i, part) in parts.iter_mut().enumerate() {
        let Part::Text { extra, .. } = part else { continue };
        let place = u32::try_from(i).ok();
        let belongs = |source: &&Source| source.part.map_or(last == Some(i), |part| Some(part) == place);
        let annotations: Vec<Value> = sources.iter().filter(belongs).filter_map(annotation).collect();
        if !annotations.is_empty() {
            put(extra, "annotations", annotations);
        }
        let entries: Vec<Value> = logprobs.iter().flat_map(entries).collect();
        if first == Some(i) && !entries.is_empty() {
            put(extra, "logprobs", entries);
        }
    }
}

/// Puts a list into a text's extra of this wire, unless there is one.
pub(super) fn put(extra: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    let own = extra.entry(super::super::WIRE).or_insert_with(|| json!({}));
    if let Some(own) = own.as_object_mut() {
        own.entry(name).or_insert(list.into());
    }
}

/// The entries of log probabilities.
pub(super) fn entries(data: &Value) -> Vec<Value> {
    data.get("content").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A citation; `None` for a source without an address. The clients ask for a title and for places in the text.
pub(super) fn annotation(source: &Source) -> Option<Value> {
    const OWN: [&str; 4] = ["url_citation", "file_citation", "container_file_citation", "file_path"];
    let kind = source.raw.get("type").and_then(Value::as_str).unwrap_or_default();
    if OWN.contains(&kind) && source.raw.get(kind).is_none() {
        return Some(source.raw.clone());
    }
    let inner = source.raw.get(kind).unwrap_or(&source.raw);
    let place = |key: &str| inner.get(key).and_then(Value::as_u64).unwrap_or_default();
    Some(json!({
        "type": "url_citation", "url": source.url.as_deref()?,
        "title": source.title.as_deref().unwrap_or_default(),
        "start_index": place("start_index"), "end_index": place("end_index"),
    }))
}
