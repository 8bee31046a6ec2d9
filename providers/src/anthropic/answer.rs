//! The answer in the making: one place turns blocks into parts, whether they come whole or piece by piece.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, FinishReason, Source};
use belvedere_core::message::ToolBy;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::usage;
use super::wire::{self, Block, Delta, Message};
use crate::lax::Text;

/// What is known of the answer. A block's place in `blocks` is its part's number: servers reuse their indexes.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    blocks: Vec<Opened>,
    counts: Map<String, Value>,
    finish: Finish,
}

#[derive(Debug)]
struct Opened {
    /// The wire's index.
    index: u32,
    /// Its part has an event, so it needs an end.
    begun: bool,
    closed: bool,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Text,
    Thinking,
    /// `whole` is the input that came with the block's start. It counts when no piece follows.
    Tool {
        whole: Option<SmolStr>,
    },
    /// A block that is handed on whole. `input` gathers the pieces of its `input`.
    Opaque {
        data: Map<String, Value>,
        input: String,
    },
}

impl Answer {
    /// Begins the answer, once.
    pub(super) fn start(&mut self, message: Option<&Message<'_>>, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let id = message.and_then(|m| m.id.get()).map(SmolStr::from);
        let model = message.and_then(|m| m.model.get()).map(SmolStr::from);
        out.push(Event::Start { id, model });
    }

