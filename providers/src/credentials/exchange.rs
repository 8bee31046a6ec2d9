//! One question to a token endpoint, and its answer.

use std::fmt::Write;
use std::time::Duration;

use belvedere_core::SmolStr;
use belvedere_core::context::Context;
use belvedere_core::credentials::{Origin, Secret};
use belvedere_core::error::{Error, ErrorKind, ProviderError, Result, RetryAfter, RetryWhen};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Uri};
use serde::Deserialize;
use serde_json::Value;

use super::AccessToken;
use crate::fault::Head;

/// More than this is no answer of a token endpoint, in bytes.
const LIMIT: usize = 1 << 20;

/// A token endpoint's answer (RFC 6749, 5.1), as far as it is used.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Granted {
    access_token: Option<Secret>,
    expires_in: Value,
    /// The next refresh token, where the endpoint changes it with each use (RFC 6749, 6).
    pub(super) refresh_token: Option<Secret>,
}

impl Granted {
    /// # Errors
    /// `Malformed` when there is no token in it.
    pub(super) fn read(body: &[u8]) -> Result<Self> {
        let granted: Option<Granted> = serde_json::from_slice(body).ok();
        let usable = |granted: &Granted| granted.access_token.is_some();
        granted.filter(usable).ok_or_else(|| malformed("access_token"))
    }

    /// The token. Some servers write the seconds of its life as text.
    pub(super) fn token(&self) -> Result<AccessToken> {
        let secret = self.access_token.clone().ok_or_else(|| malformed("access_token"))?;
        let text = |value: &Value| value.as_str()?.trim().parse().ok();
        let seconds = self.expires_in.as_f64().or_else(|| text(&self.expires_in));
        let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(AccessToken { secret, life })
    }
}

pub(super) fn malformed(field: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the answer of the token endpoint has no {field}"))
}

/// A `POST` of these fields as a form (WHATWG URL, "application/x-www-form-urlencoded").
pub(super) fn form(url: &Uri, fields: &[(&str, &str)]) -> http::Request<Bytes> {
    let mut body = String::new();
    for (name, value) in fields {
        let separator = if body.is_empty() { "" } else { "&" };
        body.push_str(separator);
        escape(name, &mut body);
        body.push('=');
        escape(value, &mut body);
    }
    let mut request = http::Request::new(Bytes::from(body));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = url.clone();
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    request
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(byte.into()),
            b' ' => out.push('+'),
            // Writing to a `String` does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
}

/// An address that secrets may go to: HTTPS, or this machine.
///
/// # Errors
/// `ConfigInvalid` naming `field`.
pub(super) fn safe(field: &str, url: &str) -> Result<Uri> {
    let invalid = |what: &str| Error::new(ErrorKind::ConfigInvalid, format!("{field}: {what}"));
    let uri: Uri = url.trim().parse().map_err(|_| invalid("is not an address"))?;
    let host = uri.host().ok_or_else(|| invalid("must be absolute"))?;
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if local => Ok(uri),
        _ => Err(invalid("must be an https address: secrets are sent there")),
    }
}

/// Asks a token endpoint. No answer of it that repeats one of `secrets` is quoted.
///
/// # Errors
/// `RateLimited` and `Overloaded` for what may pass, `Unauthorized` with `help` for what does not.
pub(super) async fn ask(
    cx: &Context,
    mut request: http::Request<Bytes>,
    secrets: &[&Secret],
    help: &str,
) -> Result<Bytes> {
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    let origin = Origin::of(request.uri()).map(|origin| origin.to_string()).unwrap_or_default();
    let place = |error: Error| error.with_operation("Credentials::sign").with("token_endpoint", &*origin);
    let response = cx.lent.transport.send(request, None).await.map_err(place)?;
    let (head, mut chunks) = response.into_parts();
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(place)?);
        if body.len() > LIMIT {
            let fault = "the token endpoint's answer is longer than 1 MiB";
            return Err(place(Error::new(ErrorKind::Malformed, fault)));
        }
    }
    match head.status.is_success() {
        true => Ok(body.freeze()),
        false => Err(place(refusal(cx, &head, &body, secrets, help))),
    }
}

/// The error answer of a token endpoint (RFC 6749, 5.2).
fn refusal(
    cx: &Context,
    head: &http::response::Parts,
    body: &[u8],
    secrets: &[&Secret],
    help: &str,
) -> Error {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let quotable = |text: &&str| !secrets.iter().any(|secret| text.contains(secret.expose()));
    let text = |name: &str| said.get(name).and_then(Value::as_str).filter(quotable);
    let mut provider = ProviderError::default();
    provider.status = Some(head.status.as_u16());
    provider.code = text("error").map(SmolStr::from);
    provider.message = text("error_description").or_else(|| text("message")).map(str::to_owned);
    let known = Head::of(head);
    provider.request_id = known.request_id.map(SmolStr::from);
    let busy = matches!(provider.code.as_deref(), Some("temporarily_unavailable" | "server_error"));
    let (kind, what) = match head.status.as_u16() {
        429 => (ErrorKind::RateLimited, "the token endpoint refused: too many requests".to_owned()),
        408 | 500.. => (ErrorKind::Overloaded, "the token endpoint failed on its side".to_owned()),
        _ if busy => (ErrorKind::Overloaded, "the token endpoint failed on its side".to_owned()),
        _ => (ErrorKind::Unauthorized, format!("the token endpoint refused the credentials; {help}")),
    };
    let error = Error::new(kind, what).with_provider(provider);
    match known.retry_after {
        Some(retry) => error.with_retry_after(settled(cx, retry)),
        None => error,
    }
}

/// A date becomes a delay.
fn settled(cx: &Context, retry: RetryAfter) -> RetryAfter {
    match retry.when {
        RetryWhen::At(date) => {
            RetryAfter::after(date.duration_since(cx.lent.clock.wall()).unwrap_or_default())
        }
        RetryWhen::In(_) => retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_escapes_what_it_must() {
        let url = "https://login.example/token".parse().unwrap();
        let request = form(&url, &[("scope", "a/b .default"), ("client_secret", "~ä&=+")]);
        assert_eq!(request.body(), "scope=a%2Fb+.default&client_secret=%7E%C3%A4%26%3D%2B");
    }

    #[test]
    fn secrets_go_to_https_or_to_this_machine() {
        for url in ["https://login.example/token", "http://localhost:1/token", "http://127.0.0.1/t"] {
            assert!(safe("token_url", url).is_ok(), "{url}");
        }
        for url in ["http://login.example/token", "ftp://x/y", "/token", "http://localhost.evil.example/"] {
            let error = safe("token_url", url).unwrap_err();
            assert!(error.message().starts_with("token_url: "), "{error}");
        }
    }

    #[test]
    fn the_life_of_a_token_may_be_written_as_text() {
        let life = |body: &str| Granted::read(body.as_bytes()).unwrap().token().unwrap().life;
        assert_eq!(life(r#"{"access_token": "a", "expires_in": 3599}"#), Some(Duration::from_secs(3599)));
        assert_eq!(life(r#"{"access_token": "a", "expires_in": "3599"}"#), Some(Duration::from_secs(3599)));
        assert_eq!(life(r#"{"access_token": "a", "expires_in": null}"#), None);
        assert_eq!(life(r#"{"access_token": "a", "expires_in": -1}"#), None);
        assert!(Granted::read(b"{}").is_err() && Granted::read(b"<html>").is_err());
    }
}
