//! Streamed answers, <https://platform.openai.com/docs/api-reference/responses-streaming>.

use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Finish, Notice, Source};
use belvedere_core::message::{Part, ToolBy};
use belvedere_core::request::Request;
use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::output::{self, annotation, entries, put};
use super::running::{Family, Running};
use super::{echo, fault};
use crate::endpoint::{event as frame, restarted};

/// Writes the events of one answer. The first choice is the answer: the wire has no others.
#[derive(Debug)]
pub(super) struct Stream {
    request: Request,
    /// The fields of the response, but for its items and its end.
    head: Map<String, Value>,
    id: String,
    number: u64,
    items: Vec<Running>,
    /// The items that are complete, each under its place.
    output: Vec<(usize, Value)>,
    usage: Value,
    finish: Option<Finish>,
    begun: bool,
    over: bool,
}

impl Stream {
    pub(super) fn new(request: &Request) -> Self {
        Stream {
            request: request.clone(),
            head: Map::new(),
            id: String::new(),
            number: 0,
            items: Vec::new(),
            output: Vec::new(),
            usage: Value::Null,
            finish: None,
            begun: false,
            over: false,
        }
    }

    /// Writes an event under the next number.
    fn send(&mut self, kind: &str, mut fields: Value, out: &mut BytesMut) {
        if let Some(map) = fields.as_object_mut() {
            map.insert("type".into(), kind.into());
            map.insert("sequence_number".into(), self.number.into());
        }
        self.number += 1;
        frame(kind, &fields, out);
    }

    fn start(&mut self, id: Option<&str>, model: Option<&str>, out: &mut BytesMut) {
        if self.begun {
            return;
        }
        self.begun = true;
        self.id = output::id_of(&self.request, id);
        self.head = echo::of(&self.request);
        self.head.extend(output::head(&self.request, &self.id, model));
        for kind in ["response.created", "response.in_progress"] {
            let mut response = self.head.clone();
            response.extend([
                ("status".to_owned(), "in_progress".into()),
                ("output".to_owned(), json!([])),
                ("usage".to_owned(), Value::Null),
            ]);
            self.send(kind, json!({ "response": response }), out);
        }
    }

    /// Takes an event of a part in.
    fn part(&mut self, event: &Event, number: u32, out: &mut BytesMut) {
        let known = self.items.iter().rposition(|i| i.parts.iter().any(|piece| piece.number == number));
        let at = match (known, Family::of(event)) {
            (Some(at), _) => at,
            (None, Some(family)) => match self.items.iter().rposition(|item| item.takes(event)) {
                Some(at) => at,
                None => {
                    self.close(|item| item.waits(), out);
                    let id = output::id_of(&self.request, Some(&format!("{}_{}", self.id, self.items.len())));
                    self.items.push(Running::new(family, id));
                    self.items.len() - 1
                }
            },
            (None, None) => return,
        };
        let is_new_item = self.items.get(at).is_some_and(|item| item.parts.is_empty());
        let Some(item) = self.items.get_mut(at) else { return };
        let Some(place) = item.event(event, number) else { return };
        if known.is_none() {
            self.opened(at, place, is_new_item, out);
        }
        self.piece(at, place, event, out);
        self.close(Running::is_over, out);
    }

    /// Tells of a part that begins, and of its item.
    fn opened(&mut self, at: usize, place: usize, is_new_item: bool, out: &mut BytesMut) {
        let Some((id, part)) =
            self.items.get(at).and_then(|item| Some((item.id.clone(), item.parts.get(place)?.part.clone())))
        else {
            return;
        };
        let begun = match &part {
            Part::Text { .. } | Part::Refusal { .. } => {
                json!({"type": "message", "id": id, "status": "in_progress", "role": "assistant", "content": []})
            }
            Part::Reasoning { .. } => json!({"type": "reasoning", "id": id, "summary": []}),
            Part::ToolCall { id: call, name, by: ToolBy::Client, .. } => json!({
                "type": "function_call", "id": id, "status": "in_progress", "call_id": call, "name": name,
                "arguments": "",
            }),
            _ => return,
        };
        if is_new_item {
            self.send("response.output_item.added", json!({"output_index": at, "item": begun}), out);
        }
        match &part {
            Part::Reasoning { .. } => {
                let part = json!({"type": "summary_text", "text": ""});
                let fields = json!({"item_id": id, "output_index": at, "summary_index": place, "part": part});
                self.send("response.reasoning_summary_part.added", fields, out);
            }
            Part::ToolCall { .. } => {}
            part => {
                let part = piece_of(part, "");
                let fields = json!({"item_id": id, "output_index": at, "content_index": place, "part": part});
                self.send("response.content_part.added", fields, out);
            }
        }
    }

