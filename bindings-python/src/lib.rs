//! The Python package `belvedere`: its native module `belvedere._native`.
//!
//! - `runtime`, `slot`, `queue`, `port`, `pending`, `blocking`: how calls cross from the runtime into event loops and
//!   threads, and how they end with them.
//! - `client`, `stream`, `answer`, `event`, `checkpoint`: what users see.
//! - `serve`: a pipeline behind the official SDKs.
//! - `testing`: what tests in Python stand on.
//! - `convert`, `request`, `record`, `errors`: objects of Python as values of Rust and back.

mod answer;
mod blocking;
mod checkpoint;
mod client;
mod convert;
mod errors;
mod event;
mod ground;
mod host;
mod pending;
mod port;
mod queue;
mod record;
mod request;
mod runtime;
mod serve;
mod slot;
mod stream;
mod testing;
mod waiter;
mod work;

/// Most of what a call allocates in one thread is freed in another one, the loop's, and mimalloc is made for that: a call
/// with all layers takes a sixth less time than on glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the package `belvedere` is made of.
///
/// It asks free-threaded interpreters for their lock. Two things stand on it: locks of ours are taken by threads that have
/// the interpreter, so no fork finds one taken; and who makes objects of Python while it has one is not stopped by a
/// collection that waits for somebody who waits for that lock.
#[pyo3::pymodule(name = "_native", gil_used = true)]
mod native {
    #[pymodule_export]
    use super::{
        answer::Answer,
        checkpoint::Checkpoint,
        client::{AsyncClient, Client, Configured},
        event::Event,
        host::{Function, Next, Signal, Sink},
        pending::Pending,
        port::Port,
        runtime::{_after_fork, _at_exit},
        serve::Body,
        stream::{AsyncStream, Controlled, Stream},
        testing::{_panicking_call, _panicking_stream, MockServer, Simulation},
        waiter::Waiter,
    };
}
