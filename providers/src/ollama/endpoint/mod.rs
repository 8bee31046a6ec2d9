//! The server's side of Ollama's wires.

mod answer;
mod request;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::{Operation, Request};
use bytes::Bytes;
use http::{Method, Response};
use serde_json::json;

use super::{Api, CHAT, GENERATE, LINES};
use crate::endpoint::{error_answer, json, status, stream_head};

/// Answers as `/api/chat`, `/api/embed` and `/api/tags` do.
#[derive(Debug, Clone, Copy, Default)]
pub struct OllamaEndpoint;

/// Answers as `/api/generate` does.
#[derive(Debug, Clone, Copy, Default)]
pub struct OllamaGenerateEndpoint;

impl Endpoint for OllamaEndpoint {
    fn wire(&self) -> &'static str {
        CHAT
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        match *method {
            Method::POST => path.ends_with("/api/chat") || path.ends_with("/api/embed"),
            Method::GET => path.ends_with("/api/tags"),
            _ => false,
        }
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        match request.uri().path() {
            path if path.ends_with("/api/tags") => {
                let mut list = Request::default();
                list.operation = Operation::Models;
                Ok(list)
            }
            path if path.ends_with("/api/embed") => request::embed(request),
            _ => request::chat(request),
        }
    }

    fn whole(&self, request: &Request, answer: &Completion) -> Response<Bytes> {
        json(&match request.operation {
            Operation::Embed => answer::embeddings(request, answer),
            Operation::Models => answer::models(answer),
            _ => answer::whole(Api::Chat, request, answer),
        })
    }

    fn stream(&self, request: &Request) -> (Response<()>, Box<dyn Encoder>) {
        (stream_head(LINES), Box::new(answer::Lines::new(Api::Chat, request)))
    }

    fn error(&self, error: &Error) -> Response<Bytes> {
        error_answer(error, status(error.kind()), &json!({ "error": answer::sentence(error) }))
    }
}

impl Endpoint for OllamaGenerateEndpoint {
    fn wire(&self) -> &'static str {
        GENERATE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        *method == Method::POST && path.ends_with("/api/generate")
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        request::generate(request)
    }

    fn whole(&self, request: &Request, answer: &Completion) -> Response<Bytes> {
        json(&answer::whole(Api::Generate, request, answer))
    }

    fn stream(&self, request: &Request) -> (Response<()>, Box<dyn Encoder>) {
        (stream_head(LINES), Box::new(answer::Lines::new(Api::Generate, request)))
    }

    fn error(&self, error: &Error) -> Response<Bytes> {
        OllamaEndpoint.error(error)
    }
}
