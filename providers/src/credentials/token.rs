//! Bearer tokens that run out.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use belvedere_core::clock::Instant;
use belvedere_core::context::Context;
use belvedere_core::credentials::{Credentials, KEY_REST, Secret};
use belvedere_core::error::{Error, ErrorKind, Result, Status};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::lock::Mutex as Turn;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

/// How long before its end a token is renewed; half its life when it lives less than twice that. Below the five
/// minutes in which Google's metadata server still gives the old one ("Authenticate workloads", access tokens).
pub const SKEW: Duration = Duration::from_secs(60);

/// A bearer token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// How long it holds from now on; `None`: until it is refused.
    pub life: Option<Duration>,
}

impl AccessToken {
    /// A token that holds until it is refused.
    pub fn new(secret: Secret) -> Self {
        AccessToken { secret, life: None }
    }

    /// Sets how long it holds.
    pub fn with_life(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }
}

/// Fetches bearer tokens.
#[async_trait]
pub trait TokenSource: Send + Sync + fmt::Debug + 'static {
    /// A new token. Time and network are those of `cx`.
    ///
    /// # Errors
    /// `Unauthorized` when there is none to be had, or what stood in the way.
    async fn token(&self, cx: &Context) -> Result<AccessToken>;
}

/// Signs with a bearer token, which is kept until [`SKEW`] before its end.
///
/// Of callers that need a new token at once, one fetches it and the others wait; when that one is cancelled, the
/// next takes over. They share its failure. While an old token still holds, it is used instead of a failure that
/// may pass. A token that the provider refuses is replaced once in [`KEY_REST`], and the request is sent again with the
/// new one.
///
/// ```
/// use belvedere_core::credentials::Secret;
/// use belvedere_providers::credentials::{AccessToken, Token};
///
/// let token = Token::from_fn(|_cx| async { Ok(AccessToken::new(Secret::new("from a vault"))) });
/// # let _ = token;
/// ```
pub struct Token {
    source: Box<dyn TokenSource>,
    held: Mutex<Held>,
    turn: Turn<()>,
}

/// What is known of the current token.
#[derive(Default)]
struct Held {
    value: Option<HeaderValue>,
    /// When it is renewed, and when it ends, on [`Clock::boot`](belvedere_core::clock::Clock::boot).
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
    refused_at: Option<Instant>,
    /// How often fetching failed, and how it did the last time.
    failures: u64,
    failure: Option<Error>,
}

impl Held {
    fn before(&self, end: Option<Instant>, now: Instant) -> Option<HeaderValue> {
        self.value.clone().filter(|_| end.is_none_or(|end| now < end))
    }

    /// The token, when it need not be renewed.
    fn fresh(&self, now: Instant) -> Option<HeaderValue> {
        self.before(self.renew_at, now)
    }

    fn keep(&mut self, value: HeaderValue, life: Option<Duration>, began: Instant) {
        self.renew_at = life.map(|life| began + (life - SKEW.min(life / 2)));
        self.ends_at = life.map(|life| began + life);
        self.value = Some(value);
        self.failure = None;
    }

    /// The way out of a failed fetch: the old token while it holds and the fault may pass.
    fn fall_back(&self, error: Error, now: Instant) -> Result<HeaderValue> {
        let passes = error.status() != Status::Permanent;
        self.before(self.ends_at, now).filter(|_| passes).ok_or(error)
    }
}

impl Token {
    /// Tokens of `source`.
    pub fn new(source: impl TokenSource) -> Self {
        Token { source: Box::new(source), held: Mutex::default(), turn: Turn::new(()) }
    }

    /// Tokens of a closure: a vault, a command, the host language.
    pub fn from_fn<F, Fut>(fetch: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<AccessToken>> + Send + 'static,
    {
        Token::new(Hook(Box::new(move |cx| Box::pin(fetch(cx)))))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn value(&self, cx: &Context) -> Result<HeaderValue> {
        let clock = &cx.lent.clock;
        let failures = {
            let held = self.held();
            if let Some(value) = held.fresh(clock.boot()) {
                return Ok(value);
            }
            held.failures
        };
        let _turn = self.turn.lock().await;
        {
            let held = self.held();
            if let Some(value) = held.fresh(clock.boot()) {
                return Ok(value);
            }
            if let Some(error) = held.failure.clone().filter(|_| held.failures != failures) {
                return held.fall_back(error, clock.boot());
            }
        }
        // Its life counts from before the question: the answer was some time on its way.
        let began = clock.boot();
        let fetched = self.source.token(cx).await.and_then(|token| Ok((bearer(&token.secret)?, token.life)));
        let mut held = self.held();
        match fetched {
            Ok((value, life)) => {
                held.keep(value.clone(), life, began);
                Ok(value)
            }
            Err(error) => {
                held.failures += 1;
                held.failure = Some(error.clone());
                held.fall_back(error, clock.boot())
            }
        }
    }
}

fn bearer(secret: &Secret) -> Result<HeaderValue> {
    let text = Zeroizing::new(format!("Bearer {}", secret.expose().trim()));
    let value = HeaderValue::from_str(&text).ok().filter(|_| !secret.expose().trim().is_empty());
    let mut value = value.ok_or_else(|| {
        Error::new(ErrorKind::Unauthorized, "the token is empty or has characters that no HTTP header takes")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[async_trait]
impl Credentials for Token {
    async fn sign(&self, cx: &Context, request: &mut http::Request<Bytes>) -> Result<()> {
        let value = self.value(cx).await?;
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    fn refused(&self, cx: &Context, headers: &HeaderMap, error: &Error) -> bool {
        let now = cx.lent.clock.boot();
        let mut held = self.held();
        // Another call may have renewed it by now; and a token that is refused again is not the fault of its age.
        let is_current = held.value.is_some() && headers.get(AUTHORIZATION) == held.value.as_ref();
        let rests = held.refused_at.is_some_and(|at| now.since(at) < KEY_REST);
        if error.kind() != ErrorKind::Unauthorized || (is_current && rests) {
            return false;
        }
        if is_current {
            held.value = None;
            held.refused_at = Some(now);
        }
        true
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("source", &self.source).finish_non_exhaustive()
    }
}

type Fetch = dyn Fn(Context) -> BoxFuture<'static, Result<AccessToken>> + Send + Sync;

/// A source that is a closure.
struct Hook(Box<Fetch>);

#[async_trait]
impl TokenSource for Hook {
    async fn token(&self, cx: &Context) -> Result<AccessToken> {
        (self.0)(cx.clone()).await
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
