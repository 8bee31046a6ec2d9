//! The functions that hear what a client does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use belvedere::hooks::{Hook, Signal as CoreSignal};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use tokio::sync::Notify;

use super::caller::{Caller, set_used};
use super::signal::Signal;
use super::start::{self, Started};
use crate::runtime::lock;

/// The name that stands for every signal.
const ALL: &str = "*";

/// What begins the argument of a client that is a hook: `on_retry`.
const ARGUMENT: &str = "on_";
/// The argument for every signal.
const ANY: &str = "on_any";

/// Checks the name of a kind.
///
/// # Errors
/// `ValueError` that lists the kinds there are.
pub(crate) fn check_kind(kind: &str) -> PyResult<()> {
    if kind == ALL || CoreSignal::KINDS.contains(&kind) {
        return Ok(());
    }
    let known = CoreSignal::KINDS.join(", ");
    Err(PyValueError::new_err(format!("there are no signals `{kind}`; known: {ALL} (all), {known}")))
}

/// The kind of signals that an argument of a client is for: `retry` of `on_retry`.
pub(crate) fn kind_of(argument: &str) -> Option<&str> {
    match argument {
        ANY => Some(ALL),
        _ => argument.strip_prefix(ARGUMENT).filter(|kind| CoreSignal::KINDS.contains(kind)),
    }
}

/// The arguments of a client that are hooks.
pub(crate) fn arguments() -> Vec<String> {
    let named = CoreSignal::KINDS.iter().map(|kind| format!("{ARGUMENT}{kind}"));
    std::iter::once(ANY.to_owned()).chain(named).collect()
}

/// The functions that hear what a client does, one after the other and in order. They are called in a thread of their
/// own, or on the event loop of the call, after what happened: nothing waits for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ears(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    functions: Mutex<Vec<Arc<Listener>>>,
    told: Mutex<Told>,
    /// All was heard.
    quiet: Notify,
}

#[derive(Debug)]
struct Listener {
    /// What it hears of.
    kind: String,
    function: Py<PyAny>,
    is_async: bool,
}

/// What was not heard yet.
#[derive(Debug, Default)]
struct Told {
    signals: VecDeque<(CoreSignal, Option<Arc<Caller>>)>,
    /// Somebody tells them.
    busy: bool,
}

impl Ears {
    /// Lets a function hear the signals of a kind. True: it is the first one.
    pub(crate) fn add(&self, kind: String, function: Py<PyAny>, is_async: bool) -> bool {
        set_used();
        let mut functions = lock(&self.0.functions);
        functions.push(Arc::new(Listener { kind, function, is_async }));
        functions.len() == 1
    }

    /// Waits until all was heard. A coroutine has heard what it was started with.
    pub(crate) async fn quiet(&self) {
        loop {
            // Made before the look, so that nothing is missed between the two.
            let quiet = self.0.quiet.notified();
            if !lock(&self.0.told).busy {
                return;
            }
            quiet.await;
        }
    }

    /// Tells what was not heard yet, until there is nothing more.
    fn tell(&self, py: Python<'_>) {
        loop {
            let mut told = lock(&self.0.told);
            let Some((signal, caller)) = told.signals.pop_front() else {
                told.busy = false;
                drop(told);
                self.0.quiet.notify_waiters();
                return;
            };
            drop(told);
            let kind = signal.kind();
            let functions = lock(&self.0.functions).clone();
            for listener in functions.iter().filter(|ear| ear.kind == ALL || ear.kind == kind) {
                if let Err(error) = listener.hear(py, &signal, caller.as_ref()) {
                    error.write_unraisable(py, Some(listener.function.bind(py)));
                }
            }
        }
    }
}

impl Listener {
    fn hear(&self, py: Python<'_>, signal: &CoreSignal, caller: Option<&Arc<Caller>>) -> PyResult<()> {
        let signal = Bound::new(py, Signal::new(py, signal)?)?.into_any();
        let function = self.function.bind(py);
        let context = caller.filter(|_| !self.is_async).map(|caller| &**caller);
        let rest = Caller::run(context, py, function, &[signal])?;
        if rest.is_none() || !rest.hasattr(intern!(py, "__await__"))? {
            return Ok(());
        }
        let (rest, caller) = (rest.unbind(), caller.cloned());
        start::on_loop(
            caller.clone().as_ref(),
            Box::new(move |py| {
                let heard = py.import("belvedere._host").and_then(|host| {
                    let heard = host.call_method1(intern!(py, "heard"), (rest,))?;
                    start::start(&Started::default(), caller.as_deref(), heard)
                });
                if let Err(error) = heard {
                    error.write_unraisable(py, None);
                }
            }),
        );
        Ok(())
    }
}

impl Hook for Ears {
    fn signal(&self, signal: &CoreSignal) {
        let mut told = lock(&self.0.told);
        told.signals.push_back((signal.clone(), Caller::current()));
        let is_first = !std::mem::replace(&mut told.busy, true);
        drop(told);
        if is_first {
            let ears = self.clone();
            start::in_thread(Box::new(move |py| ears.tell(py)));
        }
    }
}
