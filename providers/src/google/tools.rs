//! Functions, the provider's own tools, and which of them must be called.

use belvedere_core::error::Result;
use belvedere_core::request::{Function, Request, Tool, ToolChoice};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::part::Further;
use super::schema;
use crate::capabilities::without_type;
use crate::outgoing::unsupported;

/// One entry of `tools`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Entry<'a> {
    #[serde(rename_all = "camelCase")]
    Functions {
        function_declarations: Vec<Declaration<'a>>,
    },
    Own(Map<String, Value>),
}

/// One function.
#[derive(Debug)]
pub(super) struct Declaration<'a> {
    function: &'a Function,
    /// The field that its schema goes to.
    parameters: &'static str,
    further: Further<'a>,
}

/// The entries of `tools`. All functions are one entry, where the first of them stands.
///
/// # Errors
/// `Unsupported` for a tool of a kind that the wire lacks.
pub(super) fn entries(tools: &[Tool]) -> Result<Vec<Entry<'_>>> {
    let functions = || {
        tools.iter().filter_map(|tool| match tool {
            Tool::Function(function) => Some(function),
            _ => None,
        })
    };
    let own = functions().filter_map(|function| function.parameters.as_ref()).all(schema::is_own);
    let parameters = if own { "parameters" } else { "parametersJsonSchema" };
    let declaration = |function| {
        let known = ["behavior", "response", "responseJsonSchema"];
        Declaration { function, parameters, further: Further::of(&function.extra, &known) }
    };
    let mut entries = Vec::new();
    let mut declared = false;
    for tool in tools {
        match tool {
            Tool::Function(_) if declared => {}
            Tool::Function(_) => {
                declared = true;
                let function_declarations = functions().map(declaration).collect();
                entries.push(Entry::Functions { function_declarations });
            }
            Tool::Provider(own) => entries.push(Entry::Own(without_type(own))),
            _ => return Err(unsupported("tools", "Google's wire lacks a tool of this kind")),
        }
    }
    Ok(entries)
}

impl Serialize for Declaration<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.function.name)?;
        if let Some(description) = &self.function.description {
            map.serialize_entry("description", description)?;
        }
        if let Some(parameters) = &self.function.parameters {
            map.serialize_entry(self.parameters, parameters)?;
        }
        self.further.write(&mut map)?;
        map.end()
    }
}

/// The `toolConfig`. Without functions the wire takes none, unless one has to be called.
pub(super) fn config(request: &Request) -> Option<Value> {
    let functions = || {
        request.tools.iter().filter_map(|tool| match tool {
            Tool::Function(function) => Some(function),
            _ => None,
        })
    };
    let strict = functions().any(|function| function.strict == Some(true));
    let declared = functions().next().is_some();
    let config = match &request.tool_choice {
        Some(ToolChoice::Required) => json!({"mode": "ANY"}),
        Some(ToolChoice::Function { name }) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
        Some(ToolChoice::None) if declared => json!({"mode": "NONE"}),
        _ if strict => json!({"mode": "VALIDATED"}),
        Some(ToolChoice::Auto) if declared => json!({"mode": "AUTO"}),
        _ => return None,
    };
    Some(json!({"functionCallingConfig": config}))
}
