//! Anthropic messages, <https://docs.anthropic.com/en/api/messages>: streaming and whole, and the model list.
//!
//! What the wire asks for and a request does not say:
//! - System and developer messages are lifted into `system`, in their order, wherever they stand.
//! - Messages of one role in a row are merged. Tool results are blocks of the user, ahead of its other blocks.
//! - Thinking without a signature is another provider's; it is left out. So are empty texts, and thinking that nothing
//!   follows, as of an answer that was cut off.
//! - A last message of the assistant's is gone on with. When that is asked for, it loses its thinking and the blanks at
//!   its end, which the wire refuses there.
//! - A block takes the further fields it knows (`cache_control`, `citations`, `caller`, ...); others are left out.
//!   `cache_control` of a message goes to its last block. A block of another form is sent as [`Part::Opaque`].
//! - Fields of [`Parameters::extra`] are sent as they are, and win over what is derived from the request.
//!
//! [`Part::Opaque`]: belvedere_core::message::Part::Opaque
//! [`Parameters::extra`]: belvedere_core::request::Parameters::extra

mod answer;
mod block;
mod encode;
mod endpoint;
mod stream;
mod usage;
#[cfg(feature = "google")]
mod vertex;
mod whole;
mod wire;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::provider::{Decoder, Framing, Lack, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::Info;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri};

use crate::capabilities;
use crate::fault::{FaultDecoder, Head};
use crate::incoming;
use crate::outgoing::{self, JSON};
use crate::repeat::without_blank;
pub use endpoint::AnthropicEndpoint;

// What hosts of this wire share.
#[cfg(feature = "bedrock")]
pub(crate) use self::{encode::hosted, stream::Stream, whole::Whole};

#[cfg(feature = "google")]
pub use vertex::VertexAnthropic;

/// The name of the wire.
const WIRE: &str = "anthropic.messages";

/// The Anthropic messages wire.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Anthropic {
    /// The provider's name in errors and records. Default `anthropic`; set it for a host that speaks this wire.
    pub name: SmolStr,
    /// The address, with or without `/v1` at its end. Default `https://api.anthropic.com`.
    pub base_url: Uri,
    /// The model when a request names none.
    pub model: Option<SmolStr>,
    /// The `anthropic-version` header. Default `2023-06-01`.
    pub version: SmolStr,
    /// Features in beta, sent as `anthropic-beta`: `files-api-2025-04-14` for media by id, and so on.
    pub beta: Vec<SmolStr>,
    /// The token limit of the answer when a request sets none: the wire asks for one. Default 4096. A budget for
    /// thinking comes on top.
    pub max_tokens: u64,
}

impl Default for Anthropic {
    fn default() -> Self {
        Anthropic {
            name: SmolStr::new_static("anthropic"),
            base_url: Uri::from_static("https://api.anthropic.com"),
            model: None,
            version: SmolStr::new_static("2023-06-01"),
            beta: Vec::new(),
            max_tokens: 4096,
        }
    }
}

impl Anthropic {
    /// The wire with a default model.
    pub fn new(model: impl Into<SmolStr>) -> Self {
        Anthropic { model: Some(model.into()), ..Anthropic::default() }
    }

    fn ask(&self, path: &str, accept: &'static str, body: Bytes) -> Result<http::Request<Bytes>> {
        let base = self.base_url.to_string();
        let base = base.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let uri: Uri = format!("{base}/v1/{path}")
            .parse()
            .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "base_url: is not an address"))?;
        let mut request = outgoing::ask(uri, accept, body);
        let headers = request.headers_mut();
        headers.insert(HeaderName::from_static("anthropic-version"), value("version", &self.version)?);
        if !self.beta.is_empty() {
            headers.insert(HeaderName::from_static("anthropic-beta"), value("beta", &self.beta.join(","))?);
        }
        Ok(request)
    }
}

fn value(field: &str, text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| {
        Error::new(ErrorKind::ConfigInvalid, format!("{field}: has characters that no header takes"))
    })
}

impl Provider for Anthropic {
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
        match request.operation {
            Operation::Chat => {
                let accept = if request.stream { "text/event-stream" } else { JSON };
                self.ask("messages", accept, encode::body(self, request)?)
            }
            // 1000 is the most the wire gives at once; no one offers more.
            Operation::Models => self.ask("models?limit=1000", JSON, Bytes::new()),
            Operation::Embed => Err(outgoing::unsupported("operation", "Anthropic's wire has no embeddings")),
            _ => Err(outgoing::unsupported("operation", "Anthropic's wire has chat and models only")),
        }
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let fault = Head::of(head);
        if !head.status.is_success() {
            return Ok((Framing::Json, Box::new(FaultDecoder(fault))));
        }
        if request.operation == Operation::Models {
            return Ok((Framing::Json, Box::new(whole::Models(fault))));
        }
        let asked = if request.stream { Framing::Sse } else { Framing::Json };
        let streams = [("text/event-stream", Framing::Sse)];
        let framing = incoming::framing(head, &streams, asked, "a stream of events")?;
        let decoder: Box<dyn Decoder> = match framing {
            Framing::Json => Box::new(whole::Whole::new(fault)),
            _ => Box::new(stream::Stream::new(fault)),
        };
        Ok((framing, without_blank(request, decoder)))
    }
}
