//! The clients: one for coroutines, one for threads, over the same calls.

mod arguments;
mod asynchronous;
mod base;
mod calls;
mod configured;
mod recipe;
mod synchronous;

use std::time::Duration;

use arguments::Arguments;
pub(crate) use asynchronous::AsyncClient;
pub(crate) use base::Base;
pub(crate) use configured::Configured;
pub(crate) use synchronous::Client;

/// How long `close` lets open calls run.
const CLOSE: Duration = Duration::from_secs(5);
/// The same at the end of a `with`: who wants them to end has waited for them inside.
const LEAVE: Duration = Duration::from_millis(100);
