//! Streamed answers, <https://platform.openai.com/docs/api-reference/responses-streaming>.

use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Finish, Notice, Source};
use belvedere_core::message::Part;
use belvedere_core::request::Request;
use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::super::input::defines_custom;
use super::output::{self, annotation, entries, put};
use super::running::{Family, Running};
use super::telling::{self, At, Told, begun_item, begun_part, ended_part};
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
    /// Items told of so far: the next one's index.
    told: usize,
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
            told: 0,
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
                    let id = format!("{}_{}", self.id, self.items.len());
                    self.items.push(Running::new(family, id));
                    self.items.len() - 1
                }
            },
            (None, None) => return,
        };
        let Some(item) = self.items.get_mut(at) else { return };
        let Some(place) = item.event(event, number) else { return };
        if let Event::ToolStart { name, .. } = event {
            item.is_custom = defines_custom(&self.request.tools, name);
        }
        self.tell(at, place, event, out);
        self.close(Running::is_over, out);
    }

    /// Tells what is new of a part; before it, that the part begins, and its item.
    fn tell(&mut self, at: usize, place: usize, event: &Event, out: &mut BytesMut) {
        let told = self.told;
        let Some(item) = self.items.get_mut(at) else { return };
        let Some(piece) = item.parts.get_mut(place) else { return };
        let here = |index| At { id: &item.id, item: index, part: place, is_custom: item.is_custom };
        let mut all: Vec<Told> = Vec::new();
        if item.index.is_none() {
            let Some(begun) = begun_item(&piece.part, here(told)) else { return };
            all.push(("response.output_item.added", json!({ "output_index": told, "item": begun })));
            item.index = Some(told);
            self.told += 1;
        }
        let here = here(item.index.unwrap_or(told));
        let is_shown = !matches!(&piece.part, Part::Reasoning { text, .. } if text.is_empty());
        if is_shown && !std::mem::replace(&mut piece.begun, true) {
            all.extend(begun_part(&piece.part, here));
        }
        all.extend(telling::piece(event, here));
        all.into_iter().for_each(|(kind, fields)| self.send(kind, fields, out));
    }

    /// Completes the items for which `is_over` holds.
    fn close(&mut self, is_over: impl Fn(&Running) -> bool, out: &mut BytesMut) {
        for at in 0..self.items.len() {
            if self.items.get(at).is_some_and(|item| !item.done && is_over(item)) {
                self.complete(at, out);
            }
        }
    }

    /// Tells that an item is complete. One that was not told of before, and that the wire has a place for, begins
    /// here, too.
    fn complete(&mut self, at: usize, out: &mut BytesMut) {
        let Some(item) = self.items.get_mut(at) else { return };
        item.done = true;
        let (id, is_custom, index) = (item.id.clone(), item.is_custom, item.index);
        let parts: Vec<Part> = item.parts.drain(..).map(|piece| piece.part).collect();
        let Some(mut whole) = output::items(&parts, &self.request.tools, &id).into_iter().next() else {
            return;
        };
        if let (Some(map), false) = (whole.as_object_mut(), parts.iter().any(has_own_id)) {
            map.insert("id".into(), id.as_str().into());
        }
        let index = match index {
            Some(index) => {
                for (place, part) in parts.iter().enumerate() {
                    let here = At { id: &id, item: index, part: place, is_custom };
                    let ended = ended_part(part, here, &whole);
                    ended.into_iter().for_each(|(kind, fields)| self.send(kind, fields, out));
                }
                index
            }
            None => {
                let index = self.told;
                self.told += 1;
                self.send("response.output_item.added", json!({"output_index": index, "item": whole}), out);
                index
            }
        };
        self.send("response.output_item.done", json!({"output_index": index, "item": whole}), out);
        self.output.push((index, whole));
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
        let here = At { id: &item.id, item: item.index.unwrap_or_default(), part: place, is_custom: false };
        let (kind, fields) = telling::cited(cited, count, here);
        self.send(kind, fields, out);
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

/// True for a part whose item had an id on this wire. Items in the wire's own words have theirs.
fn has_own_id(part: &Part) -> bool {
    match part {
        Part::Text { extra, .. } | Part::Reasoning { extra, .. } | Part::ToolCall { extra, .. } => {
            extra.get(super::WIRE).is_some_and(|own| own.get("id").is_some())
        }
        Part::Opaque { .. } => true,
        _ => false,
    }
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
