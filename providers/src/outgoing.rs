//! What the requests of several wires share: addresses and heads, the fields of a body, arguments, bytes.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::message::extra_of;
use belvedere_core::request::Request;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Uri};
use serde::ser::{Serialize, SerializeMap};
use serde_json::{Map, Value};

pub(crate) use crate::endpoint::invalid;

/// The content type of most bodies.
pub(crate) const JSON: &str = "application/json";

/// The model of a request, or else the configured one.
///
/// # Errors
/// `InvalidRequest` when neither names one.
pub(crate) fn model<'a>(request: &'a Request, configured: Option<&'a str>) -> Result<&'a str> {
    let model = request.model.as_deref().or(configured).filter(|model| !model.is_empty());
    model.ok_or_else(|| invalid("model", "is missing; name one in the request or the configuration"))
}

/// A request that asks for this type of answer. A body is JSON; without one it is a `GET`.
pub(crate) fn ask(uri: Uri, accept: &'static str, body: Bytes) -> http::Request<Bytes> {
    let mut outgoing = http::Request::new(body);
    *outgoing.uri_mut() = uri;
    outgoing.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
    if !outgoing.body().is_empty() {
        *outgoing.method_mut() = Method::POST;
        outgoing.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    outgoing
}

/// What an operation is answered with that a wire lacks.
pub(crate) fn no_operation() -> Error {
    unsupported("operation", "this wire does not have it")
}

/// The address of an endpoint: `path` behind the base's path, and before the base's query. The `version` that `path`
/// begins with may stand at the end of the base already.
///
/// # Errors
/// `ConfigInvalid` when the base is not absolute.
pub(crate) fn address(base: &Uri, version: &str, path: &str) -> Result<Uri> {
    let (Some(scheme), Some(authority)) = (base.scheme(), base.authority()) else {
        let fault = "base_url: an absolute address is needed, such as https://host.example";
        return Err(Error::new(ErrorKind::ConfigInvalid, fault));
    };
    let prefix = base.path().trim_end_matches('/');
    let prefix = prefix.strip_suffix(version).unwrap_or(prefix);
    let path = match (base.query(), path.contains('?')) {
        (Some(query), true) => [prefix, path, "&", query].concat(),
        (Some(query), false) => [prefix, path, "?", query].concat(),
        (None, _) => [prefix, path].concat(),
    };
    let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query(path);
    uri.build().map_err(|e| Error::new(ErrorKind::ConfigInvalid, "base_url: makes no address").with_source(e))
}

/// The fields of a body. Those that the caller put into `extra` win, the wire's own first.
pub(crate) struct BodyFields<'a, M> {
    map: M,
    extra: &'a Map<String, Value>,
    wire: &'static str,
    joined: Vec<&'static str>,
}

impl<'a, M: SerializeMap> BodyFields<'a, M> {
    pub(crate) fn new(map: M, extra: &'a Map<String, Value>, wire: &'static str) -> Self {
        BodyFields { map, extra, wire, joined: Vec::new() }
    }

    /// The caller's value of a field.
    fn callers(&self, name: &str) -> Option<&'a Value> {
        extra_of(self.extra, self.wire).find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Writes a field.
    pub(crate) fn put(&mut self, name: &str, value: impl Serialize) -> Result<(), M::Error> {
        match self.callers(name) {
            Some(_) => Ok(()),
            None => self.map.serialize_entry(name, &value),
        }
    }

    /// Writes a field that has a value.
    pub(crate) fn put_some(&mut self, name: &str, value: Option<impl Serialize>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.put(name, value))
    }

    /// Writes an object that is joined, field by field, with the caller's. An empty one is left out.
    #[cfg(any(test, feature = "cohere", feature = "ollama"))]
    pub(crate) fn join(&mut self, name: &'static str, own: Map<String, Value>) -> Result<(), M::Error> {
        let mut whole = own;
        match self.callers(name) {
            Some(Value::Object(callers)) => {
                self.joined.push(name);
                whole.extend(callers.clone());
                self.map.serialize_entry(name, &whole)
            }
            None if !whole.is_empty() => self.map.serialize_entry(name, &whole),
            _ => Ok(()),
        }
    }

    /// Writes what the caller put into `extra`, and ends the body.
    pub(crate) fn end(mut self) -> Result<M::Ok, M::Error> {
        for (name, value) in extra_of(self.extra, self.wire) {
            if !self.joined.contains(&name) {
                self.map.serialize_entry(name, value)?;
            }
        }
        self.map.end()
    }
}

/// Fields beside those that a type has.
#[cfg(any(feature = "cohere", feature = "ollama"))]
#[derive(Debug, Default)]
pub(crate) struct Further<'a>(pub(crate) Vec<(&'a str, &'a Value)>);

#[cfg(any(feature = "cohere", feature = "ollama"))]
impl<'a> Further<'a> {
    /// Those of `fields` whose names are not in `own`.
    pub(crate) fn beside(fields: impl Iterator<Item = (&'a str, &'a Value)>, own: &[&str]) -> Self {
        Further(fields.filter(|(name, _)| !own.contains(name)).collect())
    }
}

