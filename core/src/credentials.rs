//! Secrets, and signing with them.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::clock::Instant;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// A secret text. It has no `Display` and no `Serialize`, its `Debug` is `***`, and it is wiped when dropped.
///
/// ```compile_fail
/// let secret = belvedere_core::credentials::Secret::new("k");
/// println!("{secret}");
/// ```
///
/// ```compile_fail
/// let secret = belvedere_core::credentials::Secret::new("k");
/// serde_json::to_string(&secret);
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// The secret itself, for signing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(d).map(Secret::new)
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "secret",
            "description": "A secret: {env: NAME} or {file: PATH} in a document, a plain string in code.",
        })
    }
}

/// Signs requests, after encoding.
///
/// Headers it sets must be [sensitive](HeaderValue::set_sensitive): the driver keeps their values out of errors.
#[async_trait]
pub trait Credentials: Send + Sync + fmt::Debug + 'static {
    /// Adds the credentials to the request.
    ///
    /// # Errors
    /// `Unauthorized` when there are none to be had.
    async fn sign(&self, cx: &Context, request: &mut http::Request<Bytes>) -> Result<()>;

    /// Which credentials these are, to tell them from others; `None` where there are none.
    fn id(&self) -> Option<CredentialId> {
        None
    }

    /// The provider refused what this request was signed with; another key may be tried next time. True: they are
    /// renewed when they are next asked for, so the same request is sent once more where it was `Unauthorized`.
    fn refused(&self, _cx: &Context, _request: &http::HeaderMap, _error: &Error) -> bool {
        false
    }
}

/// Tells credentials apart without telling what they are. It is not printed and not serialised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(u64);

impl CredentialId {
    /// The id of these secrets: equal secrets have equal ids in one build of one program.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = DefaultHasher::new();
        secrets.into_iter().for_each(|secret| secret.hash(&mut hasher));
        CredentialId(hasher.finish())
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// No credentials, for local servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Credentials for Anonymous {
    async fn sign(&self, _: &Context, _: &mut http::Request<Bytes>) -> Result<()> {
        Ok(())
    }
}

/// How long a refused key rests while another one is there.
pub const KEY_REST: Duration = Duration::from_secs(60);

/// API keys in a header. Several keys take turns; one that is refused rests for [`KEY_REST`].
#[derive(Debug)]
pub struct ApiKeys {
    header: HeaderName,
    values: Vec<HeaderValue>,
    id: CredentialId,
    turn: Mutex<Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    next: usize,
    rests_until: Vec<Option<Instant>>,
}

impl ApiKeys {
    /// Keys sent as `Authorization: Bearer <key>`.
    ///
    /// # Errors
    /// `ConfigInvalid` when a key has characters no header takes, or there is none.
    pub fn bearer(keys: &[Secret]) -> Result<Self> {
        ApiKeys::new(http::header::AUTHORIZATION, "Bearer ", keys)
    }

    /// Keys sent in a header of their own.
    ///
    /// # Errors
    /// `ConfigInvalid` when a key has characters no header takes, or there is none.
    pub fn header(name: HeaderName, keys: &[Secret]) -> Result<Self> {
        ApiKeys::new(name, "", keys)
    }

    fn new(header: HeaderName, prefix: &str, keys: &[Secret]) -> Result<Self> {
        let values = keys.iter().map(|key| value(prefix, key)).collect::<Result<Vec<_>>>()?;
        if values.is_empty() {
            return Err(Error::new(ErrorKind::ConfigInvalid, "api_key: at least one key is needed"));
        }
        let turn = Turn { next: 0, rests_until: vec![None; values.len()] };
        let id = CredentialId::of(keys.iter().map(|key| key.expose().as_bytes()));
        Ok(ApiKeys { header, values, id, turn: Mutex::new(turn) })
    }
}

