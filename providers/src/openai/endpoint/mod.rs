//! The server's side of OpenAI's wires: chat completions with the list of models, and embeddings.
//!
//! What the official clients ask for is always there. `created` is when the request was asked
//! ([`asked_at`](crate::asked_at)). An answer without an id gets one that is derived from its request.

mod calls;
mod embeddings;
pub(crate) mod fault;
mod message;
mod models;
mod pieces;
mod request;
mod stream;
mod usage;
mod whole;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::{Operation, Request};
use bytes::Bytes;
use http::Method;

use super::WIRE;
use crate::endpoint::{Gathered, derived_id, json, stream_head};
pub use embeddings::EmbeddingsEndpoint;

/// Beside the wire's name in `extra`: what a request says to the endpoint alone. No wire is sent it.
const OWN: &str = "openai.chat.endpoint";

/// The server's side of `openai.chat`: `POST .../chat/completions` and `GET .../models`.
///
/// A field of a request without a place in [`Request`] is left in its `extra`. Usage is always asked for upstream;
/// whether the client gets it on a stream is up to its `stream_options.include_usage`. Thinking goes out as
/// `reasoning_content`, sources as `url_citation` annotations. What a provider signed, and calls it ran itself, have
/// no place on this wire.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAiEndpoint;

impl Endpoint for OpenAiEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        match *method {
            Method::POST => ends(path, "/chat/completions"),
            Method::GET => ends(path, "/models"),
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
            return gathered(*self, request);
        }
        (stream_head("text/event-stream; charset=utf-8"), Box::new(stream::Chunks::new(request)))
    }

    fn error(&self, error: &Error) -> http::Response<Bytes> {
        fault::answer(error)
    }
}

/// True when a path ends with the wire's own.
fn ends(path: &str, own: &str) -> bool {
    path.trim_end_matches('/').ends_with(own)
}

/// A whole answer, though it comes as a stream.
fn gathered(endpoint: impl Endpoint + Copy, request: &Request) -> (http::Response<()>, Box<dyn Encoder>) {
    let request = request.clone();
    let encoder = Gathered::boxed(
        move |answer| endpoint.whole(&request, answer).into_body(),
        move |error| endpoint.error(error).into_body(),
    );
    (stream_head("application/json"), encoder)
}

/// The id of an answer; one derived from its request when it has none.
fn id_of(request: &Request, id: Option<&str>) -> belvedere_core::SmolStr {
    match id {
        Some(id) => id.into(),
        None => derived_id("chatcmpl-", &[&serde_json::to_string(request).unwrap_or_default()]),
    }
}

/// The model that answered; the one that was asked for when the answer does not tell.
fn model_of(request: &Request, model: Option<&str>) -> belvedere_core::SmolStr {
    model.or(request.model.as_deref()).unwrap_or_default().into()
}
