//! Durations as strings with units (`"500ms"`, `"1h 30m"`) in every document.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Parses a duration with units. `"0"` needs none.
///
/// # Errors
/// A sentence that says what a duration looks like.
pub fn parse(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "must be a duration with units, such as \"500ms\", \"20s\", \"5m\" or \"1d\"".to_owned())
}

/// The text of a duration, such as `1m 30s`.
pub fn text(value: Duration) -> String {
    humantime::format_duration(value).to_string()
}

/// Writes a duration as text.
pub fn serialize<S: Serializer>(value: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&text(*value))
}

/// Reads a duration from text.
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
}

/// The same for an optional duration.
pub mod option {
    use super::*;

    /// Writes a duration as text, or null.
    pub fn serialize<S: Serializer>(value: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, s),
            None => s.serialize_none(),
        }
    }

    /// Reads a duration from text, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        match Option::<String>::deserialize(d)? {
            Some(text) => parse(&text).map(Some).map_err(serde::de::Error::custom),
            None => Ok(None),
        }
    }
}

/// The JSON Schema of a duration; use with `#[schemars(with = "belvedere_core::duration::Text")]`.
#[derive(Debug)]
pub struct Text;

impl schemars::JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "duration-text",
            "description": "A duration with units, such as \"500ms\", \"20s\", \"5m\" or \"1d\".",
        })
    }
}
