//! Streams to cut: those recorded from servers, and our own cassettes.

use std::path::Path;
use std::sync::Arc;

use belvedere::http::Limits;
use belvedere::providers::wire;
use belvedere::reader::{self, Reader};
use belvedere::wire::{Framing, Provider};
use belvedere::{Event, Request};
use serde_json::Value;

/// A recorded stream.
#[derive(Debug)]
pub struct Recording {
    /// Its file, below the folder it was found in.
    pub name: String,
    /// How it is cut into frames.
    pub framing: Framing,
    /// Its bytes.
    pub body: Vec<u8>,
    /// The name of its wire.
    pub endpoint: String,
    /// The provider it was recorded from.
    pub host: String,
    /// What was noted of it, such as `req:json_schema`.
    pub features: Vec<String>,
    /// The wire it speaks; `None` when this build does not have it.
    wire: Option<Arc<dyn Provider>>,
}

/// What came of a stream.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// Its events.
    pub events: Vec<Event>,
    /// The error it ends in.
    pub error: Option<String>,
}

impl Recording {
    /// The streams that an index lists: one JSON object a line, with `raw`, the file beside the index, `endpoint`,
    /// the wire, and `provider`.
    ///
    /// # Errors
    /// The file that can't be read, or the line that is no JSON.
    pub fn listed(index: &Path) -> Result<Vec<Recording>, String> {
        let folder = index.parent().unwrap_or(Path::new("."));
        let text = std::fs::read_to_string(index).map_err(|e| format!("{}: {e}", index.display()))?;
        let mut all = Vec::new();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).map_err(|e| format!("{}: {e}", index.display()))?;
            let field = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
            if row.get("stream") == Some(&Value::Bool(true)) && row.get("status") == Some(&Value::from(200)) {
                let host = field("provider").trim_start_matches("compat_");
                let mut recording = Recording::read(folder, field("raw"), field("endpoint"), host)?;
                let noted = row.get("features").and_then(Value::as_array).into_iter().flatten();
                recording.features = noted.filter_map(|noted| Some(noted.as_str()?.to_owned())).collect();
                all.push(recording);
            }
        }
        Ok(all)
    }

    /// The streams among our own cassettes: in `folder`, one folder for each wire.
    ///
    /// # Errors
    /// What can't be read.
    pub fn cassettes(folder: &Path) -> Result<Vec<Recording>, String> {
        let mut all = Vec::new();
        for (wire, host) in [("openai.chat", "openai"), ("anthropic.messages", "anthropic")] {
            let folder = folder.join(host);
            let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            for name in names.filter(|name| name.ends_with(".sse")) {
                all.push(Recording::read(&folder, &name, wire, host)?);
            }
        }
        Ok(all)
    }

    fn read(folder: &Path, name: &str, endpoint: &str, host: &str) -> Result<Recording, String> {
        let body = std::fs::read(folder.join(name)).map_err(|e| format!("{name}: {e}"))?;
        let framing = match name.rsplit('.').next().unwrap_or_default() {
            "sse" => Framing::Sse,
            "ndjson" => Framing::Lines,
            "eventstream" => Framing::AwsEventStream,
            "json" => Framing::JsonArray,
            _ => return Err(format!("{name}: a stream is a .sse, .ndjson, .eventstream or .json file")),
        };
        let wire = wire(endpoint, Some(host)).ok();
        let (name, endpoint, host) = (name.to_owned(), endpoint.to_owned(), host.to_owned());
        Ok(Recording { name, framing, body, endpoint, host, features: Vec::new(), wire })
    }

    /// True where lines may end in any of three ways.
    pub fn has_lines(&self) -> bool {
        self.framing == Framing::Sse
    }

    /// The content type of a response with it.
    pub fn content_type(&self) -> &'static str {
        match self.framing {
            Framing::Sse => "text/event-stream",
            Framing::Lines => "application/x-ndjson",
            Framing::AwsEventStream => "application/vnd.amazon.eventstream",
            _ => "application/json",
        }
    }

    /// The same with each of its lines ended by `end`.
    pub fn with_line_ends(&self, end: &[u8]) -> Vec<u8> {
        let lines = self.body.split(|byte| *byte == b'\n');
        let lines: Vec<&[u8]> = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
        lines.join(end)
    }

    /// What comes of the stream when it comes in these pieces. `None` when this build does not have its wire.
    ///
    /// # Errors
    /// The wire's, when it does not take streams.
    pub fn decode(&self, pieces: &[&[u8]]) -> Result<Option<Outcome>, String> {
        let Some(wire) = &self.wire else { return Ok(None) };
        let mut request = Request::from("hi");
        request.stream = true;
        let response = http::Response::builder().header("content-type", self.content_type()).body(());
        let head = response.map_err(|e| e.to_string())?.into_parts().0;
        let reader = Reader::new(wire.as_ref(), &request, &head, &Limits::default());
        let mut reader = reader.map_err(|e| e.to_string())?;
        pieces.iter().for_each(|piece| reader.feed(piece));
        reader.eof();
        let events = std::iter::from_fn(|| reader.next()).collect();
        let error = match reader.outcome() {
            reader::Outcome::Failed(error) => Some(format!("{error:?}")),
            _ => None,
        };
        Ok(Some(Outcome { events, error }))
    }
}
