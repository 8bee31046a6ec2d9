//! What tests in Python stand on.

mod mock;
mod panic;
mod simulation;

pub(crate) use mock::MockServer;
pub(crate) use panic::{_panicking_call, _panicking_stream};
pub(crate) use simulation::{Simulation, World, running};
