//! The server's side of Converse.

mod content;
mod request;
mod stream;

use std::borrow::Cow;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::event::Finish;
use belvedere_core::message::Part;
use belvedere_core::request::Request;
use bytes::{Bytes, BytesMut};
use http::{Method, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::{messages, target};
use super::block::Block;
use super::finish::{finish_reason, word};
use super::{WIRE, usage};
use crate::endpoint::{json as json_answer, stream_head};

/// Speaks Converse to clients: `POST /model/{model}/converse` and `/converse-stream`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConverseEndpoint;

impl Endpoint for ConverseEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        let ours = |(_, action): (String, &str)| matches!(action, "converse" | "converse-stream");
        *method == Method::POST && target::route(path).is_some_and(ours)
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        request::read(request)
    }

    fn whole(&self, _: &Request, answer: &Completion) -> Response<Bytes> {
        let choice = answer.choices.first();
        let parts: Vec<Cow<'_, Part>> =
            choice.into_iter().flat_map(|c| &c.parts).filter_map(writable).collect();
        let blocks = parts.iter().filter_map(|part| Block::of(part, "content", true).ok().flatten());
        let mut body = Map::new();
        let message = Message { role: "assistant", content: blocks.collect() };
        let mut put = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
        put("output", json!({ "message": message }));
        if let Some(finish) = choice.and_then(|choice| choice.finish.as_ref()) {
            body.append(&mut stop(finish));
        }
        let mut put = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
        if let Some(usage) = &answer.usage {
            put("usage", usage::counts(usage));
        }
        put("metrics", json!({"latencyMs": 0}));
        json_answer(&body)
    }

    fn stream(&self, _: &Request) -> (Response<()>, Box<dyn Encoder>) {
        (stream_head(target::EVENT_STREAM), Box::new(stream::Writer::default()))
    }

    fn error(&self, error: &Error) -> Response<Bytes> {
        messages::answer(error)
    }
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// A part as this wire has it; `None` for what it has no place for. Thinking that another wire signed is shown
/// without its signature.
fn writable(part: &Part) -> Option<Cow<'_, Part>> {
    match part {
        Part::Opaque { wire, .. } if wire != WIRE => None,
        Part::Reasoning { text, wire, .. } if !wire.is_empty() && wire != WIRE => {
            Some(Cow::Owned(Part::reasoning(text.as_str())))
        }
        part => Some(Cow::Borrowed(part)),
    }
}

/// The fields that say why the answer ended.
fn stop(finish: &Finish) -> Map<String, Value> {
    let mut fields = Map::new();
    let own = finish.raw.as_deref().filter(|raw| Some(finish_reason(raw)) == finish.reason);
    let word = own.or_else(|| finish.reason.map(word));
    fields.extend(word.map(|word| ("stopReason".to_owned(), word.into())));
    fields.extend(
        finish.stop_sequence.as_ref().map(|sequence| {
            ("additionalModelResponseFields".to_owned(), json!({ "stop_sequence": sequence }))
        }),
    );
    fields
}

/// Appends an event.
fn event(name: &str, payload: Value, out: &mut BytesMut) {
    messages::event_message(name, &payload, out);
}
