//! A simulated machine: virtual time, and a network that plays a script.
//!
//! While one runs on a thread, the calls that begin there run on it instead of the runtime, and on nothing but that
//! thread. The same script then gives the same run every time.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use belvedere::clock::Clock;
use belvedere::spawner::Spawner;
use belvedere::testing::{Reply, Simulation as Machine};
use belvedere::{Config, ErrorKind, Registry};
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, BoxFuture, abortable};
use pyo3::exceptions::{PyAssertionError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rustc_hash::FxHashMap;

use super::request_to_python;
use crate::client::{AsyncClient, Base, Client};
use crate::convert::{duration, read};
use crate::pending::Pending;
use crate::slot::Outcome;
use crate::work::Work;

/// A machine and its environment.
pub(crate) struct World {
    machine: Machine,
    /// The environment variables that are set; `None`: those of the process.
    env: Option<Arc<FxHashMap<String, String>>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("machine", &self.machine).finish_non_exhaustive()
    }
}

thread_local! {
    /// The machine that runs on this thread.
    static RUNNING: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

/// The machine that runs on this thread, if one does.
pub(crate) fn running() -> Option<Arc<World>> {
    // Gone at the end of the thread.
    RUNNING.try_with(|world| world.borrow().clone()).ok().flatten()
}

impl World {
    /// The client of a configuration, on this machine.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong.
    pub(crate) fn client(
        &self,
        registry: &Registry,
        config: &Config,
    ) -> belvedere::Result<belvedere::Client> {
        registry.client_with(config, self.machine.lent()).map(Into::into)
    }

    /// The registry with the environment of this machine.
    pub(crate) fn with_env(&self, registry: Registry) -> Registry {
        match self.env.clone() {
            Some(env) => registry.with_env(move |name| env.get(name).cloned()),
            None => registry,
        }
    }

    /// Runs work here, until it ends or is aborted.
    pub(crate) fn spawn(&self, work: BoxFuture<'static, ()>) -> AbortHandle {
        let (work, abort) = abortable(work);
        self.machine.spawner.spawn("python", work.map(drop).boxed());
        abort
    }

    /// Runs what can run now; false when everybody waits.
    pub(crate) fn step(&self) -> bool {
        self.machine.spawner.run_until_idle()
    }

    /// Lets time pass: until the next who sleeps is due, but no longer than `limit`. False when nobody sleeps.
    pub(crate) fn pass(&self, limit: Option<Duration>) -> bool {
        let clock = &self.machine.clock;
        let due = clock.next_deadline().map(|deadline| deadline.since(clock.now()));
        let Some(by) = due.into_iter().chain(limit).min() else { return false };
        clock.advance(by);
        self.step();
        true
    }
}

/// A simulated machine: virtual time, which moves at once when everybody waits, and a network that answers each request
/// with the next of its replies. The same script gives the same run every time.
///
/// Its clients live inside `with simulation:` or `belvedere.testing.run(simulation, ...)`, on the thread that runs it.
#[pyclass(frozen, weakref, module = "belvedere.testing")]
#[derive(Debug)]
pub(crate) struct Simulation(Arc<World>);

#[pymethods]
impl Simulation {
    /// A machine whose network gives these replies, one a request. `env` has the environment variables that
    /// configurations see; absent, those of the process.
    #[new]
    #[pyo3(signature = (replies = None, /, *, seed = 1, env = None))]
    fn py_new(
        replies: Option<&Bound<'_, PyAny>>,
        seed: u64,
        env: Option<FxHashMap<String, String>>,
    ) -> PyResult<Self> {
        let world = World { machine: Machine::new(seed), env: env.map(Arc::new) };
        let simulation = Simulation(Arc::new(world));
        if let Some(replies) = replies {
            simulation.add(replies)?;
        }
        Ok(simulation)
    }

    /// Adds replies to the end of the script.
    #[pyo3(signature = (replies, /))]
    fn add(&self, replies: &Bound<'_, PyAny>) -> PyResult<()> {
        let replies = read::<Vec<Reply>>(replies, ErrorKind::ConfigInvalid)?;
        replies.into_iter().for_each(|reply| self.0.machine.network.push(reply));
        Ok(())
    }

    /// A client on this machine, for threads.
    #[pyo3(signature = (config = None, /, **sections))]
    fn client(
        &self,
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        sections: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Client>> {
        Client::on(py, Base::Simulated(self.0.clone()), config, sections)
    }

    /// A client on this machine, for coroutines.
    #[pyo3(signature = (config = None, /, **sections))]
    fn async_client(
        &self,
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        sections: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<AsyncClient>> {
        AsyncClient::on(py, Base::Simulated(self.0.clone()), config, sections)
    }

    /// The time, in seconds; it begins at 10.
    #[getter]
    fn now(&self) -> f64 {
        self.0.machine.clock.now().since_origin().as_secs_f64()
    }

    /// The same in whole nanoseconds.
    #[getter]
    fn now_ns(&self) -> u128 {
        self.0.machine.clock.now().since_origin().as_nanos()
    }

    /// Waits, in virtual time.
    #[pyo3(signature = (time, /))]
    fn sleep(&self, time: &Bound<'_, PyAny>) -> PyResult<Pending> {
        let sleep = self.0.machine.clock.sleep(duration(time, "time")?);
        Ok(Pending::new(Work::new(sleep.map(|()| Box::new(|py: Python<'_>| Ok(py.None())) as Outcome))))
    }

    /// Lets time pass, and runs what is due meanwhile.
    #[pyo3(signature = (time, /))]
    fn advance(&self, time: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.machine.advance(duration(time, "time")?);
        Ok(())
    }

    /// The requests that the network has seen: `method`, `url`, `headers` and `body`, which is an object where it is
    /// JSON, else text.
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for request in self.0.machine.network.requests() {
            list.append(request_to_python(py, &request)?)?;
        }
        Ok(list)
    }

    /// How many connections our side closed before their reply was over.
    #[getter]
    fn aborted(&self) -> usize {
        self.0.machine.network.aborted()
    }

    /// Raises `AssertionError` when a task, a timer or a connection is left.
    fn assert_idle(&self) -> PyResult<()> {
        let found = catch_unwind(AssertUnwindSafe(|| self.0.machine.assert_idle()));
        found.map_err(|what| {
            let text = what.downcast_ref::<String>().map_or("something is left", String::as_str);
            PyAssertionError::new_err(text.to_owned())
        })
    }

    /// Runs what can run now; false when everybody waits.
    fn _step(&self) -> bool {
        self.0.step()
    }

    /// Lets time pass until something is due; false when nobody sleeps.
    #[pyo3(signature = (limit = None))]
    fn _pass(&self, limit: Option<f64>) -> bool {
        self.0.pass(limit.and_then(|limit| Duration::try_from_secs_f64(limit).ok()))
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        let world = slf.get().0.clone();
        RUNNING.with(|running| match &mut *running.borrow_mut() {
            Some(_) => Err(PyRuntimeError::new_err("a simulation runs on this thread already")),
            empty => {
                *empty = Some(world);
                Ok(())
            }
        })?;
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, PyTuple>) {
        let world = RUNNING.with(RefCell::take);
        drop(world);
    }

    fn __repr__(&self) -> String {
        format!("<Simulation at {} s>", self.now())
    }
}
