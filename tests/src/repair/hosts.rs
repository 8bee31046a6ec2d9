//! The targets a recorded stream is repaired on: its own host, and others of the same wire that go on otherwise.

use belvedere::credentials::Anonymous;
use belvedere::providers::names;
use belvedere::service::Stack;
use belvedere::{Error, ErrorKind, Result, Settings};
use serde_json::json;

use super::target::Manner;
use crate::Recording;

/// A target by its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// The `type` of the provider.
    pub(super) provider: String,
    model: &'static str,
    /// How it goes on.
    pub(super) manner: Manner,
    /// Whether parameters it lacks are left out, instead of refused.
    drops: bool,
}

/// Where a target is, unless what it can depends on its address.
const ADDRESS: &str = "https://target.example/v1";

impl Host {
    fn new(provider: &str, model: &'static str, manner: Manner) -> Self {
        Host { provider: provider.to_owned(), model, manner, drops: false }
    }

    /// The same with parameters left out that it lacks.
    fn dropping(self) -> Self {
        Host { drops: true, ..self }
    }

    /// Its name in the report.
    pub(super) fn name(&self) -> String {
        let drops = if self.drops { ", `unsupported: drop`" } else { "" };
        format!("`{}` {}{drops}", self.provider, self.model)
    }

    /// Whether it goes on with a last message of the assistant, or answers it.
    pub(super) fn goes_on(&self) -> bool {
        self.provider != "openai"
    }

    /// Its service for this wire.
    ///
    /// # Errors
    /// The provider's.
    pub(super) fn service(&self, wire: &str) -> Result<Stack> {
        let unsupported = if self.drops { "drop" } else { "strict" };
        let settings: Settings =
            serde_json::from_value(json!({ "unsupported": unsupported })).map_err(|error| {
                Error::new(ErrorKind::ConfigInvalid, "the settings of a target").with_source(error)
            })?;
        let mut settings = settings
            .with_base_url(match self.provider.as_str() {
                // Prefixes are taken below `/beta` only: <https://api-docs.deepseek.com/guides/chat_prefix_completion>.
                "deepseek" => "https://api.deepseek.com/beta",
                _ => ADDRESS,
            })
            .with_model(self.model)
            .with_credentials(Anonymous);
        settings.wire = matches!(
            wire,
            "openai.responses" | "bedrock.invoke.anthropic" | "ollama.generate" | "openai.chat"
        )
        .then(|| wire.to_owned())
        .filter(|wire| wire != "openai.chat" || self.provider == "ollama");
        match self.provider.as_str() {
            "bedrock" => settings.region = Some("us-east-1".to_owned()),
            "vertex" => {
                settings.project = Some("project".to_owned());
                settings.region = Some("global".to_owned());
            }
            _ => {}
        }
        belvedere::provider(&self.provider, settings)
    }
}

/// The targets for a recorded stream: those that take the beginning of an answer, those that have to be asked for
/// the rest, and one of each that says something else the second time.
pub(super) fn hosts(recording: &Recording) -> Vec<Host> {
    use Manner::{Echo, Exact, Rephrase};
    let pair = |provider: &str, takes, asks| {
        vec![
            Host::new(provider, takes, Exact),
            Host::new(provider, asks, Exact),
            Host::new(provider, takes, Rephrase),
            Host::new(provider, asks, Rephrase),
        ]
    };
    let one =
        |provider: &str, model| vec![Host::new(provider, model, Exact), Host::new(provider, model, Rephrase)];
    match recording.endpoint.as_str() {
        "anthropic.messages" => pair("anthropic", "claude-sonnet-4-5", "claude-opus-4-6"),
        "bedrock.converse" | "bedrock.invoke.anthropic" => {
            pair("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-opus-4-6-v1")
        }
        "google.generate" if recording.host == "google_vertex" => one("vertex", "gemini-2.5-flash"),
        "google.generate" => one("google", "gemini-2.5-flash"),
        "ollama.chat" | "ollama.generate" => one("ollama", "llama3.2"),
        "openai.responses" => {
            let mut hosts = one("openai", "gpt-4.1");
            add_own(&mut hosts, recording, &["openai"]);
            hosts
        }
        _ => {
            let mut hosts = vec![
                Host::new("vllm", "model", Exact),
                Host::new("openai", "gpt-4.1", Exact),
                Host::new("openai", "gpt-4.1", Exact).dropping(),
                Host::new("mistral", "mistral-large-latest", Echo),
                Host::new("vllm", "model", Rephrase),
                Host::new("openai", "gpt-4.1", Rephrase),
            ];
            add_own(&mut hosts, recording, &["openai", "vllm", "mistral"]);
            hosts
        }
    }
}

/// Adds the host that was recorded, unless it is among these or has no row of its own.
fn add_own(hosts: &mut Vec<Host>, recording: &Recording, there: &[&str]) {
    let own = match recording.host.as_str() {
        "llamacpp" => "llama_cpp",
        "lmstudio" => "lm_studio",
        own => own,
    };
    if !there.contains(&own) && names().contains(&own) {
        hosts.push(Host::new(own, "model", Manner::Exact));
    }
}
