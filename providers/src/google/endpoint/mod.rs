//! The server's side: requests in, answers out.

mod answer;
mod error;
mod field;
mod parts;
mod request;
mod settings;
mod stream;

use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::Request;
use bytes::Bytes;
use http::Method;

use super::WIRE;
use crate::endpoint::{json, stream_head};

/// The server's side of Google's wire: `generateContent` and `streamGenerateContent`, below any prefix.
///
/// Streams are server-sent events, as official SDKs ask for them (`alt=sse`). Names of fields are read in both
/// spellings that JSON of protocol buffers has, `generationConfig` and `generation_config`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoogleEndpoint;

/// The methods, and whether each streams.
const METHODS: [(&str, bool); 2] = [(":generateContent", false), (":streamGenerateContent", true)];

impl Endpoint for GoogleEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        method == Method::POST && METHODS.iter().any(|(name, _)| path.ends_with(name))
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        request::read(request)
    }

    fn whole(&self, _: &Request, answer: &Completion) -> http::Response<Bytes> {
        json(&answer::whole(answer))
    }

    fn stream(&self, _: &Request) -> (http::Response<()>, Box<dyn Encoder>) {
        (stream_head("text/event-stream"), Box::new(stream::Stream::default()))
    }

    fn error(&self, error: &Error) -> http::Response<Bytes> {
        error::answer(error)
    }
}
