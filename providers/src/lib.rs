//! Wire protocols of Belvedere: pure encoding and decoding, and the providers that speak them by name.

#![cfg_attr(
    not(feature = "openai"),
    expect(dead_code, reason = "what wires share is all used by OpenAI's; a build without it uses a part")
)]

#[cfg(feature = "anthropic")]
pub mod anthropic;
pub mod credentials;
mod endpoint;
mod fault;
mod lax;
#[cfg(feature = "openai")]
pub mod openai;
mod registry;
mod settings;

pub use endpoint::{endpoint, endpoints};
pub use registry::{names, provider, register, wire};
pub use settings::{Keys, Settings};
