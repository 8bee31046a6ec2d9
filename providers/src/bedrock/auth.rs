//! How requests to Bedrock are signed, found out from the environment.

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::credentials::{ApiKeys, CredentialId, Credentials, Secret};
use belvedere_core::error::{Error, Result};
use bytes::Bytes;
use http::HeaderMap;

use super::keys::Sources;
use super::sigv4::SigV4;

/// A Bedrock API key, or signatures.
#[derive(Debug)]
#[non_exhaustive]
pub enum Auth {
    /// API keys, as bearer tokens
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html>).
    ApiKeys(ApiKeys),
    /// Signatures with keys of AWS.
    SigV4(SigV4),
}

impl Auth {
    /// The API key of `AWS_BEARER_TOKEN_BEDROCK`; without one, signatures for `region` with the keys of
    /// [`Sources::from_env`].
    ///
    /// # Errors
    /// `ConfigInvalid` when a variable has what can't be used.
    pub fn from_env(region: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self> {
        match env("AWS_BEARER_TOKEN_BEDROCK").filter(|key| !key.trim().is_empty()) {
            Some(key) => ApiKeys::bearer(&[Secret::new(key)]).map(Auth::ApiKeys),
            None => Ok(Auth::SigV4(SigV4::new(region, Sources::from_env(env)?))),
        }
    }
}

#[async_trait]
impl Credentials for Auth {
    async fn sign(&self, cx: &Context, request: &mut http::Request<Bytes>) -> Result<()> {
        match self {
            Auth::ApiKeys(keys) => keys.sign(cx, request).await,
            Auth::SigV4(keys) => keys.sign(cx, request).await,
        }
    }

    fn id(&self) -> Option<CredentialId> {
        match self {
            Auth::ApiKeys(keys) => keys.id(),
            Auth::SigV4(keys) => keys.id(),
        }
    }

    fn refused(&self, cx: &Context, headers: &HeaderMap, error: &Error) -> bool {
        match self {
            Auth::ApiKeys(keys) => keys.refused(cx, headers, error),
            Auth::SigV4(keys) => keys.refused(cx, headers, error),
        }
    }
}
