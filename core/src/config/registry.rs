//! What a document may name, and how each is built.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::build::{Build, layers_around, names};
use super::check::{check, join};
use super::entry::Entry;
use super::{Config, Findings, MEMORY, Plan, Stores, order, secrets};
use crate::client::Client;
use crate::clock::{Clock, Instant};
use crate::context::Lent;
use crate::error::{Error, ErrorKind, Result};
use crate::hooks::Signal;
use crate::layer::Layer;
use crate::service::{Nowhere, Stack};
use crate::store::Store;
use crate::streams::Streams;

/// What configuration documents may name: providers, layers, the runtime that lends, and things of the host
/// language by name.
///
/// A registry is a value, not a global: two of them don't know each other.
pub struct Registry {
    pub(super) providers: BTreeMap<SmolStr, Entry<Stack>>,
    pub(super) layers: BTreeMap<SmolStr, Entry<Arc<dyn Layer>>>,
    pub(super) runtime: Option<Entry<Lent>>,
    pub(super) streams: Entry<Streams>,
    pub(super) stores: BTreeMap<SmolStr, Entry<Arc<dyn Store>>>,
    pub(super) host_providers: BTreeMap<SmolStr, Stack>,
    pub(super) host_layers: BTreeMap<SmolStr, Arc<dyn Layer>>,
    pub(super) env: Arc<Env>,
}

/// Looks up an environment variable.
type Env = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Default for Registry {
    fn default() -> Self {
        Registry::new()
    }
}

impl Registry {
    /// A registry that knows nothing yet.
    pub fn new() -> Self {
        Registry {
            providers: BTreeMap::new(),
            layers: BTreeMap::new(),
            runtime: None,
            streams: Entry::new(|streams: Streams, _| Ok(streams)),
            stores: BTreeMap::new(),
            host_providers: BTreeMap::new(),
            host_layers: BTreeMap::new(),
            env: Arc::new(|name| std::env::var(name).ok()),
        }
    }

    /// Looks environment variables up here instead of in the process.
    pub fn with_env(mut self, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.env = Arc::new(env);
        self
    }

