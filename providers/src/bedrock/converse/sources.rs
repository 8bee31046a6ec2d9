//! Citations as sources.

use belvedere_core::event::{Event, Source};
use serde_json::Value;

/// The source that a citation of `part` names: a web page, or a document or search result of the request
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html>).
pub(super) fn source(part: u32, citation: &Value) -> Event {
    let text = |key: &str| citation.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let page = citation.get("location").and_then(|location| location.get("web"));
    let url = page.and_then(|page| page.get("url")).and_then(Value::as_str);
    let quoted = citation.get("sourceContent").and_then(Value::as_array).into_iter().flatten();
    let quote: String = quoted.filter_map(|piece| piece.get("text")?.as_str()).collect();
    let mut source = Source::default();
    source.part = Some(part);
    source.url = url.or_else(|| text("source").filter(|source| source.contains("://"))).map(str::to_owned);
    source.title = text("title").map(str::to_owned);
    source.quote = Some(quote).filter(|quote| !quote.is_empty());
    source.raw = citation.clone();
    Event::Source { choice: 0, source: Box::new(source) }
}
