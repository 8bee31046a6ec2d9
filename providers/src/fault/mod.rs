//! Error answers of all wires, read by one classifier: gateways mix the shapes.
//!
//! [`shape`] finds the provider's own words, [`classify`] decides the kind, [`retry_after`] reads delays.

mod classify;
mod retry_after;
mod shape;
#[cfg(test)]
mod tests;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, ProviderError, RetryAfter};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};
use http::HeaderName;
use serde_json::Value;

use shape::Said;

/// Headers that carry the provider's request id, the most telling first.
static REQUEST_IDS: [HeaderName; 6] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("apim-request-id"),
    HeaderName::from_static("x-amzn-requestid"),
    HeaderName::from_static("x-goog-request-id"),
    HeaderName::from_static("cf-ray"),
];
/// Where AWS names the exception.
static EXCEPTION: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// What the head of a response says about an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<RetryAfter>,
    pub(crate) request_id: Option<String>,
    /// When the exhausted rate limit is full again: what `retry_after` falls back to on a rate limit.
    pub(crate) window_reset: Option<RetryAfter>,
    /// The exception name that AWS sends in a header.
    pub(crate) exception: Option<SmolStr>,
    /// True once a part of the answer was received. What is then called a bad request is the provider's state:
    /// it had taken the request.
    pub(crate) begun: bool,
}

impl Head {
    pub(crate) fn of(parts: &http::response::Parts) -> Self {
        let text = |name: &HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok());
        Head {
            status: Some(parts.status.as_u16()),
            retry_after: retry_after::of_headers(&parts.headers),
            request_id: REQUEST_IDS.iter().find_map(text).map(str::to_owned),
            window_reset: retry_after::window_reset(&parts.headers),
            exception: text(&EXCEPTION).and_then(shape::exception_name),
            begun: false,
        }
    }
}

/// The error that a body stands for, whatever its shape.
pub(crate) fn of_body(head: &Head, body: &[u8]) -> Error {
    error(head, Said::of_body(body))
}

/// The error inside a 200 or a stream frame; `None` when the value is none.
pub(crate) fn of_value(head: &Head, value: &Value) -> Option<Error> {
    Said::of_error(value).map(|said| error(head, said))
}

fn error(head: &Head, said: Said) -> Error {
    let kind = classify::kind(head, &said);
    let retry_after = head
        .retry_after
        .or(said.retry_after)
        .or_else(|| head.window_reset.filter(|_| kind == ErrorKind::RateLimited))
        .or_else(|| retry_after::hint(said.message.as_deref()?).filter(|_| waiting_may_help(kind)));
    let mut provider = ProviderError::default();
    provider.status = head.status;
    provider.r#type = said.r#type.or_else(|| head.exception.clone());
    provider.code = said.code;
    provider.message = said.message;
    provider.param = said.param;
    provider.request_id = head.request_id.as_ref().map(SmolStr::from).or(said.request_id);
    let sentence = of_address(head, &provider).unwrap_or_else(|| sentence(kind));
    let error = Error::new(kind, sentence).with_provider(provider);
    match retry_after {
        Some(retry_after) => error.with_retry_after(retry_after),
        None => error,
    }
}

/// Kinds for which a delay in the message is about this request, not about something else.
fn waiting_may_help(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::RateLimited | ErrorKind::Overloaded | ErrorKind::QuotaExhausted)
}

/// Our own words where the status tells that the address is wrong: no API answers there.
fn of_address(head: &Head, said: &ProviderError) -> Option<&'static str> {
    match head.status? {
        300..=399 => Some("the provider answered with a redirect, which is not followed; check base_url"),
        404 if said.r#type.is_none() && said.code.is_none() && said.message.is_none() => {
            Some("the provider has nothing at this address; check base_url")
        }
        _ => None,
    }
}

/// Our own words for a kind. The provider's stand in [`ProviderError::message`].
fn sentence(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::RateLimited => "the provider refused the request: too many requests or tokens",
        ErrorKind::Overloaded => "the provider is overloaded or failed on its side",
        ErrorKind::Unauthorized => "the provider refused the credentials",
        ErrorKind::Forbidden => "the provider does not allow this with these credentials",
        ErrorKind::InvalidRequest => "the provider refused the request: it is not acceptable as it is",
        ErrorKind::ContextTooLong => "the provider refused the request: it does not fit the model's context",
        ErrorKind::Unsupported => "the provider refused the request: it lacks what was asked for",
        ErrorKind::ModelNotFound => "the provider does not offer this model to this account",
        ErrorKind::ContentFiltered => "the provider's content filter refused the request",
        ErrorKind::QuotaExhausted => "the provider refused the request: quota or credit is used up",
        _ => "the provider answered with an error that does not say what is wrong",
    }
}

/// Reads the body of an error status.
pub(crate) struct FaultDecoder(pub(crate) Head);

impl Decoder for FaultDecoder {
    fn frame(&mut self, frame: Frame<'_>, _: &mut Vec<Event>) -> Result<(), Error> {
        Err(of_body(&self.0, frame.data))
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<(), Error> {
        Err(of_body(&self.0, b""))
    }
}
