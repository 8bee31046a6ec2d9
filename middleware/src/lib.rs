//! Layers of Belvedere, and its native runtime.
//!
//! Each layer is a module behind a feature of the same name. A layer that is not compiled costs nothing.

#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(feature = "timeout")]
pub mod timeout;
