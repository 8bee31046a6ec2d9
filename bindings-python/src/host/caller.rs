//! Who made a call: the event loop it came from, and the context variables there.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{BoxFuture, Either};
use pyo3::intern;
use pyo3::prelude::*;

use crate::ground::Ground;
use crate::queue::Queue;

/// Who made a call.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Its event loop; `None` for a thread without one.
    pub(super) queue: Option<Arc<Queue>>,
    /// Its context variables.
    context: Py<PyAny>,
}

tokio::task_local! {
    static CALLER: Option<Arc<Caller>>;
}

/// Whether there is any function of Python, so that it matters who calls.
static USED: AtomicBool = AtomicBool::new(false);

/// From now on it matters who calls.
pub(super) fn set_used() {
    USED.store(true, Ordering::Release);
}

/// Work that knows who made it. Called on a thread of Python's.
pub(crate) fn scoped(work: impl Future<Output = ()> + Send + 'static) -> BoxFuture<'static, ()> {
    let caller = match USED.load(Ordering::Acquire) {
        true => Python::try_attach(Caller::here).flatten(),
        false => None,
    };
    Box::pin(match caller {
        Some(caller) => Either::Left(CALLER.scope(Some(Arc::new(caller)), work)),
        None => Either::Right(work),
    })
}

impl Caller {
    fn here(py: Python<'_>) -> Option<Self> {
        let context = py.import("contextvars").ok()?.call_method0(intern!(py, "copy_context")).ok()?.unbind();
        let port = Ground::here(py).and_then(|ground| ground.port()).ok();
        let queue = port.and_then(|port| port.get().queue().cloned());
        Some(Caller { queue, context })
    }

    /// Who made the call that runs.
    pub(super) fn current() -> Option<Arc<Caller>> {
        CALLER.try_with(Option::clone).ok().flatten()
    }

    /// Calls a function in the context of the caller. Who runs in a task of the caller's has its own copy of it.
    pub(super) fn run<'py>(
        caller: Option<&Self>,
        py: Python<'py>,
        function: &Bound<'py, PyAny>,
        arguments: &[Bound<'py, PyAny>],
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(caller) = caller else {
            return function.call1(pyo3::types::PyTuple::new(py, arguments)?);
        };
        let context = caller.context.bind(py).call_method0(intern!(py, "copy"))?;
        let all = std::iter::once(function).chain(arguments);
        let all: Vec<_> = all.cloned().collect();
        context.call_method1(intern!(py, "run"), pyo3::types::PyTuple::new(py, all)?)
    }
}
