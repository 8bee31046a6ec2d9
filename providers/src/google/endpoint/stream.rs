//! Writes streamed answers as server-sent events.

use std::collections::BTreeMap;
use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Finish, Notice, Source};
use belvedere_core::message::Part;
use belvedere_core::usage::Usage;
use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::{answer, error};
use crate::endpoint::{frame, restarted};

/// What is known of the answer while it is written.
///
/// A text is written as it comes; what signs it follows in an empty text of its own, as Gemini itself does. A call
/// is written when it is whole, and what a choice rests on with its end.
#[derive(Debug, Default)]
pub(super) struct Stream {
    id: Option<SmolStr>,
    model: Option<SmolStr>,
    /// Parts that are not whole yet, or signatures of theirs.
    held: BTreeMap<(u32, u32), Part>,
    sources: BTreeMap<u32, Vec<Source>>,
    usage: Option<Arc<Usage>>,
    /// Something of the answer was written.
    begun: bool,
    /// An error ended it: nothing follows.
    over: bool,
}

impl Stream {
    fn candidate(&mut self, candidate: Map<String, Value>, out: &mut BytesMut) {
        let candidates = vec![Value::Object(candidate)];
        frame(&answer::frame(candidates, self.id.as_deref(), self.model.as_deref()), out);
        self.begun = true;
    }

    fn part(&mut self, choice: u32, part: Option<Value>, out: &mut BytesMut) {
        if let Some(part) = part {
            self.candidate(answer::candidate(choice, vec![part]), out);
        }
    }

    fn finish(&mut self, choice: u32, finish: &Finish, out: &mut BytesMut) {
        let sources = self.sources.remove(&choice).unwrap_or_default();
        let mut candidate = answer::candidate(choice, Vec::new());
        answer::end(&mut candidate, Some(finish), &sources);
        // It is the wire's terminal signal.
        candidate.entry("finishReason").or_insert_with(|| "STOP".into());
        let candidates = vec![Value::Object(candidate)];
        let mut last = answer::frame(candidates, self.id.as_deref(), self.model.as_deref());
        if let (Some(usage), Value::Object(last)) = (&self.usage, &mut last) {
            last.insert("usageMetadata".into(), answer::metadata(usage));
        }
        frame(&last, out);
    }

    /// Adds further fields to a part that is held; a text's are held in an empty text.
    fn extra(&mut self, place: (u32, u32), more: &Map<String, Value>) {
        let held = self.held.entry(place).or_insert_with(|| Part::text(""));
        if let Part::Text { extra, .. } | Part::Reasoning { extra, .. } | Part::ToolCall { extra, .. } = held
        {
            extra.extend(more.clone());
        }
    }
}

impl Encoder for Stream {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            _ if self.over => {}
            Event::Notice(Notice::Restart { .. }) if self.begun => {
                frame(&error::body(&restarted()), out);
                self.over = true;
            }
            Event::Notice(Notice::Restart { .. }) => *self = Stream::default(),
            Event::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Event::Text { choice, delta, .. } | Event::Refusal { choice, delta, .. } if !delta.is_empty() => {
                self.part(*choice, Some(json!({"text": delta})), out);
            }
            Event::Reasoning { choice, delta, .. } if !delta.is_empty() => {
                self.part(*choice, Some(json!({"text": delta, "thought": true})), out);
            }
            Event::Signature { choice, part, delta, wire: of } => {
                let held = self.held.entry((*choice, *part)).or_insert_with(|| Part::reasoning(""));
                if let Part::Reasoning { signature, wire, .. } = held {
                    wire.clone_from(of);
                    signature.get_or_insert_default().push_str(delta);
                }
            }
            Event::ToolStart { choice, part, id, name, by } => {
                let (id, name, input) = (id.clone(), name.clone(), String::new());
                let call = Part::ToolCall { id, name, input, by: *by, extra: Map::new() };
                self.held.insert((*choice, *part), call);
            }
            Event::ToolInput { choice, part, delta } => {
                if let Some(Part::ToolCall { input, .. }) = self.held.get_mut(&(*choice, *part)) {
                    input.push_str(delta);
                }
            }
            Event::Extra { choice, part, extra } => self.extra((*choice, *part), extra),
            Event::PartEnd { choice, part } => {
                if let Some(held) = self.held.remove(&(*choice, *part)) {
                    self.part(*choice, answer::part(&held), out);
                }
            }
            Event::Media { choice, media, .. } => {
                self.part(*choice, answer::part(&Part::Media((**media).clone())), out);
            }
            Event::Opaque { choice, kind, data, wire, .. } => {
                let part = Part::opaque(wire.clone(), kind.clone(), (**data).clone());
                self.part(*choice, answer::part(&part), out);
            }
            Event::Logprobs { choice, data } => {
                let mut candidate = answer::candidate(*choice, Vec::new());
                answer::logprobs(&mut candidate, data);
                self.candidate(candidate, out);
            }
            Event::Source { choice, source } => {
                self.sources.entry(*choice).or_default().push((**source).clone());
            }
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            Event::Finish { choice, finish } => self.finish(*choice, finish, out),
            _ => {}
        }
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        if let Some(error) = error.filter(|_| !self.over) {
            frame(&error::body(error), out);
        }
    }
}
