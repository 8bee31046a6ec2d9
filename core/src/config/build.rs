//! What the building of one entry has at hand besides the entry's own document.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::check::join;
use super::entry::Entry;
use super::{Findings, Registry, Stores};
use crate::error::{Error, ErrorKind, Result};
use crate::layer::Layer;
use crate::pipeline::Pipeline;
use crate::service::Stack;
use crate::store::Store;

/// What the building of one entry has at hand besides the entry's own document: the environment, the stores, and
/// other entries.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    pub(super) registry: &'a Registry,
    pub(super) stores: &'a Stores,
    pub(super) path: &'a str,
    /// What is wrong with entries inside this one.
    pub(super) findings: &'a RefCell<Findings>,
}

impl Build<'_> {
    /// An environment variable, when it is set and not empty.
    pub fn env(&self, name: &str) -> Option<String> {
        (self.registry.env)(name).filter(|text| !text.is_empty())
    }

    /// The store of this name in the document's `stores`; absent: memory, of this client.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists the known names.
    pub fn store(&self, name: Option<&str>) -> Result<Arc<dyn Store>> {
        self.stores.get(name)
    }

    /// A provider and the layers around it, from their documents at `at` (`targets[0]`) of this entry.
    ///
    /// # Errors
    /// `ConfigInvalid`. What is wrong is reported with its own path, beside all other faults of the document.
    pub fn pipeline(&self, at: &str, provider: &Value, layers: &[Value]) -> Result<Pipeline> {
        let path = join(self.path, at);
        let mut findings = self.findings.borrow_mut();
        let provider = self.provider(provider, &join(&path, "provider"), &mut findings);
        let layers = self.layers(layers, &join(&path, "layers"), &mut findings);
        match provider {
            Some(provider) if findings.is_empty() => Ok(layers_around(provider, layers)),
            _ => Err(Error::new(ErrorKind::ConfigInvalid, format!("{at}: is not valid"))),
        }
    }
}

/// Building of entries.
impl Build<'_> {
    pub(super) fn provider(self, document: &Value, path: &str, findings: &mut Findings) -> Option<Stack> {
        let Registry { providers, host_providers, .. } = self.registry;
        let kinds = Kinds { what: "provider", entries: providers, host: host_providers };
        kinds.make(document, self, path, findings)
    }

    pub(super) fn layers(
        self,
        documents: &[Value],
        path: &str,
        findings: &mut Findings,
    ) -> Vec<Arc<dyn Layer>> {
        let Registry { layers, host_layers, .. } = self.registry;
        let kinds = Kinds { what: "layer", entries: layers, host: host_layers };
        let make = |(i, layer)| kinds.make(layer, self, &format!("{path}[{i}]"), findings);
        documents.iter().enumerate().filter_map(make).collect()
    }

    pub(super) fn store_entry(
        self,
        document: &Value,
        path: &str,
        findings: &mut Findings,
    ) -> Option<Arc<dyn Store>> {
        let Registry { stores, .. } = self.registry;
        let kinds = Kinds { what: "store", entries: stores, host: &BTreeMap::new() };
        kinds.make(document, self, path, findings)
    }
}

pub(super) fn layers_around(provider: Stack, layers: Vec<Arc<dyn Layer>>) -> Pipeline {
    let mut pipeline = Pipeline::new(provider);
    layers.into_iter().for_each(|layer| pipeline.push(layer));
    pipeline
}

impl fmt::Debug for Build<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Build")
    }
}

/// What a `type` may name: entries, and things of the host language.
struct Kinds<'a, T> {
    what: &'static str,
    entries: &'a BTreeMap<SmolStr, Entry<T>>,
    host: &'a BTreeMap<SmolStr, T>,
}

impl<T: Clone> Kinds<'_, T> {
    fn make(&self, document: &Value, cx: Build<'_>, path: &str, findings: &mut Findings) -> Option<T> {
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

pub(super) fn names<T>(entries: &BTreeMap<SmolStr, Entry<T>>) -> String {
    match entries.is_empty() {
        true => "none in this build".to_owned(),
        false => entries.keys().map(SmolStr::as_str).collect::<Vec<_>>().join(", "),
    }
}
