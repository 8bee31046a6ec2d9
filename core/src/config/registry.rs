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
use crate::service::Stack;

/// What configuration documents may name: providers, layers, the runtime that lends, and things of the host
/// language by name.
///
/// A registry is a value, not a global: two of them don't know each other.
pub struct Registry {
    providers: BTreeMap<SmolStr, Entry<Stack>>,
    layers: BTreeMap<SmolStr, Entry<Arc<dyn Layer>>>,
    runtime: Option<Entry<Lent>>,
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
struct Entry<T> {
    schema: Value,
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
            (Some(provider), Some(lent)) => Ok(assemble(provider, plan.layers, lent)),
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
            Some(provider) => Ok(assemble(provider, plan.layers, lent)),
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
            },
        });
        check(&Value::Object(document.clone()), &schema, &schema, "", findings);
        let as_written = document.get("order").and_then(Value::as_str) == Some("as_written");
        if let (Some(Value::Array(layers)), false) = (document.get("layers"), as_written) {
            order::check(layers, "layers", findings);
        }
    }

    /// The JSON Schema of the documents this registry builds from: for editors, for the types of other languages,
    /// and for the table in the documentation.
    pub fn schema(&self) -> Value {
        let mut definitions = Map::new();
        let mut one_of = |what: &str, entries: Vec<(&SmolStr, &Value)>| {
            let refs: Vec<Value> = entries
                .into_iter()
                .map(|(name, schema)| {
                    let key = format!("{what}_{name}");
                    let entry = tagged(name, schema, &key, &mut definitions);
                    definitions.insert(key.clone(), entry);
                    json!({ "$ref": format!("#/$defs/{key}") })
                })
                .collect();
            json!({ "oneOf": refs })
        };
        let provider = one_of("provider", self.providers.iter().map(|(n, e)| (n, &e.schema)).collect());
        let layer = one_of("layer", self.layers.iter().map(|(n, e)| (n, &e.schema)).collect());
        let mut properties = json!({
            "version": { "const": 1, "description": "The version of this form." },
            "provider": provider,
            "layers": { "type": "array", "items": layer, "description": "Outermost first." },
            "order": {
                "enum": ["canonical", "as_written"],
                "description": "as_written: take the layers in any order.",
            },
        });
        if let (Some(runtime), Value::Object(map)) = (&self.runtime, &mut properties) {
            map.insert("transport".into(), lift(&runtime.schema, "transport", &mut definitions));
        }
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Belvedere configuration",
            "type": "object",
            "required": ["provider"],
            "additionalProperties": false,
            "properties": properties,
            "$defs": definitions,
        })
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
}

fn assemble(provider: Stack, layers: Vec<Arc<dyn Layer>>, lent: Lent) -> Client {
    layers.into_iter().fold(Client::new(provider, lent), Client::shared_layer)
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

/// A schema with its `type` tag.
fn tagged(name: &str, schema: &Value, key: &str, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = lift(schema, key, definitions);
    if let Value::Object(map) = &mut schema {
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(properties) = properties {
            properties.insert("type".into(), json!({ "const": name }));
        }
        let required = map.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(required) = required {
            required.insert(0, json!("type"));
        }
    }
    schema
}

/// Moves a schema's own definitions to those of the whole, under names that do not meet.
fn lift(schema: &Value, key: &str, definitions: &mut Map<String, Value>) -> Value {
    let text = schema.to_string().replace("\"#/$defs/", &format!("\"#/$defs/{key}_"));
    let mut schema: Value = serde_json::from_str(&text).unwrap_or_default();
    if let Value::Object(map) = &mut schema
        && let Some(Value::Object(own)) = map.remove("$defs")
    {
        definitions.extend(own.into_iter().map(|(name, definition)| (format!("{key}_{name}"), definition)));
    }
    schema
}
