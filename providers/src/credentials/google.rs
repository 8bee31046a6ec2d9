//! Google's credentials: service accounts, a user's own, and those of the machine.

use std::fmt;

use async_trait::async_trait;
use belvedere_core::context::Context;
use belvedere_core::credentials::Secret;
use belvedere_core::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use http::{HeaderValue, Uri};
use serde::Deserialize;

use super::exchange::{Granted, ask};
use super::{AccessToken, OAuth, TokenSource};

/// The scope of Google Cloud's APIs.
#[cfg(feature = "service_account")]
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where users' tokens are refreshed ("Using OAuth 2.0 for Web Server Applications").
pub(super) const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// Google's credentials, as "Application Default Credentials" knows them.
#[non_exhaustive]
pub struct Google {
    /// The project of the credentials, where their document tells it.
    pub project: Option<String>,
    /// The project that is charged, where a user's credentials name one; sent as `x-goog-user-project`.
    pub quota_project: Option<String>,
    kind: Kind,
}

enum Kind {
    #[cfg(feature = "service_account")]
    ServiceAccount(super::jwt::ServiceAccount),
    User(OAuth),
    Metadata(Uri),
}

/// A credentials document: the JSON key of a service account, or what `gcloud auth application-default login`
/// leaves.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    project_id: Option<String>,
    quota_project_id: Option<String>,
    #[cfg(feature = "service_account")]
    #[serde(flatten)]
    account: super::jwt::Account,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    refresh_token: Option<Secret>,
}

impl Google {
    /// The credentials of a document.
    ///
    /// # Errors
    /// `ConfigInvalid` when it is none that is known, naming the field.
    pub fn from_document(document: &Secret) -> Result<Self> {
        let invalid = |what: &str| Error::new(ErrorKind::ConfigInvalid, format!("the key document: {what}"));
        // The text of a parser's error may quote the document.
        let document: Document =
            serde_json::from_str(document.expose()).map_err(|_| invalid("is not JSON of a key"))?;
        let kind = match document.kind.as_str() {
            #[cfg(feature = "service_account")]
            "service_account" => {
                Kind::ServiceAccount(super::jwt::ServiceAccount::new(document.account, SCOPE)?)
            }
            "authorized_user" => {
                let client_id = document.client_id.ok_or_else(|| invalid("client_id is missing"))?;
                let refresh = document.refresh_token.ok_or_else(|| invalid("refresh_token is missing"))?;
                Kind::User(OAuth::refresh_token(TOKEN_URL, client_id, document.client_secret, refresh)?)
            }
            _ if cfg!(feature = "service_account") => {
                return Err(invalid("its type must be service_account or authorized_user"));
            }
            _ => {
                return Err(invalid(
                    "its type must be authorized_user; for others see feature service_account",
                ));
            }
        };
        Ok(Google { project: document.project_id, quota_project: document.quota_project_id, kind })
    }

    /// The service account of this machine, from the metadata server of Compute Engine, GKE or Cloud Run.
    pub fn metadata() -> Self {
        let url = Uri::from_static(
            "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token",
        );
        Google { project: None, quota_project: None, kind: Kind::Metadata(url) }
    }
}

#[async_trait]
impl TokenSource for Google {
    async fn token(&self, cx: &Context) -> Result<AccessToken> {
        match &self.kind {
            #[cfg(feature = "service_account")]
            Kind::ServiceAccount(account) => account.token(cx).await,
            Kind::User(oauth) => oauth.token(cx).await,
            Kind::Metadata(url) => {
                let mut request = http::Request::new(Bytes::new());
                *request.uri_mut() = url.clone();
                request.headers_mut().insert("metadata-flavor", HeaderValue::from_static("Google"));
                let help = "check that this machine has a service account";
                Granted::read(&ask(cx, request, &[], help).await?)?.token()
            }
        }
    }
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            #[cfg(feature = "service_account")]
            Kind::ServiceAccount(_) => "service_account",
            Kind::User(_) => "authorized_user",
            Kind::Metadata(_) => "metadata",
        };
        f.debug_struct("Google").field("kind", &kind).finish_non_exhaustive()
    }
}
