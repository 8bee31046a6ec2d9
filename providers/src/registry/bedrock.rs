//! Amazon Bedrock: a region, and keys of AWS or of Bedrock.

use belvedere_core::error::Result;
use belvedere_core::service::Stack;

use super::target::{Key, Target};
use crate::bedrock::{self, AwsKeys, Converse, InvokeAnthropic, SigV4};
use crate::settings::{Auth, Signer};

/// Bedrock's runtime in a region.
pub(super) fn open(target: &Target<'_>) -> Result<Stack> {
    target.takes(&["wire", "region"])?;
    let wire = target.wire(&["bedrock.converse", "bedrock.invoke.anthropic"])?;
    let settings = target.settings;
    let region = target.need("region", &settings.region, &["AWS_REGION", "AWS_DEFAULT_REGION"])?;
    let signer = signer(target, &region)?;
    let model = settings.model.as_deref().map(Into::into);
    let base_url = settings.base_url.as_ref().map(|_| settings.address(None)).transpose()?;
    if wire == "bedrock.invoke.anthropic" {
        let mut provider = InvokeAnthropic::in_region(&region)?;
        provider.base_url = base_url.unwrap_or(provider.base_url);
        provider.model = model;
        return target.stack(provider, signer);
    }
    let mut provider = Converse::in_region(&region)?;
    provider.base_url = base_url.unwrap_or(provider.base_url);
    provider.model = model;
    target.stack(provider, signer)
}

/// Keys as they were set, or those that AWS's own clients find.
fn signer(target: &Target<'_>, region: &str) -> Result<Signer> {
    let settings = target.settings;
    if let (Some(Auth::Aws { access_key_id, secret_access_key, session_token }), None) =
        (&settings.credentials, &settings.signer)
    {
        let keys = AwsKeys::new(access_key_id.expose().trim(), secret_access_key.clone());
        let keys = match session_token {
            Some(token) => keys.with_session_token(token.clone()),
            None => keys,
        };
        return Ok(Signer::new(SigV4::new(region, keys)));
    }
    if settings.signer.is_some() || settings.credentials.is_some() || settings.api_key.is_some() {
        return target.signer(&Key { header: None, env: &[], needed: true }, &["aws"]);
    }
    bedrock::Auth::from_env(region, |name| (target.env)(name)).map(Signer::new)
}