    /// True once something of the answer was received.
    pub(super) fn has_begun(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Takes counts in and reports them.
    pub(super) fn usage(&mut self, counts: Option<Map<String, Value>>, out: &mut Vec<Event>) {
        let Some(counts) = counts.filter(|counts| !counts.is_empty()) else { return };
        usage::merge(&mut self.counts, counts);
        out.push(Event::Usage(Arc::new(usage::level(&self.counts))));
    }

    /// Notes why the model stopped.
    pub(super) fn stop(&mut self, reason: Option<&Text<'_>>, sequence: &Text<'_>) {
        if let Some(Text(raw)) = reason {
            self.finish.reason = Some(finish_reason(raw));
            self.finish.raw = Some(SmolStr::new(raw));
        }
        if let Some(sequence) = sequence.get() {
            self.finish.stop_sequence = Some(sequence.into());
        }
    }

    /// True once the model said why it stopped.
    pub(super) fn has_stopped(&self) -> bool {
        self.finish.reason.is_some()
    }

    /// Ends the answer.
    pub(super) fn finish(&mut self, out: &mut Vec<Event>) {
        for at in 0..self.blocks.len() {
            self.close(at, out);
        }
        out.push(Event::Finish { choice: 0, finish: std::mem::take(&mut self.finish) });
    }

    /// Opens a block. A block with the same index that is still open is complete. Without an index it is the next.
    ///
    /// # Errors
    /// `Malformed` when it is not an object of the wire's kind.
    pub(super) fn open(&mut self, index: Option<u32>, raw: &RawValue, out: &mut Vec<Event>) -> Result<()> {
        let part = number(self.blocks.len());
        let index = index.unwrap_or(part);
        self.close_index(index, out);
        let before = out.len();
        let block: Block<'_> = wire::read(raw.get(), "a content block")?;
        let content = match block.kind() {
            "text" => {
                for citation in wire::list(block.citations) {
                    out.push(source(part, citation)?);
                }
                out.extend(text(part, block.text.as_ref()));
                Content::Text
            }
            "thinking" => {
                out.extend(reasoning(part, block.thinking.as_ref()));
                out.extend(signature(part, block.signature.as_ref()));
                Content::Thinking
            }
            kind @ ("tool_use" | "server_tool_use") => {
                let by = if kind == "tool_use" { ToolBy::Client } else { ToolBy::Provider };
                let id = SmolStr::new(&block.id.0);
                let name = block.name.as_ref().map(|name| SmolStr::new(&name.0)).unwrap_or_default();
                out.push(Event::ToolStart { choice: 0, part, id, name, by });
                out.extend(carried(part, &block)?);
                Content::Tool { whole: block.input.map(|input| input.get().into()) }
            }
            // Nothing is known of it; a piece that comes opens its block itself.
            "" => return Ok(()),
            _ => Content::Opaque { data: wire::read(raw.get(), "a content block")?, input: String::new() },
        };
        self.blocks.push(Opened { index, begun: has_part(out, before), closed: false, content });
        Ok(())
    }

    /// Takes a piece of a block in. `pieces` reads it as an object, for blocks that are handed on whole.
    ///
    /// # Errors
    /// `Malformed` when the piece belongs to no block that could take it.
    pub(super) fn delta(
        &mut self,
        index: Option<u32>,
        delta: &Delta<'_>,
        pieces: impl FnOnce() -> Result<Map<String, Value>>,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let Some(at) = self.place(index, delta) else {
            return match delta.partial_json {
                Some(_) => Err(Error::new(ErrorKind::Malformed, "tool input came for no open tool call")),
                None => Ok(()),
            };
        };
        let (part, before) = (number(at), out.len());
        let Some(block) = self.blocks.get_mut(at) else { return Ok(()) };
        let (words, thinks) = (delta.text.as_ref(), delta.thinking.as_ref());
        let (signs, input) = (delta.signature.as_ref(), delta.partial_json.as_ref());
        let fits = match &mut block.content {
            Content::Text => {
                out.extend(text(part, words));
                if let Some(citation) = delta.citation {
                    out.push(source(part, citation)?);
                }
                thinks.or(signs).or(input).is_none()
            }
            Content::Thinking => {
                out.extend(reasoning(part, thinks));
                out.extend(signature(part, signs));
                words.or(input).is_none()
            }
            Content::Tool { whole } => {
                if let Some(delta) = piece(input) {
                    *whole = None;
                    out.push(Event::ToolInput { choice: 0, part, delta });
                }
                words.or(thinks).or(signs).is_none()
            }
            Content::Opaque { data, input } => {
                join(data, input, pieces()?);
                true
            }
        };
        block.begun |= has_part(out, before);
        match fits {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Malformed, "a piece came for a block of another kind")),
        }
    }

    /// The open block that a piece belongs to: the one with its index, or the latest when it has none. Text and
    /// thinking open their block themselves where a server forgot to.
    fn place(&mut self, index: Option<u32>, delta: &Delta<'_>) -> Option<usize> {
        let found = self
            .blocks
            .iter()
            .rposition(|block| !block.closed && index.is_none_or(|index| index == block.index));
        let content = match found {
            Some(at) => return Some(at),
            None if delta.text.is_some() => Content::Text,
            None if delta.thinking.is_some() => Content::Thinking,
            None => return None,
        };
        let at = self.blocks.len();
        let index = index.unwrap_or(number(at));
        self.blocks.push(Opened { index, begun: false, closed: false, content });
        Some(at)
    }

    /// Closes the block with this index; without one, the latest.
    pub(super) fn stop_block(&mut self, index: Option<u32>, out: &mut Vec<Event>) {
        match index {
            Some(index) => self.close_index(index, out),
            None => self.close(self.blocks.len().saturating_sub(1), out),
        }
    }

    fn close_index(&mut self, index: u32, out: &mut Vec<Event>) {
        if let Some(at) = self.blocks.iter().rposition(|block| block.index == index) {
            self.close(at, out);
        }
    }

    fn close(&mut self, at: usize, out: &mut Vec<Event>) {
        let part = number(at);
        let Some(block) = self.blocks.get_mut(at).filter(|block| !block.closed) else { return };
        block.closed = true;
        match &mut block.content {
            Content::Text | Content::Thinking => {}
            Content::Tool { whole } => {
                let whole = whole.take().filter(|input| input != "null");
                out.extend(whole.map(|delta| Event::ToolInput { choice: 0, part, delta }));
            }
            Content::Opaque { data, input } => {
                let mut data = std::mem::take(data);
                if !input.is_empty() {
                    let input = serde_json::from_str(input).unwrap_or_else(|_| Value::String(input.clone()));
                    data.insert("input".into(), input);
                }
                let kind = data.get("type").and_then(Value::as_str).unwrap_or_default().into();
                let data = Box::new(Value::Object(data));
                out.push(Event::Opaque {
                    choice: 0,
                    part,
                    kind,
                    data,
                    wire: SmolStr::new_static(super::WIRE),
                });
                block.begun = true;
            }
        }
        if block.begun {
            out.push(Event::PartEnd { choice: 0, part });
        }
    }
}

