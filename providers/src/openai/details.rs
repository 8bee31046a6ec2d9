//! OpenRouter's `reasoning_details`: gathered from a stream, and carried back as they were.
//!
//! "Reasoning tokens" (OpenRouter's guide): entries must go back unmodified and in order; in a stream the pieces of
//! one entry share its index.

use serde_json::{Map, Value, json};

use super::wire::Detail;

/// The kind of the opaque part that carries them.
pub(crate) const KIND: &str = "reasoning_details";

/// The entries so far.
#[derive(Debug, Default)]
pub(crate) struct Details(Vec<Entry>);

/// One entry; empty fields are absent ones.
#[derive(Debug, Default)]
struct Entry {
    kind: String,
    id: String,
    format: String,
    index: Option<u32>,
    text: String,
    summary: String,
    data: String,
    signature: String,
}

impl Details {
    /// Adds a piece to the entry it belongs to.
    pub(crate) fn add(&mut self, piece: &Detail<'_>) {
        let same = |e: &Entry| e.kind == piece.kind.0 && e.index == piece.index.0;
        let entry = match self.0.iter().rposition(same).and_then(|at| self.0.get_mut(at)) {
            Some(entry) => entry,
            None => {
                let fresh =
                    Entry { kind: piece.kind.0.to_string(), index: piece.index.0, ..Entry::default() };
                self.0.push(fresh);
                let Some(entry) = self.0.last_mut() else { return };
                entry
            }
        };
        // Names stand in every piece, texts come bit by bit.
        for (have, new) in [(&mut entry.id, &piece.id), (&mut entry.format, &piece.format)] {
            if have.is_empty() {
                have.push_str(&new.0);
            }
        }
        for (have, new) in [
            (&mut entry.text, &piece.text),
            (&mut entry.summary, &piece.summary),
            (&mut entry.data, &piece.data),
            (&mut entry.signature, &piece.signature),
        ] {
            have.push_str(&new.0);
        }
    }

    /// The entries as they go back; `None` when they say no more than the text of the reasoning does.
    pub(crate) fn opaque(&self) -> Option<Value> {
        self.0
            .iter()
            .any(|e| [&e.data, &e.signature, &e.summary].iter().any(|text| !text.is_empty()))
            .then(|| self.0.iter().map(Entry::value).collect())
    }
}

impl Entry {
    fn value(&self) -> Value {
        let mut map = Map::new();
        let texts = [
            ("type", &self.kind),
            ("id", &self.id),
            ("format", &self.format),
            ("text", &self.text),
            ("summary", &self.summary),
            ("data", &self.data),
            ("signature", &self.signature),
        ];
        for (name, text) in texts {
            if !text.is_empty() {
                map.insert(name.into(), json!(text));
            }
        }
        if let Some(index) = self.index {
            map.insert("index".into(), json!(index));
        }
        Value::Object(map)
    }
}
