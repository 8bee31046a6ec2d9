//! Wire protocols of Belvedere: pure encoding and decoding, and the providers that speak them by name.

#![cfg_attr(
    not(any(feature = "anthropic", feature = "openai")),
    expect(dead_code, unused_imports, reason = "what wires share has no user in a build without any")
)]

#[cfg(feature = "anthropic")]
pub mod anthropic;
#[cfg(any(feature = "anthropic", feature = "openai"))]
mod fault;
#[cfg(feature = "openai")]
pub mod openai;
mod registry;
mod settings;

pub use registry::{names, provider, register, wire};
pub use settings::{Keys, Settings};
