//! What goes wrong: errors instead of an answer, and faults inside one.

use std::time::{Duration, SystemTime};

use belvedere_core::duration;
use belvedere_core::error::{Error, ErrorKind, ProviderError, Result, RetryAfter};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::invalid;

/// What breaks inside an answer, after so many tokens, or before its finish when it has fewer. An answer that is
/// not streamed breaks after that share of its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// The body ends well for HTTP, without the wire's terminal signal.
    Cut {
        /// Tokens before it.
        after: usize,
    },
    /// The connection closes (FIN) inside the body; with HTTP/2 the stream is reset.
    Close {
        /// Tokens before it.
        after: usize,
    },
    /// The connection is reset (RST); with HTTP/2 the stream is.
    Reset {
        /// Tokens before it.
        after: usize,
    },
    /// Nothing more comes.
    Stall {
        /// Tokens before it.
        after: usize,
        /// For this long. Default: for ever.
        #[serde(default, rename = "for", skip_serializing_if = "Option::is_none", with = "duration::option")]
        #[schemars(with = "Option<duration::Text>")]
        lasts: Option<Duration>,
    },
    /// The wire's own error inside an answer of status 200.
    Error {
        /// Tokens before it.
        after: usize,
        /// The status it stands for. Default 500.
        #[serde(default = "internal")]
        status: u16,
        /// Its message. Default: one that fits the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Bytes that are none of the wire's; then the answer goes on.
    Garbage {
        /// Tokens before it.
        after: usize,
        /// The bytes, as text. Default: neither JSON nor UTF-8, framed as the body is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

impl Fault {
    /// Tokens before it.
    pub(crate) fn after(&self) -> usize {
        match self {
            Fault::Cut { after }
            | Fault::Close { after }
            | Fault::Reset { after }
            | Fault::Stall { after, .. }
            | Fault::Error { after, .. }
            | Fault::Garbage { after, .. } => *after,
        }
    }
}

fn internal() -> u16 {
    500
}

/// An error instead of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Failure {
    /// The HTTP status. Default 500.
    #[schemars(range(min = 200, max = 599))]
    pub status: u16,
    /// The kind of error, such as `quota_exhausted`. Default: what the status means.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub kind: Option<ErrorKind>,
    /// The message in the wire's error body. Default: one that fits the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The body. Default `wire`.
    pub body: Body,
    /// When to come back. Default: not told.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    #[schemars(with = "Option<duration::Text>")]
    pub retry_after: Option<Duration>,
    /// The form in which that is told. Default `seconds`.
    pub retry_after_form: RetryForm,
}

/// The body of an error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Body {
    /// The wire's own error object.
    #[default]
    Wire,
    /// None.
    Empty,
    /// A page of a proxy.
    Html,
    /// This text.
    Text(String),
    /// This JSON.
    Json(Value),
}

/// The form in which a delay is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryForm {
    /// `retry-after: 2`, rounded up (RFC 9110, 10.2.3).
    #[default]
    Seconds,
    /// `retry-after: Sat, 21 Nov 2026 08:00:02 GMT` (RFC 9110, 10.2.3).
    Date,
    /// `retry-after-ms: 2000`, as Azure and OpenAI send it.
    Milliseconds,
}

impl Default for Failure {
    fn default() -> Self {
        Failure {
            status: internal(),
            kind: None,
            message: None,
            body: Body::default(),
            retry_after: None,
            retry_after_form: RetryForm::default(),
        }
    }
}

impl Failure {
    /// The error that a wire writes for it.
    pub(crate) fn error(&self) -> Error {
        let error = error_of(self.status, self.kind, self.message.as_deref());
        match self.retry_after {
            Some(delay) => error.with_retry_after(RetryAfter::after(delay)),
            None => error,
        }
    }

    /// The header that tells when to come back; `wall` is the time now.
    pub(crate) fn retry_header(&self, wall: SystemTime) -> Option<(&'static str, String)> {
        let delay = self.retry_after?;
        Some(match self.retry_after_form {
            RetryForm::Seconds => ("retry-after", delay.as_millis().div_ceil(1000).to_string()),
            RetryForm::Date => {
                ("retry-after", httpdate::fmt_http_date(wall.checked_add(delay).unwrap_or(wall)))
            }
            RetryForm::Milliseconds => ("retry-after-ms", delay.as_millis().to_string()),
        })
    }

    pub(super) fn check(&self, path: &str) -> Result<()> {
        match self.status {
            200..=599 => Ok(()),
            _ => Err(invalid(&format!("{path}.status"), "must be a status from 200 to 599")),
        }
    }
}

/// The error that a status stands for.
pub(crate) fn error_of(status: u16, kind: Option<ErrorKind>, message: Option<&str>) -> Error {
    let kind = kind.unwrap_or(match status {
        401 => ErrorKind::Unauthorized,
        402 => ErrorKind::QuotaExhausted,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::ModelNotFound,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::InvalidRequest,
        500..=599 => ErrorKind::Overloaded,
        _ => ErrorKind::Unexpected,
    });
    let reason = || StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    let message = message.map_or_else(
        || format!("The mock server was told to fail: {}.", reason().unwrap_or("overloaded")),
        str::to_owned,
    );
    let mut said = ProviderError::default();
    said.status = Some(status);
    said.message = Some(message.clone());
    Error::new(kind, message).with_provider(said)
}
