//! OpenAI and the servers that speak its wires.

use belvedere_core::error::Result;
use belvedere_core::service::Stack;
use http::Uri;

use super::target::{Key, Target};
use crate::openai::hosts::{Host, find};
use crate::openai::{OpenAi, hosts};
#[cfg(feature = "responses")]
use crate::responses::Responses;
use crate::settings::Signer;

/// A server of the table.
pub(super) fn open(target: &Target<'_>) -> Result<Stack> {
    let host = find(target.name).unwrap_or(&hosts::ANY);
    let wires = wires(host.name);
    let mut own = Vec::new();
    own.extend((wires.len() > 1).then_some("wire"));
    own.extend(regional(host.name).then_some("region"));
    target.takes(&own)?;
    let wire = target.wire(wires)?;
    let base_url = address(target, host)?;
    let env: Vec<&str> = host.key_env.into_iter().collect();
    let kinds: &[&str] = if host.name == "copilot" { &["copilot"] } else { &[] };
    let signer = target.signer(&Key { header: None, env: &env, needed: host.needs_key }, kinds)?;
    build(target, host, wire, base_url, signer)
}

/// The service of one of the wires.
pub(super) fn build(
    target: &Target<'_>,
    host: &'static Host,
    wire: &str,
    base_url: Uri,
    signer: Signer,
) -> Result<Stack> {
    #[cfg(feature = "responses")]
    if wire == "openai.responses" {
        let mut provider = Responses::default().with_host(host.name, base_url);
        provider.model = target.settings.model.as_deref().map(Into::into);
        return target.stack(provider, signer);
    }
    let _ = wire;
    let mut provider = OpenAi::new(host).with_base_url(base_url);
    provider.model = target.settings.model.as_deref().map(Into::into);
    target.stack(provider, signer)
}

/// The wires that a server speaks, its own first. Of those with responses this is what their documentation says.
pub(super) fn wires(host: &str) -> &'static [&'static str] {
    const RESPONSES: [&str; 10] = [
        "openai",
        "azure_openai",
        "bedrock_mantle",
        "copilot",
        "deepseek",
        "lm_studio",
        "mistralrs",
        "openrouter",
        "vllm",
        "xai",
    ];
    match cfg!(feature = "responses") && RESPONSES.contains(&host) {
        true => &["openai.chat", "openai.responses"],
        false => &["openai.chat"],
    }
}

/// Whether the address of a server depends on a region.
fn regional(host: &str) -> bool {
    host == "bedrock_mantle"
}

fn address(target: &Target<'_>, host: &Host) -> Result<Uri> {
    if regional(host.name) && target.settings.base_url.is_none() {
        let region = target.need("region", &target.settings.region, &["AWS_REGION", "AWS_DEFAULT_REGION"])?;
        // Amazon Bedrock's user guide, "Supported Regions and endpoints" of the Mantle endpoint.
        let url = format!("https://bedrock-mantle.{region}.api.aws/v1");
        return target.settings.address(Some(&url));
    }
    target.settings.address(host.base_url)
}
