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

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::context::Context;
    use crate::error::{Error, ErrorKind};
    use crate::events::Events;
    use crate::request::Request;
    use crate::service::{Info, Service};
    use crate::testing::Simulation;

    /// A provider that has only a model.
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    struct Silent {
        model: String,
    }

    #[async_trait::async_trait]
    impl Service for Silent {
        fn info(&self) -> Info {
            Info::new("silent", "silent").with_model(Some(self.model.as_str().into()))
        }

        async fn call(&self, _: Context, _: Request) -> Result<Events> {
            Err(Error::new(ErrorKind::Unexpected, "silent"))
        }
    }

    const EVERY: Duration = Duration::from_secs(2);

    #[test]
    fn a_change_holds_from_then_on_and_a_fault_is_told_once_and_changes_nothing() {
        let document = |text: &str| Config::from(json!({ "provider": { "type": "silent", "model": text } }));
        let simulation = Simulation::new(1);
        let mut registry = Registry::new();
        registry.provider("silent", |silent: Silent, _| Ok(silent));
        let told = Arc::new(Mutex::new(Vec::new()));
        let ear = told.clone();
        let client =
            registry.client_with(&document("a"), simulation.lent()).unwrap().on(move |signal: &Signal| {
                let told = match signal {
                    Signal::Reloaded { generation } => format!("generation {generation}"),
                    Signal::ReloadFailed { error } => error.message().to_owned(),
                    _ => "?".to_owned(),
                };
                ear.lock().unwrap().push(told);
            });
        let content = Arc::new(Mutex::new(Ok(document("a"))));
        let read = content.clone();
        let source = move || {
            let content = read.lock().unwrap_or_else(PoisonError::into_inner).clone();
            async move { content }
        };
        Watch::new(Arc::new(registry), EVERY, source).start(&client, document("a"));
        let write = |new: Result<Config>| {
            *content.lock().unwrap() = new;
            simulation.advance(EVERY * 3);
            (client.generation(), std::mem::take(&mut *told.lock().unwrap()))
        };
        assert_eq!(write(Ok(document("a"))), (1, vec![]), "the same is nothing new");
        assert_eq!(write(Ok(document("b"))), (2, vec!["generation 2".to_owned()]));
        assert_eq!(client.info().model.as_deref(), Some("b"));
        let gone = Error::new(ErrorKind::ConfigInvalid, "can't be read");
        assert_eq!(write(Err(gone)), (2, vec!["can't be read".to_owned()]));
        let (generation, told_of) = write(Ok(Config::from(json!({ "provider": {} }))));
        assert_eq!((generation, told_of.len()), (2, 1), "{told_of:?}");
        assert_eq!(client.info().model.as_deref(), Some("b"));
        assert_eq!(write(Ok(document("b"))), (3, vec!["generation 3".to_owned()]));
        drop(client);
        simulation.assert_idle();
    }
}
