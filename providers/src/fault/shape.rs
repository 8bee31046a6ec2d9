//! Where the provider's words stand in an error answer: one reader for all shapes.
//!
//! `{error: {...}}`, `{error: "..."}`, `{type: error, ...}`, `{object: error, ...}`, `{message}`, `{detail}`,
//! `{errors: [...]}`, arrays of them, the same inside SSE text, plain text, HTML and nothing at all.

use belvedere_core::SmolStr;
use belvedere_core::error::RetryAfter;
use serde_json::{Map, Value};

use super::retry_after;

type Object = Map<String, Value>;

/// How much of a plain text body is kept as the message, in characters.
const PLAIN_TEXT: usize = 1000;

/// What the provider said, field by field, as far as it said it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) r#type: Option<SmolStr>,
    pub(super) code: Option<SmolStr>,
    pub(super) message: Option<String>,
    pub(super) param: Option<SmolStr>,
    pub(super) request_id: Option<SmolStr>,
    /// Words that are more specific than type and code, such as Azure's `innererror.code`.
    pub(super) reasons: Vec<SmolStr>,
    /// A further sentence: what the upstream of a gateway said.
    pub(super) upstream: Option<String>,
    pub(super) retry_after: Option<RetryAfter>,
}

impl Said {
    /// Reads the body of an error answer: something always comes out, if only an empty value.
    pub(super) fn of_body(body: &[u8]) -> Said {
        if let Ok(value) = serde_json::from_slice::<Value>(body) {
            return Said::of_any(&value).unwrap_or_default();
        }
        let text = String::from_utf8_lossy(body);
        let frames = frames(&text);
        let values = || frames.iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
        values()
            .find_map(|value| Said::of_error(&value))
            .or_else(|| values().find_map(|value| Said::of_any(&value)))
            .unwrap_or_else(|| Said {
                message: plain(frames.first().map_or(&*text, String::as_str)),
                ..Said::default()
            })
    }

    /// Reads a value that is unmistakably an error, even inside a 200; `None` when it is not.
    pub(super) fn of_error(value: &Value) -> Option<Said> {
        let map = match value {
            Value::Array(items) => return items.iter().find_map(Said::of_error),
            Value::Object(map) => map,
            _ => return None,
        };
        let inside = match fault_in(map) {
            Some(Value::Object(inner)) if !inner.is_empty() => Some(Said::of_object(inner)),
            Some(Value::Array(items)) => items.iter().find_map(Said::of_any),
            Some(Value::String(text)) if !text.is_empty() => {
                Some(Said { message: Some(text.clone()), ..Said::default() })
            }
            Some(Value::Bool(true)) => Some(Said::default()),
            _ => None,
        };
        let is = |key: &str, word: &str| map.get(key).and_then(Value::as_str) == Some(word);
        let outside = || Said::of_object(map);
        if let Some(inside) = inside {
            return Some(inside.or(outside()));
        }
        if is("type", "error") || is("object", "error") || map.contains_key("__type") {
            return Some(outside());
        }
        let failed = map.get("success") == Some(&Value::Bool(false));
        failed.then(|| Said::listed(map)).flatten().map(|listed| listed.or(outside()))
    }

    /// Reads a value that is known to be an error.
    fn of_any(value: &Value) -> Option<Said> {
        match value {
            Value::String(text) => Some(Said { message: plain(text), ..Said::default() }),
            Value::Array(items) => items.iter().find_map(Said::of_any),
            Value::Object(map) => Said::of_error(value).or_else(|| {
                let detailed = || map.get("detail").filter(|d| d.is_object()).and_then(Said::of_any);
                let inside = Said::listed(map).or_else(detailed).unwrap_or_default();
                Some(inside.or(Said::of_object(map)))
            }),
            _ => None,
        }
    }

    /// The first of `errors`.
    fn listed(map: &Object) -> Option<Said> {
        match map.get("errors")? {
            Value::Array(items) => items.iter().find_map(Said::of_any),
            inner @ Value::Object(_) => Said::of_any(inner),
            _ => None,
        }
    }

    /// Reads the fields of the object that carries them.
    fn of_object(map: &Object) -> Said {
        let text = |keys: &[&str]| keys.iter().find_map(|key| map.get(*key).and_then(Value::as_str));
        let word = |keys: &[&str]| text(keys).filter(|t| !t.is_empty()).map(SmolStr::from);
        let code = ["code", "error_code"].iter().find_map(|key| match map.get(*key)? {
            Value::String(code) if !code.is_empty() => Some(SmolStr::from(code)),
            Value::Number(code) => Some(code.to_string().into()),
            _ => None,
        });
        let listed = |key: &str| map.get(key).and_then(Value::as_array).and_then(|items| faults(items));
        // Mistral puts FastAPI's list below the message.
        let below = || map.get("message")?.get("detail")?.as_array().and_then(|items| faults(items));
        let message =
            text(&["message", "Message", "msg", "error_message", "detail", "error_description", "title"])
                .map(str::to_owned)
                .or_else(|| listed("detail"))
                .or_else(|| listed("message"))
                .or_else(below);
        Said {
            r#type: word(&["type"])
                .filter(|t| t != "error")
                .or_else(|| word(&["status", "error_type"]))
                .or_else(|| text(&["__type"]).and_then(exception_name)),
            code,
            message,
            param: word(&["param"]),
            request_id: word(&["request_id"]),
            reasons: reasons(map),
            upstream: map.get("metadata").and_then(|m| m.get("raw")).map(|raw| match raw {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }),
            retry_after: retry_after::of_object(map),
        }
    }

