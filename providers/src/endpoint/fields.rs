//! The fields of a request, taken one by one: what is left at the end is `extra`, and faults name the path.

use belvedere_core::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a field that is not as it should be is answered with.
pub(crate) fn invalid(path: &str, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("{path}: {what}")).with("parameter", path)
}

/// An object whose fields are taken one by one.
#[derive(Debug)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    path: String,
}

impl Fields {
    /// The body of a request.
    ///
    /// # Errors
    /// `InvalidRequest` when it is not a JSON object.
    pub(crate) fn of_body(request: &http::Request<Bytes>) -> Result<Self> {
        let value = serde_json::from_slice(request.body()).map_err(|e| {
            invalid("body", format_args!("is not JSON, at line {} column {}", e.line(), e.column()))
        })?;
        match value {
            Value::Object(map) => Ok(Fields { map, path: String::new() }),
            other => Err(invalid("body", format_args!("must be an object, is {}", type_name(&other)))),
        }
    }

    /// The object at `path`.
    ///
    /// # Errors
    /// `InvalidRequest` when it is not an object.
    pub(crate) fn of(value: Value, path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Fields { map, path }),
            other => Err(invalid(&path, format_args!("must be an object, is {}", type_name(&other)))),
        }
    }

    /// The path of a field.
    pub(crate) fn path(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// A fault of a field.
    pub(crate) fn fault(&self, key: &str, what: impl std::fmt::Display) -> Error {
        invalid(&self.path(key), what)
    }

    /// A field as it is, without taking it. Null counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Takes a field of any type. Null counts as absent.
    pub(crate) fn value(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a field that must be `what`, such as `a number`.
    ///
    /// # Errors
    /// `InvalidRequest` when it is something else.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, key: &str, what: &str) -> Result<Option<T>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let found = type_name(&value);
        let read = serde_json::from_value(value);
        read.map(Some).map_err(|_| self.fault(key, format_args!("must be {what}, is {found}")))
    }

    /// Takes a field that `T` can say all of. Another is left, to be sent on as it is.
    pub(crate) fn take_if_whole<T: DeserializeOwned + Serialize>(&mut self, key: &str) -> Option<T> {
        let value = self.get(key)?;
        let read = serde_json::from_value::<T>(value.clone()).ok()?;
        let whole = serde_json::to_value(&read).is_ok_and(|again| again == *value);
        whole.then(|| {
            self.map.remove(key);
            read
        })
    }

    /// Takes a text.
    ///
    /// # Errors
    /// As [`Fields::take`].
    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.fault(key, format_args!("must be a string, is {}", type_name(&other)))),
        }
    }

    /// Takes a text that must be there.
    ///
    /// # Errors
    /// `InvalidRequest` when it is missing or something else.
    #[cfg(any(
        feature = "anthropic",
        feature = "bedrock",
        feature = "cohere",
        feature = "google",
        feature = "ollama",
        feature = "responses"
    ))]
    pub(crate) fn need_text(&mut self, key: &str) -> Result<String> {
        self.text(key)?.ok_or_else(|| self.fault(key, "is missing; a string is needed"))
    }

    /// Takes a list, with the path of each item. An absent list is empty.
    ///
    /// # Errors
    /// `InvalidRequest` when it is something else.
    pub(crate) fn list(&mut self, key: &str) -> Result<impl Iterator<Item = (String, Value)> + use<>> {
        let items = match self.value(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                return Err(self.fault(key, format_args!("must be an array, is {}", type_name(&other))));
            }
        };
        let path = self.path(key);
        Ok(items.into_iter().enumerate().map(move |(i, item)| (format!("{path}[{i}]"), item)))
    }

    /// Takes an object.
    ///
    /// # Errors
    /// `InvalidRequest` when it is something else.
    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Fields>> {
        let path = self.path(key);
        self.value(key).map(|value| Fields::of(value, path)).transpose()
    }

    /// Puts a field back, to be part of the rest.
    pub(crate) fn put(&mut self, key: &str, value: Value) {
        self.map.insert(key.to_owned(), value);
    }

    /// True when nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// What was not taken, as an `extra`. Null counts as absent.
    pub(crate) fn rest(mut self) -> Map<String, Value> {
        as_extra(&mut self.map);
        self.map
    }
}

/// Makes an object that a client sent fit for an `extra`: without nulls, which say nothing, and without names that
/// have a dot. Those are names of wires there: what stands below them would be sent in place of what was checked.
pub(crate) fn as_extra(map: &mut Map<String, Value>) {
    map.retain(|name, value| !value.is_null() && !name.contains('.'));
}

/// What a value is, for people.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Fields {
        Fields::of(value, "tools[0]").unwrap()
    }

    #[test]
    fn what_is_not_taken_is_left() {
        let mut fields = of(json!({"a": "x", "b": 2, "c": null, "d": [1, 2], "e": {}}));
        assert_eq!(fields.text("a").unwrap().as_deref(), Some("x"));
        assert_eq!(fields.take::<u64>("b", "a whole number").unwrap(), Some(2));
        assert_eq!(fields.text("c").unwrap(), None);
        let items: Vec<_> = fields.list("d").unwrap().collect();
        assert_eq!(items, [("tools[0].d[0]".to_owned(), json!(1)), ("tools[0].d[1]".to_owned(), json!(2))]);
        assert_eq!(Value::Object(fields.rest()), json!({"e": {}}));
    }

    #[test]
    fn a_client_does_not_speak_in_the_name_of_a_wire() {
        let fields = of(json!({"openai.chat": {"model": "other"}, "x": 1, "y": null}));
        assert_eq!(Value::Object(fields.rest()), json!({"x": 1}));
    }

    #[test]
    fn faults_name_the_path() {
        let fault = |error: Error| error.message().to_owned();
        let fields = || of(json!({"a": 1, "b": -1}));
        assert_eq!(fault(fields().text("a").unwrap_err()), "tools[0].a: must be a string, is a number");
        let small = fields().take::<u64>("b", "a whole number").unwrap_err();
        assert_eq!(fault(small), "tools[0].b: must be a whole number, is a number");
        #[cfg(feature = "anthropic")]
        assert_eq!(fault(fields().need_text("z").unwrap_err()), "tools[0].z: is missing; a string is needed");
        assert_eq!(fault(Fields::of(json!([]), "x").unwrap_err()), "x: must be an object, is an array");
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        let fault = |body: &'static str| {
            let request = http::Request::new(Bytes::from_static(body.as_bytes()));
            Fields::of_body(&request).unwrap_err().message().to_owned()
        };
        assert_eq!(fault("{"), "body: is not JSON, at line 1 column 1");
        assert_eq!(fault("3"), "body: must be an object, is a number");
    }
}
