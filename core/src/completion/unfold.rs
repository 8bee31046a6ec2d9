//! A whole answer as the events it stands for: the other way round of the fold.

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{Completion, OpenPart};
use crate::event::Event;
use crate::message::Part;

/// The events of a whole answer, in order.
pub(crate) fn unfold(c: Completion) -> Vec<Event> {
    unfold_open(c, &[])
}

/// The events of a partial answer, in order: the parts in `open` are left open. Parts are numbered by their place.
pub(crate) fn unfold_open(c: Completion, open: &[OpenPart]) -> Vec<Event> {
    let mut out: Vec<Event> = c.notices.into_iter().map(Event::Notice).collect();
    out.extend(c.raw.into_iter().map(|r| Event::Raw { name: r.name, data: r.data }));
    out.push(Event::Start { id: c.id, model: c.model });
    out.extend(c.embeddings.into_iter().map(|e| Event::Embedding { index: e.index, vector: e.vector }));
    out.extend(c.models.into_iter().map(|m| Event::Model(Box::new(m))));
    let mut finishes = Vec::new();
    for choice in c.choices {
        let index = choice.index;
        for (i, part) in choice.parts.into_iter().enumerate() {
            let number = u32::try_from(i).unwrap_or(u32::MAX);
            unfold_part(index, number, part, &mut out);
            if !open.iter().any(|open| (open.choice, open.at) == (index, i)) {
                out.push(Event::PartEnd { choice: index, part: number });
            }
        }
        let source = |s| Event::Source { choice: index, source: Box::new(s) };
        out.extend(choice.sources.into_iter().map(source));
        out.extend(choice.logprobs.into_iter().map(|d| Event::Logprobs { choice: index, data: Box::new(d) }));
        finishes.extend(choice.finish.map(|finish| Event::Finish { choice: index, finish }));
    }
    out.extend(c.usage.map(Event::Usage));
    out.extend(finishes);
    out
}

fn unfold_part(choice: u32, part: u32, content: Part, out: &mut Vec<Event>) {
    match content {
        Part::Text { text, extra } => {
            out.push(Event::Text { choice, part, delta: text.into() });
            unfold_extra(choice, part, extra, out);
        }
        Part::Reasoning { text, signature, wire, extra } => {
            if !text.is_empty() || signature.is_none() {
                out.push(Event::Reasoning { choice, part, delta: text.into() });
            }
            out.extend(signature.map(|s| Event::Signature { choice, part, delta: s.into(), wire }));
            unfold_extra(choice, part, extra, out);
        }
        Part::Refusal { text } => out.push(Event::Refusal { choice, part, delta: text.into() }),
        Part::ToolCall { id, name, input, by, extra } => {
            out.push(Event::ToolStart { choice, part, id, name, by });
            unfold_extra(choice, part, extra, out);
            if !input.is_empty() {
                out.push(Event::ToolInput { choice, part, delta: input.into() });
            }
        }
        Part::ToolResult { .. } => {
            let data = Box::new(serde_json::to_value(&content).unwrap_or_default());
            out.push(Event::Opaque {
                choice,
                part,
                kind: "tool_result".into(),
                data,
                wire: SmolStr::default(),
            });
        }
        Part::Media(media) => out.push(Event::Media { choice, part, media: Box::new(media) }),
        Part::Opaque { kind, data, wire } => {
            out.push(Event::Opaque { choice, part, kind, data: Box::new(data), wire });
        }
    }
}

fn unfold_extra(choice: u32, part: u32, extra: Map<String, Value>, out: &mut Vec<Event>) {
    if !extra.is_empty() {
        out.push(Event::Extra { choice, part, extra: Box::new(extra) });
    }
}
