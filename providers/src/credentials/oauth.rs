//! Tokens of an OAuth 2.0 token endpoint.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::credentials::Secret;
use belvedere_core::error::{Error, ErrorKind, Result};
use http::Uri;

use super::exchange::{Granted, ask, form, safe};
use super::{AccessToken, TokenSource};

/// A client of an OAuth 2.0 token endpoint. It names itself in the body of its request (RFC 6749, 2.3.1).
///
/// ```
/// use belvedere_core::credentials::Secret;
/// use belvedere_providers::credentials::{OAuth, Token};
///
/// let token = Token::new(OAuth::entra_id("my-tenant", "my-client", Secret::new("..."))?);
/// # let _ = token;
/// # Ok::<(), belvedere_core::Error>(())
/// ```
pub struct OAuth {
    token_url: Uri,
    client_id: String,
    client_secret: Option<Secret>,
    scope: Option<String>,
    /// The refresh token, in the refresh token grant; it may change with each use.
    refresh_token: Option<Mutex<Secret>>,
}

impl OAuth {
    /// The client credentials grant (RFC 6749, 4.4).
    ///
    /// # Errors
    /// `ConfigInvalid` when `token_url` is no HTTPS address.
    pub fn client_credentials(
        token_url: &str,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Result<Self> {
        Ok(OAuth {
            token_url: safe("token_url", token_url)?,
            client_id: client_id.into(),
            client_secret: Some(client_secret),
            scope: None,
            refresh_token: None,
        })
    }

    /// The refresh token grant (RFC 6749, 6). Where the endpoint changes the refresh token with each use, the new
    /// one is kept in memory only.
    ///
    /// # Errors
    /// `ConfigInvalid` when `token_url` is no HTTPS address.
    pub fn refresh_token(
        token_url: &str,
        client_id: impl Into<String>,
        client_secret: Option<Secret>,
        refresh_token: Secret,
    ) -> Result<Self> {
        Ok(OAuth {
            token_url: safe("token_url", token_url)?,
            client_id: client_id.into(),
            client_secret,
            scope: None,
            refresh_token: Some(Mutex::new(refresh_token)),
        })
    }

    /// An application of Microsoft Entra ID, for Azure OpenAI ("Microsoft identity platform and the OAuth 2.0
    /// client credentials flow").
    ///
    /// # Errors
    /// `ConfigInvalid` when the tenant has characters no tenant has.
    pub fn entra_id(tenant: &str, client_id: impl Into<String>, client_secret: Secret) -> Result<Self> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if tenant.is_empty() || !tenant.chars().all(is_name) {
            let fault = "tenant_id: must be the id or the domain of a directory";
            return Err(Error::new(ErrorKind::ConfigInvalid, fault));
        }
        let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        let oauth = OAuth::client_credentials(&url, client_id, client_secret)?;
        Ok(oauth.with_scope("https://cognitiveservices.azure.com/.default"))
    }

    /// Sets the scope that is asked for.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

#[async_trait]
impl TokenSource for OAuth {
    async fn token(&self, cx: &Context) -> Result<AccessToken> {
        let refresh_token = self.refresh_token.as_ref().map(|held| lock(held).clone());
        let mut fields = match &refresh_token {
            Some(token) => vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())],
            None => vec![("grant_type", "client_credentials")],
        };
        fields.push(("client_id", &self.client_id));
        fields.extend(self.client_secret.iter().map(|secret| ("client_secret", secret.expose())));
        fields.extend(self.scope.iter().map(|scope| ("scope", scope.as_str())));
        let secrets: Vec<&Secret> = self.client_secret.iter().chain(&refresh_token).collect();
        let help = match refresh_token {
            Some(_) => "check client_id and refresh_token: it may have run out or been withdrawn",
            None => "check client_id, client_secret and scope",
        };
        let granted = Granted::read(&ask(cx, form(&self.token_url, &fields), &secrets, help).await?)?;
        if let (Some(held), Some(next)) = (&self.refresh_token, &granted.refresh_token) {
            *lock(held) = next.clone();
        }
        granted.token()
    }
}

fn lock(held: &Mutex<Secret>) -> std::sync::MutexGuard<'_, Secret> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("token_url", &self.token_url).finish_non_exhaustive()
    }
}
