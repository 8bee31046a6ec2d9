//! A function that counts tokens: asked by itself, or as a layer that counts for those further in.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use belvedere::context::Context;
use belvedere::layer::Layer;
use belvedere::request::Operation;
use belvedere::service::{Info, Service, Stack};
use belvedere::tokens::TokenCounter;
use belvedere::{Error, ErrorKind, Events, Request, Result};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::function::Body;
use super::running::{Arguments, Running};
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

/// A layer that has each request counted, and tells those further in.
#[derive(Debug)]
pub(super) struct CountingLayer(Arc<Body>);

impl CountingLayer {
    pub(super) fn new(body: Arc<Body>) -> Self {
        CountingLayer(body)
    }
}

impl Layer for CountingLayer {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(Counting { body: self.0.clone(), inner })
    }
}

#[derive(Debug)]
struct Counting {
    body: Arc<Body>,
    inner: Stack,
}

#[async_trait]
impl Service for Counting {
    fn info(&self) -> Info {
        self.inner.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        if request.operation != Operation::Models {
            cx.call.set_input_tokens(count(&self.body, &request).await?);
        }
        (*self.inner).call(cx, request).await
    }
}

/// Has a function count the texts of a request, all in one crossing.
async fn count(body: &Arc<Body>, request: &Request) -> Result<u64> {
    let texts = Texts::default();
    let around = texts.request(request);
    let texts = texts.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let arguments: Arguments = Box::new(move |py| Ok(vec![PyList::new(py, texts)?.into_any()]));
    let told = Running::begin(body.clone(), arguments).told().await?;
    let no_count = |_| Error::new(ErrorKind::Unexpected, "a counter of Python ended without a count");
    Ok(around.saturating_add(told.parse::<u64>().map_err(no_count)?))
}

/// The texts of a request, in the order that counters meet them.
#[derive(Debug, Default)]
struct Texts(Mutex<Vec<String>>);

impl TokenCounter for Texts {
    fn text(&self, text: &str) -> u64 {
        if !text.is_empty() {
            lock(&self.0).push(text.to_owned());
        }
        0
    }
}
