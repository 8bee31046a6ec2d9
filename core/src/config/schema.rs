//! The JSON Schema of configuration documents.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::Registry;

impl Registry {
    /// The JSON Schema of the documents this registry builds from: for editors, for the types of other languages,
    /// and for the table in the documentation.
    pub fn schema(&self) -> Value {
        let mut definitions = Map::new();
        let mut one_of = |what: &str, entries: Vec<(&SmolStr, &Value)>| {
            let refs: Vec<Value> = entries
                .into_iter()
                .map(|(name, schema)| {
                    let key = format!("{what}_{name}");
                    let entry = tagged(name, schema, &key, &mut definitions);
                    definitions.insert(key.clone(), entry);
                    json!({ "$ref": format!("#/$defs/{key}") })
                })
                .collect();
            json!({ "oneOf": refs })
        };
        let provider = one_of("provider", self.providers.iter().map(|(n, e)| (n, &e.schema)).collect());
        let layer = one_of("layer", self.layers.iter().map(|(n, e)| (n, &e.schema)).collect());
        let store = one_of("store", self.stores.iter().map(|(n, e)| (n, &e.schema)).collect());
        // By name, for the entries that hold others: the targets of a route.
        definitions.insert("provider".into(), provider);
        definitions.insert("layer".into(), layer);
        let mut properties = json!({
            "version": { "const": 1, "description": "The version of this form." },
            "provider": {
                "$ref": "#/$defs/provider",
                "description": "Who answers. May be absent where a `route` names targets.",
            },
            "layers": {
                "type": "array", "items": { "$ref": "#/$defs/layer" }, "description": "Outermost first.",
            },
            "order": {
                "enum": ["canonical", "as_written"],
                "description": "as_written: take the layers in any order.",
            },
            "stores": {
                "type": "object",
                "additionalProperties": store,
                "description": "Stores by name, for the layers that share state. `memory` is always there.",
            },
        });
        if let Value::Object(map) = &mut properties {
            map.insert("streams".into(), lift(&self.streams.schema, "streams", &mut definitions));
        }
        if let (Some(runtime), Value::Object(map)) = (&self.runtime, &mut properties) {
            map.insert("transport".into(), lift(&runtime.schema, "transport", &mut definitions));
        }
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Belvedere configuration",
            "type": "object",
            "additionalProperties": false,
            "properties": properties,
            "$defs": definitions,
        })
    }
}

/// The document of a provider, inside the document of another entry: `#[schemars(with = "ProviderDocument")]`.
#[derive(Debug)]
pub struct ProviderDocument;

/// The document of a layer, inside the document of another entry: `#[schemars(with = "Vec<LayerDocument>")]`.
#[derive(Debug)]
pub struct LayerDocument;

impl JsonSchema for ProviderDocument {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ProviderDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "description": "A provider.", "x-entry": "provider" })
    }
}

impl JsonSchema for LayerDocument {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LayerDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "description": "A layer.", "x-entry": "layer" })
    }
}

/// A schema with its `type` tag.
fn tagged(name: &str, schema: &Value, key: &str, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = lift(schema, key, definitions);
    if let Value::Object(map) = &mut schema {
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(properties) = properties {
            properties.insert("type".into(), json!({ "const": name }));
        }
        let required = map.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(required) = required {
            required.insert(0, json!("type"));
        }
    }
    schema
}

/// Moves a schema's own definitions to those of the whole, under names that do not meet.
fn lift(schema: &Value, key: &str, definitions: &mut Map<String, Value>) -> Value {
    let text = schema.to_string().replace("\"#/$defs/", &format!("\"#/$defs/{key}_"));
    let mut schema: Value = serde_json::from_str(&text).unwrap_or_default();
    refer(&mut schema);
    if let Value::Object(map) = &mut schema
        && let Some(Value::Object(own)) = map.remove("$defs")
    {
        definitions.extend(own.into_iter().map(|(name, definition)| (format!("{key}_{name}"), definition)));
    }
    schema
}

/// Lets the places of other entries refer to their definitions. What checks one entry looks no deeper: an entry inside
/// is checked by itself.
fn refer(schema: &mut Value) {
    match schema {
        Value::Object(map) => match map.get("x-entry").and_then(Value::as_str) {
            Some(entry) => *schema = json!({ "$ref": format!("#/$defs/{entry}") }),
            None => map.values_mut().for_each(refer),
        },
        Value::Array(items) => items.iter_mut().for_each(refer),
        _ => {}
    }
}
