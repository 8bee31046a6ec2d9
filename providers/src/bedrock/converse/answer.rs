//! The answer in the making: one place turns blocks into parts, whether they come whole or piece by piece.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish};
use belvedere_core::message::{MediaKind, ToolBy};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::finish::finish_reason;
use super::pieces::{append_base64, bytes_of, field, join};
use super::sources::source;
use super::wire::{Block, Delta, Further, Medium, Reasoning, ToolUse};
use super::{WIRE, format, media, usage};
use crate::incoming::read;
use crate::lax::{Object, Text};

/// What is known of the answer. A block's place in `blocks` is its part's number.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    blocks: Vec<Opened>,
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
    /// Text, or citations, or both.
    Text {
        citations: Vec<Value>,
    },
    Reasoning,
    /// Encrypted thinking, in base64.
    Redacted(String),
    /// A tool call. `whole` is the input that came with the block; it counts when no piece follows.
    Tool {
        whole: Option<SmolStr>,
    },
    /// Media, of this kind and media type.
    Media(MediaKind, SmolStr),
    /// A block that is handed on whole: its one field, and that field's value in the making.
    Opaque {
        kind: SmolStr,
        value: Value,
    },
}

impl Answer {
    /// Begins the answer, once. The wire names neither an id nor the model.
    pub(super) fn start(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::Start { id: None, model: None });
        }
    }

    /// True once something of the answer was received.
    pub(super) fn has_begun(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Reports counts.
    pub(super) fn usage(&mut self, counts: Object<Map<String, Value>>, out: &mut Vec<Event>) {
        if let Some(counts) = counts.0.filter(|counts| !counts.is_empty()) {
            out.push(Event::Usage(Arc::new(usage::level(counts))));
        }
    }

    /// Notes why the model stopped.
    pub(super) fn stop(&mut self, reason: &Text<'_>, further: &Object<Further<'_>>) {
        if let Some(raw) = reason.get() {
            self.finish.reason = Some(finish_reason(raw));
            self.finish.raw = Some(raw.into());
        }
        let sequence = further.0.as_ref().and_then(|further| further.stop_sequence.get());
        if let Some(sequence) = sequence {
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

    /// Takes a whole block in.
    ///
    /// # Errors
    /// `Malformed` when it is not an object.
    pub(super) fn block(&mut self, raw: &RawValue, out: &mut Vec<Event>) -> Result<()> {
        self.open(None, raw, out)?;
        self.close(self.blocks.len().saturating_sub(1), out);
        Ok(())
    }

    /// Opens a block. A block with the same index that is still open is complete. Without an index it is the next.
    ///
    /// # Errors
    /// `Malformed` when it is not an object.
    pub(super) fn open(&mut self, index: Option<u32>, raw: &RawValue, out: &mut Vec<Event>) -> Result<()> {
        let part = number(self.blocks.len());
        let index = index.unwrap_or(part);
        self.close_index(index, out);
        let before = out.len();
        let block: Block<'_> = read(raw.get(), "a content block")?;
        let content = match block {
            Block { text: words, .. } if words.get().is_some() => {
                out.extend(text(part, &words));
                Content::Text { citations: Vec::new() }
            }
            Block { tool_use: Object(Some(call)), .. } => tool(part, &call, out),
            Block { citations_content: Object(Some(cited)), .. } => {
                out.extend(cited.content.0.iter().filter_map(|piece| text(part, &piece.text)));
                let citations = cited.citations.0.into_iter();
                let citations =
                    citations.map(|raw| read(raw.get(), "a citation")).collect::<Result<Vec<_>>>()?;
                out.extend(citations.iter().map(|citation| source(part, citation)));
                Content::Text { citations }
            }
            Block {
                reasoning_content: Object(Some(Reasoning { reasoning_text: Object(Some(thought)) })),
                ..
            } => {
                out.extend(reasoning(part, &thought.text));
                out.extend(signature(part, &thought.signature));
                Content::Reasoning
            }
            Block { image: Object(Some(from)), .. } if media::is_here(&from) => {
                open_media(part, MediaKind::Image, from, out)
            }
            Block { video: Object(Some(from)), .. } if media::is_here(&from) => {
                open_media(part, MediaKind::Video, from, out)
            }
            Block { audio: Object(Some(from)), .. } if media::is_here(&from) => {
                open_media(part, MediaKind::Audio, from, out)
            }
            _ => match field(read(raw.get(), "a content block")?) {
                Some((kind, value)) => Content::Opaque { kind: kind.into(), value },
                // An empty text, or nothing at all: a piece that follows says what it is.
                None => return Ok(()),
            },
        };
        self.blocks.push(Opened { index, begun: has_part(out, before), closed: false, content });
        Ok(())
    }

    /// Takes a piece of a block in. `pieces` reads it as an object, for what is rare.
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
        let Some(at) = self.place(index, delta, out) else {
            return match delta.tool_use.0 {
                Some(_) => Err(malformed("tool input came for no open tool call")),
                None => self.unannounced(index, pieces()?, out),
            };
        };
        let (part, before) = (number(at), out.len());
        let Some(block) = self.blocks.get_mut(at) else { return Ok(()) };
        let thought = delta.reasoning_content.0.as_ref();
        let input = delta.tool_use.0.as_ref();
        let fits = match &mut block.content {
            Content::Text { citations } => {
                out.extend(text(part, &delta.text));
                if let Some(citation) = delta.citation {
                    let citation = read(citation.get(), "a citation")?;
                    out.push(source(part, &citation));
                    citations.push(citation);
                }
                thought.is_none() && input.is_none()
            }
            Content::Reasoning => {
                out.extend(thought.and_then(|thought| reasoning(part, &thought.text)));
                out.extend(thought.and_then(|thought| signature(part, &thought.signature)));
                delta.text.get().is_none() && input.is_none()
            }
            Content::Redacted(data) => {
                if let Some(piece) = thought.and_then(|thought| thought.redacted_content.get()) {
                    append_base64(data, piece);
                }
                delta.text.get().is_none() && input.is_none()
            }
            Content::Tool { whole } => {
                if let Some(delta) = input.and_then(|input| piece(&input.input)) {
                    *whole = None;
                    out.push(Event::ToolInput { choice: 0, part, delta });
                }
                delta.text.get().is_none() && thought.is_none()
            }
            Content::Media(kind, mime) => {
                let pieces = pieces()?;
                match bytes_of(&pieces) {
                    Some(bytes) => out.push(media::event(part, *kind, mime.clone(), bytes)),
                    None if block.begun => {}
                    None => {
                        let (kind, value) = media::elsewhere(*kind, mime, pieces);
                        block.content = Content::Opaque { kind, value };
                    }
                }
                true
            }
            Content::Opaque { kind, value } => {
                if let Some(piece) = pieces()?.remove(kind.as_str()) {
                    join(value, piece);
                }
                true
            }
        };
        block.begun |= has_part(out, before);
        if fits { Ok(()) } else { Err(malformed("a piece came for a block of another kind")) }
    }

    /// The open block that a piece belongs to: the one with its index, or the latest when it has none. Only tool
    /// calls and media announce themselves; text, citations and thinking begin with their first piece.
    fn place(&mut self, index: Option<u32>, delta: &Delta<'_>, out: &mut Vec<Event>) -> Option<usize> {
        let is_open = |block: &Opened| !block.closed && index.is_none_or(|index| index == block.index);
        let found = self.blocks.iter().rposition(is_open);
        let thought = delta.reasoning_content.0.as_ref();
        let redacted = thought.is_some_and(|thought| thought.redacted_content.get().is_some());
        let readable = |at: &usize| {
            self.blocks.get(*at).is_some_and(|block| matches!(block.content, Content::Reasoning))
        };
        if found.is_some_and(|at| !(redacted && readable(&at))) {
            return found;
        }
        let content = match thought {
            Some(_) if redacted => Content::Redacted(String::new()),
            Some(_) => Content::Reasoning,
            None if delta.text.get().is_some() || delta.citation.is_some() => {
                Content::Text { citations: Vec::new() }
            }
            None => return None,
        };
        if let Some(at) = found {
            self.close(at, out);
        }
        let at = self.blocks.len();
        self.blocks.push(Opened { index: index.unwrap_or(number(at)), begun: false, closed: false, content });
        Some(at)
    }

    /// A piece of a block that did not begin and that is handed on whole. An empty piece is none.
    fn unannounced(
        &mut self,
        index: Option<u32>,
        pieces: Map<String, Value>,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let part = number(self.blocks.len());
        let Some((kind, piece)) = field(pieces) else { return Ok(()) };
        // What a tool result says comes as a list, piece by piece.
        let value = match piece {
            Value::Array(content) => json!({ "content": content }),
            value => value,
        };
        let content = Content::Opaque { kind: kind.into(), value };
        let index = index.unwrap_or(part);
        self.close_index(index, out);
        self.blocks.push(Opened { index, begun: false, closed: false, content });
        Ok(())
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
        let whole = |kind: &str, data: Value| Event::Opaque {
            choice: 0,
            part,
            kind: kind.into(),
            data: Box::new(data),
            wire: SmolStr::new_static(WIRE),
        };
        let last = match &mut block.content {
            Content::Text { citations } if citations.is_empty() => None,
            Content::Text { citations } if block.begun => {
                let extra = Map::from_iter([(WIRE.to_owned(), json!({"citations": citations}))]);
                Some(Event::Extra { choice: 0, part, extra: Box::new(extra) })
            }
            Content::Text { citations } => {
                Some(whole("citationsContent", json!({"citationsContent": {"citations": citations}})))
            }
            Content::Redacted(data) => {
                Some(whole("reasoningContent", json!({"reasoningContent": {"redactedContent": data}})))
            }
            Content::Tool { whole } => {
                let whole = whole.take().filter(|input| input != "null");
                whole.map(|delta| Event::ToolInput { choice: 0, part, delta })
            }
            Content::Opaque { kind, value } => {
                let data = Map::from_iter([(kind.to_string(), std::mem::take(value))]);
                Some(whole(kind, Value::Object(data)))
            }
            Content::Reasoning | Content::Media(..) => None,
        };
        block.begun |= last.is_some();
        out.extend(last);
        if block.begun {
            out.push(Event::PartEnd { choice: 0, part });
        }
    }
}

fn malformed(message: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

/// True when one of the events from `before` on belongs to a part; a citation does not.
fn has_part(out: &[Event], before: usize) -> bool {
    out.iter().skip(before).any(|event| event.part().is_some())
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What is new of a text. An empty piece is none.
fn piece(text: &Text<'_>) -> Option<SmolStr> {
    text.get().map(SmolStr::from)
}

fn text(part: u32, text: &Text<'_>) -> Option<Event> {
    piece(text).map(|delta| Event::Text { choice: 0, part, delta })
}

fn reasoning(part: u32, text: &Text<'_>) -> Option<Event> {
    piece(text).map(|delta| Event::Reasoning { choice: 0, part, delta })
}

fn signature(part: u32, text: &Text<'_>) -> Option<Event> {
    piece(text).map(|delta| Event::Signature { choice: 0, part, delta, wire: SmolStr::new_static(WIRE) })
}

fn tool(part: u32, call: &ToolUse<'_>, out: &mut Vec<Event>) -> Content {
    let word = |text: &Text<'_>| piece(text).unwrap_or_default();
    let by = match call.r#type.get() {
        Some("server_tool_use") => ToolBy::Provider,
        _ => ToolBy::Client,
    };
    out.push(Event::ToolStart { choice: 0, part, id: word(&call.tool_use_id), name: word(&call.name), by });
    Content::Tool { whole: call.input.map(|input| input.get().into()) }
}

fn open_media(part: u32, kind: MediaKind, from: Medium<'_>, out: &mut Vec<Event>) -> Content {
    let mime = format::mime_of(kind, from.format.get().unwrap_or_default());
    out.extend(media::bytes(&from).map(|bytes| media::event(part, kind, mime.clone(), bytes)));
    Content::Media(kind, mime)
}
