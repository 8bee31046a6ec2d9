//! A function of Python under the name that documents know it by.

use std::sync::{Arc, Mutex, Weak};

use belvedere::Registry;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::caller::set_used;
use super::counter::CountingLayer;
use super::layer::HostLayer;
use super::provider::HostProvider;
use crate::runtime::lock;

/// A function, and where it runs.
#[derive(Debug)]
pub(crate) struct Body {
    pub(super) function: Py<PyAny>,
    /// It runs on an event loop; else in a thread.
    pub(super) is_async: bool,
    pub(super) name: String,
    /// Of a provider: the model that answers where none is asked for.
    pub(super) model: Option<String>,
    pub(super) role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Provider,
    Layer,
    /// A layer that has requests counted.
    Counter,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Provider => "provider",
            Role::Layer => "layer",
            Role::Counter => "counter",
        }
    }
}

/// All that are alive. Locked by threads that have the interpreter only.
static KNOWN: Mutex<Vec<Weak<Body>>> = Mutex::new(Vec::new());

/// A function of Python as a provider, a layer or a counter of tokens. It stands in a configuration where a dict would; documents name it
/// by `{type: host, name: ...}`.
#[pyclass(frozen, weakref, module = "belvedere._native")]
pub(crate) struct Function(Arc<Body>);

impl Function {
    /// The function itself, where it is no coroutine function.
    pub(crate) fn plain<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        (!self.0.is_async).then(|| self.0.function.bind(py).clone())
    }
}

#[pymethods]
impl Function {
    #[new]
    #[pyo3(signature = (role, function, is_async, name = None, model = None))]
    fn py_new(
        role: &str,
        function: Bound<'_, PyAny>,
        is_async: bool,
        name: Option<String>,
        model: Option<String>,
    ) -> PyResult<Self> {
        if !function.is_callable() {
            return Err(PyTypeError::new_err("a function is expected, or an object that can be called"));
        }
        let role = match role {
            "counter" => Role::Counter,
            "layer" => Role::Layer,
            _ => Role::Provider,
        };
        let mut known = lock(&KNOWN);
        known.retain(|body| body.strong_count() > 0);
        let is_taken = |name: &str| {
            let of_this_kind = |body: &Body| (body.role == Role::Provider) == (role == Role::Provider);
            known.iter().filter_map(Weak::upgrade).any(|body| of_this_kind(&body) && body.name == name)
        };
        let name = match name {
            Some(name) => name,
            None => {
                let own = function.getattr(intern!(function.py(), "__name__"));
                let own = own.or_else(|_| function.get_type().name().map(pyo3::Bound::into_any))?.to_string();
                let numbered = (2_u64..).map(|number| format!("{own}-{number}"));
                let free = std::iter::once(own.clone()).chain(numbered).find(|name| !is_taken(name));
                free.unwrap_or(own)
            }
        };
        let body = Arc::new(Body { function: function.unbind(), is_async, name, model, role });
        known.push(Arc::downgrade(&body));
        drop(known);
        set_used();
        Ok(Function(body))
    }

    /// The name that documents know it by.
    #[getter]
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn __wrapped__(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.function.clone_ref(py)
    }

    /// What stands for it in a configuration.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("type", "host")?;
        dict.set_item("name", &self.0.name)?;
        Ok(dict)
    }

    /// Calls the function itself.
    #[pyo3(signature = (*arguments, **named))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.function.bind(py).call(arguments, named)
    }

    fn __repr__(&self) -> String {
        format!("<belvedere {} {}>", self.0.role.name(), self.0.name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // A client has it, too: only who is alone shows what it refers to.
        if Arc::strong_count(&self.0) == 1 { visit.call(&self.0.function) } else { Ok(()) }
    }
}

/// Lets documents name the functions that are alive; of two of one name, the later one. Called with the interpreter.
pub(crate) fn register(registry: &mut Registry) {
    let known: Vec<Arc<Body>> = lock(&KNOWN).iter().filter_map(Weak::upgrade).collect();
    for body in known {
        let name = body.name.clone();
        match body.role {
            Role::Provider => registry.host_provider(name, HostProvider::new(body)),
            Role::Layer => registry.host_layer(name, HostLayer::new(body)),
            Role::Counter => registry.host_layer(name, CountingLayer::new(body)),
        }
    }
}
