//! What a client is made of, and the client that was made.

use std::sync::{Arc, Mutex};

use belvedere::Config;
use pyo3::prelude::*;

use super::Base;
use super::arguments::Arguments;
use crate::host::{Ears, Function};
use crate::runtime::{Tied, lock};

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
    /// Who counts tokens.
    counter: Option<Py<Function>>,
    /// Who hears what it does; in a client since the first function was given.
    ears: Option<Ears>,
    client: Arc<Tied<belvedere::Client>>,
}

impl Recipe {
    /// Of these arguments.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong.
    pub(crate) fn of(py: Python<'_>, base: Base, arguments: Arguments) -> PyResult<Self> {
        let Arguments { config, counter, hooks } = arguments;
        let client = Arc::new(Tied::new(base.make(py, &config)?));
        let recipe = Recipe { base, state: Mutex::new(State { config, counter, ears: None, client }) };
        for (kind, function, is_async) in hooks {
            recipe.on(py, kind, function, is_async)?;
        }
        Ok(recipe)
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

    /// The function of the client that counts tokens, where it is a plain one.
    pub(crate) fn counter<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        lock(&self.state).counter.as_ref().and_then(|counter| counter.get().plain(py))
    }

    /// Lets another configuration hold.
    ///
    /// # Errors
    /// `ConfigInvalid`: nothing changes.
    pub(crate) fn reload(&self, py: Python<'_>, arguments: Arguments) -> PyResult<u64> {
        let Arguments { config, counter, .. } = arguments.without_hooks()?;
        let client = self.client(py)?;
        let generation = self.base.reload(py, &client, &config)?;
        let mut state = lock(&self.state);
        state.config = config;
        let before = std::mem::replace(&mut state.counter, counter);
        drop(state);
        drop(before);
        Ok(generation)
    }
}
