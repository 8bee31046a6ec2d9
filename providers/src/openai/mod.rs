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
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Uri};
use serde_json::Value;

use crate::{capabilities, fault};
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
        let model = request.model.as_deref().or(self.model.as_deref()).filter(|model| !model.is_empty());
        model.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                "model: is missing; name one in the request or the configuration",
            )
        })
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

    /// The address of an endpoint: its path behind the base's, and before the base's query.
    fn endpoint(&self, path: &str) -> Result<Uri> {
        let (Some(scheme), Some(authority)) = (self.base_url.scheme(), self.base_url.authority()) else {
            let fault = "base_url: an absolute address is needed, such as https://host.example/v1";
            return Err(Error::new(ErrorKind::ConfigInvalid, fault).with("host", self.host.name));
        };
        let base = self.base_url.path().trim_end_matches('/');
        let path = match self.base_url.query() {
            Some(query) => format!("{base}{path}?{query}"),
            None => format!("{base}{path}"),
        };
        let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query(path);
        uri.build()
            .map_err(|e| Error::new(ErrorKind::ConfigInvalid, "base_url: makes no address").with_source(e))
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
        let model = request.model.clone().or_else(|| self.model.clone());
        capabilities::fit_host(WIRE, self.host, model.as_deref(), request)
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        let (method, path, body) = match request.operation {
            Operation::Chat => {
                let model = self.model(request)?;
                let path = self.path("/chat/completions", model)?;
                (Method::POST, path, encode::chat(self.host, model, request)?)
            }
            Operation::Embed => {
                let model = self.model(request)?;
                let path = self.path(self.host.embeddings_path(), model)?;
                (Method::POST, path, encode::embeddings(self.host, model, request)?)
            }
            Operation::Models => (Method::GET, "/models".into(), Bytes::new()),
            _ => return Err(Error::new(ErrorKind::Unsupported, "operation: this wire does not have it")),
        };
        let mut outgoing = http::Request::new(body);
        *outgoing.method_mut() = method;
        *outgoing.uri_mut() = self.endpoint(&path)?;
        let accept = match request.operation == Operation::Chat && request.stream {
            true => "text/event-stream",
            false => "application/json",
        };
        outgoing.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        if !outgoing.body().is_empty() {
            outgoing.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(outgoing)
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
        Ok((framing, decoder))
    }
}

/// How the body is cut. The content type decides: gateways answer a stream with one body and the other way round.
/// A type that says nothing is read as what was asked for.
pub(crate) fn framing(request: &Request, head: &http::response::Parts) -> Result<Framing> {
    let streams = request.operation == Operation::Chat;
    let header = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let kind = header.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/event-stream" if streams => Ok(Framing::Sse),
        "application/x-ndjson" | "application/jsonl" if streams => Ok(Framing::Lines),
        "" | "text/plain" | "application/octet-stream" if streams && request.stream => Ok(Framing::Sse),
        "" | "text/plain" | "application/octet-stream" => Ok(Framing::Json),
        json if json.ends_with("/json") || json.ends_with("+json") => Ok(Framing::Json),
        _ => Err(Error::new(ErrorKind::Malformed, "the answer is neither JSON nor a stream of events")
            .with("content_type", kind)),
    }
}

/// The media type of sound that was asked for (`audio.format`); the answer itself does not tell.
fn sound_type(request: &Request) -> SmolStr {
    match request.extra.get("audio").and_then(|audio| audio.get("format")).and_then(Value::as_str) {
        Some("mp3") => SmolStr::new_static("audio/mpeg"),
        Some(format) => SmolStr::from(format!("audio/{format}")),
        None => SmolStr::default(),
    }
}
