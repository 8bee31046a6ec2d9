//! The form of an answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;

/// The form the answer must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Free text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that a schema describes.
    JsonSchema {
        /// The schema and its name.
        json_schema: Schema,
    },
}

/// A named JSON Schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Schema {
    /// Its name, `[A-Za-z0-9_-]`, at most 64 characters.
    pub name: SmolStr,
    /// What the answer is for, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether the provider must hold the model to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl ResponseFormat {
    /// JSON that follows the schema of `T`, held to it where the provider can.
    pub fn of<T: JsonSchema>() -> Self {
        ResponseFormat::JsonSchema { json_schema: crate::typed::schema_of::<T>() }
    }
}

impl Schema {
    /// A strict schema.
    pub fn new(name: impl Into<SmolStr>, schema: Value) -> Self {
        Schema { name: name.into(), description: None, schema: Some(schema), strict: Some(true) }
    }
}
