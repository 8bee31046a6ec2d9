//! Wire protocols of Belvedere: pure encoding and decoding, and the providers that speak them by name.

#[cfg(feature = "anthropic")]
pub mod anthropic;
mod fault;
#[cfg(feature = "openai")]
pub mod openai;
mod registry;
mod settings;

pub use registry::{names, provider, register, wire};
pub use settings::{Keys, Settings};
