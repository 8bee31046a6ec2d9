//! Wire protocols of Belvedere.

#[cfg(feature = "anthropic")]
pub mod anthropic;
mod fault;
#[cfg(feature = "openai")]
pub mod openai;
