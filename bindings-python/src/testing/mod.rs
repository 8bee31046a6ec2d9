//! What tests in Python stand on.

mod mock;
mod panic;
mod seen;
mod simulation;

use seen::request_to_python;

pub(crate) use mock::MockServer;
pub(crate) use panic::{_panicking_call, _panicking_stream};
pub(crate) use simulation::{Simulation, World, running};