#[cfg(any(feature = "cohere", feature = "ollama"))]
impl Serialize for Further<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Bytes as base64, written without a copy.
#[cfg(any(feature = "anthropic", feature = "google", feature = "ollama", feature = "responses"))]
#[derive(Debug)]
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

#[cfg(any(feature = "anthropic", feature = "google", feature = "ollama", feature = "responses"))]
impl Serialize for Base64<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::display::Base64Display;
        use base64::engine::general_purpose::STANDARD;
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// A call's arguments as they were received; empty text is `{}`.
///
/// # Errors
/// `InvalidRequest` when they are not a JSON object.
#[cfg(any(test, feature = "cohere", feature = "google", feature = "ollama"))]
pub(crate) fn arguments<'a>(input: &'a str, path: &str) -> Result<&'a serde_json::value::RawValue> {
    use serde_json::value::RawValue;
    let text = if input.trim().is_empty() { "{}" } else { input };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().starts_with('{') => Ok(raw),
        Ok(_) => Err(invalid(&format!("{path}.input"), "must be a JSON object")),
        Err(e) => {
            let fault = format_args!("is not JSON, at line {} column {}", e.line(), e.column());
            Err(invalid(&format!("{path}.input"), fault))
        }
    }
}

/// The JSON text of the body of a request.
///
/// # Errors
/// `InvalidRequest` when it can't be written.
pub(crate) fn json(request: &Request, body: &impl Serialize) -> Result<Bytes> {
    // Room for all of it in most cases: what is written need not be moved as it grows.
    let mut text = Vec::with_capacity(length(request));
    serde_json::to_writer(&mut text, body)
        .map_err(|_| invalid("request", "has a number that JSON cannot carry"))?;
    Ok(text.into())
}

/// The bytes that a request takes as JSON, about: its texts, with some escapes, and what stands around them.
fn length(request: &Request) -> usize {
    const FIELDS: usize = 128;
    const PART: usize = 48;
    let text = |text: &str| PART + text.len() + text.len() / 32;
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let said = parts.map(|part| text(part.as_text().unwrap_or_default()));
    FIELDS + said.chain(request.input.iter().map(|input| text(input))).sum::<usize>()
}

/// What a wire has no place for is answered with.
pub(crate) fn unsupported(path: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{path}: {what}")).with("parameter", path)
}

/// Refuses the first of the parameters that was asked for and that a wire lacks.
///
/// # Errors
/// `Unsupported`, naming it.
#[cfg(feature = "responses")]
pub(crate) fn refuse<'p>(lacking: impl IntoIterator<Item = (&'p str, bool)>, what: &str) -> Result<()> {
    match lacking.into_iter().find(|(_, asked)| *asked) {
        Some((parameter, _)) => Err(unsupported(parameter, what)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_keeps_the_bases_prefix_and_query() {
        let of =
            |base: &'static str, path| address(&Uri::from_static(base), "/v2", path).unwrap().to_string();
        assert_eq!(of("https://a.example", "/v2/chat"), "https://a.example/v2/chat");
        assert_eq!(of("https://a.example/gate/v2/", "/v2/chat"), "https://a.example/gate/v2/chat");
        assert_eq!(of("https://a.example/?k=1", "/v2/chat"), "https://a.example/v2/chat?k=1");
        assert_eq!(of("https://a.example/?k=1", "/v1/models?n=2"), "https://a.example/v1/models?n=2&k=1");
        let fault = address(&Uri::from_static("/v2"), "/v2", "/v2/chat").unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::ConfigInvalid);
    }

    #[test]
    fn the_callers_fields_win_and_objects_are_joined() {
        struct Body<'a>(&'a Map<String, Value>);
        impl Serialize for Body<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut fields = BodyFields::new(serializer.serialize_map(None)?, self.0, "cohere.chat");
                fields.put("model", "ours")?;
                fields.put_some("seed", Some(1))?;
                fields.join("options", json!({"a": 1, "b": 1}).as_object().unwrap().clone())?;
                fields.end()
            }
        }
        let extra =
            json!({"model": "theirs", "options": {"b": 2}, "x": 1, "cohere.chat": {"x": 0}, "a.b": {"y": 1}});
        let body = serde_json::to_value(Body(extra.as_object().unwrap())).unwrap();
        assert_eq!(body, json!({"model": "theirs", "seed": 1, "options": {"a": 1, "b": 2}, "x": 0}));
    }

    #[test]
    fn arguments_stay_as_they_were_written() {
        assert_eq!(arguments("", "p").unwrap().get(), "{}");
        assert_eq!(arguments(r#"{"b": 1,"a":2}"#, "p").unwrap().get(), r#"{"b": 1,"a":2}"#);
        assert_eq!(arguments("[]", "p").unwrap_err().message(), "p.input: must be a JSON object");
        assert!(arguments(r#"{"a"#, "p").unwrap_err().message().contains("is not JSON"));
    }
}
