//! Types, traits and the client of Belvedere: one middleware pipeline around pluggable LLM providers.
//!
//! This crate has no runtime, no HTTP client and no clock of its own: time, randomness, work and the network are
//! lent through [`context::Context`]. Most users take the facade crate `belvedere`, which lends the native ones.
//!
//! A call resolves to [`events::Events`], a stream with a typed end; a whole answer is its fold
//! ([`completion::Completion`]). Whatever answers is a [`service::Service`]; a [`layer::Layer`] wraps one;
//! a [`provider::Provider`] is a pure wire protocol that [`http::Http`] turns into a service.

pub mod cancel;
pub mod checkpoint;
pub mod client;
pub mod clock;
pub mod completion;
pub mod config;
pub mod context;
pub mod control;
pub mod credentials;
pub mod duration;
pub mod endpoint;
pub mod entropy;
pub mod error;
pub mod event;
pub mod events;
pub mod framing;
pub mod hooks;
pub mod http;
pub mod laws;
pub mod layer;
pub mod log;
pub mod message;
mod message_json;
pub mod pause;
pub mod pipeline;
pub mod provider;
pub mod reader;
mod redact;
pub mod request;
pub mod secrets;
pub mod service;
pub mod spawner;
pub mod store;
pub mod streams;
pub mod target;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokens;
#[cfg(feature = "tower")]
pub mod tower;
pub mod transport;
pub mod typed;
pub mod usage;

pub use error::{Error, ErrorKind, Result};
pub use smol_str::SmolStr;
