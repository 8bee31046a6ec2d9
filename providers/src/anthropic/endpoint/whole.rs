//! Whole answers.

use belvedere_core::SmolStr;
use belvedere_core::completion::{Choice, Completion};
use belvedere_core::message::Part;
use belvedere_core::request::Request;
use serde::Serialize;
use serde_json::Value;

use super::block::{Block, citation, is_block, stop_reason};
use super::{id_of, model_of, usage};

/// The body of an answer. The wire has one choice.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    id: SmolStr,
    r#type: &'static str,
    role: &'static str,
    model: SmolStr,
    content: Vec<Block<'a>>,
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    usage: Value,
}

impl<'a> Body<'a> {
    pub(super) fn of(request: &Request, answer: &'a Completion) -> Self {
        let id = id_of(request, answer.id.as_deref());
        let choice = answer.choices.first();
        let finish = choice.and_then(|choice| choice.finish.as_ref());
        Body {
            r#type: "message",
            role: "assistant",
            model: model_of(request, answer.model.as_deref()),
            content: choice.map(|choice| content(&id, choice)).unwrap_or_default(),
            stop_reason: stop_reason(finish),
            stop_sequence: finish.and_then(|finish| finish.stop_sequence.as_deref()),
            usage: usage::usage(answer.usage.as_deref()),
            id,
        }
    }
}

/// The blocks. A citation of no text stands in the last text, or in an empty one.
fn content<'a>(id: &str, choice: &'a Choice) -> Vec<Block<'a>> {
    let is_text = |at: usize| matches!(choice.parts.get(at), Some(Part::Text { .. } | Part::Refusal { .. }));
    let last = (0..choice.parts.len()).rev().find(|at| is_text(*at));
    let place = |part: Option<u32>| {
        part.and_then(|part| usize::try_from(part).ok()).filter(|at| is_text(*at)).or(last)
    };
    let citations = |at: Option<usize>| {
        choice.sources.iter().filter(|source| place(source.part) == at).map(citation).collect::<Vec<_>>()
    };
    let parts = choice.parts.iter().enumerate();
    let mut blocks: Vec<Block<'a>> =
        parts.filter_map(|(at, part)| block((id, at), part, || citations(Some(at)))).collect();
    let loose = citations(None);
    if !loose.is_empty() {
        blocks.push(Block::Text { text: "", citations: loose });
    }
    blocks
}

fn block<'a>(
    place: (&str, usize),
    part: &'a Part,
    citations: impl FnOnce() -> Vec<Value>,
) -> Option<Block<'a>> {
    Some(match part {
        Part::Text { text, .. } | Part::Refusal { text } => Block::Text { text, citations: citations() },
        Part::Reasoning { text, signature, wire, .. } => {
            let signature = signature.as_deref().filter(|_| super::super::block::is_ours(wire));
            Block::Thinking { thinking: text, signature: signature.unwrap_or_default() }
        }
        Part::ToolCall { id, name, input, by, extra } => Block::call(place, (id, name, input), *by, extra),
        Part::Opaque { data, wire, .. } if is_block(wire, data) => Block::Opaque(data),
        _ => return None,
    })
}
