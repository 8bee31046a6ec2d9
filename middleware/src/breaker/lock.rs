//! The one lock of an upstream's circuits. This crate's own tests run it under the schedules of shuttle.

#[cfg(not(test))]
pub(super) use std::sync::Mutex;

#[cfg(test)]
pub(super) use shuttle::sync::Mutex;
