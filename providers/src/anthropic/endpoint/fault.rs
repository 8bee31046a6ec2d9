//! Errors in Anthropic's words: <https://docs.anthropic.com/en/api/errors>.

use std::borrow::Cow;

use belvedere_core::error::{Error, ErrorKind};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::endpoint::{error_answer, status};

/// The body of an error, and the `error` event of a stream.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    r#type: &'static str,
    error: Fault<'a>,
    request_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Fault<'a> {
    r#type: &'static str,
    message: Cow<'a, str>,
}

/// The answer to a failed call.
pub(super) fn answer(error: &Error) -> Response<Bytes> {
    let status = match error.kind() {
        ErrorKind::Overloaded | ErrorKind::CircuitOpen => StatusCode::from_u16(529).ok(),
        _ => None,
    }
    .unwrap_or(status(error.kind()));
    error_answer(error, status, &body(error))
}

/// The body for an error. A provider's own sentence is handed on; where only the sentence tells what the type does
/// not, it begins with the words of Anthropic's API.
pub(super) fn body(error: &Error) -> Body<'_> {
    let (r#type, words) = words(error.kind());
    let said = error.provider();
    let sentence = said.and_then(|said| said.message.as_deref()).unwrap_or(error.message());
    let message = match words {
        Some(words) if !sentence.to_lowercase().contains(words) => format!("{words}: {sentence}").into(),
        _ => sentence.into(),
    };
    let request_id = said.and_then(|said| said.request_id.as_deref());
    Body { r#type: "error", error: Fault { r#type, message }, request_id }
}

/// The type, and what the sentence must say.
fn words(kind: ErrorKind) -> (&'static str, Option<&'static str>) {
    const REQUEST: &str = "invalid_request_error";
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::Unsupported => (REQUEST, None),
        ErrorKind::ContextTooLong => (REQUEST, Some("prompt is too long")),
        ErrorKind::ContentFiltered | ErrorKind::Blocked => {
            (REQUEST, Some("blocked by content filtering policy"))
        }
        ErrorKind::Unauthorized => ("authentication_error", None),
        ErrorKind::QuotaExhausted | ErrorKind::BudgetExceeded => ("billing_error", None),
        ErrorKind::Forbidden => ("permission_error", None),
        ErrorKind::ModelNotFound => ("not_found_error", Some("model")),
        ErrorKind::RateLimited => ("rate_limit_error", None),
        ErrorKind::Overloaded | ErrorKind::CircuitOpen => ("overloaded_error", None),
        ErrorKind::Timeout(_) => ("timeout_error", None),
        _ => ("api_error", None),
    }
}
