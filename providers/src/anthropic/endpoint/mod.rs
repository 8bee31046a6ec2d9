//! The server's side of Anthropic's wire: messages, and the list of models.
//!
//! What the official clients ask for is always there. An answer without an id gets one that is derived from its
//! request; usage that is unknown counts as 0.

mod block;
mod fault;
mod message;
mod models;
mod request;
mod settings;
mod stream;
mod usage;
mod whole;

use belvedere_core::SmolStr;
use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::{Operation, Request};
use bytes::Bytes;
use http::Method;

use super::WIRE;
use crate::endpoint::{Gathered, derived_id, json, stream_head};

/// The server's side of `anthropic.messages`: `POST .../messages` and `GET .../models`.
///
/// Results of tools become a message of their own, ahead of what else stands in their turn. A field of a request
/// without a place in [`Request`] is left in its `extra`, a block without one becomes an opaque part. The wire has
/// one choice and no media in answers; others are left out. Thinking that another provider signed goes out with an
/// empty signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnthropicEndpoint;

impl Endpoint for AnthropicEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        let ends = |own| path.trim_end_matches('/').ends_with(own);
        match *method {
            Method::POST => ends("/messages"),
            Method::GET => ends("/models"),
            _ => false,
        }
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        if request.method() == Method::GET {
            let mut models = Request::default();
            models.operation = Operation::Models;
            return Ok(models);
        }
        request::chat(request)
    }

    fn whole(&self, request: &Request, answer: &Completion) -> http::Response<Bytes> {
        match request.operation {
            Operation::Models => json(&models::List::of(answer)),
            _ => json(&whole::Body::of(request, answer)),
        }
    }

    fn stream(&self, request: &Request) -> (http::Response<()>, Box<dyn Encoder>) {
        if request.operation == Operation::Models {
            let encoder = Gathered::boxed(
                |answer| json(&models::List::of(answer)).into_body(),
                |error| fault::answer(error).into_body(),
            );
            return (stream_head("application/json"), encoder);
        }
        (stream_head("text/event-stream; charset=utf-8"), Box::new(stream::Blocks::new(request)))
    }

    fn error(&self, error: &Error) -> http::Response<Bytes> {
        fault::answer(error)
    }
}

/// The id of an answer; one derived from its request when it has none.
fn id_of(request: &Request, id: Option<&str>) -> SmolStr {
    match id {
        Some(id) => id.into(),
        None => derived_id("msg_", &[&serde_json::to_string(request).unwrap_or_default()]),
    }
}

/// The model that answered; the one that was asked for when the answer does not tell.
fn model_of(request: &Request, model: Option<&str>) -> SmolStr {
    model.or(request.model.as_deref()).unwrap_or_default().into()
}
