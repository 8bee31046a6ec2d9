//! What both kinds of clients have, and what waits for nothing.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::recipe::Recipe;

/// What both kinds of clients have.
#[pyclass(frozen, subclass, weakref, module = "belvedere._native")]
pub(crate) struct Configured(pub(super) Recipe);

impl Configured {
    pub(super) fn of(
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        sections: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        Ok(Configured(Recipe::of(py, config, sections)?).into())
    }

    pub(super) fn of_file(py: Python<'_>, path: &Path) -> PyResult<PyClassInitializer<Self>> {
        Ok(Configured(Recipe::of_file(py, path)?).into())
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
        self.0.reload(py, config, sections)
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
