//! One event of an answer.

use belvedere::{ErrorKind, Event as CoreEvent};
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::convert::{Fields, read, to_python};

/// One event of an answer: the object of its JSON form, `type` and then its fields, which are attributes and items.
///
/// `delta` is what is new of a text, of thinking, of a refusal or of a tool's arguments; other events have None there.
#[pyclass(frozen, module = "belvedere")]
pub(crate) struct Event {
    event: CoreEvent,
    /// Made when a field is asked for that has no getter.
    fields: PyOnceLock<Py<PyDict>>,
}

impl Event {
    pub(crate) fn new(event: CoreEvent) -> Self {
        Event { event, fields: PyOnceLock::new() }
    }

    /// The event itself.
    pub(crate) fn core(&self) -> &CoreEvent {
        &self.event
    }

    fn fields<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyDict>> {
        let fields = self.fields.get_or_try_init(py, || -> PyResult<_> {
            Ok(to_python(py, &self.event)?.cast_into::<PyDict>()?.unbind())
        })?;
        Ok(fields.bind(py))
    }
}

#[pymethods]
impl Event {
    /// An event from its JSON form: a dict, or its fields by name.
    #[new]
    #[pyo3(signature = (event = None, /, **fields))]
    fn py_new(event: Option<&Bound<'_, PyAny>>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        if let (Some(event), None) = (event, fields) {
            return Ok(Event::new(read(event, ErrorKind::InvalidRequest)?));
        }
        let mut all = Fields::default();
        let given = event.map(|event| event.cast::<PyDict>()).transpose()?;
        for (name, value) in given.into_iter().chain(fields).flat_map(|dict| dict.iter()) {
            all.set(name.cast::<PyString>()?.to_cow()?.as_ref(), value);
        }
        let py = match (event, fields) {
            (Some(event), _) => event.py(),
            (None, Some(fields)) => fields.py(),
            (None, None) => return Err(pyo3::exceptions::PyTypeError::new_err("Event() needs a type")),
        };
        Ok(Event::new(all.read(py, "")?))
    }

    #[getter]
    fn r#type<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::intern(py, self.event.name())
    }

    #[getter]
    fn delta(&self) -> Option<&str> {
        match &self.event {
            CoreEvent::Signature { delta, .. } => Some(delta),
            event => event.delta(),
        }
    }

    /// Which answer, when more than one was asked for.
    #[getter]
    fn choice(&self) -> u32 {
        match &self.event {
            CoreEvent::Finish { choice, .. }
            | CoreEvent::Source { choice, .. }
            | CoreEvent::Logprobs { choice, .. } => *choice,
            event => event.part().map_or(0, |(choice, _)| choice),
        }
    }

    /// The JSON form: `type`, then the fields.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.event)
    }

    /// A field, or `default` where the event has none of that name.
    #[pyo3(signature = (name, default = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.fields(py)?.get_item(name)?.or(default))
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if name.starts_with("__") {
            return Err(PyAttributeError::new_err(name.to_owned()));
        }
        self.fields(py)?.get_item(name)?.ok_or_else(|| {
            PyAttributeError::new_err(format!("an event of the type `{}` has no `{name}`", self.event.name()))
        })
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.fields(py)?.get_item(name)?.ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        self.fields(py)?.contains(name)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Event>().is_ok_and(|other| other.get().event == self.event)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = String::from("Event(");
        for (at, (name, value)) in self.fields(py)?.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            text.push_str(&format!("{comma}{name}={}", value.repr()?));
        }
        text.push(')');
        Ok(text)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let args = PyTuple::new(py, [slf.get().to_dict(py)?])?;
        PyTuple::new(py, [slf.get_type().into_any(), args.into_any()])
    }
}
