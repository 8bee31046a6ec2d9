//! Wires by name, to read recordings with.

use std::sync::Arc;

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::provider::Provider;

#[cfg(feature = "anthropic")]
use crate::anthropic::Anthropic;
#[cfg(feature = "bedrock")]
use crate::bedrock::{Converse, InvokeAnthropic};
#[cfg(feature = "cohere")]
use crate::cohere::Cohere;
#[cfg(feature = "google")]
use crate::google::Google;
#[cfg(feature = "ollama")]
use crate::ollama::{Api, Ollama};
#[cfg(feature = "openai")]
use crate::openai::{OpenAi, hosts};
#[cfg(feature = "responses")]
use crate::responses::Responses;

/// What reads a wire, for the provider that was recorded.
type Reader = fn(Option<&str>) -> Result<Arc<dyn Provider>>;

const WIRES: &[(&str, Reader)] = &[
    #[cfg(feature = "openai")]
    ("openai.chat", openai),
    #[cfg(feature = "openai")]
    ("embeddings", openai),
    #[cfg(feature = "responses")]
    ("openai.responses", |_| Ok(Arc::new(Responses::default()))),
    #[cfg(feature = "anthropic")]
    ("anthropic.messages", |_| Ok(Arc::new(Anthropic::default()))),
    #[cfg(feature = "google")]
    ("google.generate", |host| match host {
        Some("google_vertex" | "vertex") => Ok(Arc::new(Google::vertex("project", "global")?)),
        _ => Ok(Arc::new(Google::default())),
    }),
    #[cfg(feature = "bedrock")]
    ("bedrock.converse", |_| Ok(Arc::new(Converse::in_region("us-east-1")?))),
    #[cfg(feature = "bedrock")]
    ("bedrock.invoke.anthropic", |_| Ok(Arc::new(InvokeAnthropic::in_region("us-east-1")?))),
    #[cfg(feature = "ollama")]
    ("ollama.chat", |_| Ok(Arc::new(Ollama::default()))),
    #[cfg(feature = "ollama")]
    ("ollama.generate", |_| Ok(Arc::new(Ollama::default().with_api(Api::Generate)))),
    #[cfg(feature = "cohere")]
    ("cohere.chat", |_| Ok(Arc::new(Cohere::default()))),
];

#[cfg(feature = "openai")]
fn openai(host: Option<&str>) -> Result<Arc<dyn Provider>> {
    let host = host.or(Some("openai")).and_then(hosts::find).unwrap_or(&hosts::ANY);
    Ok(Arc::new(OpenAi::new(host)))
}

/// The wire protocol of this name, such as `openai.chat`, `anthropic.messages` or `embeddings`, to read recordings
/// with. `host` is the provider that was recorded; one that has no row of its own is read as a common compatible
/// server.
///
/// # Errors
/// `Unsupported` when this build does not have the wire; those it has are named.
pub fn wire(name: &str, host: Option<&str>) -> Result<Arc<dyn Provider>> {
    let Some((_, reader)) = WIRES.iter().find(|(own, _)| *own == name) else {
        let known: Vec<&str> = WIRES.iter().map(|(name, _)| *name).collect();
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("wire: this build reads {}", known.join(", ")),
        ));
    };
    reader(host)
}
