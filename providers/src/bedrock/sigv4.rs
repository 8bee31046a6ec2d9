//! Signature Version 4,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use belvedere_core::SmolStr;
use belvedere_core::context::Context;
use belvedere_core::credentials::{Credentials, Secret};
use belvedere_core::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures_util::lock::Mutex as Turn;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keys::{AwsKeys, KeySource};
use super::target::escaped;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// How long before their end keys are renewed, as Amazon's own SDKs do. Keys of machines come new at least this
/// long before the old ones end.
pub(super) const SKEW: Duration = Duration::from_secs(5 * 60);

/// Signs requests with keys of AWS.
///
/// Keys that run out are renewed [five minutes](KeySource) before their end. Of callers that need new ones at once,
/// one fetches them and the others wait; while the old ones still hold, they are used when none are to be had.
pub struct SigV4 {
    region: SmolStr,
    service: SmolStr,
    source: Arc<dyn KeySource>,
    held: Mutex<Option<AwsKeys>>,
    turn: Turn<()>,
}

impl SigV4 {
    /// Signs for Bedrock in a region, with the keys of `source`.
    pub fn new(region: impl Into<SmolStr>, source: impl KeySource) -> Self {
        SigV4 {
            region: region.into(),
            service: SmolStr::new_static("bedrock"),
            source: Arc::new(source),
            held: Mutex::default(),
            turn: Turn::new(()),
        }
    }

    /// Signs for another service than `bedrock`.
    pub fn for_service(mut self, service: impl Into<SmolStr>) -> Self {
        self.service = service.into();
        self
    }

    fn held(&self) -> MutexGuard<'_, Option<AwsKeys>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The held keys, when they hold for `left` after `now`.
    fn fresh(&self, now: SystemTime, left: Duration) -> Option<AwsKeys> {
        let holds = |keys: &AwsKeys| {
            keys.expires.is_none_or(|end| end.duration_since(now).is_ok_and(|rest| rest > left))
        };
        self.held().clone().filter(holds)
    }

    async fn keys(&self, cx: &Context) -> Result<AwsKeys> {
        let now = || cx.lent.clock.wall();
        if let Some(keys) = self.fresh(now(), SKEW) {
            return Ok(keys);
        }
        let _turn = self.turn.lock().await;
        if let Some(keys) = self.fresh(now(), SKEW) {
            return Ok(keys);
        }
        match self.source.keys(cx).await {
            Ok(keys) => {
                *self.held() = Some(keys.clone());
                Ok(keys)
            }
            Err(error) => self.fresh(now(), Duration::ZERO).ok_or(error),
        }
    }
}

#[async_trait]
impl Credentials for SigV4 {
    async fn sign(&self, cx: &Context, request: &mut http::Request<Bytes>) -> Result<()> {
        let keys = self.keys(cx).await?;
        let scope = Scope { region: &self.region, service: &self.service };
        sign(&keys, &scope, cx.lent.clock.wall(), request)
    }

    /// Keys that are refused are not used again, when their source may have others.
    fn refused(&self, _: &Context, headers: &HeaderMap, error: &Error) -> bool {
        let used = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut held = self.held();
        let is_held = held.as_ref().is_some_and(|keys| used.contains(&*format!("={}/", keys.access_key)));
        if error.kind() != ErrorKind::Unauthorized || !is_held {
            return false;
        }
        // Keys without an end are the same when they are asked for again.
        held.take().is_some_and(|keys| keys.expires.is_some())
    }
}

impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigV4")
            .field("region", &self.region)
            .field("service", &self.service)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// What a signature is for.
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
}

/// Signs a request at a moment: `host`, `content-type` and all `x-amz-` headers, since proxies change others.
fn sign(
    keys: &AwsKeys,
    scope: &Scope<'_>,
    now: SystemTime,
    request: &mut http::Request<Bytes>,
) -> Result<()> {
    let (date, time) = stamp(now);
    let headers = request.headers_mut();
    headers.insert(DATE, header(&time, false)?);
    headers.remove(TOKEN);
    if let Some(token) = &keys.session_token {
        headers.insert(TOKEN, header(token.expose(), true)?);
    }
    let (canonical, signed) = canonical(request);
    let place = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!("{ALGORITHM}\n{time}\n{place}\n{}", hex(&Sha256::digest(canonical)));
    let key = key(&keys.secret_key, &date, scope)?;
    let signature = hex(&mac(&*key, &text)?);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{place}, SignedHeaders={signed}, Signature={signature}",
        keys.access_key
    );
    request.headers_mut().insert(AUTHORIZATION, header(&authorization, true)?);
    Ok(())
}

fn header(text: &str, secret: bool) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(ErrorKind::Unauthorized, "the keys for AWS have characters that no HTTP header takes")
    })?;
    value.set_sensitive(secret);
    Ok(value)
}

/// Date and time in ISO 8601's basic form: `20150830` and `20150830T123600Z`.
fn stamp(now: SystemTime) -> (String, String) {
    let long = humantime::format_rfc3339_seconds(now).to_string();
    let time = long.replace(['-', ':'], "");
    (time.split('T').next().unwrap_or_default().to_owned(), time)
}

/// The canonical request, and the names of the headers that are signed.
fn canonical(request: &http::Request<Bytes>) -> (String, String) {
    let is_signed =
        |name: &HeaderName| *name == CONTENT_TYPE || *name == HOST || name.as_str().starts_with("x-amz-");
    let mut headers: Vec<(&str, String)> = request
        .headers()
        .keys()
        .filter(|name| is_signed(name))
        .map(|name| {
            let values = request.headers().get_all(name).iter();
            let values: Vec<String> = values.map(|value| plain(value.as_bytes())).collect();
            (name.as_str(), values.join(","))
        })
        .collect();
    if !request.headers().contains_key(HOST) {
        headers.push((HOST.as_str(), host(request.uri())));
    }
    headers.sort_unstable();
    let signed: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let signed = signed.join(";");
    let mut text = format!("{}\n{}\n{}\n", request.method(), path(request.uri()), query(request.uri()));
    for (name, value) in &headers {
        // Writing to a `String` does not fail.
        let _ = writeln!(text, "{name}:{value}");
    }
    let _ = write!(text, "\n{signed}\n{}", hex(&Sha256::digest(request.body())));
    (text, signed)
}

/// A header's value with single blanks.
fn plain(value: &[u8]) -> String {
    String::from_utf8_lossy(value).split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The `host` header that the client will send: without the scheme's own port.
fn host(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    };
    match uri.port_u16().filter(|port| *port != usual) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The path, escaped once more than on the wire: so it is for every service but S3.
fn path(uri: &Uri) -> String {
    let segments: Vec<String> = uri.path().split('/').map(escaped).collect();
    segments.join("/")
}

/// The query, sorted. It is escaped already.
fn query(uri: &Uri) -> String {
    let mut pairs: Vec<(&str, &str)> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The key of one day, region and service.
fn key(secret: &Secret, date: &str, scope: &Scope<'_>) -> Result<Zeroizing<[u8; 32]>> {
    let first = Zeroizing::new(format!("AWS4{}", secret.expose()));
    let mut key = mac(first.as_bytes(), date)?;
    for step in [scope.region, scope.service, "aws4_request"] {
        key = mac(&key, step)?;
    }
    Ok(Zeroizing::new(key))
}

fn mac(key: &[u8], text: &str) -> Result<[u8; 32]> {
    // A key of any length will do for HMAC; the crate's trait allows for others.
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| Error::new(ErrorKind::Unexpected, "HMAC refused a key"))?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
