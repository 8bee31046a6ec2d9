//! Streamed answers: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Finish, Notice, Source};
use belvedere_core::message::ToolBy;
use belvedere_core::request::Request;
use belvedere_core::usage::Usage;
use bytes::BytesMut;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::block::{Block, citation, is_block, stop_reason};
use super::{fault, id_of, model_of, usage};
use crate::anthropic::block::is_ours;
use crate::endpoint::{event, restarted};

/// Writes the blocks of one answer. Parts that are open at the same time are blocks that are: each has its index.
#[derive(Debug)]
pub(super) struct Blocks {
    request: Request,
    id: SmolStr,
    model: SmolStr,
    /// `message_start` is written. It waits for the first block, so that it has the usage that comes before.
    begun: bool,
    usage: Option<Arc<Usage>>,
    blocks: Vec<Begun>,
    /// A call whose further fields may come: they belong to the start of its block.
    call: Option<Waiting>,
    /// Citations that came before any text.
    loose: Vec<Value>,
    over: bool,
}

/// A block that has begun. Its place is its index.
#[derive(Debug)]
struct Begun {
    part: u32,
    is_text: bool,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    part: u32,
    id: SmolStr,
    name: SmolStr,
    by: ToolBy,
    extra: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct BlockEvent<'a> {
    r#type: &'static str,
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_block: Option<&'a Block<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<Delta<'a>>,
}

/// What is new of a block.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citation { citation: Value },
}

const TEXT: Block<'static> = Block::Text { text: "", citations: Vec::new() };
const THINKING: Block<'static> = Block::Thinking { thinking: "", signature: "" };

impl Blocks {
    pub(super) fn new(request: &Request) -> Self {
        Blocks {
            request: request.clone(),
            id: SmolStr::default(),
            model: SmolStr::default(),
            begun: false,
            usage: None,
            blocks: Vec::new(),
            call: None,
            loose: Vec::new(),
            over: false,
        }
    }

