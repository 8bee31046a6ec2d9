//! Wire protocols of Belvedere: pure encoding and decoding, and the providers that speak them by name.

#![cfg_attr(
    not(feature = "openai"),
    expect(dead_code, reason = "what wires share is all used by OpenAI's; a build without it uses a part")
)]

#[cfg(feature = "anthropic")]
pub mod anthropic;
#[cfg(feature = "bedrock")]
pub mod bedrock;
mod capabilities;
#[cfg(feature = "cohere")]
pub mod cohere;
pub mod credentials;
mod endpoint;
mod fault;
#[cfg(feature = "google")]
pub mod google;
mod incoming;
mod lax;
#[cfg(feature = "ollama")]
pub mod ollama;
#[cfg(feature = "openai")]
pub mod openai;
mod outgoing;
mod registry;
#[cfg(any(feature = "anthropic", feature = "openai"))]
mod repeat;
#[cfg(feature = "responses")]
pub mod responses;
mod settings;

pub use endpoint::{asked_at, endpoint, endpoints};
pub use registry::{names, provider, register, wire};
pub use settings::{Auth, Keys, Settings};
