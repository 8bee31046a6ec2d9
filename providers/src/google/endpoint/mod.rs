//! The server's side: requests in, answers out.

mod answer;
mod embeddings;
mod error;
mod field;
mod parts;
mod request;
mod settings;
mod stream;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::{Operation, Request};
use bytes::Bytes;

use super::WIRE;
use crate::endpoint::{json, stream_head};

/// The server's side of Google's wire, below any prefix: `generateContent` and `streamGenerateContent`, and for
/// embeddings `batchEmbedContents`, `embedContent` and Vertex AI's `predict`.
///
/// Streams are server-sent events, as official SDKs ask for them (`alt=sse`). Names of fields are read in both
/// spellings that JSON of protocol buffers has, `generationConfig` and `generation_config`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoogleEndpoint;

/// What is asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Generate,
    Stream,
    EmbedBatch,
    EmbedOne,
    Predict,
}

/// The methods, by the end of the path.
const METHODS: [(&str, Method); 5] = [
    (":generateContent", Method::Generate),
    (":streamGenerateContent", Method::Stream),
    (":batchEmbedContents", Method::EmbedBatch),
    (":embedContent", Method::EmbedOne),
    (":predict", Method::Predict),
];

impl Endpoint for GoogleEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &http::Method, path: &str) -> bool {
        method == http::Method::POST && METHODS.iter().any(|(name, _)| path.ends_with(name))
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        request::read(request)
    }

    fn whole(&self, request: &Request, answer: &Completion) -> http::Response<Bytes> {
        json(&match request.operation {
            Operation::Embed => embeddings::whole(request, answer),
            _ => answer::whole(answer),
        })
    }

    fn stream(&self, _: &Request) -> (http::Response<()>, Box<dyn Encoder>) {
        (stream_head("text/event-stream"), Box::new(stream::Stream::default()))
    }

    fn error(&self, error: &Error) -> http::Response<Bytes> {
        error::answer(error)
    }
}