    /// Writes `message_start`, once.
    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage::usage(self.usage.as_deref()),
        });
        event("message_start", &json!({ "type": "message_start", "message": message }), out);
    }

    /// Begins a block; gives its index.
    fn start(&mut self, part: u32, block: &Block<'_>, out: &mut BytesMut) -> usize {
        self.begin(out);
        let index = self.blocks.len();
        let is_text = matches!(block, Block::Text { .. });
        self.blocks.push(Begun { part, is_text, closed: false });
        let r#type = "content_block_start";
        event(r#type, &BlockEvent { r#type, index, content_block: Some(block), delta: None }, out);
        if is_text {
            for citation in std::mem::take(&mut self.loose) {
                delta(index, Delta::Citation { citation }, out);
            }
        }
        index
    }

    /// The index of a part's open block; begins it when there is none.
    fn index(&mut self, part: u32, block: &Block<'_>, out: &mut BytesMut) -> usize {
        match self.open(part) {
            Some(index) => index,
            None => self.start(part, block, out),
        }
    }

    fn open(&self, part: u32) -> Option<usize> {
        self.blocks.iter().position(|block| block.part == part && !block.closed)
    }

    fn stop(&mut self, index: usize, out: &mut BytesMut) {
        let Some(block) = self.blocks.get_mut(index).filter(|block| !block.closed) else { return };
        block.closed = true;
        let r#type = "content_block_stop";
        event(r#type, &BlockEvent { r#type, index, content_block: None, delta: None }, out);
    }

    /// Begins the block of the call that waits.
    fn flush(&mut self, out: &mut BytesMut) {
        let Some(Waiting { part, id, name, by, extra }) = self.call.take() else { return };
        let answer = self.id.clone();
        let block = Block::call((&answer, self.blocks.len()), (&id, &name, ""), by, &extra);
        self.start(part, &block, out);
    }

    /// A citation belongs to the text it names, else to the latest that is open, else to the next.
    fn source(&mut self, source: &Source, out: &mut BytesMut) {
        let citation = citation(source);
        let known = |part: &u32| self.blocks.iter().any(|block| block.part == *part);
        let index = match source.part {
            Some(part) if !known(&part) => Some(self.start(part, &TEXT, out)),
            part => {
                let open = |block: &Begun| block.is_text && !block.closed;
                let named = self.blocks.iter().position(|b| open(b) && Some(b.part) == part);
                named.or_else(|| self.blocks.iter().rposition(open))
            }
        };
        match index {
            Some(index) => delta(index, Delta::Citation { citation }, out),
            None => self.loose.push(citation),
        }
    }

    fn finish(&mut self, finish: &Finish, out: &mut BytesMut) {
        self.begin(out);
        for index in 0..self.blocks.len() {
            self.stop(index, out);
        }
        if !self.loose.is_empty() {
            let index = self.start(u32::MAX, &TEXT, out);
            self.stop(index, out);
        }
        let stop = json!({ "stop_reason": stop_reason(Some(finish)), "stop_sequence": finish.stop_sequence });
        let usage = usage::usage(self.usage.as_deref());
        event("message_delta", &json!({ "type": "message_delta", "delta": stop, "usage": usage }), out);
    }

    /// The parts of the answer.
    fn part(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Text { part, delta: text, .. } | Event::Refusal { part, delta: text, .. } => {
                let index = self.index(*part, &TEXT, out);
                delta(index, Delta::Text { text }, out);
            }
            Event::Reasoning { part, delta: thinking, .. } => {
                let index = self.index(*part, &THINKING, out);
                delta(index, Delta::Thinking { thinking }, out);
            }
            Event::Signature { part, delta: signature, wire, .. } if is_ours(wire) => {
                let index = self.index(*part, &THINKING, out);
                delta(index, Delta::Signature { signature }, out);
            }
            Event::ToolStart { part, id, name, by, .. } => {
                let (id, name) = (id.clone(), name.clone());
                self.call = Some(Waiting { part: *part, id, name, by: *by, extra: Map::new() });
            }
            Event::ToolInput { part, delta: partial_json, .. } => {
                if let Some(index) = self.open(*part) {
                    delta(index, Delta::Input { partial_json }, out);
                }
            }
            Event::Opaque { part, data, wire, .. } if is_block(wire, data) => {
                let index = self.start(*part, &Block::Opaque(data), out);
                self.stop(index, out);
            }
            Event::Source { source, .. } => self.source(source, out),
            Event::PartEnd { part, .. } => {
                if let Some(index) = self.open(*part) {
                    self.stop(index, out);
                }
            }
            Event::Finish { finish, .. } => self.finish(finish, out),
            _ => {}
        }
    }
}

/// True for an event of the wire's only choice.
fn is_first(event: &Event) -> bool {
    match event {
        Event::Source { choice, .. } | Event::Finish { choice, .. } => *choice == 0,
        event => event.part().is_some_and(|(choice, _)| choice == 0),
    }
}

fn delta(index: usize, delta: Delta<'_>, out: &mut BytesMut) {
    let r#type = "content_block_delta";
    event(r#type, &BlockEvent { r#type, index, content_block: None, delta: Some(delta) }, out);
}

impl Encoder for Blocks {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            _ if self.over => {}
            Event::Start { id, model } => {
                self.id = id_of(&self.request, id.as_deref());
                self.model = model_of(&self.request, model.as_deref());
            }
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            Event::Notice(Notice::Restart { .. }) if self.begun || self.call.is_some() => {
                self.end(Some(&restarted()), out);
            }
            Event::Extra { choice: 0, part, extra } => {
                if let Some(call) = self.call.as_mut().filter(|call| call.part == *part) {
                    call.extra.extend((**extra).clone());
                }
            }
            event if is_first(event) => {
                self.flush(out);
                self.part(event, out);
            }
            _ => {}
        }
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        match error {
            Some(error) => event("error", &fault::body(error), out),
            None => event("message_stop", &json!({ "type": "message_stop" }), out),
        }
    }
}
