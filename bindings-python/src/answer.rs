//! A whole answer.

mod openai;

use std::sync::Arc;

use belvedere::ErrorKind;
use belvedere::completion::Completion;
use belvedere::event::Notice;
use belvedere::middleware::prices::PriceTable;
use belvedere::usage::Money;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::convert::{read, to_python};
use crate::record;

/// A whole answer. Its parts become objects of Python when they are asked for.
#[pyclass(frozen, module = "belvedere")]
#[derive(Debug, Clone)]
pub(crate) struct Answer(Arc<Completion>);

impl Answer {
    pub(crate) fn new(completion: Completion) -> Self {
        Answer(Arc::new(completion))
    }

    /// The answer itself.
    pub(crate) fn core(&self) -> &Completion {
        &self.0
    }

    /// What all attempts together cost.
    fn cost_of(&self) -> Option<Money> {
        let attempts = self.0.attempts.iter().filter(|attempt| attempt.usage.is_some());
        let mut sum: Option<Money> = None;
        for attempt in attempts {
            let model = attempt.model.as_deref().or(self.0.model.as_deref())?;
            let price = PriceTable::shipped().price(&attempt.provider, model)?;
            let cost = price.cost(attempt.usage.as_deref()?)?;
            sum = Some(sum.unwrap_or(Money::ZERO).checked_add(cost)?);
        }
        sum
    }
}

#[pymethods]
impl Answer {
    /// An answer from its JSON form.
    #[new]
    #[pyo3(signature = (answer, attempts = None, /))]
    fn py_new(answer: &Bound<'_, PyAny>, attempts: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut completion: Completion = read(answer, ErrorKind::InvalidRequest)?;
        if let Some(attempts) = attempts {
            completion.attempts = read(attempts, ErrorKind::InvalidRequest)?;
        }
        Ok(Answer::new(completion))
    }

    /// The provider's id of the answer.
    #[getter]
    fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// The model that answered, in the provider's words.
    #[getter]
    fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// The visible text.
    #[getter]
    fn text(&self) -> String {
        self.0.text()
    }

    /// The thinking; None when there is none.
    #[getter]
    fn reasoning(&self) -> Option<String> {
        self.0.reasoning()
    }

    /// The words in which the model declines; None when it does not.
    #[getter]
    fn refusal(&self) -> Option<String> {
        self.0.refusal()
    }

    /// The tool calls that the caller has to run.
    #[getter]
    fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for call in self.0.tool_calls() {
            let fields = PyDict::new(py);
            fields.set_item("id", call.id)?;
            fields.set_item("name", call.name)?;
            fields.set_item("input", call.input)?;
            list.append(record::make(py, "ToolCall", &fields)?)?;
        }
        Ok(list)
    }

    /// The answer as a message to carry on with.
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.message())
    }

    /// Why it ended.
    #[getter]
    fn finish_reason<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.finish_reason())
    }

    /// What it used; None when the provider did not say.
    #[getter]
    fn usage<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.usage.as_ref().map(|usage| record::usage(py, usage)).transpose()
    }

    /// What it cost in US dollars, all attempts together, by the list prices of this release; None when unknown.
    #[getter]
    fn cost<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.cost_of().map(|money| record::dollars(py, money)).transpose()
    }

    /// Whether it was at hand, so that no provider was asked.
    #[getter]
    fn cached(&self) -> bool {
        let degraded = |notice: &Notice| matches!(notice, Notice::Degraded { .. });
        self.0.attempts.is_empty() && !self.0.notices.iter().any(degraded)
    }

    /// The attempts it took.
    #[getter]
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        record::attempts(py, &self.0.attempts)
    }

    /// What the pipeline did.
    #[getter]
    fn notices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.notices)
    }

    /// The vectors of an embedding, by index.
    #[getter]
    fn embeddings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.0.embeddings.iter().map(|embedding| embedding.vector.to_vec()))
    }

    /// The models of a list.
    #[getter]
    fn models<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.models)
    }

    /// The JSON form.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)
    }

    /// The JSON form, the same in every language.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &*self.0)
    }

    /// The answer in the form of OpenAI's API. There is no time in it: `created` is 0.
    fn to_openai<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &openai::view(&self.0))
    }

    fn __str__(&self) -> String {
        self.text()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Answer>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__<'py>(&self, py: Python<'py>) -> PyResult<String> {
        let text = PyString::new(py, &self.0.text()).repr()?;
        let (reason, model) = (self.finish_reason(py)?, self.0.model.as_deref().into_pyobject(py)?);
        Ok(format!("Answer(text={text}, finish_reason={}, model={})", reason.repr()?, model.repr()?))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let mut completion = Completion::clone(&slf.get().0);
        let attempts = std::mem::take(&mut completion.attempts);
        let args = PyTuple::new(py, [to_python(py, &completion)?, to_python(py, &attempts)?])?;
        PyTuple::new(py, [slf.get_type().into_any(), args.into_any()])
    }
}
