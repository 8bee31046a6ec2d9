//! How a provider is told who calls.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::credentials::{CredentialId, Credentials, Secret};
use belvedere_core::error::{Error, Result};
use bytes::Bytes;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Keys;
use crate::credentials::{AccessToken, Copilot, Google, OAuth, Token};

/// The `credentials` of a provider: what is more than an `api_key`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Auth {
    /// API keys, in a header of one's own choice.
    ApiKey {
        /// One key, or several that take turns.
        key: Keys,
        /// The header. Default: the type's own.
        #[serde(default)]
        header: Option<String>,
    },
    /// A bearer token that somebody else renews.
    Token {
        /// The token.
        token: Secret,
    },
    /// OAuth 2.0: client credentials, or a refresh token.
    Oauth {
        /// The token endpoint, by HTTPS.
        #[schemars(extend("format" = "uri"))]
        token_url: String,
        /// The client's id.
        client_id: String,
        /// The client's secret; needed without a refresh token.
        #[serde(default)]
        client_secret: Option<Secret>,
        /// A refresh token, to act for a user.
        #[serde(default)]
        refresh_token: Option<Secret>,
        /// The scope to ask for.
        #[serde(default)]
        scope: Option<String>,
    },
    /// An application of Microsoft Entra ID.
    EntraId {
        /// The directory: its id, or its domain.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// The application's secret.
        client_secret: Secret,
    },
    /// A Google service account, or a user's credentials as `gcloud` leaves them.
    ServiceAccount {
        /// The key document: `{file: key.json}`.
        key: Secret,
    },
    /// The service account of this machine, from Google's metadata server.
    Metadata,
    /// AWS access keys.
    Aws {
        /// The id of the access key.
        access_key_id: Secret,
        /// The access key.
        secret_access_key: Secret,
        /// The token of a session, where the keys belong to one.
        #[serde(default)]
        session_token: Option<Secret>,
    },
    /// A GitHub token, exchanged for Copilot's.
    Copilot {
        /// The token of an account with Copilot.
        github_token: Secret,
    },
    /// None at all, for a server that wants none.
    None,
}

impl Auth {
    /// The word in a document.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Auth::ApiKey { .. } => "api_key",
            Auth::Token { .. } => "token",
            Auth::Oauth { .. } => "oauth",
            Auth::EntraId { .. } => "entra_id",
            Auth::ServiceAccount { .. } => "service_account",
            Auth::Metadata => "metadata",
            Auth::Aws { .. } => "aws",
            Auth::Copilot { .. } => "copilot",
            Auth::None => "none",
        }
    }

    /// The bearer token of those that are one.
    ///
    /// # Errors
    /// `ConfigInvalid` naming the field.
    pub(crate) fn bearer(&self) -> Result<Option<Token>> {
        let token = match self {
            Auth::Token { token } => fixed(token.clone()),
            Auth::Oauth { token_url, client_id, client_secret, refresh_token, scope } => {
                let (id, secret) = (client_id.as_str(), client_secret.clone());
                let oauth = match (refresh_token, secret) {
                    (Some(refresh), secret) => OAuth::refresh_token(token_url, id, secret, refresh.clone()),
                    (None, Some(secret)) => OAuth::client_credentials(token_url, id, secret),
                    (None, None) => Err(super::invalid("client_secret: is missing")),
                };
                let oauth = oauth.map_err(below)?;
                Token::new(match scope {
                    Some(scope) => oauth.with_scope(scope),
                    None => oauth,
                })
            }
            Auth::EntraId { tenant_id, client_id, client_secret } => {
                let entra = OAuth::entra_id(tenant_id, client_id.as_str(), client_secret.clone());
                Token::new(entra.map_err(below)?)
            }
            Auth::ServiceAccount { key } => {
                let google = Google::from_document(key);
                Token::new(google.map_err(|e| super::invalid(format!("credentials.key: {}", e.message())))?)
            }
            Auth::Metadata => Token::new(Google::metadata()),
            Auth::Copilot { github_token } => Token::new(Copilot::new(github_token.clone())),
            Auth::ApiKey { .. } | Auth::Aws { .. } | Auth::None => return Ok(None),
        };
        Ok(Some(token))
    }
}

fn fixed(token: Secret) -> Token {
    Token::from_fn(move |_| {
        let token = token.clone();
        async { Ok(AccessToken::new(token)) }
    })
}

/// A fault of a field stands below `credentials`.
fn below(error: Error) -> Error {
    super::invalid(format!("credentials.{}", error.message()))
}

/// Any credentials, shared.
#[derive(Clone)]
pub(crate) struct Signer(Arc<dyn Credentials>);

impl Signer {
    pub(crate) fn new(credentials: impl Credentials) -> Self {
        Signer(Arc::new(credentials))
    }
}

#[async_trait]
impl Credentials for Signer {
    async fn sign(&self, cx: &Context, request: &mut http::Request<Bytes>) -> Result<()> {
        self.0.sign(cx, request).await
    }

    fn id(&self) -> Option<CredentialId> {
        self.0.id()
    }

    fn refused(&self, cx: &Context, headers: &HeaderMap, error: &Error) -> bool {
        self.0.refused(cx, headers, error)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
