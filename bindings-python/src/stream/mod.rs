//! The stream of an answer, for coroutines and for threads.

mod asynchronous;
mod control;
mod core;
mod feed;
mod synchronous;

pub(crate) use self::core::{Core, What, Wish};
pub(crate) use asynchronous::AsyncStream;
pub(crate) use control::Controlled;
pub(crate) use synchronous::Stream;

/// A call whose stream is not open yet.
pub(crate) type Opening = futures_util::future::BoxFuture<'static, belvedere::Result<belvedere::Events>>;
