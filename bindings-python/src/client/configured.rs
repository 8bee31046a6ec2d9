//! What both kinds of clients have, and what waits for nothing.

use std::any::Any;
use std::sync::Arc;

use belvedere::middleware::breaker::Breaker;
use belvedere::middleware::prices::PriceTable;
use belvedere::middleware::tokens;
use belvedere::{Request, SmolStr};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::recipe::Recipe;
use super::{Arguments, Base};
use crate::host::{Counter, check_kind};
use crate::{record, request};

/// What both kinds of clients have.
#[pyclass(frozen, subclass, weakref, module = "belvedere._native")]
pub(crate) struct Configured(pub(super) Arc<Recipe>);

impl Configured {
    pub(super) fn of(py: Python<'_>, base: Base, arguments: Arguments) -> PyResult<PyClassInitializer<Self>> {
        Ok(Configured(Arc::new(Recipe::of(py, base, arguments)?)).into())
    }

    /// Another face of the same client.
    pub(super) fn share(&self) -> PyClassInitializer<Self> {
        Configured(self.0.clone()).into()
    }
}

impl Configured {
    fn model_of(&self, py: Python<'_>, request: &Request) -> PyResult<Option<SmolStr>> {
        match &request.model {
            Some(model) => Ok(Some(model.clone())),
            None => Ok(self.0.client(py)?.info().model),
        }
    }

    /// By the client's own counter, where it can be asked here; else by the one that fits the model.
    fn count(&self, py: Python<'_>, request: &Request) -> PyResult<u64> {
        if let Some(counter) = self.0.counter(py) {
            return Counter::count(counter, request);
        }
        let model = self.model_of(py, request)?;
        Ok(py.detach(|| tokens::counter(&model.unwrap_or_default()).request(request)))
    }
}

#[pymethods]
impl Configured {
    /// Lets another configuration hold for the calls from now on, and gives the number of its generation. Layers take
    /// over the state of those they replace; calls in flight keep theirs.
    #[pyo3(signature = (config = None, /, **sections))]
    fn reload(
        &self,
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        sections: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        self.0.reload(py, Arguments::of(config, sections)?)
    }

    /// Lets a function hear what the pipeline does: every signal of a kind (`error`, `retry`, `fallback`, `hedge`,
    /// `state_change`, `ejected`, `quota`, `degraded`, `store_failed`, `reloaded`, `reload_failed`), or all (`*`). It is
    /// called after what happened, in order, in a thread or, where it is a coroutine function, on the event loop of the
    /// call; nothing waits for it. Without a function it is a decorator.
    #[pyo3(signature = (kind, function = None, /))]
    fn on<'py>(
        slf: &Bound<'py, Self>,
        kind: String,
        function: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        check_kind(&kind)?;
        let host = py.import("belvedere._host")?;
        let Some(function) = function else {
            return host.getattr("hooked")?.call1((slf, kind));
        };
        let is_async = host.getattr("is_async")?.call1((&function,))?.is_truthy()?;
        slf.get().0.on(py, kind, function.clone().unbind(), is_async)?;
        Ok(function)
    }

    /// How many tokens the request has, before an answer: exact where the model's vocabulary is known, else an estimate.
    /// The first count for a vocabulary loads it.
    /// `counter` is a function that counts the tokens of a text instead; by default that of the client, where it has one
    /// that is no coroutine function.
    #[pyo3(signature = (request = None, /, *, counter = None, **fields))]
    fn count_tokens(
        &self,
        py: Python<'_>,
        request: Option<&Bound<'_, PyAny>>,
        counter: Option<Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let request = request::request(py, request, fields)?;
        match counter {
            Some(counter) => Counter::count(counter, &request),
            None => self.count(py, &request),
        }
    }

    /// What the call may cost in US dollars, by the list prices of this release.
    #[pyo3(signature = (request = None, /, **fields))]
    fn estimate_cost<'py>(
        &self,
        py: Python<'py>,
        request: Option<&Bound<'py, PyAny>>,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let request = request::request(py, request, fields)?;
        let model = self.model_of(py, &request)?.unwrap_or_default();
        let provider = self.0.client(py)?.info().name;
        let count = self.count(py, &request)?;
        let price = PriceTable::shipped().price(&provider, &model);
        record::estimate(py, count, price.and_then(|price| price.estimate(count, request.max_tokens)))
    }

    /// The circuits of its breakers.
    fn health<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let client = self.0.client(py)?;
        let now = client.lent().clock.boot();
        let list = PyList::empty(py);
        for layer in client.layers() {
            let breaker = (layer.as_ref() as &dyn Any).downcast_ref::<Breaker>();
            for circuit in breaker.into_iter().flat_map(Breaker::states) {
                list.append(record::circuit(py, &circuit, now)?)?;
            }
        }
        Ok(list)
    }

    /// The number of the configuration that holds: 1, and one more for each reload.
    #[getter]
    fn generation(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.0.client(py)?.generation())
    }

    /// Whether it takes no more calls.
    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.0.client(py)?.is_closed())
    }

    /// The name of the provider; the first one's, where there are several.
    #[getter]
    fn provider(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.0.client(py)?.info().name.to_string())
    }

    /// The model of requests that name none.
    #[getter]
    fn model(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.0.client(py)?.info().model.map(|model| model.to_string()))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let info = slf.get().0.client(slf.py())?.info();
        let name = slf.get_type().name()?;
        Ok(format!("<belvedere.{name} of {} {}>", info.name, info.model.as_deref().unwrap_or_default()))
    }
}