    /// Tells what is new of a part.
    fn piece(&mut self, at: usize, place: usize, event: &Event, out: &mut BytesMut) {
        let Some(id) = self.items.get(at).map(|item| item.id.clone()) else { return };
        let (kind, index, delta) = match event {
            Event::Text { delta, .. } => ("response.output_text.delta", "content_index", delta),
            Event::Refusal { delta, .. } => ("response.refusal.delta", "content_index", delta),
            Event::Reasoning { delta, .. } => {
                ("response.reasoning_summary_text.delta", "summary_index", delta)
            }
            Event::ToolInput { delta, .. } if self.is_client(at) => {
                let fields = json!({"item_id": id, "output_index": at, "delta": delta});
                return self.send("response.function_call_arguments.delta", fields, out);
            }
            _ => return,
        };
        if delta.is_empty() {
            return;
        }
        let mut fields = json!({"item_id": id, "output_index": at, "delta": delta});
        if let Some(map) = fields.as_object_mut() {
            map.insert(index.to_owned(), place.into());
            if matches!(event, Event::Text { .. }) {
                map.insert("logprobs".to_owned(), json!([]));
            }
        }
        self.send(kind, fields, out);
    }

    fn is_client(&self, at: usize) -> bool {
        self.items.get(at).is_some_and(|item| {
            item.parts.iter().all(|piece| matches!(&piece.part, Part::ToolCall { by: ToolBy::Client, .. }))
        })
    }

    /// Completes the items for which `is_over` holds.
    fn close(&mut self, is_over: impl Fn(&Running) -> bool, out: &mut BytesMut) {
        for at in 0..self.items.len() {
            if self.items.get(at).is_some_and(|item| !item.done && is_over(item)) {
                self.complete(at, out);
            }
        }
    }

    fn complete(&mut self, at: usize, out: &mut BytesMut) {
        let Some(item) = self.items.get_mut(at) else { return };
        item.done = true;
        let id = item.id.clone();
        let parts: Vec<Part> = item.parts.drain(..).map(|piece| piece.part).collect();
        let whole = output::items(&parts, &id).into_iter().next();
        for (place, part) in parts.iter().enumerate() {
            self.ended(at, place, &id, part, whole.as_ref(), out);
        }
        // An item that the wire has no place for was never told of.
        let Some(mut whole) = whole else { return };
        let is_announced = !matches!(parts.first(), Some(Part::Opaque { .. } | Part::Media(_)));
        if let Some(map) = whole.as_object_mut() {
            let has_own_id = parts.iter().any(|part| own_id(part).is_some());
            if is_announced && !has_own_id {
                map.insert("id".into(), id.into());
            }
        }
        if !is_announced {
            self.send("response.output_item.added", json!({"output_index": at, "item": whole}), out);
        }
        self.send("response.output_item.done", json!({"output_index": at, "item": whole}), out);
        self.output.push((at, whole));
    }

    /// Tells of a part that ended.
    fn ended(
        &mut self,
        at: usize,
        place: usize,
        id: &str,
        part: &Part,
        whole: Option<&Value>,
        out: &mut BytesMut,
    ) {
        let place_of = |index: &str| json!({"item_id": id, "output_index": at, index: place});
        let with = |index: &str, name: &str, value: Value| {
            let mut fields = place_of(index);
            if let Some(map) = fields.as_object_mut() {
                map.insert(name.to_owned(), value);
            }
            fields
        };
        match part {
            Part::Text { text, .. } | Part::Refusal { text } => {
                let content = whole.and_then(|item| item.get("content")?.get(place)).cloned();
                let content = content.unwrap_or_else(|| piece_of(part, text));
                if let Part::Refusal { .. } = part {
                    self.send(
                        "response.refusal.done",
                        with("content_index", "refusal", text.as_str().into()),
                        out,
                    );
                } else {
                    let mut fields = with("content_index", "text", text.as_str().into());
                    let logprobs = content.get("logprobs").cloned().unwrap_or_else(|| json!([]));
                    fields.as_object_mut().map(|map| map.insert("logprobs".into(), logprobs));
                    self.send("response.output_text.done", fields, out);
                }
                self.send("response.content_part.done", with("content_index", "part", content), out);
            }
            Part::Reasoning { text, .. } => {
                let fields = with("summary_index", "text", text.as_str().into());
                self.send("response.reasoning_summary_text.done", fields, out);
                let part = json!({"type": "summary_text", "text": text});
                self.send("response.reasoning_summary_part.done", with("summary_index", "part", part), out);
            }
            Part::ToolCall { input, name, by: ToolBy::Client, .. } => {
                let arguments = if input.trim().is_empty() { "{}" } else { input };
                let fields = json!({"item_id": id, "output_index": at, "name": name, "arguments": arguments});
                self.send("response.function_call_arguments.done", fields, out);
            }
            _ => {}
        }
    }

