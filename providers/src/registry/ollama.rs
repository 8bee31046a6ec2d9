//! Ollama: its own wires, and OpenAI's.

use belvedere_core::error::Result;
use belvedere_core::service::Stack;
use http::Uri;

use super::target::{Key, Target};
use crate::ollama::{Api, Ollama};
use crate::settings::address;

#[cfg(feature = "openai")]
const WIRES: &[&str] = &["ollama.chat", "ollama.generate", "openai.chat"];
#[cfg(not(feature = "openai"))]
const WIRES: &[&str] = &["ollama.chat", "ollama.generate"];

/// A server on this machine, or <https://ollama.com>, which asks for a key.
pub(super) fn open(target: &Target<'_>) -> Result<Stack> {
    target.takes(&["wire"])?;
    let wire = target.wire(WIRES)?;
    let base_url = place(target)?.to_string();
    // With or without `/v1`, which is where OpenAI's wire begins.
    let base_url = base_url.trim_end_matches('/').trim_end_matches("/v1");
    let signer = target.signer(&Key { header: None, env: &["OLLAMA_API_KEY"], needed: false }, &[])?;
    #[cfg(feature = "openai")]
    if wire == "openai.chat" {
        let host = crate::openai::hosts::find("ollama").unwrap_or(&crate::openai::hosts::ANY);
        let base_url = address("base_url", &format!("{base_url}/v1"))?;
        return super::openai::build(target, host, wire, base_url, signer);
    }
    let provider = Ollama {
        base_url: address("base_url", base_url)?,
        model: target.settings.model.as_deref().map(Into::into),
        api: if wire == "ollama.generate" { Api::Generate } else { Api::Chat },
        ..Ollama::default()
    };
    target.stack(provider, signer)
}

/// The address. `OLLAMA_HOST` is read as Ollama's own client reads it: `host`, `host:port` or a whole address.
fn place(target: &Target<'_>) -> Result<Uri> {
    let own = "http://localhost:11434";
    match target.env(&["OLLAMA_HOST"]).filter(|_| target.settings.base_url.is_none()) {
        Some(host) if host.contains("://") => address("OLLAMA_HOST", &host),
        // A server listens on all addresses by this one; nobody can be reached there.
        Some(host) => {
            let host = host.replace("0.0.0.0", "localhost");
            let port = if host.rsplit(']').next().unwrap_or_default().contains(':') { "" } else { ":11434" };
            address("OLLAMA_HOST", &format!("http://{host}{port}"))
        }
        None => target.settings.address(Some(own)),
    }
}
