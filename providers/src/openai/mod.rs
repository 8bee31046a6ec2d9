//! OpenAI's chat completions, embeddings and model lists, as OpenAI and the many compatible servers speak them.
//!
//! Reference: OpenAI's API reference, "Chat", "Embeddings" and "Models". What a compatible server has of its own is
//! in its row of [`hosts`] or named where it is read.

pub(crate) mod answer;
mod calls;
mod check;
mod choice;
mod decode;
mod details;
pub(crate) mod embeddings;
pub(crate) mod encode;
pub(crate) mod endpoint;
mod filters;
mod finish;
pub mod hosts;
mod media;
mod messages;
pub(crate) mod models;
pub(crate) mod parts;
pub(crate) mod sources;
#[cfg(test)]
mod tests;
pub(crate) mod usage;
mod wire;

use std::borrow::Cow;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::provider::{Decoder, Framing, Lack, Provider};
use belvedere_core::request::{Operation, Request};
use belvedere_core::service::Info;
use bytes::Bytes;
use http::Uri;
use serde_json::Value;

use crate::outgoing::{self, JSON};
use crate::repeat::without_beginning;
use crate::{capabilities, fault, incoming};
pub use decode::Done;
pub use endpoint::{EmbeddingsEndpoint, OpenAiEndpoint};
use hosts::Host;

/// The name of the wire.
const WIRE: &str = "openai.chat";

/// True when what only one wire can read is this wire's, as far as it is known.
fn is_ours(wire: &str) -> bool {
    wire.is_empty() || wire == WIRE
}

/// OpenAI's wire, spoken to one server.
///
/// ```
/// use belvedere_core::provider::Provider;
/// use belvedere_core::request::Request;
/// use belvedere_providers::openai::{OpenAi, hosts};
///
/// let groq = OpenAi::new(hosts::find("groq").ok_or("not in the table")?);
/// let request = groq.encode(&Request::from("hi").with_model("llama-3.3-70b-versatile"))?;
/// assert_eq!(request.uri(), "https://api.groq.com/openai/v1/chat/completions");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenAi {
    /// The name it goes by in errors, metrics and ledgers; the server's unless set.
    pub name: SmolStr,
    /// Where the server is; the server's own address unless set. A query in it stays (Azure's `api-version`).
    pub base_url: Uri,
    /// The model used when a request names none.
    pub model: Option<SmolStr>,
    /// The server, and how it differs.
    pub host: &'static Host,
    /// Whether the model is a deployment that stands in the address: the dated API of Azure OpenAI.
    pub deployments: bool,
}

impl OpenAi {
    /// The wire to `host`, at its own address where it has one.
    pub fn new(host: &'static Host) -> Self {
        OpenAi {
            name: SmolStr::new_static(host.name),
            base_url: host.base_url.map(Uri::from_static).unwrap_or_default(),
            model: None,
            host,
            deployments: false,
        }
    }

    /// Sets where the server is.
    pub fn with_base_url(mut self, base_url: Uri) -> Self {
        self.base_url = base_url;
        self
    }

    /// Sets the model used when a request names none.
    pub fn with_model(mut self, model: impl Into<SmolStr>) -> Self {
        self.model = Some(model.into());
        self
    }

    fn model<'a>(&'a self, request: &'a Request) -> Result<&'a str> {
        outgoing::model(request, self.model.as_deref())
    }

    /// The address of what a server has below a path of its own, such as `/beta`, which stands in the place of a
    /// version.
    ///
    /// # Errors
    /// As [`outgoing::address`].
    fn address_below(&self, at: &str, path: &str) -> Result<Uri> {
        let base = self.base_url.path().trim_end_matches('/');
        let own = if base.ends_with("/v1") { "/v1" } else { at };
        outgoing::address(&self.base_url, own, &format!("{at}{path}"))
    }

    /// The path of what is asked of a model. A deployment stands in it (Azure OpenAI's REST API reference).
    ///
    /// # Errors
    /// `InvalidRequest` when the model can't be a deployment.
    fn path(&self, path: &'static str, model: &str) -> Result<Cow<'static, str>> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match self.deployments {
            false => Ok(path.into()),
            true if model.chars().all(is_name) => Ok(format!("/deployments/{model}{path}").into()),
            true => Err(Error::new(
                ErrorKind::InvalidRequest,
                "model: is not the name of a deployment, which has letters, digits, -, _ and . only",
            )),
        }
    }
}

impl Provider for OpenAi {
    fn info(&self) -> Info {
        Info::new(self.name.clone(), WIRE).with_model(self.model.clone())
    }

    fn base_url(&self) -> &Uri {
        &self.base_url
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        capabilities::fit_host(WIRE, self.host, self.model.as_deref(), request)
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        let (path, body) = match request.operation {
            Operation::Chat => {
                let model = self.model(request)?;
                let path = self.path("/chat/completions", model)?;
                (path, encode::chat(self.host, model, request)?)
            }
            Operation::Embed => {
                let model = self.model(request)?;
                let path = self.path(self.host.embeddings_path(), model)?;
                (path, encode::embeddings(self.host, model, request)?)
            }
            Operation::Models => ("/models".into(), Bytes::new()),
            _ => return Err(outgoing::no_operation()),
        };
        let streams = request.operation == Operation::Chat && request.stream;
        let uri = match self.host.prefill_at {
            at if request.continue_final_message && !at.is_empty() => self.address_below(at, &path)?,
            _ => outgoing::address(&self.base_url, "", &path)?,
        };
        Ok(outgoing::ask(uri, if streams { "text/event-stream" } else { JSON }, body))
    }

    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        let fault = fault::Head::of(head);
        if !head.status.is_success() {
            return Ok((Framing::Json, Box::new(fault::FaultDecoder(fault))));
        }
        let framing = framing(request, head)?;
        let decoder: Box<dyn Decoder> = match (request.operation, framing) {
            (Operation::Embed, _) => Box::new(embeddings::Embeddings::new(fault, self.host.vectors)),
            (Operation::Models, _) => Box::new(models::Models::new(fault)),
            (_, Framing::Json) => Box::new(decode::Whole::new(fault, sound_type(request))),
            (_, _) => Box::new(decode::Chunks::new(fault, sound_type(request), self.host.done)),
        };
        Ok((framing, if self.host.repeats { without_beginning(request, decoder) } else { decoder }))
    }
}

/// How the body is cut.
pub(crate) fn framing(request: &Request, head: &http::response::Parts) -> Result<Framing> {
    const STREAMS: [(&str, Framing); 3] = [
        ("text/event-stream", Framing::Sse),
        ("application/x-ndjson", Framing::Lines),
        ("application/jsonl", Framing::Lines),
    ];
    let is_chat = request.operation == Operation::Chat;
    let streams: &[_] = if is_chat { &STREAMS } else { &[] };
    let asked = if is_chat && request.stream { Framing::Sse } else { Framing::Json };
    incoming::framing(head, streams, asked, "a stream of events")
}

/// The media type of sound that was asked for (`audio.format`); the answer itself does not tell.
fn sound_type(request: &Request) -> SmolStr {
    match request.extra.get("audio").and_then(|audio| audio.get("format")).and_then(Value::as_str) {
        Some("mp3") => SmolStr::new_static("audio/mpeg"),
        Some(format) => SmolStr::from(format!("audio/{format}")),
        None => SmolStr::default(),
    }
}
