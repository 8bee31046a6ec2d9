//! The native runtime: tokio's time and tasks, the system's randomness, hyper with rustls.
//!
//! [`lent`] makes all of it from one [`TransportOptions`]. Each piece also stands alone, so a program can lend its
//! own clock or transport beside ours.

mod clock;
mod dial;
mod dns;
mod entropy;
mod fault;
mod options;
mod proxy;
mod route;
mod spawner;
mod tls;
mod transport;

use std::sync::Arc;

use belvedere_core::Result;
use belvedere_core::context::Lent;
use belvedere_core::hooks::Hooks;

pub use clock::TokioClock;
pub use entropy::OsEntropy;
pub use options::{HttpVersion, Proxy, TransportOptions};
pub use spawner::TokioSpawner;
pub use transport::HyperTransport;

/// Lends the native clock, randomness, spawner and network.
///
/// It needs no running tokio runtime; calls do.
///
/// # Errors
/// `ConfigInvalid` when an option of the transport cannot be used; the option is named.
pub fn lent(options: &TransportOptions) -> Result<Lent> {
    let spawner = TokioSpawner::new();
    let transport = HyperTransport::new(options, spawner.clone())?;
    Ok(Lent {
        clock: Arc::new(TokioClock::new()),
        entropy: Arc::new(OsEntropy::new()),
        spawner: Arc::new(spawner),
        transport: Arc::new(transport),
        hooks: Hooks::default(),
    })
}
