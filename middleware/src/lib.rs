//! Layers of Belvedere, and its native runtime.
//!
//! Each layer is a module behind a feature of the same name. A layer that is not compiled costs nothing.

#[cfg(feature = "breaker")]
pub mod breaker;
#[cfg(feature = "budget")]
pub mod budget;
#[cfg(feature = "choose")]
pub mod choose;
#[cfg(feature = "degrade")]
pub mod degrade;
#[cfg(feature = "limit")]
pub mod limit;
#[cfg(feature = "prices")]
pub mod prices;
#[cfg(any(feature = "budget", feature = "limit"))]
pub mod quota;
#[cfg(feature = "repair")]
pub mod repair;
#[cfg(feature = "retry")]
pub mod retry;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(any(feature = "limit", feature = "throttle"))]
mod speed;
#[cfg(feature = "throttle")]
pub mod throttle;
#[cfg(feature = "timeout")]
pub mod timeout;
#[cfg(feature = "tokens")]
pub mod tokens;
#[cfg(any(feature = "breaker", feature = "retry"))]
mod upstream;

use belvedere_core::config::Registry;

/// Lets configuration documents name the layers of this build, and lends the native runtime where it is compiled.
pub fn register(registry: &mut Registry) {
    #[cfg(feature = "budget")]
    registry.layer_from::<budget::Config, budget::Budget>("budget", |config, build| {
        let store = build.store(config.store.as_deref())?;
        budget::Budget::build(config, store)
    });
    #[cfg(feature = "choose")]
    registry.layer_from("choose", |choose: choose::Choose, _| choose.checked());
    #[cfg(feature = "degrade")]
    registry.layer_from("degrade", |degrade: degrade::Degrade, _| degrade.checked());
    #[cfg(feature = "limit")]
    registry.layer_from::<limit::Config, limit::Limit>("limit", |config, build| {
        let store = config.store.as_deref().map(|name| build.store(Some(name))).transpose()?;
        limit::Limit::build(config, store)
    });
    #[cfg(feature = "breaker")]
    registry.layer::<breaker::Breaker>("breaker");
    #[cfg(feature = "repair")]
    registry.layer::<repair::Repair>("repair");
    #[cfg(feature = "retry")]
    registry.layer::<retry::Retry>("retry");
    #[cfg(feature = "route")]
    registry.layer_from("route", route::Route::from_config);
    #[cfg(feature = "throttle")]
    registry.layer::<throttle::Throttle>("throttle");
    #[cfg(feature = "timeout")]
    registry.layer::<timeout::Timeout>("timeout");
    #[cfg(feature = "runtime")]
    registry.runtime(|options: runtime::TransportOptions| runtime::lent(&options));
    // Without any feature there is nothing to name.
    let _ = registry;
}
