//! A function that counts tokens.

use std::sync::Mutex;

use belvedere::Request;
use belvedere::tokens::TokenCounter;
use pyo3::prelude::*;

use crate::runtime::lock;

/// Counts the tokens of texts by a function of Python; what a request adds around them is counted as always.
#[derive(Debug)]
pub(crate) struct Counter {
    function: Py<PyAny>,
    /// What it raised first.
    raised: Mutex<Option<PyErr>>,
}

impl Counter {
    /// Counts the tokens of a request. Called with the interpreter.
    ///
    /// # Errors
    /// What the function raises.
    pub(crate) fn count(function: Bound<'_, PyAny>, request: &Request) -> PyResult<u64> {
        let counter = Counter { function: function.unbind(), raised: Mutex::default() };
        let count = counter.request(request);
        match lock(&counter.raised).take() {
            Some(error) => Err(error),
            None => Ok(count),
        }
    }
}

impl TokenCounter for Counter {
    fn text(&self, text: &str) -> u64 {
        let counted = Python::attach(|py| self.function.bind(py).call1((text,))?.extract::<u64>());
        counted.unwrap_or_else(|error| {
            lock(&self.raised).get_or_insert(error);
            0
        })
    }
}
