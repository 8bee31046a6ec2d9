//! Anthropic's messages by `InvokeModel`, <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>.
//!
//! Bodies and events are those of [`anthropic`](crate::anthropic); the model and whether to stream stand in the
//! address. Signatures of thinking are good on both, so they belong to Anthropic's wire.

mod endpoint;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame, Framing, Lack, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::Info;
use bytes::Bytes;
use http::Uri;
use serde::Deserialize;
use serde_json::{Map, json};

use super::{fault, target};
use crate::anthropic::{Stream, Whole, hosted};
use crate::capabilities;
use crate::fault::{FaultDecoder, Head};
use crate::incoming::read;
use crate::lax::Text;
use crate::outgoing;
use crate::repeat::without_blank;

pub use endpoint::InvokeAnthropicEndpoint;

/// The name of the wire.
const WIRE: &str = "bedrock.invoke.anthropic";

/// The version of Anthropic's messages that Bedrock has, in every body.
const VERSION: &str = "bedrock-2023-05-31";

/// The one event of a stream.
const CHUNK: &str = "chunk";

/// Anthropic's messages on Amazon Bedrock.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InvokeAnthropic {
    /// The provider's name in errors and records. Default `bedrock`.
    pub name: SmolStr,
    /// The runtime's address, such as `https://bedrock-runtime.us-east-1.amazonaws.com`.
    pub base_url: Uri,
    /// The model when a request names none: an id, an inference profile, or an ARN.
    pub model: Option<SmolStr>,
    /// Features in beta, sent as `anthropic_beta`.
    pub beta: Vec<SmolStr>,
    /// The token limit of the answer when a request sets none: the wire asks for one. Default 4096. A budget for
    /// thinking comes on top.
    pub max_tokens: u64,
}

impl InvokeAnthropic {
    /// The wire at this address.
    pub fn at(base_url: Uri) -> Self {
        let name = SmolStr::new_static("bedrock");
        InvokeAnthropic { name, base_url, model: None, beta: Vec::new(), max_tokens: 4096 }
    }

    /// The wire in a region of AWS, such as `us-east-1`.
    ///
    /// # Errors
    /// `ConfigInvalid` when the text is no region's name.
    pub fn in_region(region: &str) -> Result<Self> {
        target::address(region).map(InvokeAnthropic::at)
    }

    /// Sets the model for requests that name none.
    pub fn with_model(mut self, model: impl Into<SmolStr>) -> Self {
        self.model = Some(model.into());
        self
    }
}

impl Provider for InvokeAnthropic {
    fn info(&self) -> Info {
        Info::new(self.name.clone(), WIRE).with_model(self.model.clone())
    }

    fn base_url(&self) -> &Uri {
        &self.base_url
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        // The model is Claude, and the body is Anthropic's.
        capabilities::fit("anthropic.messages", &self.name, self.model.as_deref(), request)
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        if request.operation != Operation::Chat {
            return Err(outgoing::unsupported("operation", "this wire has chat only"));
        }
        let model = outgoing::model(request, self.model.as_deref())?;
        let action = if request.stream { "invoke-with-response-stream" } else { "invoke" };
        let mut fields = Map::from_iter([("anthropic_version".to_owned(), json!(VERSION))]);
        if !self.beta.is_empty() {
            fields.insert("anthropic_beta".to_owned(), json!(self.beta));
        }
        let body = hosted(request, model, self.max_tokens, fields)?;
        // The accept header is about the model's own content, also when it streams.
        target::post(&self.base_url, model, action, target::accept(false), body)
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let fault = Head::of(head);
        if !head.status.is_success() {
            return Ok((Framing::Json, Box::new(FaultDecoder(fault))));
        }
        let framing = target::framing(request, head)?;
        let decoder: Box<dyn Decoder> = match framing {
            Framing::AwsEventStream => {
                let inner = Stream::new(fault.clone());
                Box::new(Chunks { head: fault, inner, bytes: Vec::new(), begun: false })
            }
            _ => Box::new(Whole::new(fault)),
        };
        Ok((framing, without_blank(request, decoder)))
    }
}

/// Reads Anthropic's events out of the chunks of a stream.
#[derive(Debug)]
struct Chunks {
    head: Head,
    inner: Stream,
    /// The event of the chunk at hand; kept for its room.
    bytes: Vec<u8>,
    /// Part of the answer was received.
    begun: bool,
}

/// One chunk.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Chunk<'a> {
    /// An event of Anthropic's, in base64.
    bytes: Text<'a>,
}

impl Decoder for Chunks {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        if let Some(error) = fault::of_frame(&self.head, frame, &[CHUNK], self.begun) {
            return Err(error);
        }
        if frame.name != Some(CHUNK) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(frame.data);
        let chunk: Chunk<'_> = read(&text, "a chunk")?;
        self.bytes.clear();
        STANDARD
            .decode_vec(chunk.bytes.get().unwrap_or_default(), &mut self.bytes)
            .map_err(|_| Error::new(ErrorKind::Malformed, "the bytes of a chunk are not base64"))?;
        let before = out.len();
        let outcome = self.inner.frame(Frame { name: None, data: &self.bytes }, out);
        self.begun |= out.iter().skip(before).any(|event| event.part().is_some());
        outcome
    }

    fn eof(&mut self, out: &mut Vec<Event>) -> Result<()> {
        self.inner.eof(out)
    }
}
