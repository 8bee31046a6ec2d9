//! Ollama's own API, <https://docs.ollama.com/api>: chat, generate, embeddings and the models at hand.
//!
//! What the wire asks for and a request does not say:
//! - A message has one text: its text parts are joined with nothing between. Fields of a text and a speaker's name
//!   have no place.
//! - Images are sent as bytes. Other media, and images at an address, are refused.
//! - A tool's result names its tool: the one of the call it answers, unless it says so itself.
//! - There is no choice of tools; [`ToolChoice::None`] leaves the tools out.
//! - Effort is the wire's `think`: `minimal` is sent as `low`, `xhigh` as `max`. Reasoning without an effort is
//!   `think: true`.
//! - [`Api::Generate`] takes one text: the system messages and the last user message. Earlier turns have a place
//!   only in the `context` that an answer brought, which stands in the `extra` of its text.
//! - Fields of [`Parameters::extra`] are sent as they are and win; its `options` are joined with ours.
//!
//! [`ToolChoice::None`]: belvedere_core::request::ToolChoice::None
//! [`Parameters::extra`]: belvedere_core::request::Parameters::extra

mod answer;
mod decode;
mod encode;
mod endpoint;
mod lists;
mod message;
mod picture;
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
pub use endpoint::{OllamaEndpoint, OllamaGenerateEndpoint};

/// The names of the wires.
const CHAT: &str = "ollama.chat";
const GENERATE: &str = "ollama.generate";

const LINES: &str = "application/x-ndjson";

/// The names that a stream goes by.
const STREAMS: [(&str, Framing); 4] = [
    (LINES, Framing::Lines),
    ("application/ndjson", Framing::Lines),
    ("application/jsonl", Framing::Lines),
    ("application/json-seq", Framing::Lines),
];

/// Which of the two ways to an answer is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Api {
    /// `/api/chat`: a conversation.
    #[default]
    Chat,
    /// `/api/generate`: one prompt.
    Generate,
}

impl Api {
    fn wire(self) -> &'static str {
        match self {
            Api::Chat => CHAT,
            Api::Generate => GENERATE,
        }
    }
}

/// Ollama's wire, spoken to a server at hand or to <https://ollama.com>, which takes a bearer key.
///
/// ```
/// use belvedere_core::provider::Provider;
/// use belvedere_core::request::Request;
/// use belvedere_providers::ollama::Ollama;
///
/// let request = Ollama::new("qwen3:4b").encode(&Request::from("hi"))?;
/// assert_eq!(request.uri(), "http://localhost:11434/api/chat");
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ollama {
    /// The provider's name in errors and records. Default `ollama`.
    pub name: SmolStr,
    /// The address, with or without `/api` at its end. Default `http://localhost:11434`.
    pub base_url: Uri,
    /// The model when a request names none.
    pub model: Option<SmolStr>,
    /// How long the server keeps the model in memory after a request: `5m`, or seconds as a number; negative: for
    /// good. Default: the server's, which is five minutes.
    pub keep_alive: Option<SmolStr>,
    /// Which of the two ways to an answer is taken. Default: chat.
    pub api: Api,
}

impl Default for Ollama {
    fn default() -> Self {
        Ollama {
            name: SmolStr::new_static("ollama"),
            base_url: Uri::from_static("http://localhost:11434"),
            model: None,
            keep_alive: None,
            api: Api::Chat,
        }
    }
}

impl Ollama {
    /// The wire with a default model.
    pub fn new(model: impl Into<SmolStr>) -> Self {
        Ollama { model: Some(model.into()), ..Ollama::default() }
    }

    /// Sets which of the two ways to an answer is taken.
    pub fn with_api(mut self, api: Api) -> Self {
        self.api = api;
        self
    }

    fn model<'a>(&'a self, request: &'a Request) -> Result<&'a str> {
        outgoing::model(request, self.model.as_deref())
    }
}

impl Provider for Ollama {
    fn info(&self) -> Info {
        Info::new(self.name.clone(), self.api.wire()).with_model(self.model.clone())
    }

    fn base_url(&self) -> &Uri {
        &self.base_url
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        capabilities::fit(self.api.wire(), &self.name, self.model.as_deref(), request)
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        let (path, body) = match (request.operation, self.api) {
            (Operation::Chat, Api::Chat) => ("/api/chat", encode::chat(self, request)?),
            (Operation::Chat, Api::Generate) => ("/api/generate", encode::generate(self, request)?),
            (Operation::Embed, _) => ("/api/embed", encode::embed(self, request)?),
            (Operation::Models, _) => ("/api/tags", Bytes::new()),
            _ => return Err(outgoing::no_operation()),
        };
        let streams = request.operation == Operation::Chat && request.stream;
        let uri = outgoing::address(&self.base_url, "/api", path)?;
        Ok(outgoing::ask(uri, if streams { LINES } else { JSON }, body))
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
        let asked = if request.stream { Framing::Lines } else { Framing::Json };
        let framing = incoming::framing(head, &STREAMS, asked, "lines of it")?;
        Ok(match framing {
            Framing::Json => (framing, Box::new(decode::Whole::new(fault))),
            _ => (framing, Box::new(decode::Stream::new(fault))),
        })
    }
}
