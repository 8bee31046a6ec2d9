//! Azure OpenAI: one address for each resource, two ways to ask, keys or Entra ID.

use belvedere_core::credentials::Secret;
use belvedere_core::error::Result;
use belvedere_core::service::Stack;
use http::Uri;

use super::target::{Key, Target};
use crate::credentials::{OAuth, Token};
use crate::openai::{OpenAi, hosts};
use crate::settings::{Signer, invalid};

const KEY: Key<'_> = Key { header: Some("api-key"), env: &["AZURE_OPENAI_API_KEY"], needed: true };

/// An Azure OpenAI resource.
pub(super) fn open(target: &Target<'_>) -> Result<Stack> {
    target.takes(&["wire", "api_version"])?;
    let wire = target.wire(super::openai::wires(hosts::AZURE.name))?;
    let base = target.address(&["AZURE_OPENAI_ENDPOINT"], None)?;
    let (base_url, deployments) = place(&base, target.settings.api_version.as_deref())?;
    let signer = signer(target)?;
    if !deployments {
        return super::openai::build(target, &hosts::AZURE, wire, base_url, signer);
    }
    if wire != "openai.chat" {
        return Err(invalid(format!("api_version: {wire} is part of the v1 API, which needs none")));
    }
    let mut provider = OpenAi::new(&hosts::AZURE).with_base_url(base_url);
    provider.model = target.settings.model.as_deref().map(Into::into);
    provider.deployments = true;
    target.stack(provider, signer)
}

/// The address below a resource, and whether the deployment stands in it. The v1 API is `/openai/v1` and needs no
/// version ("Azure OpenAI in Azure AI Foundry Models API lifecycle"); a dated one is `/openai/deployments/...`. An
/// address with another path (a gateway, Foundry's `/models`) stays as it is.
fn place(base: &Uri, version: Option<&str>) -> Result<(Uri, bool)> {
    let path = base.path().trim_end_matches('/');
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if version.is_some_and(|version| version.is_empty() || !version.chars().all(is_word)) {
        return Err(invalid("api_version: must be a date, such as \"2024-10-21\", or preview"));
    }
    let dated = version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    let (path, deployments) = match path {
        "" | "/openai" if dated => ("/openai", true),
        "" | "/openai" => ("/openai/v1", false),
        path => (path, false),
    };
    let query = match (base.query(), version) {
        (Some(query), _) => format!("?{query}"),
        (None, Some(version)) => format!("?api-version={version}"),
        (None, None) => String::new(),
    };
    let scheme = base.scheme_str().unwrap_or("https");
    let authority = base.authority().map(|a| a.as_str()).unwrap_or_default();
    let uri = format!("{scheme}://{authority}{path}{query}").parse();
    uri.map(|uri| (uri, deployments)).map_err(|_| invalid("base_url: makes no address"))
}

/// A key, or the application that Azure's own clients find in the environment (`EnvironmentCredential`).
fn signer(target: &Target<'_>) -> Result<Signer> {
    let settings = target.settings;
    let has_own = settings.signer.is_some() || settings.credentials.is_some() || settings.api_key.is_some();
    if has_own || target.env(KEY.env).is_some() {
        return target.signer(&KEY, &["entra_id"]);
    }
    let application =
        ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"].map(|name| (target.env)(name));
    match application {
        [Some(tenant), Some(id), Some(secret)] => {
            Ok(Signer::new(Token::new(OAuth::entra_id(&tenant, id, Secret::new(secret))?)))
        }
        _ => target.signer(&KEY, &["entra_id"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_follows_the_version() {
        let at = |base: &str, version: Option<&str>| {
            let (uri, deployments) = place(&base.parse().unwrap(), version).unwrap();
            (uri.to_string(), deployments)
        };
        let resource = "https://r.openai.azure.com";
        assert_eq!(at(resource, None), (format!("{resource}/openai/v1"), false));
        assert_eq!(
            at(resource, Some("preview")),
            (format!("{resource}/openai/v1?api-version=preview"), false)
        );
        assert_eq!(
            at(resource, Some("2024-10-21")),
            (format!("{resource}/openai?api-version=2024-10-21"), true)
        );
        let v1 = format!("{resource}/openai/v1");
        assert_eq!(at(&v1, None), (v1, false));
        let models = "https://r.services.ai.azure.com/models";
        assert_eq!(
            at(models, Some("2024-05-01-preview")),
            (format!("{models}?api-version=2024-05-01-preview"), false)
        );
        assert!(place(&resource.parse().unwrap(), Some("a&b")).is_err());
    }
}
