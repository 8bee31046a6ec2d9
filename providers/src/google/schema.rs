//! The two dialects of schemas that Gemini takes.

use serde_json::Value;

/// The fields of Gemini's own `Schema`, a subset of OpenAPI 3.0 (<https://ai.google.dev/api/caching#Schema>).
const FIELDS: [&str; 22] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];

/// True when a schema is one of Gemini's own: `parameters` and `responseSchema` take it, on every model. Any other
/// JSON Schema (`$ref`, `additionalProperties`, `oneOf`, lists of types, ...) goes to the fields that take JSON Schema.
pub(super) fn is_own(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return false };
    let kind = fields.get("type");
    if kind.is_none() && !fields.contains_key("anyOf") {
        return false;
    }
    fields.iter().all(|(name, value)| match (name.as_str(), value) {
        ("type", value) => value.is_string(),
        ("enum", Value::Array(values)) => values.iter().all(Value::is_string),
        ("properties", Value::Object(properties)) => properties.values().all(is_own),
        ("anyOf", Value::Array(schemas)) => schemas.iter().all(is_own),
        ("items", schema) => is_own(schema),
        ("enum" | "properties" | "anyOf", _) => false,
        (name, _) => FIELDS.contains(&name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_subset_is_told_from_json_schema() {
        for own in [
            json!({"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": true}}, "required": []}),
            json!({"type": "array", "items": {"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}]}}),
        ] {
            assert!(is_own(&own), "{own}");
        }
        for other in [
            json!(true),
            json!({}),
            json!({"type": ["string", "null"]}),
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}),
            json!({"type": "integer", "enum": [1, 2]}),
            json!({"type": "array", "items": {"type": "object", "oneOf": []}}),
        ] {
            assert!(!is_own(&other), "{other}");
        }
    }
}
