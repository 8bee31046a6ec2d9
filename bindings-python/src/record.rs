//! Small objects that tell of calls and clients: the dataclasses of `belvedere.results`.

use belvedere::clock::Instant;
use belvedere::context::Attempt;
use belvedere::control::{Metrics, StreamState};
use belvedere::middleware::breaker::Circuit;
use belvedere::middleware::budget::{Balance, Budget};
use belvedere::middleware::prices::Interval;
use belvedere::usage::{Money, Usage};
use belvedere::{EndKind, Progress};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert::{seconds, to_python};

/// Makes one by its name.
pub(crate) fn make<'py>(
    py: Python<'py>,
    class: &str,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("belvedere.results")?.getattr(class)?.call((), Some(fields))
}

/// What was used.
pub(crate) fn usage<'py>(py: Python<'py>, usage: &Usage) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("classes", to_python(py, &usage.classes)?)?;
    fields.set_item("input_tokens", usage.input_tokens())?;
    fields.set_item("output_tokens", usage.output_tokens())?;
    fields.set_item("total_tokens", usage.total_tokens())?;
    fields.set_item("reported", to_python(py, &usage.reported)?)?;
    fields.set_item("raw", to_python(py, &usage.raw)?)?;
    make(py, "Usage", &fields)
}

/// The attempts of a call.
pub(crate) fn attempts<'py>(py: Python<'py>, attempts: &[Attempt]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for attempt in attempts {
        let fields = PyDict::new(py);
        fields.set_item("provider", attempt.provider.as_str())?;
        fields.set_item("model", attempt.model.as_deref())?;
        fields.set_item("target", attempt.target.as_deref())?;
        fields.set_item("usage", attempt.usage.as_ref().map(|used| usage(py, used)).transpose()?)?;
        fields.set_item("end", attempt.end.map(end_name))?;
        fields.set_item("error", attempt.error.map(|kind| kind.name()))?;
        fields.set_item("phase", attempt.error.and_then(|kind| kind.phase()).map(|phase| phase.name()))?;
        fields.set_item("status", attempt.status)?;
        fields.set_item("elapsed", attempt.elapsed.map(seconds))?;
        fields.set_item("raw", to_python(py, attempt)?)?;
        list.append(make(py, "Attempt", &fields)?)?;
    }
    Ok(list)
}

/// How an answer ended, as its JSON says it.
pub(crate) fn end_name(end: EndKind) -> &'static str {
    match end {
        EndKind::Finished => "finished",
        EndKind::Truncated => "truncated",
        EndKind::Failed => "failed",
        EndKind::Cancelled => "cancelled",
    }
}

/// How far a stream is; `None`: its call has not begun.
pub(crate) fn progress<'py>(py: Python<'py>, progress: Option<&Progress>) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    if let Some(progress) = progress {
        let state = match progress.state {
            StreamState::Ended(end) => end_name(end),
            StreamState::Running => "running",
            StreamState::Paused => "paused",
            _ => "waiting",
        };
        fields.set_item("state", state)?;
        fields.set_item("events", progress.events)?;
        fields.set_item("bytes", progress.bytes)?;
        fields.set_item("tokens", progress.tokens)?;
        fields.set_item("tokens_counted", progress.tokens_counted)?;
        fields.set_item("buffered", progress.buffered)?;
        fields.set_item("elapsed", seconds(progress.elapsed))?;
        fields.set_item("paused", seconds(progress.paused))?;
        fields.set_item("first_event", progress.first_event.map(seconds))?;
        fields.set_item("rate", progress.rate)?;
        fields.set_item("mean_rate", progress.mean_rate)?;
        fields.set_item("fraction", progress.fraction)?;
        fields.set_item("stalls", progress.stalls)?;
        fields.set_item("longest_gap", seconds(progress.longest_gap))?;
    }
    make(py, "Progress", &fields)
}

/// How a stream went.
pub(crate) fn metrics<'py>(py: Python<'py>, metrics: Option<&Metrics>) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("progress", progress(py, metrics.map(|metrics| &metrics.progress))?)?;
    fields.set_item("attempts", attempts(py, metrics.map_or(&[][..], |metrics| &metrics.attempts))?)?;
    let used = metrics.and_then(|metrics| metrics.usage.as_ref());
    fields.set_item("usage", used.map(|used| usage(py, used)).transpose()?)?;
    make(py, "Metrics", &fields)
}

/// Money as a `Decimal` of US dollars, exact.
pub(crate) fn dollars<'py>(py: Python<'py>, money: Money) -> PyResult<Bound<'py, PyAny>> {
    let text = money.to_string().replace('$', "");
    py.import("decimal")?.getattr("Decimal")?.call1((text,))
}

/// A budget in its current period.
pub(crate) fn balance<'py>(
    py: Python<'py>,
    budget: &Budget,
    balance: &Balance,
) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("name", budget.name())?;
    fields.set_item("unit", budget.unit())?;
    fields.set_item("limit", balance.limit)?;
    fields.set_item("reserved", balance.reserved)?;
    fields.set_item("settled", balance.settled)?;
    fields.set_item("released", balance.released)?;
    fields.set_item("open", balance.open)?;
    fields.set_item("left", balance.left())?;
    make(py, "Balance", &fields)
}

/// A circuit of a breaker; `now` is the time of its clock.
pub(crate) fn circuit<'py>(py: Python<'py>, circuit: &Circuit, now: Instant) -> PyResult<Bound<'py, PyAny>> {
    let left = |until: Option<Instant>| until.map(|until| seconds(until.since(now)));
    let fields = PyDict::new(py);
    fields.set_item("provider", circuit.provider.as_str())?;
    fields.set_item("host", circuit.host.as_deref())?;
    fields.set_item("model", circuit.model.as_deref())?;
    fields.set_item("state", to_python(py, &circuit.state)?)?;
    fields.set_item("open_for", left(circuit.open_until))?;
    fields.set_item("rests_for", left(circuit.rests_until))?;
    make(py, "Circuit", &fields)
}

/// What a call may cost.
pub(crate) fn estimate<'py>(
    py: Python<'py>,
    input_tokens: u64,
    cost: Option<Interval>,
) -> PyResult<Bound<'py, PyAny>> {
    let money = |money: Option<Money>| money.map(|money| dollars(py, money)).transpose();
    let fields = PyDict::new(py);
    fields.set_item("input_tokens", input_tokens)?;
    fields.set_item("low", money(cost.map(|cost| cost.low))?)?;
    fields.set_item("high", money(cost.and_then(|cost| cost.high))?)?;
    make(py, "Estimate", &fields)
}
