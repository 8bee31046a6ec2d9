//! Waiting in a thread, without the interpreter's lock, and with an ear for Ctrl-C.

use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::runtime;
use crate::slot::Wake;
use crate::testing;
use crate::work::Work;

/// How often the interpreter is asked for signals.
const SIGNALS: Duration = Duration::from_millis(50);

/// Waits for work. A signal handler that raises (Ctrl-C does) cancels it.
///
/// # Errors
/// What went wrong, or what the signal handler raised.
pub(crate) fn wait(py: Python<'_>, mut work: Work) -> PyResult<Py<PyAny>> {
    if runtime::exits_elsewhere() {
        py.detach(runtime::stay_away_from_exit);
    }
    loop {
        if let Some(value) = work.poll(py, Some(Wake::Thread(thread::current())))? {
            return Ok(value);
        }
        if let Some(world) = testing::running() {
            world.step();
            if let Some(value) = work.poll(py, Some(Wake::Thread(thread::current())))? {
                return Ok(value);
            }
            // Now all wait. To be asked may have woken the reader of a stream, for nothing.
            world.step();
            if world.pass(None) {
                continue;
            }
        }
        py.detach(|| {
            thread::park_timeout(SIGNALS);
            runtime::stay_away_from_exit();
        });
        py.check_signals()?;
    }
}