fn value(prefix: &str, key: &Secret) -> Result<HeaderValue> {
    let text = Zeroizing::new(format!("{prefix}{}", key.expose().trim()));
    if text.trim().len() <= prefix.trim().len() {
        return Err(Error::new(ErrorKind::ConfigInvalid, "api_key: is empty"));
    }
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::new(
            ErrorKind::ConfigInvalid,
            "api_key: has characters that no HTTP header takes (a line break?)",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

impl Turn {
    /// The next key that does not rest, or simply the next one when all do.
    fn take(&mut self, now: Instant) -> usize {
        let count = self.rests_until.len().max(1);
        let awake = |i: &usize| match self.rests_until.get(*i) {
            Some(Some(until)) => *until <= now,
            _ => true,
        };
        let from = self.next;
        let turn = (0..count).map(|i| (from + i) % count).find(awake).unwrap_or(from % count);
        self.next = (turn + 1) % count;
        turn
    }
}

#[async_trait]
impl Credentials for ApiKeys {
    async fn sign(&self, cx: &Context, request: &mut http::Request<Bytes>) -> Result<()> {
        let turn = match self.values.len() {
            1 => 0,
            _ => self.turn.lock().unwrap_or_else(PoisonError::into_inner).take(cx.lent.clock.now()),
        };
        if let Some(value) = self.values.get(turn) {
            request.headers_mut().insert(self.header.clone(), value.clone());
        }
        Ok(())
    }

    fn id(&self) -> Option<CredentialId> {
        Some(self.id)
    }

    fn refused(&self, cx: &Context, headers: &http::HeaderMap, _error: &Error) -> bool {
        let used = headers.get(&self.header);
        let Some(index) = self.values.iter().position(|v| Some(v) == used) else { return false };
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rest) = turn.rests_until.get_mut(index) {
            *rest = Some(cx.lent.clock.now() + KEY_REST);
        }
        false
    }
}

/// Scheme, host and port: what credentials are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Whether both addresses have an origin, and the same.
    pub(crate) fn is_same(one: &Uri, other: &Uri) -> bool {
        let (Some(a), Some(b)) = (OriginRef::of(one), OriginRef::of(other)) else { return false };
        a.scheme.eq_ignore_ascii_case(b.scheme) && a.host.eq_ignore_ascii_case(b.host) && a.port == b.port
    }

    /// The origin of an address (RFC 6454): scheme and host in lower case, the scheme's port when none is given.
    pub fn of(uri: &Uri) -> Option<Self> {
        let OriginRef { scheme, host, port } = OriginRef::of(uri)?;
        Some(Origin { scheme: scheme.to_ascii_lowercase(), host: host.to_ascii_lowercase(), port })
    }
}

/// An origin as an address has it, in upper or lower case.
struct OriginRef<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> OriginRef<'a> {
    fn of(uri: &'a Uri) -> Option<Self> {
        let (scheme, host) = (uri.scheme_str()?, uri.host()?);
        let common = [("http", 80), ("https", 443)];
        let common = common.iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)).map(|(_, port)| *port);
        Some(OriginRef { scheme, host, port: uri.port_u16().or(common) })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("canary")), "***");
        let keys = ApiKeys::bearer(&[Secret::new("canary")]).unwrap();
        assert!(!format!("{keys:?}").contains("canary"), "{keys:?}");
    }

    #[test]
    fn a_bad_key_is_named_and_not_shown() {
        let error = ApiKeys::bearer(&[Secret::new("cana\nry")]).unwrap_err();
        assert!(error.to_string().contains("line break") && !error.to_string().contains("cana"));
        assert_eq!(ApiKeys::bearer(&[]).unwrap_err().kind(), ErrorKind::ConfigInvalid);
        assert_eq!(ApiKeys::bearer(&[Secret::new(" ")]).unwrap_err().kind(), ErrorKind::ConfigInvalid);
    }

    #[test]
    fn keys_take_turns_and_a_refused_one_rests() {
        let at = |s| Instant::from_origin(Duration::from_secs(s));
        let mut turn = Turn { next: 0, rests_until: vec![None, Some(at(60)), None] };
        assert_eq!([turn.take(at(0)), turn.take(at(0)), turn.take(at(0))], [0, 2, 0]);
        assert_eq!([turn.take(at(60)), turn.take(at(60))], [1, 2]);
        let mut all = Turn { next: 1, rests_until: vec![Some(at(9)), Some(at(9))] };
        assert_eq!(all.take(at(0)), 1, "when all rest, one is used all the same");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let of = |s: &str| Origin::of(&s.parse().unwrap()).unwrap();
        assert_eq!(of("https://API.x.com/v1"), of("https://api.x.com:443/other"));
        assert_ne!(of("https://api.x.com"), of("http://api.x.com"));
        assert_ne!(of("https://api.x.com"), of("https://api.x.com.evil.example"));
        assert_ne!(of("https://api.x.com"), of("https://api.x.com:8443"));
        assert_eq!(of("https://user@api.x.com"), of("https://api.x.com"));
    }
}
