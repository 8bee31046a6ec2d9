//! Watching over a configuration that may change.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Config, Registry};
use crate::client::Client;
use crate::error::Result;
use crate::hooks::Signal;

/// Where a configuration is read from, again and again.
type Source = dyn Fn() -> BoxFuture<'static, Result<Config>> + Send + Sync;

/// Reloads a client whenever its configuration has changed.
///
/// The source is read at this interval of the client's clock, and compared with what was read before. A configuration
/// that can't be read or is not valid changes nothing; the hooks hear of it
/// ([`Signal::ReloadFailed`]) once, and the source goes on being watched.
pub struct Watch {
    registry: Arc<Registry>,
    source: Box<Source>,
    every: Duration,
}

impl Watch {
    /// Watches `source` for clients built by `registry`.
    pub fn new<F, Fut>(registry: Arc<Registry>, every: Duration, source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Config>> + Send + 'static,
    {
        Watch { registry, source: Box::new(move || Box::pin(source())), every }
    }

    /// Begins to watch, as a task of the client's spawner that ends once nobody has the client any more. `known` is
    /// what the client was built from.
    pub fn start(self, client: &Client, known: Config) {
        let weak = client.downgrade();
        let (clock, spawner) = client.watcher();
        let watching = async move {
            let mut known = Ok(known);
            loop {
                clock.sleep(self.every).await;
                if weak.upgrade().is_none_or(|client| client.is_closed()) {
                    return;
                }
                let read = (self.source)().await;
                let Some(client) = weak.upgrade() else { return };
                if !is_same(&read, &known) {
                    self.apply(&client, &read);
                    known = read;
                }
            }
        };
        spawner.spawn("configuration watch", Box::pin(watching));
    }

    fn apply(&self, client: &Client, read: &Result<Config>) {
        match read {
            // The hooks are told either way.
            Ok(config) => drop(self.registry.reload(client, config, client.generation())),
            Err(error) => client.lent().hooks.emit(|| Signal::ReloadFailed { error: error.clone() }),
        }
    }
}

/// Whether there is nothing new: the same document, or the same fault.
fn is_same(read: &Result<Config>, known: &Result<Config>) -> bool {
    match (read, known) {
        (Ok(read), Ok(known)) => read == known,
        (Err(read), Err(known)) => read.message() == known.message() && read.kind() == known.kind(),
        _ => false,
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("every", &self.every).finish_non_exhaustive()
    }
}
