//! What a provider is told: model, address, credentials, headers, and what only some types take.

mod auth;

use std::collections::BTreeMap;

use belvedere_core::credentials::{Credentials, Secret};
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::target::{Overlay, Policy, Unsupported};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use schemars::JsonSchema;
use serde::Deserialize;

pub use auth::Auth;
pub(crate) use auth::Signer;

/// The fields of a `provider` in a configuration. Every type takes the first eight; a type that does not take one of
/// the others refuses it by name.
///
/// ```
/// use belvedere_providers::Settings;
///
/// let settings = Settings::default().with_model("gpt-5-mini").with_api_key("sk-...");
/// ```
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The model when a request names none.
    pub model: Option<String>,
    /// Where the API is, such as `https://api.openai.com/v1`. Default: the type's own address. Credentials go to
    /// its origin only.
    #[schemars(extend("format" = "uri"))]
    pub base_url: Option<String>,
    /// The key, or several that take turns. Default: the type's environment variable.
    pub api_key: Option<Keys>,
    /// Further headers of every request (`OpenAI-Organization`, `anthropic-beta`, ...). Values are kept secret.
    pub headers: BTreeMap<String, Secret>,
    /// Credentials that are more than a key, instead of `api_key`.
    pub credentials: Option<Auth>,
    /// What becomes of parameters that the target lacks. Default: `strict`, they are refused.
    pub unsupported: Unsupported,
    /// Parameters of this target, over those of a request; null takes one out.
    pub overlay: Overlay,
    /// What may be sent to this target. Default: everything.
    pub policy: Policy,
    /// The wire to speak, such as `openai.responses`, where the type has several. Default: the type's own.
    pub wire: Option<String>,
    /// The region of `bedrock`, `bedrock_mantle` and `vertex`.
    pub region: Option<String>,
    /// The project of `vertex`.
    pub project: Option<String>,
    /// The version of the API of `azure_openai`: a date, whose API has the deployment in the address. Default: the
    /// v1 API, which needs none.
    pub api_version: Option<String>,
    /// Credentials made in code.
    #[serde(skip)]
    pub(crate) signer: Option<Signer>,
}

/// One key, or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Keys {
    /// One key.
    One(Secret),
    /// Several keys that take turns; one that is refused rests for a while.
    Many(Vec<Secret>),
}

impl Keys {
    /// The keys.
    pub fn into_vec(self) -> Vec<Secret> {
        match self {
            Keys::One(key) => vec![key],
            Keys::Many(keys) => keys,
        }
    }
}

impl Settings {
    /// Sets the model.
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the key.
    pub fn with_api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(Keys::One(Secret::new(key)));
        self
    }

    /// Sets the address.
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Sets the wire.
    pub fn with_wire(mut self, wire: impl Into<String>) -> Self {
        self.wire = Some(wire.into());
        self
    }

    /// Signs with these credentials, whatever else is set: a token from a vault, a signature of one's own.
    pub fn with_credentials(mut self, credentials: impl Credentials) -> Self {
        self.signer = Some(Signer::new(credentials));
        self
    }

    /// The address, without a slash at its end; `default` where there is one.
    ///
    /// # Errors
    /// `ConfigInvalid` when it is missing, not absolute, or carries a user, a password or a key.
    pub(crate) fn address(&self, default: Option<&str>) -> Result<Uri> {
        match self.base_url.as_deref().or(default) {
            Some(text) => address("base_url", text),
            None => Err(invalid("base_url: is missing; this type has no address of its own")),
        }
    }

    /// The keys: those set, or the one of the environment variable `env`.
    ///
    /// # Errors
    /// `ConfigInvalid` when one is needed and there is none; it says how to give one.
    pub(crate) fn keys(&self, env: Option<(&str, Option<String>)>, needed: bool) -> Result<Vec<Secret>> {
        if let Some(keys) = &self.api_key {
            return Ok(keys.clone().into_vec());
        }
        match env {
            Some((_, Some(key))) => Ok(vec![Secret::new(key)]),
            Some((name, None)) if needed => Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("api_key: is missing; set {name} in the environment, or api_key: {{env: NAME}}"),
            )),
            None if needed => {
                Err(Error::new(ErrorKind::ConfigInvalid, "api_key: is missing; set api_key: {env: NAME}"))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The headers, all of them sensitive.
    ///
    /// # Errors
    /// `ConfigInvalid` naming the header; its value is not shown.
    pub(crate) fn header_map(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let invalid =
                |what: &str| Error::new(ErrorKind::ConfigInvalid, format!("headers.{name}: {what}"));
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("is not a header name"))?;
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| invalid("has characters that no header takes"))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        Ok(headers)
    }
}

/// An address, without a slash at its end.
///
/// # Errors
/// `ConfigInvalid` naming `field` when it is not absolute, or carries a user, a password or a key.
pub(crate) fn address(field: &str, text: &str) -> Result<Uri> {
    let invalid = |what: &str| invalid(format!("{field}: {what}"));
    let text = text.trim_end_matches('/');
    let uri: Uri = text.parse().map_err(|_| invalid("is not an address"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err(invalid("must be absolute, such as \"https://api.example.com/v1\""));
    }
    let query = uri.query().unwrap_or_default().to_ascii_lowercase();
    let has_key = ["key=", "token=", "secret=", "password="].iter().any(|name| query.contains(name));
    if has_key || uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        return Err(invalid("must not carry a user, a password or a key; keys belong into api_key"));
    }
    Ok(uri)
}

/// A fault of the configuration: `field: what is wrong`.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_absolute_and_carries_no_secret() {
        let address =
            |url: &str| Settings::default().with_base_url(url).address(Some("https://default.example"));
        assert_eq!(address("http://localhost:8080/v1/").unwrap(), "http://localhost:8080/v1");
        for bad in
            ["localhost", "/v1", "ftp://x", "https://user:canary@host/v1", "https://host/v1?key=canary"]
        {
            let text = address(bad).unwrap_err().to_string();
            assert!(text.contains("base_url") && !text.contains("canary"), "{text}");
        }
        assert!(Settings::default().address(None).unwrap_err().message().contains("is missing"));
        assert_eq!(
            Settings::default().address(Some("https://default.example/v1")).unwrap(),
            "https://default.example/v1"
        );
    }

    #[test]
    fn a_missing_key_says_how_to_give_one() {
        let error = Settings::default().keys(Some(("X_API_KEY", None)), true).unwrap_err();
        assert!(error.message().contains("X_API_KEY"), "{error}");
        assert_eq!(Settings::default().keys(Some(("X", Some("k".into()))), true).unwrap().len(), 1);
        assert!(Settings::default().keys(None, false).unwrap().is_empty());
    }
}
