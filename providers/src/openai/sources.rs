//! Citations and sources, in the shapes servers give them.

use belvedere_core::event::{Event, Source};
use serde_json::{Value, json};

/// Citations inside a message: `{type: url_citation, url_citation: {url, title, ...}}` (OpenAI, OpenRouter), or
/// the same fields without the inner object.
pub(crate) fn annotations(choice: u32, part: Option<u32>, raw: &str, out: &mut Vec<Event>) {
    for value in list(raw) {
        let inner = value.get("url_citation").or_else(|| value.get("file_citation"));
        let mut source = source(inner.unwrap_or(&value), "content");
        source.part = part;
        source.raw = value;
        out.push(Event::Source { choice, source: Box::new(source) });
    }
}

/// The documents that an item of a content list names (Mistral). They are the caller's own, by the ids it gave.
pub(crate) fn references(choice: u32, part: Option<u32>, raw: &str, out: &mut Vec<Event>) {
    out.extend(list(raw).into_iter().map(|id| {
        let mut source = Source::default();
        source.part = part;
        source.raw = json!({ "type": "reference", "reference_id": id });
        Event::Source { choice, source: Box::new(source) }
    }));
}

/// Perplexity's sources of a whole answer: `search_results` with titles and `citations` with addresses only. An
/// address that is in both is given once.
pub(crate) fn searched(choice: u32, results: &str, citations: &str, out: &mut Vec<Event>) {
    let mut seen = Vec::new();
    for value in list(results).into_iter().chain(list(citations)) {
        let source = match &value {
            Value::String(url) => {
                let mut source = Source::default();
                source.url = Some(url.clone());
                source.raw = value;
                source
            }
            _ => {
                let mut source = source(&value, "snippet");
                source.raw = value;
                source
            }
        };
        if source.url.is_some() && seen.contains(&source.url) {
            continue;
        }
        seen.push(source.url.clone());
        out.push(Event::Source { choice, source: Box::new(source) });
    }
}

fn source(value: &Value, quote: &str) -> Source {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut source = Source::default();
    source.url = text("url");
    source.title = text("title").or_else(|| text("filename"));
    source.quote = text(quote);
    source
}

/// The items of a list; none when it is no list.
fn list(raw: &str) -> Vec<Value> {
    if raw.is_empty() {
        return Vec::new();
    }
    serde_json::from_str(raw).unwrap_or_default()
}
