//! Writes answers: line by line, or whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::completion::Completion;
use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Finish, FinishReason, Notice};
use belvedere_core::message::{MediaKind, MediaSource, Part, ToolBy, extra_of};
use belvedere_core::request::Request;
use belvedere_core::usage::Usage;
use bytes::{BufMut, BytesMut};
use serde_json::{Map, Value, json};

use super::super::{Api, CHAT, GENERATE};
use crate::endpoint::restarted;

type Object = Map<String, Value>;

/// The time of an answer: clients want one, and there is no clock here.
const CREATED_AT: &str = "1970-01-01T00:00:00Z";

/// The sentence an error is told in: the provider's own, where there is one.
pub(super) fn sentence(error: &Error) -> &str {
    error.provider().and_then(|said| said.message.as_deref()).unwrap_or_else(|| error.message())
}

/// A whole answer.
pub(super) fn whole(api: Api, request: &Request, answer: &Completion) -> Value {
    let choice = answer.choices.first();
    let mut content = Said::default();
    for part in choice.iter().flat_map(|choice| &choice.parts) {
        content.part(part);
    }
    let mut context = None;
    for part in choice.iter().flat_map(|choice| &choice.parts) {
        context = context.or_else(|| context_of(part));
    }
    let logprobs = choice.map(|choice| choice.logprobs.clone()).unwrap_or_default();
    let model = answer.model.as_deref().or(request.model.as_deref());
    let mut body = content.piece(api, model, &logprobs);
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    done(&mut body, finish, context, answer.usage.as_deref());
    Value::Object(body)
}

/// The vectors of an answer.
pub(super) fn embeddings(request: &Request, answer: &Completion) -> Value {
    let vectors: Vec<&[f64]> = answer.embeddings.iter().map(|e| &*e.vector).collect();
    let model = answer.model.as_deref().or(request.model.as_deref());
    let mut body = Map::from_iter([("embeddings".to_owned(), json!(vectors))]);
    body.extend(model.map(|model| ("model".to_owned(), model.into())));
    body.extend(answer.usage.as_deref().map(counters).unwrap_or_default());
    body.into()
}

/// The models of an answer.
pub(super) fn models(answer: &Completion) -> Value {
    let one = |model: &belvedere_core::event::Model| match &model.raw {
        own @ Value::Object(fields) if fields.contains_key("model") => own.clone(),
        _ => json!({"name": model.name.as_ref().unwrap_or(&model.id), "model": model.id}),
    };
    json!({ "models": answer.models.iter().map(one).collect::<Vec<_>>() })
}

/// What is said in one piece of an answer.
#[derive(Debug, Default)]
struct Said {
    text: String,
    thinking: String,
    images: Vec<Value>,
    calls: Vec<Value>,
}

impl Said {
    /// Adds a part; what the wire has no place for is left out.
    fn part(&mut self, part: &Part) {
        match part {
            Part::Text { text, .. } | Part::Refusal { text } => self.text.push_str(text),
            Part::Reasoning { text, .. } => self.thinking.push_str(text),
            Part::Media(media) if media.kind == MediaKind::Image => {
                if let MediaSource::Data { data, .. } = &media.source {
                    self.images.push(STANDARD.encode(data).into());
                }
            }
            Part::ToolCall { id, name, input, by: ToolBy::Client, extra } => {
                self.calls.extend(call(id, name, input, extra));
            }
            _ => {}
        }
    }

    /// The piece as an object, which is not the last.
    fn piece(self, api: Api, model: Option<&str>, logprobs: &[Value]) -> Object {
        let mut spoken = Map::new();
        let key = if api == Api::Chat { "content" } else { "response" };
        spoken.insert(key.into(), self.text.into());
        if !self.thinking.is_empty() {
            spoken.insert("thinking".into(), self.thinking.into());
        }
        for (key, list) in [("images", self.images), ("tool_calls", self.calls)] {
            if !list.is_empty() {
                spoken.insert(key.into(), list.into());
            }
        }
        let mut piece = match api {
            Api::Generate => spoken,
            Api::Chat => {
                spoken.insert("role".into(), "assistant".into());
                Map::from_iter([("message".to_owned(), Value::Object(spoken))])
            }
        };
        if !logprobs.is_empty() {
            piece.insert("logprobs".into(), logprobs.into());
        }
        piece.insert("model".into(), model.unwrap_or_default().into());
        piece.insert("created_at".into(), CREATED_AT.into());
        piece.insert("done".into(), false.into());
        piece
    }
}

/// A call. One whose arguments were cut off can't be written: the wire has them as an object.
fn call(id: &str, name: &str, input: &str, extra: &Object) -> Option<Value> {
    let arguments: Value = match input.trim() {
        "" => json!({}),
        text => serde_json::from_str(text).ok().filter(Value::is_object)?,
    };
    let mut function =
        Map::from_iter([("name".to_owned(), name.into()), ("arguments".to_owned(), arguments)]);
    let index = extra_of(extra, CHAT).find(|(name, _)| *name == "index");
    function.extend(index.map(|(name, index)| (name.to_owned(), index.clone())));
    let mut call = Map::from_iter([("function".to_owned(), Value::Object(function))]);
    if !id.is_empty() {
        call.insert("id".into(), id.into());
    }
    Some(call.into())
}

