//! What Anthropic's messages can express.

use belvedere_core::event::{FinishReason, Source};
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, ToolBy};
use belvedere_core::request::{ResponseFormat, ToolChoice};
use belvedere_core::usage::Class;
use proptest::prelude::*;
use serde_json::{Map, json};

use crate::random::{self, Can, Draw};

const WIRE: &str = "anthropic.messages";

pub(crate) const CAN: Can = Can {
    instructions_anywhere: false,
    names: false,
    results_apart: false,
    rich_results: true,
    carries_back: true,
    refusals: false,
    media,
    parameters: &["temperature", "top_p", "top_k", "max_tokens"],
    schema: Some("answer"),
    settle: |request| {
        // The wire asks for a limit.
        request.max_tokens.get_or_insert(1);
        // Free text is what is not asked for, and there is no free JSON.
        let format = request.response_format.take();
        request.response_format = format.filter(|f| matches!(f, ResponseFormat::JsonSchema { .. }));
        request.reasoning = request.reasoning.take().filter(|r| r.effort.is_some() || r.max_tokens.is_some());
        // There is no choice without tools, and whether they may be called at once is a part of it.
        request.tool_choice = request.tool_choice.take().filter(|_| !request.tools.is_empty());
        let chosen = request.tool_choice.as_ref().is_some_and(|choice| *choice != ToolChoice::None);
        request.parallel_tool_calls = request.parallel_tool_calls.filter(|parallel| !parallel && chosen);
    },
    choices: 1,
    parts,
    source,
    logprobs: false,
    finishes: &[
        (FinishReason::Stop, "end_turn"),
        (FinishReason::Stop, "stop_sequence"),
        (FinishReason::Length, "max_tokens"),
        (FinishReason::Length, "model_context_window_exceeded"),
        (FinishReason::ToolCalls, "tool_use"),
        (FinishReason::Refusal, "refusal"),
        (FinishReason::Pause, "pause_turn"),
        (FinishReason::Other, "a_new_word"),
    ],
    classes: &[Class::CacheRead, Class::CacheWrite5m, Class::Reasoning, Class::WebSearchCalls],
};

fn media() -> BoxedStrategy<Media> {
    let document = prop::collection::vec(any::<u8>(), 1..9).prop_map(|bytes| {
        let source = MediaSource::Data { mime: "application/pdf".into(), data: bytes.into() };
        let mut document = Media::new(MediaKind::File, source);
        document.name = Some("T".into());
        document.extra.insert("citations".into(), json!({"enabled": true}));
        document
    });
    let plain = random::text().prop_map(|text| {
        Media::new(MediaKind::File, MediaSource::Data { mime: "text/plain".into(), data: text.into() })
    });
    let by_id = "[a-z]{4}".prop_map(|id| Media::new(MediaKind::Image, MediaSource::Id(id)));
    prop_oneof![random::picture(), document, plain, by_id].boxed()
}

/// Blocks, in any order.
fn parts(draws: Vec<Draw>) -> Vec<Part> {
    draws.into_iter().map(part).collect()
}

fn part(draw: Draw) -> Part {
    match draw {
        Draw::Text(text) | Draw::Refusal(text) => Part::text(text),
        Draw::Reasoning(text, signature) => {
            Part::Reasoning { text, signature: Some(signature), wire: WIRE.into(), extra: Map::new() }
        }
        Draw::Call(name, input, own, field) => {
            let field = field.map(|caller| (WIRE.to_owned(), json!({ "caller": caller })));
            let (id, by) = (Default::default(), if own { ToolBy::Provider } else { ToolBy::Client });
            Part::ToolCall { id, name: name.into(), input, by, extra: Map::from_iter(field) }
        }
        Draw::Opaque(data) => {
            Part::opaque(WIRE, "redacted_thinking", json!({"type": "redacted_thinking", "data": data}))
        }
        Draw::Image(bytes) => {
            let upload = json!({"type": "container_upload", "file_id": format!("file_{}", bytes.len())});
            Part::opaque(WIRE, "container_upload", upload)
        }
    }
}

fn source(part: Option<u32>, title: &str) -> Source {
    let mut source = Source::default();
    (source.part, source.url, source.title) = (part, Some("https://x.example".into()), Some(title.into()));
    source.quote = Some("q".into());
    source.raw = json!({
        "type": "web_search_result_location", "url": "https://x.example", "title": title, "cited_text": "q",
        "encrypted_index": "e",
    });
    source
}