    /// Lets documents name a provider `{type: name, ...}` whose other fields are a `C`.
    pub fn provider<C: DeserializeOwned + JsonSchema, S: Into<Stack>>(
        &mut self,
        name: impl Into<SmolStr>,
        build: impl Fn(C, &Build<'_>) -> Result<S> + Send + Sync + 'static,
    ) {
        self.providers.insert(name.into(), Entry::new(move |c: C, cx| build(c, cx).map(Into::into)));
    }

    /// Lets documents name a layer `{type: name, ...}` that is its own configuration.
    pub fn layer<L: Layer + DeserializeOwned + JsonSchema>(&mut self, name: impl Into<SmolStr>) {
        self.layers.insert(name.into(), Entry::new(|layer: L, _| Ok(Arc::new(layer) as Arc<dyn Layer>)));
    }

    /// Lets documents name a layer `{type: name, ...}` whose other fields are a `C`, for layers that need more than
    /// their fields: a store, or other entries.
    pub fn layer_from<C: DeserializeOwned + JsonSchema, L: Layer>(
        &mut self,
        name: impl Into<SmolStr>,
        build: impl Fn(C, &Build<'_>) -> Result<L> + Send + Sync + 'static,
    ) {
        let shared = move |c: C, cx: &Build<'_>| build(c, cx).map(|layer| Arc::new(layer) as Arc<dyn Layer>);
        self.layers.insert(name.into(), Entry::new(shared));
    }

    /// Lets the section `stores` of documents name a store `{type: name, ...}` whose other fields are a `C`.
    pub fn store<C: DeserializeOwned + JsonSchema, S: Store>(
        &mut self,
        name: impl Into<SmolStr>,
        build: impl Fn(C, &Build<'_>) -> Result<S> + Send + Sync + 'static,
    ) {
        let shared = move |c: C, cx: &Build<'_>| build(c, cx).map(|store| Arc::new(store) as Arc<dyn Store>);
        self.stores.insert(name.into(), Entry::new(shared));
    }

    /// Says who lends clock, randomness, spawner and transport; `C` is the document's `transport`.
    pub fn runtime<C: DeserializeOwned + JsonSchema>(
        &mut self,
        build: impl Fn(C) -> Result<Lent> + Send + Sync + 'static,
    ) {
        self.runtime = Some(Entry::new(move |c: C, _| build(c)));
    }

    /// Gives the host language's provider `{type: host, name: ...}`.
    pub fn host_provider(&mut self, name: impl Into<SmolStr>, service: impl Into<Stack>) {
        self.host_providers.insert(name.into(), service.into());
    }

    /// Gives the host language's layer `{type: host, name: ...}`.
    pub fn host_layer(&mut self, name: impl Into<SmolStr>, layer: impl Layer) {
        self.host_layers.insert(name.into(), Arc::new(layer));
    }

    /// Builds a client from a document, with what this registry's runtime lends.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong, each with its path and what is allowed.
    pub fn client(&self, config: &Config) -> Result<Client> {
        let (document, mut findings) = self.read(config);
        let transport = transport_of(&document);
        let lent = self.lend(&transport, &mut findings);
        let clock = lent.as_ref().map(|lent| lent.clock.clone());
        let clock = clock.unwrap_or_else(|| Arc::new(Stopped));
        let plan = self.plan(&document, &Stores::new(clock), findings)?;
        let Some(lent) = lent else {
            let what = "transport: this registry has no runtime to lend one";
            return Err(Error::new(ErrorKind::ConfigInvalid, what));
        };
        Ok(Client::new(Nowhere, lent).planned(plan, Some(transport)))
    }

    /// Builds a client from a document, with `lent` instead of a runtime of the registry.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong, each with its path and what is allowed.
    pub fn client_with(&self, config: &Config, lent: Lent) -> Result<Client> {
        let (document, findings) = self.read(config);
        let plan = self.plan(&document, &Stores::new(lent.clock.clone()), findings)?;
        Ok(Client::new(Nowhere, lent).planned(plan, None))
    }

    /// Lets another document hold for the calls of a client from now on. It is built and checked first; layers take
    /// over the state of their predecessors ([`Layer::adopt`]), stores whose documents are the same stay as they are,
    /// then it takes the place of the one before. Calls in flight keep the generation they began with. Gives the
    /// number of the new generation.
    ///
    /// `from` is the [generation](Client::generation) that the document was made from: who was overtaken by another
    /// reload is refused, so that no change is lost.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong; then nothing has changed.
    pub fn reload(&self, client: &Client, config: &Config, from: u64) -> Result<u64> {
        let reloaded = client.reload(from, |before| {
            let (document, mut findings) = self.read(config);
            let mut bare = before.bare.clone();
            let transport = before.transport.as_ref().map(|_| transport_of(&document));
            if let Some(new) = transport.as_ref().filter(|new| before.transport.as_ref() != Some(new))
                && let Some(lent) = self.lend(new, &mut findings)
            {
                bare.transport = lent.transport;
            }
            let mut plan = self.plan(&document, &before.stores, findings)?;
            // Last of all: a document that fails takes no state over from the one that holds.
            plan.pipeline.adopt(&before.pipeline);
            Ok(before.planned(plan, bare, transport))
        });
        let hooks = &client.lent().hooks;
        match &reloaded {
            Ok(generation) => hooks.emit(|| Signal::Reloaded { generation: *generation }),
            Err(error) => hooks.emit(|| Signal::ReloadFailed { error: error.clone() }),
        }
        reloaded
    }

    /// The document with its secrets, and what is wrong with its frame.
    fn read(&self, config: &Config) -> (Map<String, Value>, Findings) {
        let mut findings = Findings::default();
        let Value::Object(mut document) = config.document().clone() else {
            findings.add("document", "must be an object with `provider` and, if wanted, `layers`");
            return (Map::new(), findings);
        };
        for (key, value) in &mut document {
            secrets::resolve(value, self.env.as_ref(), key, &mut findings);
        }
        self.check_frame(&document, &mut findings);
        (document, findings)
    }

    /// What the registry's runtime lends.
    fn lend(&self, transport: &Value, findings: &mut Findings) -> Option<Lent> {
        let runtime = self.runtime.as_ref()?;
        let stores = Stores::new(Arc::new(Stopped));
        let cx = Build { registry: self, stores: &stores, path: "", findings: &RefCell::default() };
        runtime.make(transport.clone(), cx, "transport", findings)
    }

    /// Builds all parts of a client, and keeps those of `before` that are the same.
    fn plan(&self, document: &Map<String, Value>, before: &Stores, mut findings: Findings) -> Result<Plan> {
        if findings.below("document") {
            return Err(findings.into_error());
        }
        let inner = RefCell::default();
        let mut stores = before.renewed();
        for (name, document) in document.get("stores").and_then(Value::as_object).into_iter().flatten() {
            let cx = Build { registry: self, stores: before, path: "", findings: &inner };
            let path = join("stores", name);
            let built = match before.built(name, document) {
                None => cx.store_entry(document, &path, &mut findings),
                same => same,
            };
            match built {
                _ if name == MEMORY => {
                    findings.add(&path, "is the store that is always there; take another name")
                }
                Some(store) => stores.insert(name, document.clone(), store),
                None => {}
            }
        }
        let cx = Build { registry: self, stores: &stores, path: "", findings: &inner };
        let routes = |layer: &Value| layer.get("type").and_then(Value::as_str) == Some("route");
        let layers = document.get("layers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let provider = match document.get("provider") {
            Some(provider) => cx.provider(provider, "provider", &mut findings),
            None if layers.iter().any(routes) => Some(Nowhere.into()),
            None => {
                let known = names(&self.providers);
                findings.add(
                    "provider",
                    format!("is missing, and no `route` names targets; known types: {known}"),
                );
                None
            }
        };
        let as_written = document.get("order").and_then(Value::as_str) == Some("as_written");
        let built = cx.layers(layers, "layers", &mut findings);
        if !as_written {
            order::check(layers, "layers", &mut findings);
        }
        let streams = document.get("streams");
        let streams =
            streams.and_then(|streams| self.streams.make(streams.clone(), cx, "streams", &mut findings));
        match provider {
            Some(provider) if findings.is_empty() => {
                Plan { pipeline: layers_around(provider, built), streams, stores }.checked()
            }
            _ => Err(findings.into_error()),
        }
    }

    /// Checks the keys of the document itself.
    fn check_frame(&self, document: &Map<String, Value>, findings: &mut Findings) {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "version": { "type": "integer", "const": 1 },
                "provider": {},
                "layers": { "type": "array" },
                "order": { "type": "string", "enum": ["canonical", "as_written"] },
                "transport": {},
                "streams": {},
                "stores": { "type": "object" },
            },
        });
        check(&Value::Object(document.clone()), &schema, &schema, "", findings);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("providers", &self.providers.keys().collect::<Vec<_>>())
            .field("layers", &self.layers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn transport_of(document: &Map<String, Value>) -> Value {
    document.get("transport").cloned().unwrap_or_else(|| json!({}))
}

/// The clock of a client that is never built, because its runtime has a fault.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Instant {
        Instant::default()
    }

    fn boot(&self) -> Instant {
        Instant::default()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
