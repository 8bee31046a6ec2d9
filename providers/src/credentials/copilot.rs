//! GitHub Copilot's token exchange.

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::credentials::Secret;
use belvedere_core::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Uri};
use serde::Deserialize;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

use super::exchange::{ask, malformed};
use super::{AccessToken, TokenSource};

/// Exchanges a GitHub token of an account with Copilot for the short-lived token of its API.
#[derive(Debug)]
pub struct Copilot {
    github_token: Secret,
}

/// Where GitHub exchanges tokens.
const EXCHANGE: &str = "https://api.github.com/copilot_internal/v2/token";

/// What the exchange answers, as far as it is used.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    token: Option<Secret>,
    /// Seconds since 1970.
    expires_at: Option<u64>,
}

impl Copilot {
    /// The exchange for a GitHub token.
    pub fn new(github_token: Secret) -> Self {
        Copilot { github_token }
    }
}

#[async_trait]
impl TokenSource for Copilot {
    async fn token(&self, cx: &Context) -> Result<AccessToken> {
        let text = Zeroizing::new(format!("token {}", self.github_token.expose().trim()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Error::new(ErrorKind::ConfigInvalid, "github_token: has characters that no HTTP header takes")
        })?;
        value.set_sensitive(true);
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = Uri::from_static(EXCHANGE);
        request.headers_mut().insert(AUTHORIZATION, value);
        // GitHub's API answers no client without a name ("Getting started with the REST API").
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("belvedere"));
        let help = "check that the GitHub token is valid and its account has Copilot";
        let body = ask(cx, request, &[&self.github_token], help).await?;
        let answer: Answer = serde_json::from_slice(&body).unwrap_or_default();
        let secret = answer.token.ok_or_else(|| malformed("token"))?;
        let ends =
            answer.expires_at.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at)));
        let life = ends.map(|ends| ends.duration_since(cx.lent.clock.wall()).unwrap_or_default());
        Ok(AccessToken { secret, life })
    }
}
