//! Functions of Python inside the pipeline: providers, layers, hooks and token counters.
//!
//! They are called without any lock of ours, and never on a thread of the runtime: plain functions in a thread of
//! their own, coroutines on the event loop that the call came from. The Rust side waits for a [`sink`] that they
//! write to.

mod caller;
mod counter;
mod ears;
mod function;
mod layer;
mod provider;
mod raised;
mod running;
mod signal;
mod sink;
mod start;

pub(crate) use caller::scoped;
pub(crate) use counter::Counter;
pub(crate) use ears::{Ears, arguments, check_kind, kind_of};
pub(crate) use function::{Function, register};
pub(crate) use layer::Next;
pub(crate) use raised::Raised;
pub(crate) use signal::Signal;
pub(crate) use sink::Sink;
