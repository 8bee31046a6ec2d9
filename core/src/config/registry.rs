//! What a document may name, and how each is built.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::check::{check, join};
use super::{Config, Findings, order, secrets};
use crate::client::Client;
use crate::context::Lent;
use crate::error::{Error, ErrorKind, Result};
use crate::layer::Layer;
use crate::pause::PausePolicy;
use crate::service::Stack;
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
    host_providers: BTreeMap<SmolStr, Stack>,
    host_layers: BTreeMap<SmolStr, Arc<dyn Layer>>,
    env: Arc<Env>,
}

/// Looks up an environment variable.
type Env = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What building has at hand besides the entry's own document.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    env: &'a Env,
}

impl Build<'_> {
    /// An environment variable, when it is set and not empty.
    pub fn env(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Build<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Build")
    }
}

type BuildFn<T> = dyn Fn(Value, &Build<'_>, &str, &mut Findings) -> Option<T> + Send + Sync;

/// One name: the schema of its document, and how it is built.
pub(super) struct Entry<T> {
    pub(super) schema: Value,
    build: Box<BuildFn<T>>,
}

impl<T> Entry<T> {
    fn new<C: DeserializeOwned + JsonSchema>(
        build: impl Fn(C, &Build<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.meta_schema = None;
        let schema = settings.into_generator().into_root_schema_for::<C>().to_value();
        let read = move |value: Value, cx: &Build<'_>, path: &str, findings: &mut Findings| {
            let config = match serde_path_to_error::deserialize::<_, C>(value) {
                Ok(config) => config,
                Err(e) => {
                    let at = match e.path().to_string().as_str() {
                        "." => path.to_owned(),
                        inner => join(path, inner),
                    };
                    findings.add(&at, e.into_inner().to_string());
                    return None;
                }
            };
            let fault = |e: Error| match field_of(e.message()) {
                Some((field, what)) => findings.add(&join(path, field), what),
                None => findings.add(path, e.message()),
            };
            build(config, cx).map_err(fault).ok()
        };
        Entry { schema, build: Box::new(read) }
    }

    /// Checks the document and, when nothing is wrong, builds from it.
    fn make(&self, document: Value, cx: &Build<'_>, path: &str, findings: &mut Findings) -> Option<T> {
        let mut found = Findings::default();
        check(&document, &self.schema, &self.schema, path, &mut found);
        findings.append(found);
        // With a fault in it, a missing secret for one, building would only report the same fault again.
        if findings.below(path) {
            return None;
        }
        (self.build)(document, cx, path, findings)
    }
}

/// The field that a fault names by `field: what is wrong`.
fn field_of(message: &str) -> Option<(&str, &str)> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    message.split_once(": ").filter(|(field, _)| !field.is_empty() && field.chars().all(is_path))
}

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
        let (plan, findings) = self.plan(config, true);
        findings.into_result()?;
        match (plan.provider, plan.lent) {
            (Some(provider), Some(lent)) => assemble(provider, plan.layers, lent, plan.streams),
            _ => Err(Error::new(
                ErrorKind::ConfigInvalid,
                "transport: this registry has no runtime to lend one",
            )),
        }
    }

    /// Builds a client from a document, with `lent` instead of a runtime of the registry.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists everything that is wrong, each with its path and what is allowed.
    pub fn client_with(&self, config: &Config, lent: Lent) -> Result<Client> {
        let (plan, findings) = self.plan(config, false);
        findings.into_result()?;
        match plan.provider {
            Some(provider) => assemble(provider, plan.layers, lent, plan.streams),
            None => Err(Error::new(ErrorKind::ConfigInvalid, "provider: is missing")),
        }
    }

    fn plan(&self, config: &Config, with_runtime: bool) -> (Plan, Findings) {
        let mut findings = Findings::default();
        let mut plan = Plan::default();
        let mut document = match config.document() {
            Value::Object(map) => map.clone(),
            _ => {
                findings.add("document", "must be an object with `provider` and, if wanted, `layers`");
                return (plan, findings);
            }
        };
        for (key, value) in &mut document {
            secrets::resolve(value, self.env.as_ref(), key, &mut findings);
        }
        let cx = Build { env: self.env.as_ref() };
        self.check_frame(&document, &mut findings);
        match document.get("provider") {
            Some(provider) => {
                let kinds = Kinds { what: "provider", entries: &self.providers, host: &self.host_providers };
                plan.provider = kinds.make(provider, &cx, "provider", &mut findings);
            }
            None => findings.add("provider", format!("is missing; known types: {}", names(&self.providers))),
        }
        let kinds = Kinds { what: "layer", entries: &self.layers, host: &self.host_layers };
        for (i, layer) in document.get("layers").and_then(Value::as_array).into_iter().flatten().enumerate() {
            plan.layers.extend(kinds.make(layer, &cx, &format!("layers[{i}]"), &mut findings));
        }
        if let Some(streams) = document.get("streams") {
            plan.streams = self.streams.make(streams.clone(), &cx, "streams", &mut findings);
        }
        if let Some(runtime) = self.runtime.as_ref().filter(|_| with_runtime) {
            let transport = document.get("transport").cloned().unwrap_or_else(|| json!({}));
            plan.lent = runtime.make(transport, &cx, "transport", &mut findings);
        }
        (plan, findings)
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
            },
        });
        check(&Value::Object(document.clone()), &schema, &schema, "", findings);
        let as_written = document.get("order").and_then(Value::as_str) == Some("as_written");
        if let (Some(Value::Array(layers)), false) = (document.get("layers"), as_written) {
            order::check(layers, "layers", findings);
        }
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

