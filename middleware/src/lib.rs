//! Layers of Belvedere, and its native runtime.
//!
//! Each layer is a module behind a feature of the same name. A layer that is not compiled costs nothing.

#[cfg(feature = "prices")]
pub mod prices;
#[cfg(feature = "repair")]
pub mod repair;
#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(feature = "throttle")]
pub mod throttle;
#[cfg(feature = "timeout")]
pub mod timeout;
#[cfg(feature = "tokens")]
pub mod tokens;

use belvedere_core::config::Registry;

/// Lets configuration documents name the layers of this build, and lends the native runtime where it is compiled.
pub fn register(registry: &mut Registry) {
    #[cfg(feature = "repair")]
    registry.layer::<repair::Repair>("repair");
    #[cfg(feature = "throttle")]
    registry.layer::<throttle::Throttle>("throttle");
    #[cfg(feature = "timeout")]
    registry.layer::<timeout::Timeout>("timeout");
    #[cfg(feature = "runtime")]
    registry.runtime(|options: runtime::TransportOptions| runtime::lent(&options));
    // Without any feature there is nothing to name.
    let _ = registry;
}
