//! Parameters that a target has of its own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::request::{Parameters, Request};

/// Parameters that a target sets over those of a request: a merge patch (RFC 7396) of its JSON form.
///
/// A value replaces the request's, `null` takes it out, and an object is joined field by field. Fields that are no
/// parameter go into [`Parameters::extra`], so that each target can be given what only its wire knows. What is
/// asked (`messages`, `input`, `operation`), how (`stream`) and for whom (`options`) can't be overlaid.
///
/// ```
/// use belvedere_core::request::Request;
/// use belvedere_core::target::Overlay;
///
/// let overlay: Overlay = serde_json::from_str(r#"{"model": "small", "temperature": null, "reasoning": {"effort": "low"}}"#)?;
/// let mut request = Request::from("hi").with_model("large");
/// request.temperature = Some(0.2);
/// overlay.apply(&mut request)?;
/// assert_eq!((request.model.as_deref(), request.temperature), (Some("small"), None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Overlay(Map<String, Value>);

/// What a request is about belongs to whoever asks.
const FIXED: [&str; 5] = ["messages", "input", "operation", "stream", "options"];

/// The other names that fields of a request go by.
const ALIASES: [(&str, &str); 1] = [("max_completion_tokens", "max_tokens")];

impl Overlay {
    /// An overlay of these fields.
    ///
    /// # Errors
    /// `ConfigInvalid` when a field can't be overlaid, or its value is none it takes.
    pub fn new(mut fields: Map<String, Value>) -> Result<Self> {
        let invalid = |what: String| Error::new(ErrorKind::ConfigInvalid, format!("overlay: {what}"));
        if let Some(fixed) = FIXED.iter().find(|name| fields.contains_key(**name)) {
            return Err(invalid(format!("{fixed} belongs to the request and can't be overlaid")));
        }
        for (alias, name) in ALIASES {
            if let Some(value) = fields.remove(alias) {
                fields.insert(name.into(), value);
            }
        }
        let mut patched = Value::Object(Map::new());
        merge(&mut patched, &fields);
        serde_path_to_error::deserialize::<_, Parameters>(patched)
            .map_err(|error| invalid(format!("{}: {}", error.path(), error.inner())))?;
        Ok(Overlay(fields))
    }

    /// Lays the fields over those of a request.
    ///
    /// # Errors
    /// `InvalidRequest` when the two do not go together; the request is as it was.
    pub fn apply(&self, request: &mut Request) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        // What an overlay leaves alone may be large; it is not taken through JSON.
        let parameters = &mut **request;
        let messages = std::mem::take(&mut parameters.messages);
        let input = std::mem::take(&mut parameters.input);
        let tools = std::mem::take(&mut parameters.tools);
        let options = parameters.options.take();
        let patched = self.patched(parameters).map(|patched| *parameters = patched);
        (parameters.messages, parameters.input, parameters.options) = (messages, input, options);
        if patched.is_err() || !self.0.contains_key("tools") {
            parameters.tools = tools;
        }
        patched
    }

    fn patched(&self, parameters: &Parameters) -> Result<Parameters> {
        let fault = |error: serde_json::Error| {
            Error::new(ErrorKind::InvalidRequest, format!("overlay: does not fit the request: {error}"))
        };
        let mut value = serde_json::to_value(parameters).map_err(fault)?;
        merge(&mut value, &self.0);
        serde_json::from_value(value).map_err(fault)
    }
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(inner) => merge(target.entry(name.as_str()).or_insert(Value::Null), inner),
            value => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

impl<'de> Deserialize<'de> for Overlay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        Overlay::new(fields).map_err(|error| {
            let message = error.message();
            serde::de::Error::custom(message.strip_prefix("overlay: ").unwrap_or(message))
        })
    }
}

impl JsonSchema for Overlay {
    fn schema_name() -> Cow<'static, str> {
        "Overlay".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Parameters set over those of a request; null takes one out. Other names are further \
                fields of the body.",
            "type": "object",
            "properties": {
                "model": { "type": ["string", "null"] },
                "tools": { "type": ["array", "null"] },
                "tool_choice": { "type": ["string", "object", "null"] },
                "parallel_tool_calls": { "type": ["boolean", "null"] },
                "max_tokens": { "type": ["integer", "null"], "minimum": 0 },
                "temperature": { "type": ["number", "null"] },
                "top_p": { "type": ["number", "null"] },
                "top_k": { "type": ["integer", "null"], "minimum": 0 },
                "stop": { "type": ["array", "string", "null"], "items": { "type": "string" } },
                "seed": { "type": ["integer", "null"] },
                "n": { "type": ["integer", "null"], "minimum": 0 },
                "presence_penalty": { "type": ["number", "null"] },
                "frequency_penalty": { "type": ["number", "null"] },
                "logprobs": { "type": ["boolean", "null"] },
                "top_logprobs": { "type": ["integer", "null"], "minimum": 0 },
                "response_format": { "type": ["object", "null"] },
                "reasoning": { "type": ["object", "null"] },
                "user": { "type": ["string", "null"] },
                "dimensions": { "type": ["integer", "null"], "minimum": 0 }
            },
            "propertyNames": { "not": { "enum": FIXED } },
            "additionalProperties": true
        })
    }
}
