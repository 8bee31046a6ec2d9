//! Cassettes: recorded exchanges with real services, to be replayed without them.
//!
//! A [`Recorder`] wraps the lent network and keeps every exchange, byte by byte and with its times; a [`Replay`] is
//! a network that gives them again. [`CassetteLayer`] puts either into a client. A cassette never holds a secret:
//! what is known to be one is replaced ([`Scrub`]), and what still looks like one is refused ([`Cassette::save`]).
//!
//! ```
//! use belvedere_core::testing::cassette::Cassette;
//!
//! let cassette = Cassette::from_json(r#"{"cassette": 1, "exchanges": []}"#)?;
//! assert!(cassette.exchanges.is_empty());
//! # Ok::<(), belvedere_core::Error>(())
//! ```

mod form;
mod layer;
mod matching;
mod record;
mod replay;
mod scrub;
mod tape;
#[cfg(test)]
mod tests;
mod text;
mod verify;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::secrets;

pub use form::{Answered, Chunk, Content, Ending, Exchange, How, Sent};
pub use layer::{CassetteLayer, Mode};
pub use matching::{Compare, Matching};
pub use record::Recorder;
pub(super) use record::{Heard, Listener};
pub use replay::{Pace, Replay};
pub use scrub::{SCRUBBED, Scrub};
pub(super) use tape::Taped;
pub use verify::verify;

/// The version of the form. A file of another version is refused.
pub const VERSION: u32 = 1;

/// Recorded exchanges, in the order their requests were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cassette {
    /// The version of the form, [`VERSION`].
    pub cassette: u32,
    /// What it is about, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The exchanges.
    pub exchanges: Vec<Exchange>,
}

impl Default for Cassette {
    fn default() -> Self {
        Cassette { cassette: VERSION, note: String::new(), exchanges: Vec::new() }
    }
}

impl Cassette {
    /// Reads the text of a cassette.
    ///
    /// # Errors
    /// `InvalidRequest` with line and column, or naming the versions, when it is none.
    pub fn from_json(text: &str) -> Result<Self> {
        let invalid = |what: String| Error::new(ErrorKind::InvalidRequest, format!("cassette: {what}"));
        let version = serde_json::from_str::<Value>(text).ok().and_then(|v| v.get("cassette")?.as_u64());
        if let Some(other) = version.filter(|version| *version != u64::from(VERSION)) {
            return Err(invalid(format!("version {other} is not known; this build reads version {VERSION}")));
        }
        serde_json::from_str(text).map_err(|e| invalid(e.to_string()))
    }

    /// The text of the cassette, made for people and for `diff`.
    ///
    /// # Errors
    /// `Blocked` when something in it looks like a secret: its path and its kind, never itself.
    pub fn to_json(&self) -> Result<String> {
        let value = serde_json::to_value(self)
            .map_err(|e| Error::new(ErrorKind::Unexpected, "cassette: can't be written").with_source(e))?;
        let mut found = Vec::new();
        search(&value, "", &mut found);
        self.search_bodies(&mut found);
        if !found.is_empty() {
            found.sort();
            found.dedup();
            let help = "scrub it (Scrub::fields, Scrub::texts) or record without it";
            let what =
                format!("cassette: what looks like a secret is not written: {}; {help}", found.join(", "));
            return Err(Error::new(ErrorKind::Blocked, what));
        }
        let mut text = String::new();
        pretty(&value, 0, &mut text);
        text.push('\n');
        Ok(text)
    }

    /// Reads a cassette file.
    ///
    /// # Errors
    /// `ConfigInvalid` when the file can't be read; as [`Cassette::from_json`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|e| file_fault(path, e))?;
        Cassette::from_json(&text).map_err(|e| e.with("file", path.display().to_string()))
    }

    /// Writes a cassette file. Nothing is written when it is refused.
    ///
    /// # Errors
    /// As [`Cassette::to_json`], and `ConfigInvalid` when the file can't be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = self.to_json().map_err(|e| e.with("file", path.display().to_string()))?;
        std::fs::write(path, text).map_err(|e| file_fault(path, e))
    }

    /// Bodies are searched whole: a secret may lie across two chunks, or across two lines of the file.
    fn search_bodies(&self, found: &mut Vec<String>) {
        for (i, exchange) in self.exchanges.iter().enumerate() {
            let mut body = |path: String, bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes);
                found.extend(secrets::find(&text).into_iter().map(|f| format!("{path} ({})", f.kind)));
            };
            body(format!("exchanges[{i}].request.body"), &exchange.request.body.0);
            if let Some(response) = &exchange.response {
                let all: Vec<u8> =
                    response.chunks.iter().flat_map(|chunk| chunk.body.0.iter().copied()).collect();
                body(format!("exchanges[{i}].response.chunks"), &all);
            }
        }
    }
}

fn file_fault(path: &Path, e: std::io::Error) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("cassette: {}", e.kind()))
        .with("file", path.display().to_string())
}

/// Searches every text for secrets. Bodies are searched apart.
fn search(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            found.extend(secrets::find(text).into_iter().map(|f| format!("{path} ({})", f.kind)));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| search(item, &format!("{path}[{i}]"), found));
        }
        Value::Object(map) => {
            for (name, value) in map.iter().filter(|(name, _)| *name != "body" && *name != "chunks") {
                let dot = if path.is_empty() { "" } else { "." };
                // A header's name introduces its value.
                let introduced = value.as_str().map(|text| format!("{name}: {text}"));
                match introduced.as_deref().map(secrets::find).unwrap_or_default().first() {
                    Some(f) => found.push(format!("{path}{dot}{name} ({})", f.kind)),
                    None => search(value, &format!("{path}{dot}{name}"), found),
                }
            }
        }
        _ => {}
    }
}

/// Values shorter than this stand on one line, in bytes.
const LINE: usize = 90;

/// The names of a cassette in the order people read them; all others follow by name.
const NAMES: [&str; 15] = [
    "cassette",
    "note",
    "exchanges",
    "request",
    "response",
    "end",
    "expected",
    "method",
    "url",
    "at_us",
    "status",
    "how",
    "headers",
    "body",
    "chunks",
];

/// JSON with two spaces a level, in which what fits stands on one line.
fn pretty(value: &Value, depth: usize, out: &mut String) {
    let compact = value.to_string();
    let place = |name: &str| NAMES.iter().position(|known| *known == name).unwrap_or(NAMES.len());
    let mut members: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().map(|item| (String::new(), item)).collect(),
        Value::Object(map) => map.iter().map(|(name, v)| (name.clone(), v)).collect(),
        _ => Vec::new(),
    };
    members.sort_by_key(|(name, _)| place(name));
    if members.is_empty() || compact.len() < LINE {
        return out.push_str(&compact);
    }
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    out.push(open);
    for (i, (name, member)) in members.into_iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        if value.is_object() {
            out.push_str(&format!("{}: ", Value::from(name)));
        }
        pretty(member, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}
