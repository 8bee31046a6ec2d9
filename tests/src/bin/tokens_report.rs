//! Compares counts of tokens with what providers counted: `tokens_report INDEX.jsonl`.
//!
//! Every recorded request without media whose answer says how many input tokens it had is read as the pipeline reads it,
//! and counted as [`counter`] counts for its model, and by estimate without calibration. What is printed is the count as a
//! part of what the provider says, in percent: for each family of models the fitted scale, and percentiles.

use std::collections::BTreeMap;
use std::path::Path;

use belvedere::Request;
use belvedere::message::Part;
use belvedere::middleware::tokens::{Encoding, Family, counter};
use belvedere::providers::endpoint;
use belvedere::tokens::{Estimate, TokenCounter};
use bytes::Bytes;
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let index = std::env::args().nth(1).ok_or("usage: tokens_report INDEX.jsonl")?;
    let folder = Path::new(&index).parent().unwrap_or(Path::new("."));
    let mut families: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in std::fs::read_to_string(&index)?.lines() {
        if let Some(row) = Row::read(&serde_json::from_str(line)?, folder) {
            families.entry(row.family.clone()).or_default().push(row);
        }
    }
    for (family, rows) in &families {
        for row in rows {
            println!(
                "{family}\t{}\t{}\t{}\t{}\t{}\t{}",
                row.id, row.model, row.counted, row.estimated, row.ours, row.tools
            );
        }
    }
    Ok(())
}

struct Row {
    family: String,
    id: String,
    model: String,
    counted: u64,
    estimated: u64,
    ours: u64,
    tools: usize,
}

impl Row {
    fn read(row: &Value, folder: &Path) -> Option<Self> {
        let text = |key: &str| row.get(key).and_then(Value::as_str);
        let usage = row.get("expected")?.get("usage")?;
        let count = |key: &str| usage.get(key).and_then(Value::as_u64);
        let wire = text("endpoint")?;
        let body = match text("request_file") {
            Some(file) => std::fs::read(folder.join(file)).ok()?,
            None => row.get("request")?.to_string().into_bytes(),
        };
        let address = http::Request::builder().method("POST").uri(text("url").unwrap_or("/"));
        let request = endpoint(wire).ok()?.request(&address.body(Bytes::from(body)).ok()?).ok()?;
        let model =
            text("model").map(str::to_owned).or_else(|| request.model.as_deref().map(str::to_owned))?;
        // Anthropic and Bedrock leave what the cache has out of the input.
        let apart = wire.starts_with("anthropic") || wire.starts_with("bedrock");
        let cached = if apart {
            count("cache_read_tokens").unwrap_or(0) + count("cache_write_tokens").unwrap_or(0)
        } else {
            0
        };
        let family = match Encoding::for_model(&model) {
            Some(encoding) => encoding.as_str().to_owned(),
            None => format!("{:?}", Family::of(&model)),
        };
        is_text(&request).then_some(())?;
        Some(Row {
            family,
            id: text("id")?.to_owned(),
            counted: (count("input_tokens")? + cached).max(1),
            estimated: Estimate.request(&request),
            ours: counter(&model).request(&request),
            tools: request.tools.len(),
            model,
        })
    }
}

fn is_text(request: &Request) -> bool {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    parts
        .into_iter()
        .all(|part| matches!(part, Part::Text { .. } | Part::ToolCall { .. } | Part::ToolResult { .. }))
}
