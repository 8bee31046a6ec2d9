//! What a client is made of, and the client that was made.

use std::path::Path;
use std::sync::{Arc, Mutex};

use belvedere::{Config, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::{Map, Value};

use super::Base;
use crate::convert::read;
use crate::errors::raise;
use crate::host::Ears;
use crate::runtime::{Tied, lock};

/// The sections of a configuration, which are arguments by name.
const SECTIONS: [&str; 7] = ["version", "provider", "layers", "order", "transport", "streams", "stores"];

/// A client and its configuration. After a fork the child makes it anew at its first use.
#[derive(Debug)]
pub(crate) struct Recipe {
    base: Base,
    /// Locked by threads that have the interpreter only, so that no fork finds it locked.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Config,
    /// Who hears what it does; in a client since the first function was given.
    ears: Option<Ears>,
    client: Arc<Tied<belvedere::Client>>,
}

impl Recipe {
    /// From a configuration, or from its sections by name.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong; `TypeError` for an unknown argument.
    pub(crate) fn of(
        py: Python<'_>,
        base: Base,
        config: Option<&Bound<'_, PyAny>>,
        sections: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Recipe::made(py, base, document(config, sections)?)
    }

    /// From a file.
    ///
    /// # Errors
    /// `ConfigInvalid` when it can't be read, and as in [`of`](Recipe::of).
    pub(crate) fn of_file(py: Python<'_>, path: &Path) -> PyResult<Self> {
        let config = py.detach(|| Config::from_file(path)).map_err(|error| raise(py, &error))?;
        Recipe::made(py, Base::Process, config)
    }

    fn made(py: Python<'_>, base: Base, config: Config) -> PyResult<Self> {
        let client = Arc::new(Tied::new(base.make(py, &config)?));
        Ok(Recipe { base, state: Mutex::new(State { config, ears: None, client }) })
    }

    /// The client of this process.
    ///
    /// # Errors
    /// Those of making it, in a child.
    pub(crate) fn client(&self, py: Python<'_>) -> PyResult<belvedere::Client> {
        let client = lock(&self.state).client.clone();
        if let Some(client) = client.get() {
            return Ok(client.clone());
        }
        let config = lock(&self.state).config.clone();
        let made = self.base.make(py, &config)?;
        let ears = lock(&self.state).ears.clone();
        let made = match ears {
            Some(ears) => made.on(ears),
            None => made,
        };
        let before = std::mem::replace(&mut lock(&self.state).client, Arc::new(Tied::new(made.clone())));
        drop(before);
        Ok(made)
    }

    /// Who hears what it does.
    pub(crate) fn ears(&self) -> Option<Ears> {
        lock(&self.state).ears.clone()
    }

    /// Lets a function hear the signals of a kind.
    ///
    /// # Errors
    /// Those of making the client, in a child.
    pub(crate) fn on(
        &self,
        py: Python<'_>,
        kind: String,
        function: Py<PyAny>,
        is_async: bool,
    ) -> PyResult<()> {
        let client = self.client(py)?;
        let mut state = lock(&self.state);
        let ears = state.ears.get_or_insert_default().clone();
        let is_new = ears.add(kind, function, is_async);
        let before =
            is_new.then(|| std::mem::replace(&mut state.client, Arc::new(Tied::new(client.on(ears)))));
        drop(state);
        drop(before);
        Ok(())
    }

    /// Lets another configuration hold.
    ///
    /// # Errors
    /// `ConfigInvalid`: nothing changes.
    pub(crate) fn reload(
        &self,
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        sections: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let config = document(config, sections)?;
        let client = self.client(py)?;
        let generation = self.base.reload(py, &client, &config)?;
        lock(&self.state).config = config;
        Ok(generation)
    }
}

fn document(config: Option<&Bound<'_, PyAny>>, sections: Option<&Bound<'_, PyDict>>) -> PyResult<Config> {
    let mut document = match config {
        Some(config) => match read::<Value>(config, ErrorKind::ConfigInvalid)? {
            Value::Object(document) => document,
            Value::String(_) => {
                return Err(PyTypeError::new_err(
                    "a configuration is a dict; for a file take from_file(path)",
                ));
            }
            other => return Ok(Config::from(other)),
        },
        None => Map::new(),
    };
    for (name, value) in sections.into_iter().flat_map(|sections| sections.iter()) {
        let name = name.cast::<PyString>()?.to_cow()?.into_owned();
        if !SECTIONS.contains(&name.as_str()) {
            return Err(PyTypeError::new_err(format!(
                "got an unexpected keyword argument '{name}'; known: {}",
                SECTIONS.join(", ")
            )));
        }
        if value.is_none() {
            continue;
        }
        let value = read(&value, ErrorKind::ConfigInvalid)?;
        document.insert(name, value);
    }
    Ok(Config::from(Value::Object(document)))
}
