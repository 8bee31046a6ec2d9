//! Google service accounts: a signed claim for a token (RFC 7523).

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use belvedere_core::context::Context;
use belvedere_core::credentials::Secret;
use belvedere_core::error::{Error, ErrorKind, Result};
use http::Uri;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::AccessToken;
use super::exchange::{Granted, ask, form, safe};

/// How long a claim holds; Google takes no longer one ("Using OAuth 2.0 for Server to Server Applications").
const CLAIM: Duration = Duration::from_secs(3600);

/// The fields of a service account's key document.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    client_email: Option<String>,
    private_key: Option<Secret>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

/// A service account.
pub(super) struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    key: RsaKeyPair,
    token_url: Uri,
    scope: &'static str,
}

impl ServiceAccount {
    /// # Errors
    /// `ConfigInvalid` naming the field of the document.
    pub(super) fn new(account: Account, scope: &'static str) -> Result<Self> {
        let missing =
            |name: &str| Error::new(ErrorKind::ConfigInvalid, format!("the key document: {name} is missing"));
        let private_key = account.private_key.ok_or_else(|| missing("private_key"))?;
        let token_url = account.token_uri.as_deref().unwrap_or(super::google::TOKEN_URL);
        Ok(ServiceAccount {
            email: account.client_email.ok_or_else(|| missing("client_email"))?,
            key_id: account.private_key_id,
            key: read_key(&private_key)?,
            token_url: safe("token_uri", token_url)?,
            scope,
        })
    }

    pub(super) async fn token(&self, cx: &Context) -> Result<AccessToken> {
        let assertion = Secret::new(self.assertion(cx.lent.clock.wall())?);
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        let request = form(&self.token_url, &[("grant_type", grant), ("assertion", assertion.expose())]);
        let help = "check that the service account's key is still there, and this machine's clock";
        Granted::read(&ask(cx, request, &[&assertion], help).await?)?.token()
    }

    /// The signed claim (RFC 7523, 3).
    fn assertion(&self, now: SystemTime) -> Result<String> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let (Some(id), Some(header)) = (&self.key_id, header.as_object_mut()) {
            header.insert("kid".into(), id.as_str().into());
        }
        let claims = json!({
            "iss": self.email,
            "scope": self.scope,
            "aud": self.token_url.to_string(),
            "iat": now.as_secs(),
            "exp": (now + CLAIM).as_secs(),
        });
        sign(&self.key, &header.to_string(), &claims.to_string())
    }
}

/// A signed token of header and claims (RFC 7515, 5.1), by RS256.
fn sign(key: &RsaKeyPair, header: &str, claims: &str) -> Result<String> {
    let mut text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| Error::new(ErrorKind::Unauthorized, "the service account's key does not sign"))?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut text);
    Ok(text)
}

/// An RSA key in PEM of PKCS #8 (RFC 7468, 10).
fn read_key(pem: &Secret) -> Result<RsaKeyPair> {
    let invalid = || {
        let fault =
            "the key document: private_key must be an RSA key of 2048 bits or more, in PEM of PKCS #8";
        Error::new(ErrorKind::ConfigInvalid, fault)
    };
    let body = pem.expose().split_once("-----BEGIN PRIVATE KEY-----").ok_or_else(invalid)?.1;
    let body = body.split_once("-----END PRIVATE KEY-----").ok_or_else(invalid)?.0;
    let text = Zeroizing::new(body.split_whitespace().collect::<String>());
    let der = Zeroizing::new(STANDARD.decode(text.as_bytes()).map_err(|_| invalid())?);
    RsaKeyPair::from_pkcs8(&der).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 7515, appendix A.2: published, and nobody's.
    const KEY: &str = include_str!("rfc7515_a2.pem");

    #[test]
    fn a_signature_is_that_of_the_rfc() {
        let claims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        let signed = sign(&read_key(&Secret::new(KEY)).unwrap(), r#"{"alg":"RS256"}"#, claims).unwrap();
        let expected = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
            cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm\
            4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARN\
            PvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9\
            QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        assert_eq!(signed, expected);
    }

    #[test]
    fn a_claim_says_who_asks_whom_for_what_and_until_when() {
        let account = Account {
            client_email: Some("robot@project.iam.gserviceaccount.com".into()),
            private_key: Some(Secret::new(KEY)),
            private_key_id: Some("key-1".into()),
            token_uri: None,
        };
        let account = ServiceAccount::new(account, "a-scope").unwrap();
        let assertion =
            account.assertion(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)).unwrap();
        let parts: Vec<&str> = assertion.split('.').collect();
        let read = |text: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        assert_eq!(read(parts[0]), json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }));
        let claims = json!({
            "iss": "robot@project.iam.gserviceaccount.com",
            "scope": "a-scope",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_767_225_600,
            "exp": 1_767_229_200,
        });
        assert_eq!(read(parts[1]), claims);
    }

    #[test]
    fn a_bad_key_document_is_named_and_not_shown() {
        let account = |key: &str, url: &str| {
            let account = Account {
                client_email: Some("robot@example.com".into()),
                private_key: Some(Secret::new(key)),
                token_uri: Some(url.into()),
                ..Account::default()
            };
            ServiceAccount::new(account, "a-scope").map(drop)
        };
        let url = "https://oauth2.googleapis.com/token";
        assert!(account(KEY, url).is_ok());
        let canary = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----";
        for bad in ["canary", "", canary, &KEY.replace("PRIVATE KEY", "RSA PRIVATE KEY")] {
            let text = account(bad, url).unwrap_err().to_string();
            assert!(text.contains("private_key") && !text.contains("canary"), "{text}");
            assert!(!text.contains("Y2FuYXJ5"), "{text}");
        }
        assert!(
            account(KEY, "http://oauth2.googleapis.com/token").unwrap_err().message().contains("token_uri")
        );
    }
}
