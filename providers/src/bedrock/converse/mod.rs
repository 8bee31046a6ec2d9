//! The Converse API, <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>: streamed
//! and whole.
//!
//! What the wire asks for and a request does not say:
//! - System and developer messages are lifted into `system`, in their order, wherever they stand.
//! - Messages of one role in a row are merged. Tool results are blocks of the user, ahead of its other blocks.
//! - `cache_control` of a part, a message or a tool becomes a `cachePoint` after it.
//! - `top_k`, reasoning effort and budget go into `additionalModelRequestFields`, in the words of the model's
//!   family, which its id tells; a model that has none refuses them.
//! - Thinking that another wire signed is left out, and unsigned thinking where Claude or DeepSeek
//!   is asked: they take none back. Claude takes no thinking either that nothing follows.
//! - A last message of the assistant's is gone on with, by models that can. For Claude it loses its thinking and the
//!   blanks at its end when that is asked for.
//! - A medium is sent as bytes or as an `s3://` address. A document without a name is named by its place.
//! - A block of another form is sent as [`Part::Opaque`].
//! - Fields of [`Parameters::extra`] are sent as they are (`guardrailConfig`, `performanceConfig`, ...) and win over
//!   what is derived from the request; objects are joined field by field.
//!
//! A guardrail's trace and the metrics are part of the raw frames only.
//!
//! [`Part::Opaque`]: belvedere_core::message::Part::Opaque
//! [`Parameters::extra`]: belvedere_core::request::Parameters::extra

mod answer;
mod block;
mod encode;
mod endpoint;
mod family;
mod finish;
mod format;
mod media;
mod pieces;
mod sources;
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

use super::target;
use crate::capabilities;
use crate::fault::{FaultDecoder, Head};
use crate::outgoing;
use crate::repeat::without_blank;
use family::Family;

pub use endpoint::ConverseEndpoint;

/// The name of the wire.
const WIRE: &str = "bedrock.converse";

/// The Converse wire of Amazon Bedrock.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Converse {
    /// The provider's name in errors and records. Default `bedrock`.
    pub name: SmolStr,
    /// The runtime's address, such as `https://bedrock-runtime.us-east-1.amazonaws.com`.
    pub base_url: Uri,
    /// The model when a request names none: an id, an inference profile, or an ARN.
    pub model: Option<SmolStr>,
}

impl Converse {
    /// The wire at this address.
    pub fn at(base_url: Uri) -> Self {
        Converse { name: SmolStr::new_static("bedrock"), base_url, model: None }
    }

    /// The wire in a region of AWS, such as `us-east-1`.
    ///
    /// # Errors
    /// `ConfigInvalid` when the text is no region's name.
    pub fn in_region(region: &str) -> Result<Self> {
        target::address(region).map(Converse::at)
    }

    /// Sets the model for requests that name none.
    pub fn with_model(mut self, model: impl Into<SmolStr>) -> Self {
        self.model = Some(model.into());
        self
    }
}

impl Provider for Converse {
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
        if request.operation != Operation::Chat {
            return Err(outgoing::unsupported("operation", "Converse has chat only"));
        }
        let model = outgoing::model(request, self.model.as_deref())?;
        let action = if request.stream { "converse-stream" } else { "converse" };
        let body = encode::body(request, model)?;
        target::post(&self.base_url, model, action, target::accept(request.stream), body)
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let fault = Head::of(head);
        if !head.status.is_success() {
            return Ok((Framing::Json, Box::new(FaultDecoder(fault))));
        }
        let framing = target::framing(request, head)?;
        let decoder: Box<dyn Decoder> = match framing {
            Framing::AwsEventStream => Box::new(stream::Stream::new(fault)),
            _ => Box::new(whole::Whole::new(fault)),
        };
        let model = request.model.as_deref().or(self.model.as_deref()).unwrap_or_default();
        Ok(match Family::of(model) {
            Family::Claude => (framing, without_blank(request, decoder)),
            _ => (framing, decoder),
        })
    }
}
