//! The recorded exchanges of all wires.
//!
//! They are not part of this repository. Where they are absent the tests say so and pass.

use std::path::PathBuf;

use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use serde_json::Value;

use crate::support::{Read, head};

/// One recorded exchange.
pub(crate) struct Row {
    /// What was recorded beside the answer. `request` is what was sent, also where it stood in a file; else null.
    pub(crate) facts: Value,
    /// The answer's bytes.
    pub(crate) body: Vec<u8>,
}

/// The recordings of these endpoints, which are at least so many; `None`, with a word about it, where they are absent.
pub(crate) fn rows(endpoints: &[&str], least: usize) -> Option<Vec<Row>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/providers"));
    let Ok(index) = std::fs::read_to_string(folder.join("index.jsonl")) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let rows = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = rows.filter(|facts| endpoints.contains(&facts["endpoint"].as_str().unwrap()));
    let row = |mut facts: Value| {
        if let Some(file) = facts["request_file"].as_str() {
            facts["request"] = serde_json::from_slice(&read(file)).unwrap();
        }
        Row { body: read(facts["raw"].as_str().unwrap()), facts }
    };
    let rows: Vec<Row> = ours.map(row).collect();
    assert!(rows.len() >= least, "{} rows", rows.len());
    Some(rows)
}

impl Row {
    pub(crate) fn id(&self) -> &str {
        self.facts["id"].as_str().unwrap()
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.facts["stream"] == true
    }

    /// What a request was, as far as reading its answer asks for it.
    pub(crate) fn asked(&self) -> Request {
        let mut request = Request::from("hi");
        request.stream = self.is_stream();
        if self.facts["endpoint"] == "embeddings" {
            request.operation = Operation::Embed;
        }
        request
    }

    pub(crate) fn head(&self) -> http::response::Parts {
        let headers = self.facts["response_headers"].as_object().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        head(u16::try_from(self.facts["status"].as_u64().unwrap()).unwrap(), headers)
    }

    /// Reads the answer when it comes in these pieces.
    pub(crate) fn read(&self, provider: &dyn Provider, pieces: &[&[u8]]) -> Read {
        Read::new(provider, &self.asked(), &self.head(), pieces.iter().copied())
    }
}
