//! What a client is made from, as arguments.

use std::path::Path;

use belvedere::{Config, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::{Map, Value, json};

use crate::convert::read;
use crate::errors::raise;
use crate::host::{Function, arguments, kind_of};

/// The sections of a configuration, which are arguments by name.
const SECTIONS: [&str; 7] = ["version", "provider", "layers", "order", "transport", "streams", "stores"];
/// A function that counts tokens: the layer in front of all others.
const COUNTER: &str = "counter";

/// Arguments by name.
pub(super) type Named<'a, 'py> = Option<&'a Bound<'py, PyDict>>;

/// What a client is made from.
pub(crate) struct Arguments {
    pub(super) config: Config,
    /// Who counts tokens.
    pub(super) counter: Option<Py<Function>>,
    /// Functions that hear the signals of a kind.
    pub(super) hooks: Vec<Hook>,
}

/// A kind of signals, who hears them, and whether that is a coroutine function.
pub(super) type Hook = (String, Py<PyAny>, bool);

impl Arguments {
    /// From a configuration, its sections by name, and functions.
    ///
    /// # Errors
    /// `ConfigInvalid` for what is no document; `TypeError` for an unknown argument, and for what is no function.
    pub(crate) fn of(config: Option<&Bound<'_, PyAny>>, named: Named<'_, '_>) -> PyResult<Self> {
        let document = match config {
            None => Value::Object(Map::new()),
            Some(config) => read::<Value>(config, ErrorKind::ConfigInvalid)?,
        };
        if document.is_string() {
            return Err(PyTypeError::new_err("a configuration is a dict; for a file take from_file(path)"));
        }
        Arguments::with(document, named, &SECTIONS)
    }

    /// From a file, and functions.
    ///
    /// # Errors
    /// `ConfigInvalid` when the file can't be read; `TypeError` as in [`of`](Arguments::of).
    pub(crate) fn of_file(py: Python<'_>, path: &Path, named: Named<'_, '_>) -> PyResult<Self> {
        let config = py.detach(|| Config::from_file(path)).map_err(|error| raise(py, &error))?;
        Arguments::with(config.document().clone(), named, &[])
    }

    fn with(document: Value, named: Named<'_, '_>, sections: &[&str]) -> PyResult<Self> {
        let mut made = Arguments { config: Config::from(Value::Null), counter: None, hooks: Vec::new() };
        let mut document = document;
        for (name, value) in named.into_iter().flat_map(|named| named.iter()) {
            let name = name.cast::<PyString>()?.to_cow()?.into_owned();
            if sections.contains(&name.as_str()) {
                let given = (!value.is_none()).then(|| read(&value, ErrorKind::ConfigInvalid)).transpose()?;
                if let (Some(given), Some(sections)) = (given, document.as_object_mut()) {
                    sections.insert(name, given);
                }
            } else if name == COUNTER {
                made.counter = (!value.is_none()).then(|| counter(&value)).transpose()?;
            } else if let Some(kind) = kind_of(&name) {
                if !value.is_none() {
                    made.hooks.push(hook(&name, kind, value)?);
                }
            } else {
                return Err(unknown(&name, sections));
            }
        }
        if let Some(counter) = &made.counter {
            put_in_front(&mut document, counter.get().name());
        }
        made.config = Config::from(document);
        Ok(made)
    }

    /// Hooks stay when a configuration goes: they are no part of it.
    ///
    /// # Errors
    /// `TypeError` when there are any.
    pub(super) fn without_hooks(self) -> PyResult<Self> {
        match self.hooks.is_empty() {
            true => Ok(self),
            false => Err(PyTypeError::new_err(
                "hooks stay when a client is reloaded; add one by client.on(kind, function)",
            )),
        }
    }
}

/// The layer that a counter is stands in front.
fn put_in_front(document: &mut Value, name: &str) {
    let Some(sections) = document.as_object_mut() else { return };
    if let Value::Array(layers) = sections.entry("layers").or_insert_with(|| json!([])) {
        layers.insert(0, json!({ "type": "host", "name": name }));
    }
}

fn counter(function: &Bound<'_, PyAny>) -> PyResult<Py<Function>> {
    if let Ok(counter) = function.cast::<Function>() {
        return Ok(counter.clone().unbind());
    }
    let host = function.py().import("belvedere._host")?;
    let made = host.call_method1("made", ("counter", function, Option::<&str>::None))?;
    Ok(made.cast_into::<Function>()?.unbind())
}

fn hook(argument: &str, kind: &str, function: Bound<'_, PyAny>) -> PyResult<Hook> {
    if !function.is_callable() {
        return Err(PyTypeError::new_err(format!(
            "{argument}: a function is expected, not {}",
            function.get_type().name()?
        )));
    }
    let host = function.py().import("belvedere._host")?;
    let is_async = host.call_method1("is_async", (&function,))?.is_truthy()?;
    Ok((kind.to_owned(), function.unbind(), is_async))
}

fn unknown(name: &str, sections: &[&str]) -> PyErr {
    let known =
        sections.iter().map(|section| (*section).to_owned()).chain([COUNTER.to_owned()]).chain(arguments());
    let known = known.collect::<Vec<_>>().join(", ");
    PyTypeError::new_err(format!("got an unexpected keyword argument '{name}'; known: {known}"))
}
