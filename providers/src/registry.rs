//! Providers by name: for configuration documents, for code, and for tools that read recordings.

#[cfg(feature = "openai")]
mod azure;
#[cfg(feature = "openai")]
mod openai;
mod target;

use std::sync::Arc;

use belvedere_core::config::Registry;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::provider::Provider;
use belvedere_core::service::Stack;

use crate::Settings;
#[cfg(feature = "anthropic")]
use crate::anthropic::Anthropic;
#[cfg(feature = "openai")]
use crate::openai::{OpenAi, hosts};
#[cfg(feature = "anthropic")]
use target::Key;
use target::{Env, Target};

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
    let own: &[_] = if cfg!(feature = "anthropic") { &["anthropic"] } else { &[] };
    let mut names = own.to_vec();
    #[cfg(feature = "openai")]
    names.extend(hosts::HOSTS.iter().map(|host| host.name));
    names.sort_unstable();
    names
}

/// The wire protocol `openai.chat`, `anthropic.messages` or `embeddings`, to read recordings with. `host` is the
/// provider that was recorded; one that has no row of its own is read as a common compatible server.
///
/// # Errors
/// `Unsupported` when this build does not have the wire; those it has are named.
pub fn wire(name: &str, host: Option<&str>) -> Result<Arc<dyn Provider>> {
    match name {
        #[cfg(feature = "openai")]
        "openai.chat" | "embeddings" => {
            let host = host.or(Some("openai")).and_then(hosts::find).unwrap_or(&hosts::ANY);
            Ok(Arc::new(OpenAi::new(host)))
        }
        #[cfg(feature = "anthropic")]
        "anthropic.messages" => Ok(Arc::new(Anthropic::default())),
        _ => {
            let known = [
                ("openai.chat", cfg!(feature = "openai")),
                ("embeddings", cfg!(feature = "openai")),
                ("anthropic.messages", cfg!(feature = "anthropic")),
            ];
            let known: Vec<&str> = known.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
            let _ = host;
            Err(Error::new(ErrorKind::Unsupported, format!("wire: this build reads {}", known.join(", "))))
        }
    }
}

fn open(name: &str, settings: Settings, env: &Env<'_>) -> Result<Stack> {
    let target = Target { name, settings: &settings, env };
    match name {
        #[cfg(feature = "anthropic")]
        "anthropic" => anthropic(&target),
        #[cfg(feature = "openai")]
        "azure_openai" => azure::open(&target),
        #[cfg(feature = "openai")]
        name if hosts::find(name).is_some() => openai::open(&target),
        _ => {
            let known = names().join(", ");
            Err(Error::new(ErrorKind::ConfigInvalid, format!("unknown provider; known: {known}")))
        }
    }
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

#[cfg(all(test, feature = "openai", feature = "anthropic"))]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_provider_lists_the_known_ones() {
        let error = provider("opnai", Settings::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        for name in ["anthropic", "groq", "openai"] {
            assert!(error.message().contains(name), "{error}");
        }
    }

    #[test]
    fn the_key_comes_from_the_settings_or_the_environment() {
        let none = |_: &str| None;
        let error = open("anthropic", Settings::default(), &none).unwrap_err();
        assert!(error.message().contains("ANTHROPIC_API_KEY"), "{error}");
        assert!(open("anthropic", Settings::default(), &|_| Some("k".into())).is_ok());
        assert!(open("openai", Settings::default().with_api_key("k"), &none).is_ok());
        assert!(open("ollama", Settings::default(), &none).is_ok(), "a local server needs no key");
    }

    #[test]
    fn a_wire_that_is_not_built_says_which_are() {
        let error = wire("google.generate", None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.message(), "wire: this build reads openai.chat, embeddings, anthropic.messages");
        assert_eq!(wire("openai.chat", Some("nobody knows")).unwrap().info().name, "openai_compatible");
    }

    #[test]
    fn every_provider_is_a_type_of_configurations() {
        let mut registry = Registry::new();
        register(&mut registry);
        let schema = registry.schema();
        for name in names() {
            assert_eq!(schema["$defs"][format!("provider_{name}")]["properties"]["type"]["const"], name);
        }
    }
}
