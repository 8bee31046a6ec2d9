//! Fits the calibrated counts of tokens to what providers counted: `tokens_report INDEX.jsonl`.
//!
//! Every recorded request of text and function tools, whose answer says how many input tokens it had, is read as the
//! pipeline reads it. For each family of models three figures are sought, by coordinate descent over a grid, that make the
//! sum of |ln(count / what the provider says)| least: the scale of texts and of tools, in thousandths of
//! [`Estimate`], and the tokens that having tools costs. Beside them stand percentiles of the count as a part of what the
//! provider says, in percent: by plain estimate, by this fit, and as the counter of the model gives it today.

use std::collections::BTreeMap;
use std::path::Path;

use belvedere::Request;
use belvedere::message::Part;
use belvedere::middleware::tokens::{Encoding, Family, counter};
use belvedere::providers::endpoint;
use belvedere::request::Tool;
use belvedere::tokens::{Estimate, TokenCounter};
use bytes::Bytes;
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let index = std::env::args().nth(1).ok_or("usage: tokens_report INDEX.jsonl")?;
    let folder = Path::new(&index).parent().unwrap_or(Path::new("."));
    let mut families: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in std::fs::read_to_string(&index)?.lines() {
        if let Some((family, row)) = read(&serde_json::from_str(line)?, folder) {
            families.entry(family).or_default().push(row);
        }
    }
    println!("| models | rows | with tools | texts | tools | having tools | estimate | fitted | counter |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (family, rows) in &families {
        let fit = Fit::of(rows);
        println!(
            "| {family} | {} | {} | {} | {} | {} | {} | {} | {} |",
            rows.len(),
            rows.iter().filter(|row| row.tools > 0).count(),
            fit.texts,
            fit.tools,
            fit.having,
            percentiles(rows, |row| (row.texts + row.tools) as f64),
            percentiles(rows, |row| fit.count(row)),
            percentiles(rows, |row| row.ours as f64),
        );
    }
    Ok(())
}

/// A request: what the provider counted, and what we do.
struct Row {
    counted: u64,
    texts: u64,
    tools: u64,
    ours: u64,
}

/// The family and the figures of a recording that can be compared.
fn read(row: &Value, folder: &Path) -> Option<(String, Row)> {
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
    if !is_plain(&request) {
        return None;
    }
    let model = text("model").map(str::to_owned).or_else(|| request.model.as_deref().map(str::to_owned))?;
    let family = match Encoding::for_model(&model) {
        Some(encoding) => encoding.as_str().to_owned(),
        None => format!("{:?}", Family::of(&model)),
    };
    // Anthropic and Bedrock leave what the cache has out of the input.
    let apart = wire.starts_with("anthropic") || wire.starts_with("bedrock");
    let cached =
        ["cache_read_tokens", "cache_write_tokens"].map(|key| count(key).unwrap_or(0)).iter().sum::<u64>();
    let counted = count("input_tokens")? + if apart { cached } else { 0 };
    let mut tools = Request::default();
    tools.tools = request.tools.clone();
    let tools = Estimate.request(&tools);
    let row = Row {
        counted,
        texts: Estimate.request(&request) - tools,
        tools,
        ours: counter(&model).request(&request),
    };
    // Servers of tests count nothing, or what they please.
    (counted > 0 && row.texts > 0).then_some((family, row))
}

/// True when no medium is counted and the provider runs no tool, whose results it would count.
fn is_plain(request: &Request) -> bool {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    parts
        .into_iter()
        .all(|part| matches!(part, Part::Text { .. } | Part::ToolCall { .. } | Part::ToolResult { .. }))
        && request.tools.iter().all(|tool| matches!(tool, Tool::Function(_)))
}

/// Scales of texts and tools in thousandths, and what having tools costs in tokens.
#[derive(Clone, Copy, PartialEq)]
struct Fit {
    texts: u64,
    tools: u64,
    having: u64,
}

impl Fit {
    fn of(rows: &[Row]) -> Self {
        let mut fit = Fit { texts: 1_000, tools: 1_000, having: 0 };
        loop {
            let before = fit;
            fit = fit.best(rows, (200..=2_000).step_by(10), |fit, texts| Fit { texts, ..fit });
            if rows.iter().any(|row| row.tools > 0) {
                fit = fit.best(rows, (0..=2_000).step_by(10), |fit, tools| Fit { tools, ..fit });
                fit = fit.best(rows, (0..=800).step_by(10), |fit, having| Fit { having, ..fit });
            }
            if fit == before {
                return fit;
            }
        }
    }

    fn best(self, rows: &[Row], values: impl Iterator<Item = u64>, with: impl Fn(Fit, u64) -> Fit) -> Fit {
        let candidates = std::iter::once(self).chain(values.map(|value| with(self, value)));
        candidates.min_by(|a, b| a.error(rows).total_cmp(&b.error(rows))).unwrap_or(self)
    }

    fn error(&self, rows: &[Row]) -> f64 {
        rows.iter().map(|row| (self.count(row).max(1.0) / row.counted as f64).ln().abs()).sum()
    }

    fn count(&self, row: &Row) -> f64 {
        let having = if row.tools > 0 { self.having } else { 0 };
        (row.texts * self.texts + row.tools * self.tools) as f64 / 1_000.0 + having as f64
    }
}

/// The 10th, 50th and 90th percentile of the count as a part of what the provider says.
fn percentiles(rows: &[Row], count: impl Fn(&Row) -> f64) -> String {
    let mut parts: Vec<f64> = rows.iter().map(|row| 100.0 * count(row) / row.counted as f64).collect();
    parts.sort_by(f64::total_cmp);
    let at = |percent: usize| parts.get((parts.len() - 1) * percent / 100).copied().unwrap_or_default();
    format!("{:.0} {:.0} {:.0}", at(10), at(50), at(90))
}
