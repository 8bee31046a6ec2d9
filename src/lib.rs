//! Belvedere.
pub use belvedere_core::*;
