//! Providers by name: for configuration documents, for code, and for tools that read recordings.

#[cfg(feature = "openai")]
mod azure;
#[cfg(feature = "bedrock")]
mod bedrock;
#[cfg(feature = "google")]
mod google;
#[cfg(feature = "ollama")]
mod ollama;
#[cfg(feature = "openai")]
mod openai;
mod target;
#[cfg(test)]
mod tests;
mod wires;

use belvedere_core::config::Registry;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::service::Stack;

use crate::Settings;
#[cfg(feature = "anthropic")]
use crate::anthropic::Anthropic;
#[cfg(feature = "cohere")]
use crate::cohere::Cohere;
#[cfg(feature = "openai")]
use crate::openai::hosts;
#[cfg(any(feature = "anthropic", feature = "cohere"))]
use target::Key;
use target::{Env, Target};

pub use wires::wire;

type Open = fn(&Target<'_>) -> Result<Stack>;

/// The types that are more than a row in the table of OpenAI's hosts.
const TYPES: &[(&str, Open)] = &[
    #[cfg(feature = "anthropic")]
    ("anthropic", anthropic),
    #[cfg(feature = "openai")]
    ("azure_openai", azure::open),
    #[cfg(feature = "bedrock")]
    ("bedrock", bedrock::open),
    #[cfg(feature = "cohere")]
    ("cohere", cohere),
    #[cfg(feature = "google")]
    ("google", google::studio),
    #[cfg(feature = "ollama")]
    ("ollama", ollama::open),
    #[cfg(feature = "google")]
    ("vertex", google::vertex),
];

/// Lets configuration documents name every provider of this build.
pub fn register(registry: &mut Registry) {
    for name in names() {
        registry.provider(name, move |settings: Settings, build| open(name, settings, &|env| build.env(env)));
    }
}

/// A provider by its name, such as `openai`, `anthropic` or `groq`: the `type` of a configuration's provider.
///
/// Without an `api_key` the provider's environment variable is read.
///
/// ```no_run
/// use belvedere_providers::{Settings, provider};
///
/// let service = provider("openai", Settings::default().with_model("gpt-5-mini"))?;
/// # Ok::<(), belvedere_core::Error>(())
/// ```
///
/// # Errors
/// `ConfigInvalid` when there is no such provider, or a setting is missing or wrong.
pub fn provider(name: &str, settings: Settings) -> Result<Stack> {
    open(name, settings, &|env| std::env::var(env).ok().filter(|key| !key.is_empty()))
}

/// The names of all providers of this build, in order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    #[cfg(feature = "openai")]
    names.extend(hosts::HOSTS.iter().map(|host| host.name));
    names.sort_unstable();
    names.dedup();
    names
}

fn open(name: &str, settings: Settings, env: &Env<'_>) -> Result<Stack> {
    let target = Target { name, settings: &settings, env };
    if let Some((_, open)) = TYPES.iter().find(|(own, _)| *own == name) {
        return open(&target);
    }
    #[cfg(feature = "openai")]
    if hosts::find(name).is_some() {
        return openai::open(&target);
    }
    let known = names().join(", ");
    Err(Error::new(ErrorKind::ConfigInvalid, format!("unknown provider; known: {known}")))
}

#[cfg(feature = "anthropic")]
fn anthropic(target: &Target<'_>) -> Result<Stack> {
    target.takes(&[])?;
    let provider = Anthropic {
        base_url: target.address(&[], Some("https://api.anthropic.com"))?,
        model: target.settings.model.as_deref().map(Into::into),
        ..Anthropic::default()
    };
    let key = Key { header: Some("x-api-key"), env: &["ANTHROPIC_API_KEY"], needed: true };
    target.stack(provider, target.signer(&key, &[])?)
}

#[cfg(feature = "cohere")]
fn cohere(target: &Target<'_>) -> Result<Stack> {
    target.takes(&[])?;
    let provider = Cohere {
        base_url: target.address(&[], Some("https://api.cohere.com"))?,
        model: target.settings.model.as_deref().map(Into::into),
        ..Cohere::default()
    };
    // The second name is that of older clients.
    let key = Key { header: None, env: &["CO_API_KEY", "COHERE_API_KEY"], needed: true };
    target.stack(provider, target.signer(&key, &[])?)
}