    /// A citation: it belongs to its part's text, or to the latest.
    fn source(&mut self, source: &Source, out: &mut BytesMut) {
        let Some(cited) = annotation(source) else { return };
        let open = |item: &Running| !item.done && item.family == Family::Message;
        let has = |item: &Running| {
            source.part.is_none_or(|number| item.parts.iter().any(|piece| piece.number == number))
        };
        let Some(at) = self.items.iter().rposition(|item| open(item) && has(item)) else { return };
        let Some(item) = self.items.get_mut(at) else { return };
        let place = item.parts.iter().rposition(|piece| {
            piece.part.as_text().is_some() && source.part.is_none_or(|number| number == piece.number)
        });
        let Some((place, piece)) = place.and_then(|place| Some((place, item.parts.get_mut(place)?))) else {
            return;
        };
        let count = match &mut piece.part {
            Part::Text { extra, .. } => add(extra, "annotations", vec![cited.clone()]),
            _ => 0,
        };
        let fields = json!({
            "item_id": item.id, "output_index": at, "content_index": place,
            "annotation_index": count.saturating_sub(1), "annotation": cited,
        });
        self.send("response.output_text.annotation.added", fields, out);
    }

    /// Log probabilities belong to the latest text that is open.
    fn logprobs(&mut self, data: &Value) {
        let open = self.items.iter_mut().rev().filter(|item| !item.done && item.family == Family::Message);
        let texts = open.flat_map(|item| item.parts.iter_mut().rev());
        if let Some(Part::Text { extra, .. }) =
            texts.map(|piece| &mut piece.part).find(|part| part.as_text().is_some())
        {
            add(extra, "logprobs", entries(data));
        }
    }

    fn fail(&mut self, error: &Error, out: &mut BytesMut) {
        let body = serde_json::to_value(fault::body(error)).unwrap_or_default();
        // Older clients read the error beside the type, newer ones inside.
        let mut fields = json!({ "error": body.get("error") });
        if let (Some(map), Some(inner)) =
            (fields.as_object_mut(), body.get("error").and_then(Value::as_object))
        {
            let flat = ["code", "message", "param"].into_iter();
            map.extend(flat.filter_map(|name| Some((name.to_owned(), inner.get(name)?.clone()))));
        }
        self.send("error", fields, out);
        self.over = true;
    }

    /// Ends the response.
    fn finish(&mut self, out: &mut BytesMut) {
        self.close(|_| true, out);
        self.output.sort_by_key(|(at, _)| *at);
        let mut response = std::mem::take(&mut self.head);
        response.extend(output::end(self.finish.as_ref()));
        let items: Vec<Value> = self.output.drain(..).map(|(_, item)| item).collect();
        response.insert("output".into(), items.into());
        response.insert("usage".into(), std::mem::take(&mut self.usage));
        let kind = match response.get("status").and_then(Value::as_str) {
            Some("incomplete") => "response.incomplete",
            Some("failed") => "response.failed",
            _ => "response.completed",
        };
        self.send(kind, json!({ "response": response }), out);
        self.over = true;
    }
}

/// Adds to a list in a text's extra of this wire; its length then.
fn add(extra: &mut Map<String, Value>, name: &str, more: Vec<Value>) -> usize {
    put(extra, name, Vec::new());
    let list = extra.get_mut(super::WIRE).and_then(|own| own.get_mut(name)).and_then(Value::as_array_mut);
    list.map(|list| {
        list.extend(more);
        list.len()
    })
    .unwrap_or_default()
}

fn piece_of(part: &Part, text: &str) -> Value {
    match part {
        Part::Refusal { .. } => json!({"type": "refusal", "refusal": text}),
        _ => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
    }
}

/// The id that the item of a part had on this wire.
fn own_id(part: &Part) -> Option<&str> {
    let (Part::Text { extra, .. } | Part::Reasoning { extra, .. } | Part::ToolCall { extra, .. }) = part
    else {
        return None;
    };
    extra.get(super::WIRE)?.get("id")?.as_str()
}

impl Encoder for Stream {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model } => self.start(id.as_deref(), model.as_deref(), out),
            Event::Notice(Notice::Restart { .. }) if !self.items.is_empty() => self.fail(&restarted(), out),
            Event::Notice(Notice::Restart { .. }) => self.usage = Value::Null,
            Event::Usage(usage) => self.usage = output::counts(usage),
            Event::Source { choice: 0, source } => self.source(source, out),
            Event::Logprobs { choice: 0, data } => self.logprobs(data),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            other => {
                if let Some((0, number)) = other.part() {
                    self.part(other, number, out);
                }
            }
        }
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        if self.over {
            return;
        }
        self.start(None, None, out);
        match error {
            Some(error) => self.fail(error, out),
            None => self.finish(out),
        }
    }
}