/// The parts of a client, as far as they could be built.
#[derive(Default)]
struct Plan {
    provider: Option<Stack>,
    layers: Vec<Arc<dyn Layer>>,
    lent: Option<Lent>,
    streams: Option<Streams>,
}

fn assemble(
    provider: Stack,
    layers: Vec<Arc<dyn Layer>>,
    lent: Lent,
    streams: Option<Streams>,
) -> Result<Client> {
    let client = layers.into_iter().fold(Client::new(provider, lent), Client::shared_layer);
    let Some(streams) = streams else { return Ok(client) };
    if streams.pause == PausePolicy::Checkpoint && !client.info().resumes {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            "streams.pause: `checkpoint` needs the `repair` layer, which goes on with it; add it to `layers`",
        ));
    }
    Ok(client.with_streams(streams, None))
}

/// What a `type` may name: entries, and things of the host language.
struct Kinds<'a, T> {
    what: &'static str,
    entries: &'a BTreeMap<SmolStr, Entry<T>>,
    host: &'a BTreeMap<SmolStr, T>,
}

impl<T: Clone> Kinds<'_, T> {
    fn make(&self, document: &Value, cx: &Build<'_>, path: &str, findings: &mut Findings) -> Option<T> {
        let Value::Object(map) = document else {
            findings
                .add(path, format!("must be an object with a `type`; known types: {}", names(self.entries)));
            return None;
        };
        let mut map = map.clone();
        let kind = match map.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => {
                findings
                    .add(&join(path, "type"), format!("is missing; known types: {}", names(self.entries)));
                return None;
            }
        };
        if kind == "host" {
            return self.of_host(&map, path, findings);
        }
        match self.entries.get(kind.as_str()) {
            Some(entry) => entry.make(Value::Object(map), cx, path, findings),
            None => {
                let what = format!("unknown {} `{kind}`; known: {}", self.what, names(self.entries));
                findings.add(&join(path, "type"), what);
                None
            }
        }
    }

    fn of_host(&self, map: &Map<String, Value>, path: &str, findings: &mut Findings) -> Option<T> {
        let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
        let found = self.host.get(name).cloned();
        if found.is_none() {
            let known = match self.host.is_empty() {
                true => "none".to_owned(),
                false => self.host.keys().map(SmolStr::as_str).collect::<Vec<_>>().join(", "),
            };
            findings.add(
                &join(path, "name"),
                format!("no {} of the host has this name; known: {known}", self.what),
            );
        }
        found
    }
}

fn names<T>(entries: &BTreeMap<SmolStr, Entry<T>>) -> String {
    match entries.is_empty() {
        true => "none in this build".to_owned(),
        false => entries.keys().map(SmolStr::as_str).collect::<Vec<_>>().join(", "),
    }
}
