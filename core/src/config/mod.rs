//! Configuration is the client: one document, the same keys in YAML, TOML and JSON, builds the same pipeline in
//! every language.
//!
//! ```yaml
//! version: 1
//! provider: { type: openai, model: gpt-5-mini, api_key: { env: OPENAI_API_KEY } }
//! layers:
//!   - { type: timeout, first_event: 30s, idle: 20s, total: 5m }
//! ```
//!
//! All faults of a document are reported at once, each with its path and what is allowed there.

mod build;
mod check;
mod entry;
mod mask;
mod order;
mod plan;
mod registry;
mod schema;
mod secrets;
mod stores;
mod watch;

use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

pub use build::Build;
pub use order::ORDER;
pub(crate) use plan::Plan;
pub use registry::Registry;
pub use schema::{LayerDocument, ProviderDocument};
pub use stores::MEMORY;
pub(crate) use stores::Stores;
pub use watch::Watch;

/// A configuration document, read but not yet checked: [`Registry::client`] does that.
#[derive(Clone, PartialEq)]
pub struct Config {
    document: Value,
}

/// A document may hold a secret in plain text: only its keys print.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.document.as_object().into_iter().flat_map(|map| map.keys()).collect();
        f.debug_struct("Config").field("keys", &keys).finish_non_exhaustive()
    }
}

impl From<Value> for Config {
    fn from(document: Value) -> Self {
        Config { document }
    }
}

impl Config {
    /// Reads JSON text.
    ///
    /// # Errors
    /// `ConfigInvalid` with line and column; the text is not quoted.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str::<Value>(text)
            .map(Config::from)
            .map_err(|e| unreadable("JSON", &crate::message::json_fault(&e)))
    }

    /// Reads YAML text.
    ///
    /// # Errors
    /// `ConfigInvalid` with line and column; the text is not quoted.
    #[cfg(feature = "yaml")]
    pub fn from_yaml(text: &str) -> Result<Self> {
        serde_saphyr::from_str::<Value>(text).map(Config::from).map_err(|e| {
            let place = e.location().map(|l| format!("at line {} column {}", l.line(), l.column()));
            unreadable("YAML", &format!("not readable {}", place.unwrap_or_default()))
        })
    }

    /// Reads TOML text.
    ///
    /// # Errors
    /// `ConfigInvalid` with the line; the text is not quoted.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str::<Value>(text).map(Config::from).map_err(|e| {
            let before = e.span().and_then(|span| text.get(..span.start));
            let line = before.map(|b| b.matches('\n').count() + 1);
            unreadable(
                "TOML",
                &format!("{} {}", e.message(), line.map(|l| format!("at line {l}")).unwrap_or_default()),
            )
        })
    }

    /// Reads a file; its ending says what it is: `.yaml`, `.yml`, `.toml` or `.json`.
    ///
    /// # Errors
    /// `ConfigInvalid` when it can't be read, has another ending, or is not readable as what it says.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let at = |error: Error| error.with("file", path.display().to_string());
        let text = std::fs::read_to_string(path)
            .map_err(|e| at(Error::new(ErrorKind::ConfigInvalid, "the file can't be read").with_source(e)))?;
        match path.extension().and_then(|e| e.to_str()) {
            Some("json") => Config::from_json(&text),
            #[cfg(feature = "yaml")]
            Some("yaml" | "yml") => Config::from_yaml(&text),
            #[cfg(feature = "toml")]
            Some("toml") => Config::from_toml(&text),
            _ => {
                let known =
                    [("json", true), ("yaml", cfg!(feature = "yaml")), ("toml", cfg!(feature = "toml"))];
                let known: Vec<&str> = known.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
                let what = format!("unknown file ending; this build reads: {}", known.join(", "));
                Err(Error::new(ErrorKind::ConfigInvalid, what))
            }
        }
        .map_err(at)
    }

    /// The document.
    pub fn document(&self) -> &Value {
        &self.document
    }
}

fn unreadable(form: &str, what: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("the document is not {form}: {}", what.trim_end()))
}

/// What is wrong with a document, each with its path.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<(String, String)>);

impl Findings {
    fn add(&mut self, path: &str, what: impl Into<String>) {
        self.0.push((path.to_owned(), what.into()));
    }

    fn append(&mut self, mut other: Findings) {
        self.0.append(&mut other.0);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when something was found at `path` or below it.
    fn below(&self, path: &str) -> bool {
        self.paths().any(|found| is_below(found, path))
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(path, _)| path.as_str())
    }

    /// One error that lists everything.
    fn into_error(self) -> Error {
        let mut lines: Vec<String> =
            self.0.into_iter().map(|(path, what)| format!("{path}: {what}")).collect();
        lines.dedup();
        let message = match lines.as_slice() {
            [one] => one.clone(),
            many => format!("{} faults\n  {}", many.len(), many.join("\n  ")),
        };
        Error::new(ErrorKind::ConfigInvalid, message)
    }
}

/// Whether a path is another one, or stands below it.
fn is_below(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod value_tests;

#[cfg(test)]
mod reload_tests;
