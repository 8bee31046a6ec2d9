//! The server's side of Cohere's wire.

mod answer;
mod request;
mod stream;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::{Operation, Request};
use bytes::Bytes;
use http::{Method, Response};
use serde_json::json;

use super::{EVENTS, WIRE};
use crate::endpoint::{error_answer, json, status, stream_head};

/// Answers as `/v2/chat`, `/v2/embed` and `/v1/models` do.
#[derive(Debug, Clone, Copy, Default)]
pub struct CohereEndpoint;

impl Endpoint for CohereEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        // The list of models is not told from OpenAI's by its path: a server that wants it asks for it by name.
        *method == Method::POST && (path.ends_with("/v2/chat") || path.ends_with("/v2/embed"))
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        match request.uri().path() {
            path if path.ends_with("/models") => {
                let mut list = Request::default();
                list.operation = Operation::Models;
                Ok(list)
            }
            path if path.ends_with("/embed") => request::embed(request),
            _ => request::chat(request),
        }
    }

    fn whole(&self, request: &Request, answer: &Completion) -> Response<Bytes> {
        json(&match request.operation {
            Operation::Embed => answer::embeddings(request, answer),
            Operation::Models => answer::models(answer),
            _ => answer::whole(answer),
        })
    }

    fn stream(&self, _: &Request) -> (Response<()>, Box<dyn Encoder>) {
        (stream_head(EVENTS), Box::new(stream::Stream::default()))
    }

    fn error(&self, error: &Error) -> Response<Bytes> {
        error_answer(error, status(error.kind()), &json!({ "message": answer::sentence(error) }))
    }
}
