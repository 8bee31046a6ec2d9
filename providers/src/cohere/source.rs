//! Citations: a span of the answer, and what it rests on.

use belvedere_core::event::Source;
use serde_json::{Value, json};

/// The source a citation stands for. A citation with several has them all in its `raw`; the first is named.
pub(super) fn read(citation: Value, part: Option<u32>) -> Source {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let sources = citation.get("sources").and_then(Value::as_array);
    let first = sources.and_then(|list| list.first());
    let inside = first.and_then(|source| source.get("document").or_else(|| source.get("tool_output")));
    let field = |name: &str| text(inside.and_then(|fields| fields.get(name)));
    let mut source = Source::default();
    source.part = part;
    source.url = field("url");
    source.title = field("title");
    source.quote = text(citation.get("text"));
    source.raw = citation;
    source
}

/// The citation for a source: Cohere's own, or one that names it.
pub(super) fn write(source: &Source) -> Value {
    if source.raw.get("sources").is_some_and(Value::is_array) {
        return source.raw.clone();
    }
    let named = [("url", &source.url), ("title", &source.title)];
    let document: serde_json::Map<String, Value> =
        named.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into()))).collect();
    let quote = source.quote.as_deref().unwrap_or_default();
    json!({
        "start": 0, "end": 0, "text": quote, "type": "TEXT_CONTENT",
        "sources": [{"type": "document", "id": source.url, "document": document}],
    })
}