    /// Fills what is missing from what was said further outside.
    fn or(self, outer: Said) -> Said {
        Said {
            r#type: self.r#type.or(outer.r#type),
            code: self.code.or(outer.code),
            message: self.message.or(outer.message),
            param: self.param.or(outer.param),
            request_id: self.request_id.or(outer.request_id),
            reasons: if self.reasons.is_empty() { outer.reasons } else { self.reasons },
            upstream: self.upstream.or(outer.upstream),
            retry_after: self.retry_after.or(outer.retry_after),
        }
    }
}

/// Where the error stands: beside the answer, in OpenAI's `response.failed`, in Groq's own place, or in one of
/// OpenRouter's choices.
fn fault_in(map: &Object) -> Option<&Value> {
    let given = |value: &&Value| !value.is_null();
    let choices = || map.get("choices")?.as_array()?.iter().find_map(|c| c.get("error").filter(given));
    let within = |outer: &str| map.get(outer)?.get("error").filter(given);
    let nested = || within("response").or_else(|| within("x_groq"));
    map.get("error").filter(given).or_else(nested).or_else(choices)
}

/// The exception in `ValidationException:http://...` or `com.amazon.coral.service#ThrottlingException`.
pub(super) fn exception_name(text: &str) -> Option<SmolStr> {
    let name = text.split(':').next()?;
    let name = name.rsplit('#').next()?.trim();
    (!name.is_empty()).then(|| name.into())
}

/// Azure's inner errors, the error details of Google and Anthropic, and what OpenRouter says of a moderated input.
fn reasons(map: &Object) -> Vec<SmolStr> {
    let mut found = Vec::new();
    let mut inner = map.get("innererror");
    while let Some(value) = inner {
        found.extend(value.get("code").and_then(Value::as_str).map(SmolStr::from));
        inner = value.get("innererror");
    }
    found.reverse();
    match map.get("details") {
        Some(Value::Array(details)) => {
            found.extend(details.iter().filter_map(|d| d.get("reason")?.as_str()).map(SmolStr::from));
        }
        Some(details) => found.extend(details.get("error_code").and_then(Value::as_str).map(SmolStr::from)),
        None => {}
    }
    if let Some(metadata) = map.get("metadata") {
        found.extend(metadata.get("error_type").and_then(Value::as_str).map(SmolStr::from));
        if metadata.get("flagged_input").is_some() {
            found.push("content_filter".into());
        }
    }
    found
}

/// FastAPI's list of faults, `{loc: [body, messages, 0], msg}`, as one sentence.
fn faults(items: &[Value]) -> Option<String> {
    let one = |item: &Value| match item {
        Value::String(text) => Some(text.clone()),
        item => {
            let what = item.get("msg").or_else(|| item.get("message"))?.as_str()?;
            let place = item.get("loc").and_then(Value::as_array).map(|steps| {
                let step = |s: &Value| s.as_str().map_or_else(|| s.to_string(), str::to_owned);
                steps.iter().map(step).collect::<Vec<_>>().join(".")
            });
            Some(place.map_or_else(|| what.to_owned(), |place| format!("{place}: {what}")))
        }
    };
    let all: Vec<String> = items.iter().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The payloads of SSE text or of lines of JSON; empty when the text is neither.
fn frames(text: &str) -> Vec<String> {
    let mut frames = Vec::new();
    let mut data: Option<String> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("data:") {
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            match &mut data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(rest);
                }
                None => data = Some(rest.to_owned()),
            }
        } else if line.trim().is_empty() {
            frames.extend(data.take());
        } else if line.starts_with('{') {
            frames.push(line.to_owned());
        }
    }
    frames.extend(data);
    frames
}

/// The message in plain text, or the title of an HTML page.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let text = if lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml") {
        let from = lower.find("<title>")?.checked_add("<title>".len())?;
        let length = lower.get(from..)?.find('<')?;
        text.get(from..from.checked_add(length)?)?.trim()
    } else {
        text
    };
    (!text.is_empty()).then(|| text.chars().take(PLAIN_TEXT).collect())
}
