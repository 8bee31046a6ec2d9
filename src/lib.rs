#![doc = include_str!("../README.md")]

#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "native")]
mod native;

#[cfg(feature = "testing")]
pub use belvedere_core::testing;
#[cfg(feature = "tower")]
pub use belvedere_core::tower;

pub use belvedere_core::{
    Error, ErrorKind, Result, SmolStr, cancel, checkpoint, client, clock, completion, config, context,
    control, credentials, duration, endpoint, entropy, error, event, events, framing, hooks, http, laws,
    layer, log, message, pause, pipeline, provider as wire, reader, request, secrets, service, spawner,
    store, streams, target, tokens, transport, typed, usage,
};
pub use belvedere_middleware as middleware;
pub use belvedere_providers as providers;

#[cfg(feature = "native")]
pub use native::Client;

pub use belvedere_core::checkpoint::Checkpoint;
pub use belvedere_core::completion::Completion;
pub use belvedere_core::config::{Config, Registry};
pub use belvedere_core::control::{Progress, StreamController};
pub use belvedere_core::event::{Event, FinishReason};
pub use belvedere_core::events::{EndKind, Events};
pub use belvedere_core::layer::layer_fn;
pub use belvedere_core::message::Message;
pub use belvedere_core::request::Request;
pub use belvedere_providers::{Settings, provider};

/// Everything this build has, by the names configuration documents use.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    belvedere_providers::register(&mut registry);
    belvedere_middleware::register(&mut registry);
    #[cfg(feature = "testing")]
    belvedere_core::testing::register(&mut registry);
    registry
}
