//! Fields of a request's objects by either spelling of their names.

use belvedere_core::error::Result;
use serde_json::{Map, Value};

use crate::endpoint::{Fields, invalid};

/// The fields of an object, by their camel-case names: JSON of protocol buffers takes `generation_config` for
/// `generationConfig` (<https://protobuf.dev/programming-guides/json/>).
///
/// # Errors
/// `InvalidRequest` when it is no object.
pub(super) fn object(value: Value, path: impl Into<String>) -> Result<Fields> {
    Fields::of(
        match value {
            Value::Object(map) => map.into_iter().map(|(name, value)| (camel(&name), value)).collect(),
            other => other,
        },
        path,
    )
}

/// Takes an object out of another.
///
/// # Errors
/// `InvalidRequest` when it is none.
pub(super) fn inner(fields: &mut Fields, name: &str) -> Result<Option<Fields>> {
    let path = fields.path(name);
    fields.value(name).map(|value| object(value, path)).transpose()
}

/// Takes a list of objects out; one object alone is a list, too.
///
/// # Errors
/// `InvalidRequest` when it is something else.
pub(super) fn list(fields: &mut Fields, name: &str) -> Result<Vec<(String, Value)>> {
    if let Some(one) = fields.value(name) {
        let list = if one.is_object() { Value::Array(vec![one]) } else { one };
        fields.put(name, list);
    }
    Ok(fields.list(name)?.filter(|(_, item)| !item.is_null()).collect())
}

/// Takes a field out that `read` makes something of.
///
/// # Errors
/// `InvalidRequest` when it is not `what`.
pub(super) fn read<T>(
    fields: &mut Fields,
    name: &str,
    what: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>> {
    let Some(value) = fields.value(name) else { return Ok(None) };
    let path = fields.path(name);
    read(&value).map(Some).ok_or_else(|| invalid(&path, format_args!("must be {what}")))
}

/// Adds a field that has a value.
pub(super) fn put(map: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    map.extend(value.map(|value| (name.to_owned(), value.into())));
}

/// `generation_config` as `generationConfig`. A name that begins with `_` keeps it.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut rises = false;
    for c in name.chars() {
        match c {
            '_' if !camel.is_empty() => rises = true,
            c if std::mem::take(&mut rises) => camel.push(c.to_ascii_uppercase()),
            c => camel.push(c),
        }
    }
    camel
}
