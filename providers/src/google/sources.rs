//! What an answer rests on: grounding, citations and pages that were read.
//!
//! Each becomes a [`Source`], whose `raw` is the provider's object:
//! - a grounding chunk (`web`, `retrievedContext`, `maps`, ...), with the `groundingSupports` that name it: which
//!   passage of the answer it supports;
//! - what else grounding says (`webSearchQueries`, `searchEntryPoint`, ...), without an address;
//! - `citationSource`: a passage that repeats a known text;
//! - `urlMetadata`: a page that was read.

use belvedere_core::event::{Event, Source};
use serde_json::{Map, Value};

use super::wire::{Candidate, Raw};

const CHUNKS: &str = "groundingChunks";
const SUPPORTS: &str = "groundingSupports";
const CITATION: &str = "citationSource";
const PAGE: &str = "urlMetadata";

/// The sources of a candidate, and how many searches of the web it tells of.
pub(super) fn of(candidate: &Candidate<'_>) -> (Vec<Source>, u64) {
    let (mut sources, mut searches) = (Vec::new(), 0);
    if let Some(mut grounding) = object(candidate.grounding_metadata) {
        searches = grounding.get("webSearchQueries").and_then(Value::as_array).map_or(0, |q| q.len() as u64);
        grounded(&mut grounding, &mut sources);
    }
    if let Some(citations) = object(candidate.citation_metadata) {
        // AI Studio's word and Vertex AI's.
        for item in list(&citations, "citationSources").chain(list(&citations, "citations")) {
            let mut source = Source::default();
            (source.url, source.title) = (text(item, "uri"), text(item, "title"));
            source.raw = wrapped(CITATION, item.clone());
            sources.push(source);
        }
    }
    if let Some(pages) = object(candidate.url_context_metadata) {
        for item in list(&pages, PAGE) {
            let mut source = Source::default();
            source.url = text(item, "retrievedUrl");
            source.raw = wrapped(PAGE, item.clone());
            sources.push(source);
        }
    }
    (sources, searches)
}

fn grounded(grounding: &mut Map<String, Value>, sources: &mut Vec<Source>) {
    let mut take = |key: &str| match grounding.remove(key) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (chunks, supports) = (take(CHUNKS), take(SUPPORTS));
    for (at, chunk) in chunks.into_iter().enumerate() {
        let Value::Object(mut chunk) = chunk else { continue };
        let inner = chunk.values().find(|value| value.is_object()).cloned().unwrap_or_default();
        let names = |support: &&Value| {
            list_of(support.get("groundingChunkIndices")).any(|index| index.as_u64() == Some(at as u64))
        };
        let supports: Vec<Value> = supports.iter().filter(names).cloned().collect();
        if !supports.is_empty() {
            chunk.insert(SUPPORTS.into(), Value::Array(supports));
        }
        let mut source = Source::default();
        (source.url, source.title) = (text(&inner, "uri"), text(&inner, "title"));
        source.quote = text(&inner, "text");
        source.raw = Value::Object(chunk);
        sources.push(source);
    }
    grounding
        .retain(|_, value| !matches!(value, Value::Null) && value.as_object().is_none_or(|o| !o.is_empty()));
    if !grounding.is_empty() {
        let mut source = Source::default();
        source.raw = Value::Object(std::mem::take(grounding));
        sources.push(source);
    }
}

/// The candidate's fields that the sources of a choice stand for, the mirror of [`of`].
pub(super) fn fields<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Map<String, Value> {
    let (mut grounding, mut chunks, mut supports) = (Map::new(), Vec::new(), Vec::new());
    let (mut citations, mut pages) = (Vec::new(), Vec::new());
    for source in sources {
        let raw = source.raw.as_object();
        match raw.and_then(|raw| Some((raw.get(CITATION), raw.get(PAGE))).filter(|_| raw.len() == 1)) {
            Some((Some(citation), _)) => citations.push(citation.clone()),
            Some((_, Some(page))) => pages.push(page.clone()),
            _ => match raw {
                Some(raw) if is_chunk(raw) => {
                    let mut chunk = raw.clone();
                    if let Some(Value::Array(own)) = chunk.remove(SUPPORTS) {
                        for support in own {
                            if !supports.contains(&support) {
                                supports.push(support);
                            }
                        }
                    }
                    chunks.push(Value::Object(chunk));
                }
                Some(raw) if raw.contains_key("webSearchQueries") || raw.contains_key("searchEntryPoint") => {
                    grounding.extend(raw.clone());
                }
                // Another provider's source.
                _ => chunks.push(wrapped("web", web(source))),
            },
        }
    }
    // Each chunk has a copy of the supports that name it; the answer has them in the order of its passages.
    supports.sort_by_key(|support| {
        let place =
            |key: &str| support.get("segment").and_then(|s| s.get(key)).and_then(Value::as_u64).unwrap_or(0);
        (place("partIndex"), place("startIndex"), place("endIndex"))
    });
    let mut fields = Map::new();
    let put = |map: &mut Map<String, Value>, key: &str, items: Vec<Value>| {
        if !items.is_empty() {
            map.insert(key.into(), Value::Array(items));
        }
    };
    put(&mut grounding, CHUNKS, chunks);
    put(&mut grounding, SUPPORTS, supports);
    for (key, inner, items) in
        [("citationMetadata", "citationSources", citations), ("urlContextMetadata", PAGE, pages)]
    {
        let mut map = Map::new();
        put(&mut map, inner, items);
        if !map.is_empty() {
            fields.insert(key.into(), Value::Object(map));
        }
    }
    if !grounding.is_empty() {
        fields.insert("groundingMetadata".into(), Value::Object(grounding));
    }
    fields
}

/// True for a chunk of Google's own: one object, beside its supports.
fn is_chunk(raw: &Map<String, Value>) -> bool {
    const KINDS: [&str; 4] = ["web", "retrievedContext", "maps", "image"];
    KINDS.iter().any(|kind| raw.get(*kind).is_some_and(Value::is_object))
}

fn web(source: &Source) -> Value {
    let mut web = Map::new();
    for (key, value) in [("uri", &source.url), ("title", &source.title)] {
        web.extend(value.as_ref().map(|value| (key.to_owned(), Value::from(value.as_str()))));
    }
    Value::Object(web)
}

fn wrapped(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

fn object(raw: Raw<'_>) -> Option<Map<String, Value>> {
    serde_json::from_str(raw?.get()).ok()
}

fn list<'a>(map: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a Value> {
    list_of(map.get(key))
}

fn list_of(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The events of these sources.
pub(super) fn events(choice: u32, sources: Vec<Source>) -> impl Iterator<Item = Event> {
    sources.into_iter().map(move |source| Event::Source { choice, source: Box::new(source) })
}
