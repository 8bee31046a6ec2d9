//! Cohere's API, version 2, <https://docs.cohere.com/reference/chat>: chat, embeddings and the list of models.
//!
//! What the wire asks for and a request does not say:
//! - The plan that a model makes before it calls tools (`tool_plan`) is a reasoning part that says so in its `extra`;
//!   it goes back as `tool_plan`. Other reasoning goes as `thinking`, whoever wrote it: the wire signs none.
//! - Thinking is on or off, with a budget in tokens: effort `none` turns it off, every other word turns it on.
//! - `strict_tools` is for all tools or none: it is set when one of them asks for it.
//! - Cohere tells two counts. What is billed is in the classes of the usage, what the model read and wrote, its own
//!   preamble included, is what was reported.
//! - Embeddings are asked for as `search_document` and as `float`, unless `input_type` and `embedding_types` stand
//!   in [`Parameters::extra`].
//! - A failed tool's result has no mark of it, and a speaker's name no place.
//! - `documents`, `citation_options`, `safety_mode` and all else come from [`Parameters::extra`]: its fields are sent
//!   as they are, and win.
//!
//! [`Parameters::extra`]: belvedere_core::request::Parameters::extra

mod answer;
mod decode;
mod encode;
mod endpoint;
mod finish;
mod lists;
mod message;
mod source;
mod usage;
mod wire;

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::provider::{Decoder, Framing, Lack, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::Info;
use bytes::Bytes;
use http::Uri;

use crate::capabilities;
use crate::fault::{FaultDecoder, Head};
use crate::incoming;
use crate::outgoing::{self, JSON};
pub use endpoint::CohereEndpoint;

/// The name of the wire.
const WIRE: &str = "cohere.chat";

/// What marks a reasoning part as a plan for tools, in the `extra` that only this wire reads.
const TOOL_PLAN: &str = "tool_plan";

/// What embeddings are asked for as, unless the request says so itself.
const INPUT_TYPE: &str = "search_document";
const EMBEDDING_TYPES: [&str; 1] = ["float"];

const EVENTS: &str = "text/event-stream";

/// Cohere's wire.
///
/// ```
/// use belvedere_core::provider::Provider;
/// use belvedere_core::request::Request;
/// use belvedere_providers::cohere::Cohere;
///
/// let request = Cohere::new("command-a-03-2025").encode(&Request::from("hi"))?;
/// assert_eq!(request.uri(), "https://api.cohere.com/v2/chat");
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cohere {
    /// The provider's name in errors and records. Default `cohere`.
    pub name: SmolStr,
    /// The address, with or without `/v2` at its end. Default `https://api.cohere.com`.
    pub base_url: Uri,
    /// The model when a request names none.
    pub model: Option<SmolStr>,
}

impl Default for Cohere {
    fn default() -> Self {
        Cohere {
            name: SmolStr::new_static("cohere"),
            base_url: Uri::from_static("https://api.cohere.com"),
            model: None,
        }
    }
}

impl Cohere {
    /// The wire with a default model.
    pub fn new(model: impl Into<SmolStr>) -> Self {
        Cohere { model: Some(model.into()), ..Cohere::default() }
    }

    fn model<'a>(&'a self, request: &'a Request) -> Result<&'a str> {
        outgoing::model(request, self.model.as_deref())
    }
}

impl Provider for Cohere {
    fn info(&self) -> Info {
        Info::new(self.name.clone(), WIRE).with_model(self.model.clone())
    }

    fn base_url(&self) -> &Uri {
        &self.base_url
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        capabilities::fit(WIRE, &self.name, self.model.as_deref(), request)
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        let (path, body) = match request.operation {
            Operation::Chat => ("/v2/chat", encode::chat(self, request)?),
            Operation::Embed => ("/v2/embed", encode::embed(self, request)?),
            // 1000 is the most the wire gives at once; no one offers more.
            Operation::Models => ("/v1/models?page_size=1000", Bytes::new()),
            _ => return Err(outgoing::no_operation()),
        };
        let streams = request.operation == Operation::Chat && request.stream;
        let uri = outgoing::address(&self.base_url, "/v2", path)?;
        Ok(outgoing::ask(uri, if streams { EVENTS } else { JSON }, body))
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let fault = Head::of(head);
        if !head.status.is_success() {
            return Ok((Framing::Json, Box::new(FaultDecoder(fault))));
        }
        match request.operation {
            Operation::Embed => return Ok((Framing::Json, Box::new(lists::Embeddings::new(fault)))),
            Operation::Models => return Ok((Framing::Json, Box::new(lists::Models::new(fault)))),
            _ => {}
        }
        let asked = if request.stream { Framing::Sse } else { Framing::Json };
        let framing = incoming::framing(head, &[(EVENTS, Framing::Sse)], asked, "a stream of events")?;
        Ok(match framing {
            Framing::Json => (framing, Box::new(decode::Whole::new(fault))),
            _ => (framing, Box::new(decode::Stream::new(fault))),
        })
    }
}
