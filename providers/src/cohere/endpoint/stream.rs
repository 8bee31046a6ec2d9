//! Writes streamed answers.

use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Finish, Notice};
use belvedere_core::message::ToolBy;
use belvedere_core::usage::Usage;
use bytes::BytesMut;
use serde_json::{Value, json};

use super::super::{WIRE, finish, source, usage};
use super::answer::{self, is_plan};
use crate::endpoint::{event, restarted};

/// Writes the events of a stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    begun: bool,
    broken: bool,
    parts: Vec<Written>,
    content: u32,
    calls: u32,
    citations: u32,
    /// The first words of a reasoning part. Only the next event tells whether they are a plan.
    held: Option<(u32, String)>,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

/// A part and what it is on the wire.
#[derive(Debug, Clone, Copy)]
struct Written {
    part: u32,
    what: What,
    index: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Text,
    Thinking,
    Plan,
    Call,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            What::Text => "text",
            _ => "thinking",
        }
    }
}

/// Writes an event; its type is also its name.
fn send(kind: &str, index: Option<u32>, delta: Option<Value>, out: &mut BytesMut) {
    let mut body = serde_json::Map::from_iter([("type".to_owned(), kind.into())]);
    body.extend(index.map(|index| ("index".to_owned(), index.into())));
    body.extend(delta.map(|delta| ("delta".to_owned(), delta)));
    event(kind, &body, out);
}

impl Stream {
    fn start(&mut self, id: Option<&str>, out: &mut BytesMut) {
        self.begun = true;
        let delta = json!({"message": {"role": "assistant"}});
        let id = answer::id(id, "");
        event("message-start", &json!({"type": "message-start", "id": id, "delta": delta}), out);
    }

    fn find(&self, part: u32) -> Option<Written> {
        self.parts.iter().rfind(|written| written.part == part).copied()
    }

    /// Opens a block of content, or a plan, which needs no opening.
    fn open(&mut self, part: u32, what: What, out: &mut BytesMut) -> Written {
        let written = Written { part, what, index: self.content };
        self.parts.push(written);
        if what != What::Plan {
            self.content = self.content.saturating_add(1);
            let content = json!({"type": what.word(), what.word(): ""});
            send("content-start", Some(written.index), Some(json!({"message": {"content": content}})), out);
        }
        written
    }

    fn say(&mut self, part: u32, what: What, words: &str, out: &mut BytesMut) {
        let written = self.find(part).unwrap_or_else(|| self.open(part, what, out));
        match written.what {
            What::Plan => send("tool-plan-delta", None, Some(json!({"message": {"tool_plan": words}})), out),
            what => {
                let content = json!({ what.word(): words });
                let delta = json!({"message": {"content": content}});
                send("content-delta", Some(written.index), Some(delta), out);
            }
        }
    }

    fn release(&mut self, what: What, out: &mut BytesMut) {
        if let Some((part, words)) = self.held.take() {
            self.say(part, what, &words, out);
        }
    }

    fn close(&mut self, part: u32, out: &mut BytesMut) {
        match self.find(part) {
            Some(Written { what: What::Call, index, .. }) => send("tool-call-end", Some(index), None, out),
            Some(Written { what: What::Text | What::Thinking, index, .. }) => {
                send("content-end", Some(index), None, out);
            }
            _ => {}
        }
    }

    fn call(&mut self, part: u32, id: &str, name: &str, out: &mut BytesMut) {
        let written = Written { part, what: What::Call, index: self.calls };
        self.parts.push(written);
        self.calls = self.calls.saturating_add(1);
        let delta = json!({"message": {"tool_calls": answer::call(id, name, "")}});
        send("tool-call-start", Some(written.index), Some(delta), out);
    }

    fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Text { part, delta, .. } | Event::Refusal { part, delta, .. } => {
                self.say(*part, What::Text, delta, out);
            }
            Event::Reasoning { part, delta, .. } if self.find(*part).is_none() => {
                self.held = Some((*part, delta.to_string()));
            }
            Event::Reasoning { part, delta, .. } => self.say(*part, What::Thinking, delta, out),
            Event::ToolStart { part, id, name, by: ToolBy::Client, .. } => self.call(*part, id, name, out),
            Event::ToolInput { part, delta, .. } => {
                if let Some(Written { what: What::Call, index, .. }) = self.find(*part) {
                    let call = json!({"function": {"arguments": delta}});
                    let delta = json!({"message": {"tool_calls": call}});
                    send("tool-call-delta", Some(index), Some(delta), out);
                }
            }
            Event::Opaque { data, wire, .. } if wire == WIRE => {
                let index = Some(self.content);
                self.content = self.content.saturating_add(1);
                send("content-start", index, Some(json!({"message": {"content": data}})), out);
                send("content-end", index, None, out);
            }
            Event::PartEnd { part, .. } => self.close(*part, out),
            Event::Source { choice: 0, source } => {
                let index = Some(self.citations);
                self.citations = self.citations.saturating_add(1);
                let delta = json!({"message": {"citations": source::write(source)}});
                send("citation-start", index, Some(delta), out);
                send("citation-end", index, None, out);
            }
            Event::Logprobs { choice: 0, data } => {
                let index = self.content.saturating_sub(1);
                let delta = json!({"message": {"content": {}}});
                let body = json!({"type": "content-delta", "index": index, "delta": delta, "logprobs": data});
                crate::endpoint::event("content-delta", &body, out);
            }
            Event::Usage(usage) => self.usage = Some((**usage).clone()),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            _ => {}
        }
    }
}

impl Encoder for Stream {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, .. } if !self.broken => return self.start(id.as_deref(), out),
            Event::Notice(Notice::Restart { .. }) => self.broken = self.begun,
            _ => {}
        }
        if self.broken || event.part().is_some_and(|(choice, _)| choice > 0) {
            return;
        }
        let held = self.held.as_ref().map(|(part, _)| *part);
        match event {
            Event::Extra { part, extra, .. } if held == Some(*part) && is_plan(extra) => {
                self.release(What::Plan, out);
            }
            Event::Notice(_) | Event::Raw { .. } | Event::Usage(_) => {}
            _ => self.release(What::Thinking, out),
        }
        self.write(event, out);
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        let lost = self.broken.then(restarted);
        let delta = match error.or(lost.as_ref()) {
            Some(error) => json!({"finish_reason": "ERROR", "error": answer::sentence(error)}),
            None => {
                let mut delta = serde_json::Map::new();
                delta.insert("finish_reason".into(), finish::write(self.finish.as_ref()).into());
                let usage = self.usage.as_ref().map(|usage| ("usage".to_owned(), usage::write(usage).into()));
                delta.extend(usage);
                delta.into()
            }
        };
        send("message-end", None, Some(delta), out);
    }
}
