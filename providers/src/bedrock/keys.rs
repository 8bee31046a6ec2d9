//! Keys of AWS, and where they come from.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use belvedere_core::SmolStr;
use belvedere_core::context::Context;
use belvedere_core::credentials::Secret;
use belvedere_core::error::{Error, ErrorKind, Result};

use super::metadata::{Container, InstanceMetadata};

/// Keys of AWS. Those of a session have a token, too, and an end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AwsKeys {
    /// The access key's id. No secret: it goes out with every request.
    pub access_key: SmolStr,
    /// The secret key, which never goes out.
    pub secret_key: Secret,
    /// The token of a session.
    pub session_token: Option<Secret>,
    /// When they end, by the wall clock; `None`: they do not.
    pub expires: Option<SystemTime>,
}

impl AwsKeys {
    /// Keys that do not end.
    pub fn new(access_key: impl Into<SmolStr>, secret_key: Secret) -> Self {
        AwsKeys { access_key: access_key.into(), secret_key, session_token: None, expires: None }
    }

    /// Sets the token of a session.
    pub fn with_session_token(mut self, token: Secret) -> Self {
        self.session_token = Some(token);
        self
    }

    /// Sets when they end.
    pub fn with_expires(mut self, expires: SystemTime) -> Self {
        self.expires = Some(expires);
        self
    }

    /// The keys of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; `None` when the first two
    /// are not both there.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name| env(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let keys = AwsKeys::new(given("AWS_ACCESS_KEY_ID")?, Secret::new(given("AWS_SECRET_ACCESS_KEY")?));
        Some(match given("AWS_SESSION_TOKEN") {
            Some(token) => keys.with_session_token(Secret::new(token)),
            None => keys,
        })
    }
}

/// Fetches keys. What it gives is kept until five minutes before its end, or until it is refused.
#[async_trait]
pub trait KeySource: Send + Sync + fmt::Debug + 'static {
    /// Keys that hold for a while. Time and network are those of `cx`.
    ///
    /// # Errors
    /// `Unauthorized` when there are none to be had, or what stood in the way.
    async fn keys(&self, cx: &Context) -> Result<AwsKeys>;
}

#[async_trait]
impl KeySource for AwsKeys {
    async fn keys(&self, _: &Context) -> Result<AwsKeys> {
        Ok(self.clone())
    }
}

/// Several sources: the first that has keys gives them.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Arc<dyn KeySource>>);

impl Sources {
    /// No sources.
    pub fn new() -> Self {
        Sources::default()
    }

    /// Adds a source, to be asked after those before it.
    pub fn with(mut self, source: impl KeySource) -> Self {
        self.0.push(Arc::new(source));
        self
    }

    /// Where a program on AWS finds its keys: these variables, else the container's credentials (ECS, EKS), else
    /// the instance's (EC2), which `AWS_EC2_METADATA_DISABLED=true` turns off.
    ///
    /// # Errors
    /// `ConfigInvalid` when a variable names an address that keys are not taken from.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Self> {
        if let Some(keys) = AwsKeys::from_env(&env) {
            return Ok(Sources::new().with(keys));
        }
        if let Some(container) = Container::from_env(&env)? {
            return Ok(Sources::new().with(container));
        }
        let off = env("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(if off { Sources::new() } else { Sources::new().with(InstanceMetadata::default()) })
    }
}

#[async_trait]
impl KeySource for Sources {
    async fn keys(&self, cx: &Context) -> Result<AwsKeys> {
        let mut last = None;
        for source in &self.0 {
            match source.keys(cx).await {
                Ok(keys) => return Ok(keys),
                Err(error) => last = Some(error),
            }
        }
        let help = "no keys for AWS were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                    AWS_BEARER_TOKEN_BEDROCK";
        let error = Error::new(ErrorKind::Unauthorized, help);
        Err(match last {
            // What may pass is said as it is.
            Some(last) if last.kind() != ErrorKind::Unauthorized => last,
            Some(last) => error.with_source(last),
            None => error,
        })
    }
}
