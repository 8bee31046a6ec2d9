//! The stores of a client, by the names its document gives them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use smol_str::SmolStr;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{MemoryStore, Store};

/// The name of the store that is always there: of this process, in memory.
pub const MEMORY: &str = "memory";

/// The stores of a client, by name. A reload keeps those whose documents are the same, and what they hold.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    memory: Arc<dyn Store>,
    named: BTreeMap<SmolStr, (Value, Arc<dyn Store>)>,
}

impl Stores {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Stores { memory: Arc::new(MemoryStore::new(clock)), named: BTreeMap::new() }
    }

    /// The same memory, and none of the named ones.
    pub(super) fn renewed(&self) -> Self {
        Stores { memory: self.memory.clone(), named: BTreeMap::new() }
    }

    /// The store that was built from this very document under this name.
    pub(super) fn built(&self, name: &str, document: &Value) -> Option<Arc<dyn Store>> {
        self.named.get(name).filter(|(known, _)| known == document).map(|(_, store)| store.clone())
    }

    pub(super) fn insert(&mut self, name: &str, document: Value, store: Arc<dyn Store>) {
        self.named.insert(name.into(), (document, store));
    }

    /// The store of this name; absent: memory.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists the known names.
    pub(super) fn get(&self, name: Option<&str>) -> Result<Arc<dyn Store>> {
        match name {
            None | Some(MEMORY) => Ok(self.memory.clone()),
            Some(name) => self.named.get(name).map(|(_, store)| store.clone()).ok_or_else(|| {
                let known: Vec<&str> =
                    [MEMORY].into_iter().chain(self.named.keys().map(SmolStr::as_str)).collect();
                let message = format!("store: no store `{name}` in `stores`; known: {}", known.join(", "));
                Error::new(ErrorKind::ConfigInvalid, message)
            }),
        }
    }
}
