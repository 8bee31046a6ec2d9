//! The native client: the core's, with clock, randomness, spawner and transport of this machine.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use belvedere_core::config::{Config, Watch};
use belvedere_core::context::{Lent, Wire};
use belvedere_core::error::{Error, Result};
use belvedere_core::hooks::{Hook, Hooks};
use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;
use belvedere_core::transport::{Body, Transport};
use belvedere_middleware::runtime::{self, OsEntropy, TokioClock, TokioSpawner, TransportOptions};
use bytes::Bytes;

/// Sends requests through a pipeline, on this machine's clock and network. Cheap to clone.
///
/// It is the core's [`Client`](belvedere_core::client::Client), and has all its methods, with the native runtime
/// lent to it. Calls have to be made inside a tokio runtime.
#[derive(Debug, Clone)]
pub struct Client(belvedere_core::client::Client);

impl Client {
    /// A client of one service, such as [`provider`](crate::provider) gives.
    pub fn new(service: impl Into<Stack>) -> Self {
        let lent = runtime::lent(&TransportOptions::default()).unwrap_or_else(without_transport);
        Client(belvedere_core::client::Client::new(service, lent))
    }

    /// A client from a configuration document.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong, each with its path and what is allowed.
    pub fn from_config(config: impl Into<Config>) -> Result<Self> {
        crate::registry().client(&config.into()).map(Client)
    }

    /// A client from a configuration file: `.yaml`, `.yml`, `.toml` or `.json`.
    ///
    /// # Errors
    /// `ConfigInvalid` when the file can't be read, and as in [`from_config`](Client::from_config).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Client::from_config(Config::from_file(path)?)
    }

    /// Reads the file at this interval from now on, and when it has changed, lets it hold: calls that begin from then
    /// on take the new pipeline, calls in flight keep theirs. A file that can't be read or is not valid changes
    /// nothing; the hooks hear of it
    /// ([`Signal::ReloadFailed`](belvedere_core::hooks::Signal::ReloadFailed)). The watch ends with the client and its
    /// clones. It is a task of the runtime: call it inside one.
    ///
    /// What was added to the client in code, hooks excepted, is not in the file: the first reload leaves it out.
    ///
    /// # Errors
    /// `ConfigInvalid` when the file can't be read now.
    pub fn watch_file(&self, path: impl AsRef<Path>, every: Duration) -> Result<()> {
        let path: Arc<Path> = path.as_ref().into();
        let known = Config::from_file(&path)?;
        let source = move || {
            let path = path.clone();
            async move { Config::from_file(path) }
        };
        Watch::new(Arc::new(crate::registry()), every, source).start(&self.0, known);
        Ok(())
    }

    /// Adds a layer inside those added before: layers are listed outermost first, as in a configuration.
    pub fn layer(self, layer: impl Layer) -> Self {
        Client(self.0.layer(layer))
    }

    /// Lets a hook hear what the pipeline does: every [`Signal`](belvedere_core::hooks::Signal).
    pub fn on(self, hook: impl Hook) -> Self {
        Client(self.0.on(hook))
    }

    /// Lets a hook hear of calls that failed.
    pub fn on_error(self, hook: impl Hook) -> Self {
        Client(self.0.on_error(hook))
    }

    /// Lets a hook hear of retries.
    pub fn on_retry(self, hook: impl Hook) -> Self {
        Client(self.0.on_retry(hook))
    }

    /// Lets a hook hear of targets that are passed over.
    pub fn on_fallback(self, hook: impl Hook) -> Self {
        Client(self.0.on_fallback(hook))
    }

    /// Lets a hook hear of circuit breakers that open and close.
    pub fn on_state_change(self, hook: impl Hook) -> Self {
        Client(self.0.on_state_change(hook))
    }

    /// Lets a hook hear of limits and budgets that are near or reached.
    pub fn on_quota(self, hook: impl Hook) -> Self {
        Client(self.0.on_quota(hook))
    }

    /// The core's client.
    pub fn into_core(self) -> belvedere_core::client::Client {
        self.0
    }
}

impl From<belvedere_core::client::Client> for Client {
    fn from(client: belvedere_core::client::Client) -> Self {
        Client(client)
    }
}

impl Deref for Client {
    type Target = belvedere_core::client::Client;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// `new` never fails: where no transport can be made, each call says why.
fn without_transport(error: Error) -> Lent {
    Lent {
        clock: Arc::new(TokioClock::new()),
        entropy: Arc::new(OsEntropy::new()),
        spawner: Arc::new(TokioSpawner::new()),
        transport: Arc::new(Broken(error)),
        hooks: Hooks::default(),
    }
}

/// A transport that could not be made.
#[derive(Debug)]
struct Broken(Error);

#[async_trait]
impl Transport for Broken {
    async fn send(&self, _: http::Request<Bytes>, _: Option<Arc<Wire>>) -> Result<http::Response<Body>> {
        Err(self.0.clone())
    }
}
