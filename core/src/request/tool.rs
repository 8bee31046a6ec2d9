//! Tools: what the model may call, and what it must.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

/// A tool the model may call.
///
/// Its JSON form is `{name, description, parameters, strict}`; OpenAI's `{type: function, function: {...}}` is
/// accepted, with or without its `type`. A tool that the provider runs itself (`web_search`, ...) is [`Tool::Provider`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Tool {
    /// A function of the client.
    Function(Function),
    /// A tool of the provider: its own object, sent as it is.
    Provider(Map<String, Value>),
}

/// A function the client runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Function {
    /// Its name.
    pub name: SmolStr,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its arguments; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "input_schema")]
    pub parameters: Option<Value>,
    /// Whether the provider must hold the model to the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Fields only some wires know (`cache_control`, ...).
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Function {
    /// A function with a name and the JSON Schema of its arguments.
    pub fn new(name: impl Into<SmolStr>, description: impl Into<String>, parameters: Value) -> Self {
        Function {
            name: name.into(),
            description: Some(description.into()),
            parameters: Some(parameters),
            strict: None,
            extra: Map::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut map = Map::<String, Value>::deserialize(deserializer)?;
        let kind = map.get("type").and_then(Value::as_str).map(str::to_owned);
        match kind.as_deref() {
            None | Some("function") if map.get("function").is_some_and(Value::is_object) => {
                map.remove("type");
                let mut function: Function =
                    serde_json::from_value(map.remove("function").unwrap_or_default())
                        .map_err(Error::custom)?;
                map.retain(|name, _| {
                    !matches!(name.as_str(), "name" | "description" | "parameters" | "strict")
                });
                function.extra.append(&mut map);
                Ok(Tool::Function(function))
            }
            None | Some("function") => {
                map.remove("type");
                serde_json::from_value(Value::Object(map)).map(Tool::Function).map_err(Error::custom)
            }
            Some(_) => Ok(Tool::Provider(map)),
        }
    }
}

/// Which tool the model must or may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Function {
        /// The tool's name.
        name: SmolStr,
    },
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let name = |v: &Value| v.get("name").and_then(Value::as_str).map(SmolStr::from);
        let choice = match &value {
            Value::String(s) => match s.as_str() {
                "auto" => Some(ToolChoice::Auto),
                "none" => Some(ToolChoice::None),
                "required" | "any" => Some(ToolChoice::Required),
                _ => None,
            },
            other => other
                .get("function")
                .and_then(name)
                .or_else(|| name(other))
                .map(|name| ToolChoice::Function { name }),
        };
        choice.ok_or_else(|| {
            serde::de::Error::custom(
                "tool_choice must be auto, none, required, or an object that names a function",
            )
        })
    }
}
