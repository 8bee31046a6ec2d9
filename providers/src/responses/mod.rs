//! OpenAI's Responses, <https://platform.openai.com/docs/api-reference/responses>: streaming and whole. OpenAI,
//! Azure, xAI, DeepSeek, OpenRouter, GitHub Copilot, LM Studio, vLLM and others speak it. Embeddings and the list of
//! models are those of chat's wire.
//!
//! What becomes of a request:
//! - Messages are input items in their order. System and developer messages are, too, with their role. A first
//!   system message whose extra says `{"openai.responses": {"instructions": true}}` is sent as `instructions`: so the
//!   endpoint reads it.
//! - The texts of an answer that were one item go back as one item, by the id in their extra. So does reasoning: each
//!   part is a summary, or a thought where its extra says `type: reasoning_text`.
//! - Reasoning goes back when it is of this wire: when it is signed (`encrypted_content`), or has an extra of this
//!   wire. Other reasoning is left out.
//! - A request that asks for reasoning is stateless: it says `store: false` and asks for
//!   `reasoning.encrypted_content`, so that reasoning can be carried back. It does not when `extra` says how the
//!   server keeps state: `store`, `previous_response_id`, `conversation`, `background`, or that content in
//!   `include`.
//! - An item of another kind is sent as [`Part::Opaque`]. The image of an `image_generation_call` stands in the
//!   medium behind it.
//! - Fields of [`Parameters::extra`] are sent as they are, and win; objects are joined field by field, and
//!   `include` item by item.
//!
//! [`Part::Opaque`]: belvedere_core::message::Part::Opaque
//! [`Parameters::extra`]: belvedere_core::request::Parameters::extra

mod answer;
mod content;
mod encode;
pub mod endpoint;
mod finish;
mod input;
mod item;
mod stream;
mod usage;
mod whole;
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
use crate::openai::hosts::{self, Vectors};
use crate::openai::{self, embeddings, models};
use crate::outgoing::{self, JSON};
pub use endpoint::ResponsesEndpoint;

/// The name of the wire.
const WIRE: &str = "openai.responses";

/// The item that makes an image.
const IMAGE: &str = "image_generation_call";

/// OpenAI's Responses wire.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Responses {
    /// The provider's name in errors and records. Default `openai`; set it for a host that speaks this wire.
    pub name: SmolStr,
    /// The address; `/responses` comes behind it. Default `https://api.openai.com/v1`. A query in it stays (Azure's
    /// `api-version`).
    pub base_url: Uri,
    /// The model when a request names none.
    pub model: Option<SmolStr>,
}

impl Default for Responses {
    fn default() -> Self {
        Responses {
            name: SmolStr::new_static("openai"),
            base_url: Uri::from_static("https://api.openai.com/v1"),
            model: None,
        }
    }
}

impl Responses {
    /// The wire with a default model.
    pub fn new(model: impl Into<SmolStr>) -> Self {
        Responses { model: Some(model.into()), ..Responses::default() }
    }

    /// Sets the name, and where the server is.
    pub fn with_host(mut self, name: impl Into<SmolStr>, base_url: Uri) -> Self {
        self.name = name.into();
        self.base_url = base_url;
        self
    }

    fn model<'a>(&'a self, request: &'a Request) -> Result<&'a str> {
        outgoing::model(request, self.model.as_deref())
    }
}

impl Provider for Responses {
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
            Operation::Chat => ("/responses", encode::body(self.model(request)?, request)?),
            Operation::Embed => {
                let body = openai::encode::embeddings(&hosts::ANY, self.model(request)?, request)?;
                ("/embeddings", body)
            }
            Operation::Models => ("/models", Bytes::new()),
            _ => return Err(outgoing::no_operation()),
        };
        let streams = request.operation == Operation::Chat && request.stream;
        let uri = outgoing::address(&self.base_url, "", path)?;
        Ok(outgoing::ask(uri, if streams { "text/event-stream" } else { JSON }, body))
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let fault = Head::of(head);
        if !head.status.is_success() {
            return Ok((Framing::Json, Box::new(FaultDecoder(fault))));
        }
        let framing = openai::framing(request, head)?;
        let decoder: Box<dyn Decoder> = match (request.operation, framing) {
            (Operation::Embed, _) => Box::new(embeddings::Embeddings::new(fault, Vectors::Floats)),
            (Operation::Models, _) => Box::new(models::Models::new(fault)),
            (_, Framing::Json) => Box::new(whole::Whole::new(fault)),
            (_, _) => Box::new(stream::Stream::new(fault)),
        };
        Ok((framing, decoder))
    }
}

/// True when what only one wire can read is this wire's, as far as it is known.
fn is_ours(wire: &str) -> bool {
    wire.is_empty() || wire == WIRE
}