fn context_of(part: &Part) -> Option<&Value> {
    match part {
        Part::Text { extra, .. } => extra.get(GENERATE)?.get("context"),
        _ => None,
    }
}

/// Makes a piece the last one.
fn done(piece: &mut Object, finish: Option<&Finish>, context: Option<&Value>, usage: Option<&Usage>) {
    piece.insert("done".into(), true.into());
    if let Some(word) = finish.and_then(word) {
        piece.insert("done_reason".into(), word);
    }
    if let Some(context) = context {
        piece.insert("context".into(), context.clone());
    }
    piece.extend(usage.map(counters).unwrap_or_default());
}

/// Ollama's word; where it has none, ours.
fn word(finish: &Finish) -> Option<Value> {
    match finish.reason? {
        FinishReason::Stop | FinishReason::ToolCalls => Some("stop".into()),
        FinishReason::Other => Some(finish.raw.as_deref().unwrap_or("other").into()),
        other => serde_json::to_value(other).ok(),
    }
}

/// Ollama's own counters, or what another provider's come to.
fn counters(usage: &Usage) -> Object {
    if ["eval_count", "prompt_eval_count"].iter().any(|name| usage.raw.contains_key(*name)) {
        return usage.raw.clone();
    }
    let counts = [("prompt_eval_count", usage.input_tokens()), ("eval_count", usage.output_tokens())];
    counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?.into()))).collect()
}

/// Writes the lines of a stream.
#[derive(Debug)]
pub(super) struct Lines {
    api: Api,
    model: Option<String>,
    begun: bool,
    broken: bool,
    /// Calls whose arguments still come: part, id, name, arguments, further fields.
    calls: Vec<Calling>,
    context: Option<Value>,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

#[derive(Debug)]
struct Calling {
    part: u32,
    id: String,
    name: String,
    input: String,
    extra: Object,
}

impl Lines {
    pub(super) fn new(api: Api, request: &Request) -> Self {
        let model = request.model.as_ref().map(ToString::to_string);
        let (calls, context, usage, finish) = (Vec::new(), None, None, None);
        Lines { api, model, begun: false, broken: false, calls, context, usage, finish }
    }

    fn line(&mut self, said: Said, logprobs: &[Value], out: &mut BytesMut) {
        let piece = said.piece(self.api, self.model.as_deref(), logprobs);
        self.begun = true;
        write(&Value::Object(piece), out);
    }

    fn extra(&mut self, part: u32, more: &Object) {
        match self.calls.iter_mut().find(|call| call.part == part) {
            Some(call) => call.extra.extend(more.clone()),
            None => {
                self.context = more.get(GENERATE).and_then(|own| own.get("context")).cloned();
            }
        }
    }
}

fn write(value: &Value, out: &mut BytesMut) {
    out.put_slice(value.to_string().as_bytes());
    out.put_u8(b'\n');
}

impl Encoder for Lines {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Start { model: Some(model), .. } => self.model = Some(model.to_string()),
            Event::Notice(Notice::Restart { .. }) => self.broken = self.begun,
            _ if self.broken || event.part().is_some_and(|(choice, _)| choice > 0) => {}
            Event::Text { delta, .. } | Event::Refusal { delta, .. } => {
                self.line(Said { text: delta.to_string(), ..Said::default() }, &[], out);
            }
            Event::Reasoning { delta, .. } => {
                self.line(Said { thinking: delta.to_string(), ..Said::default() }, &[], out);
            }
            Event::Media { media, .. } => {
                let mut said = Said::default();
                said.part(&Part::Media((**media).clone()));
                self.line(said, &[], out);
            }
            Event::ToolStart { part, id, name, by: ToolBy::Client, .. } => self.calls.push(Calling {
                part: *part,
                id: id.to_string(),
                name: name.to_string(),
                input: String::new(),
                extra: Map::new(),
            }),
            Event::ToolInput { part, delta, .. } => {
                if let Some(call) = self.calls.iter_mut().find(|call| call.part == *part) {
                    call.input.push_str(delta);
                }
            }
            Event::Extra { part, extra, .. } => self.extra(*part, extra),
            Event::PartEnd { part, .. } => {
                if let Some(at) = self.calls.iter().position(|call| call.part == *part) {
                    let Calling { id, name, input, extra, .. } = self.calls.remove(at);
                    let calls: Vec<Value> = call(&id, &name, &input, &extra).into_iter().collect();
                    self.line(Said { calls, ..Said::default() }, &[], out);
                }
            }
            Event::Logprobs { choice: 0, data } => {
                self.line(Said::default(), std::slice::from_ref(&**data), out);
            }
            Event::Usage(usage) => self.usage = Some((**usage).clone()),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            _ => {}
        }
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        let lost = self.broken.then(restarted);
        if let Some(error) = error.or(lost.as_ref()) {
            return write(&json!({ "error": sentence(error) }), out);
        }
        let mut last = Said::default().piece(self.api, self.model.as_deref(), &[]);
        done(&mut last, self.finish.as_ref(), self.context.as_ref(), self.usage.as_ref());
        write(&Value::Object(last), out);
    }
}
