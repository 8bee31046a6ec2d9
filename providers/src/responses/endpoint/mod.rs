//! The server's side of the wire.
//!
//! What the official clients ask for is always there. `created_at` is when the request was asked
//! ([`asked_at`](crate::asked_at)). An answer, or an item of it, without an id gets one that is derived.

mod echo;
mod input;
mod output;
mod request;
mod running;
mod stream;
mod telling;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::Request;
use bytes::Bytes;
use http::Method;

use super::WIRE;
use crate::endpoint::{json, stream_head};
use crate::openai::endpoint::fault;

/// The server's side of `openai.responses`: `POST .../responses`.
///
/// `instructions` becomes a first system message that is marked in its extra. Items that only this wire has become
/// opaque parts of the model's message. A field of a request without a place in [`Request`] is left in its `extra`.
/// What a provider of another wire signed, calls that it ran itself, and sound have no place on this wire.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResponsesEndpoint;

impl Endpoint for ResponsesEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        *method == Method::POST && path.trim_end_matches('/').ends_with("/responses")
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        request::read(request)
    }

    fn whole(&self, request: &Request, answer: &Completion) -> http::Response<Bytes> {
        json(&output::response(request, answer))
    }

    fn stream(&self, request: &Request) -> (http::Response<()>, Box<dyn Encoder>) {
        (stream_head("text/event-stream; charset=utf-8"), Box::new(stream::Stream::new(request)))
    }

    fn error(&self, error: &Error) -> http::Response<Bytes> {
        fault::answer(error)
    }
}