/// True when one of the events from `before` on belongs to a part; a citation does not.
fn has_part(out: &[Event], before: usize) -> bool {
    out.iter().skip(before).any(|event| event.part().is_some())
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What is new of a text. An empty piece is none, and an empty block has no part: the wire takes none back.
fn piece(text: Option<&Text<'_>>) -> Option<SmolStr> {
    text.and_then(Text::get).map(SmolStr::from)
}

fn text(part: u32, text: Option<&Text<'_>>) -> Option<Event> {
    piece(text).map(|delta| Event::Text { choice: 0, part, delta })
}

fn reasoning(part: u32, text: Option<&Text<'_>>) -> Option<Event> {
    piece(text).map(|delta| Event::Reasoning { choice: 0, part, delta })
}

fn signature(part: u32, text: Option<&Text<'_>>) -> Option<Event> {
    piece(text).map(|delta| Event::Signature {
        choice: 0,
        part,
        delta,
        wire: SmolStr::new_static(super::WIRE),
    })
}

/// What goes back with a call beside its input: code that runs at the provider waits for the result of the tool it
/// called, and a member of a set of tools is known by the set's name, too.
fn carried(part: u32, block: &Block<'_>) -> Result<Option<Event>> {
    let mut own = Map::new();
    for (name, raw) in [("caller", block.caller), ("toolset_name", block.toolset_name)] {
        if let Some(raw) = raw {
            own.insert(name.to_owned(), wire::read(raw.get(), "a content block")?);
        }
    }
    if own.is_empty() {
        return Ok(None);
    }
    let extra = Box::new(Map::from_iter([(super::WIRE.to_owned(), Value::Object(own))]));
    Ok(Some(Event::Extra { choice: 0, part, extra }))
}

/// A citation of a web page, or of a document of the request.
fn source(part: u32, citation: &RawValue) -> Result<Event> {
    let raw: Value = wire::read(citation.get(), "a citation")?;
    let text = |keys: &[&str]| keys.iter().find_map(|key| raw.get(*key)?.as_str()).map(str::to_owned);
    let mut source = Source::default();
    source.part = Some(part);
    source.url = text(&["url", "source"]);
    source.title = text(&["title", "document_title"]);
    source.quote = text(&["cited_text"]);
    source.raw = raw;
    Ok(Event::Source { choice: 0, source: Box::new(source) })
}

/// Adds a piece to a block that is handed on whole: texts grow, everything else is replaced. Null brings nothing.
fn join(data: &mut Map<String, Value>, input: &mut String, pieces: Map<String, Value>) {
    for (key, piece) in pieces {
        match (key.as_str(), data.get_mut(&key), piece) {
            ("type", _, _) | (_, Some(_), Value::Null) => {}
            ("partial_json", _, Value::String(piece)) => input.push_str(&piece),
            (_, Some(Value::String(text)), Value::String(piece)) => text.push_str(&piece),
            (_, _, piece) => {
                data.insert(key, piece);
            }
        }
    }
}

/// <https://docs.anthropic.com/en/api/handling-stop-reasons>
pub(super) fn finish_reason(raw: &str) -> FinishReason {
    match raw {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::Refusal,
        // The context was compacted; the request goes on with what came of it.
        "pause_turn" | "compaction" => FinishReason::Pause,
        _ => FinishReason::Other,
    }
}
