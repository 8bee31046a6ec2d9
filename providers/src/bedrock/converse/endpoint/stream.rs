//! Writes the messages of a streamed answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Finish, Notice};
use belvedere_core::message::{Media, MediaKind, MediaSource, ToolBy, extra_of};
use belvedere_core::usage::Usage;
use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::super::super::messages;
use super::super::{WIRE, format, usage};
use super::{event, stop};
use crate::endpoint::restarted;

/// What is known of the answer.
#[derive(Debug, Default)]
pub(super) struct Writer {
    started: bool,
    /// The parts that have a block which is open. A part's number is its block's index.
    open: BTreeSet<u32>,
    usage: Option<Arc<Usage>>,
    finish: Option<Finish>,
    /// The stream was ended by an exception.
    over: bool,
}

impl Writer {
    fn delta(&mut self, part: u32, delta: Value, out: &mut BytesMut) {
        self.open.insert(part);
        event("contentBlockDelta", json!({"contentBlockIndex": part, "delta": delta}), out);
    }

    fn begin(&mut self, part: u32, start: Value, out: &mut BytesMut) {
        self.open.insert(part);
        event("contentBlockStart", json!({"contentBlockIndex": part, "start": start}), out);
    }

    /// Image, video or audio: the format comes first, then the bytes.
    fn media(&mut self, part: u32, media: &Media, out: &mut BytesMut) {
        let kind = match media.kind {
            MediaKind::Image => "image",
            MediaKind::Audio => "audio",
            MediaKind::Video => "video",
            MediaKind::File => return,
        };
        let MediaSource::Data { mime, data } = &media.source else { return };
        if !self.open.contains(&part) {
            let Some(format) = format::word_of(media.kind, mime) else { return };
            self.begin(part, json!({kind: {"format": format}}), out);
        }
        self.delta(part, json!({kind: {"source": {"bytes": STANDARD.encode(data)}}}), out);
    }

    /// A block of this wire's own, as far as a stream has a form for it.
    fn opaque(&mut self, part: u32, data: &Value, out: &mut BytesMut) {
        if let Some(redacted) = data.get("reasoningContent").and_then(|block| block.get("redactedContent")) {
            self.delta(part, json!({"reasoningContent": {"redactedContent": redacted}}), out);
        } else if let Some(cited) = data.get("citationsContent") {
            self.citations(part, cited.get("citations"), out);
        } else if let Some(result) = data.get("toolResult").and_then(Value::as_object) {
            let mut start: Map<String, Value> = result.clone();
            let content = start.remove("content").unwrap_or_else(|| json!([]));
            self.begin(part, json!({ "toolResult": start }), out);
            self.delta(part, json!({ "toolResult": content }), out);
        }
    }

    fn citations(&mut self, part: u32, citations: Option<&Value>, out: &mut BytesMut) {
        for citation in citations.and_then(Value::as_array).into_iter().flatten() {
            self.delta(part, json!({ "citation": citation }), out);
        }
    }

    fn fail(&mut self, error: &Error, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.over, true) {
            messages::exception_message(error, out);
        }
    }

    /// An event that belongs to a part of the answer.
    fn part(&mut self, part: u32, of: &Event, out: &mut BytesMut) {
        match of {
            Event::Text { delta, .. } | Event::Refusal { delta, .. } => {
                self.delta(part, json!({ "text": delta }), out);
            }
            Event::Reasoning { delta, .. } => {
                self.delta(part, json!({"reasoningContent": {"text": delta}}), out)
            }
            Event::Signature { delta, wire, .. } if wire.is_empty() || wire == WIRE => {
                self.delta(part, json!({"reasoningContent": {"signature": delta}}), out);
            }
            Event::ToolStart { id, name, by, .. } => {
                let mut call = json!({"toolUseId": id, "name": name});
                if let (ToolBy::Provider, Some(call)) = (by, call.as_object_mut()) {
                    call.insert("type".to_owned(), "server_tool_use".into());
                }
                self.begin(part, json!({ "toolUse": call }), out);
            }
            Event::ToolInput { delta, .. } => self.delta(part, json!({"toolUse": {"input": delta}}), out),
            Event::Media { media, .. } => self.media(part, media, out),
            Event::Opaque { data, wire, .. } if wire == WIRE => self.opaque(part, data, out),
            Event::Extra { extra, .. } => {
                let citations = extra_of(extra, WIRE).filter(|(key, _)| *key == "citations").last();
                self.citations(part, citations.map(|(_, list)| list), out);
            }
            Event::PartEnd { .. } if self.open.remove(&part) => {
                event("contentBlockStop", json!({ "contentBlockIndex": part }), out);
            }
            _ => {}
        }
    }
}

impl Encoder for Writer {
    fn event(&mut self, of: &Event, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match of {
            Event::Start { .. } if !std::mem::replace(&mut self.started, true) => {
                event("messageStart", json!({"role": "assistant"}), out);
            }
            Event::Notice(Notice::Restart { .. }) if self.started => self.fail(&restarted(), out),
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            of => {
                if let Some((0, part)) = of.part() {
                    self.part(part, of, out);
                }
            }
        }
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        if let Some(error) = error {
            self.fail(error, out);
        }
        if self.over {
            return;
        }
        if let Some(finish) = &self.finish {
            let mut fields = stop(finish);
            // A stream has to say why it ended.
            fields.entry("stopReason").or_insert_with(|| "end_turn".into());
            event("messageStop", Value::Object(fields), out);
        }
        let mut metadata = json!({"metrics": {"latencyMs": 0}});
        if let (Some(usage), Some(metadata)) = (&self.usage, metadata.as_object_mut()) {
            metadata.insert("usage".to_owned(), usage::counts(usage));
        }
        event("metadata", metadata, out);
    }
}
