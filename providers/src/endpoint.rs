//! Endpoints by the name of their wire, and what all of them share: reading the fields of a request, the status and
//! headers of an error, and writing bodies.

mod answer;
mod asked;
#[cfg(any(feature = "anthropic", feature = "ollama"))]
mod beginning;
mod fields;
#[cfg(any(feature = "anthropic", feature = "openai"))]
mod gathered;

use std::sync::Arc;

use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::{Error, ErrorKind, Result};

#[cfg(any(
    feature = "anthropic",
    feature = "cohere",
    feature = "google",
    feature = "ollama",
    feature = "openai"
))]
pub(crate) use answer::*;
pub use asked::asked_at;
#[cfg(feature = "openai")]
pub(crate) use asked::created;
#[cfg(any(feature = "anthropic", feature = "ollama"))]
pub(crate) use beginning::is_begun;
pub(crate) use fields::*;
#[cfg(any(feature = "anthropic", feature = "openai"))]
pub(crate) use gathered::*;

#[cfg(feature = "anthropic")]
use crate::anthropic::AnthropicEndpoint;
#[cfg(feature = "bedrock")]
use crate::bedrock::{ConverseEndpoint, InvokeAnthropicEndpoint};
#[cfg(feature = "cohere")]
use crate::cohere::CohereEndpoint;
#[cfg(feature = "google")]
use crate::google::GoogleEndpoint;
#[cfg(feature = "ollama")]
use crate::ollama::{OllamaEndpoint, OllamaGenerateEndpoint};
#[cfg(feature = "openai")]
use crate::openai::{EmbeddingsEndpoint, OpenAiEndpoint};
#[cfg(feature = "responses")]
use crate::responses::ResponsesEndpoint;

/// What makes the endpoints, in the order a server asks them.
const ALL: &[fn() -> Arc<dyn Endpoint>] = &[
    #[cfg(feature = "openai")]
    || Arc::new(OpenAiEndpoint),
    #[cfg(feature = "openai")]
    || Arc::new(EmbeddingsEndpoint),
    #[cfg(feature = "responses")]
    || Arc::new(ResponsesEndpoint),
    #[cfg(feature = "anthropic")]
    || Arc::new(AnthropicEndpoint),
    #[cfg(feature = "bedrock")]
    || Arc::new(ConverseEndpoint),
    #[cfg(feature = "bedrock")]
    || Arc::new(InvokeAnthropicEndpoint),
    #[cfg(feature = "ollama")]
    || Arc::new(OllamaEndpoint),
    #[cfg(feature = "ollama")]
    || Arc::new(OllamaGenerateEndpoint),
    #[cfg(feature = "cohere")]
    || Arc::new(CohereEndpoint),
    #[cfg(feature = "google")]
    || Arc::new(GoogleEndpoint),
];

/// Every endpoint of this build. A server asks them in this order and takes the first that accepts a request.
///
/// OpenAI's and Anthropic's clients ask for the list of models at the same address. A request with the header
/// `anthropic-version` is for Anthropic's endpoint.
pub fn endpoints() -> Vec<Arc<dyn Endpoint>> {
    ALL.iter().map(|new| new()).collect()
}

/// The endpoint of a wire, such as `openai.chat`, `embeddings` or `anthropic.messages`.
///
/// # Errors
/// `Unsupported` when this build does not have the endpoint; those it has are named.
pub fn endpoint(wire: &str) -> Result<Arc<dyn Endpoint>> {
    let all = endpoints();
    let known: Vec<&str> = all.iter().map(|endpoint| endpoint.wire()).collect();
    let unknown = || {
        Error::new(ErrorKind::Unsupported, format!("wire: this build has endpoints for {}", known.join(", ")))
    };
    all.iter().find(|endpoint| endpoint.wire() == wire).cloned().ok_or_else(unknown)
}
