//! Errors in OpenAI's words: <https://platform.openai.com/docs/guides/error-codes>.

use belvedere_core::error::{Error, ErrorKind};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::endpoint::{error_answer, status};

/// The body of an error, and an error inside a stream.
#[derive(Debug, Serialize)]
pub(crate) struct Body<'a> {
    error: Fault<'a>,
}

#[derive(Debug, Serialize)]
struct Fault<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

/// The answer to a failed call.
pub(crate) fn answer(error: &Error) -> Response<Bytes> {
    let status = match error.kind() {
        // OpenAI has the same status for this as for a rate limit; the code tells.
        ErrorKind::QuotaExhausted | ErrorKind::BudgetExceeded => StatusCode::TOO_MANY_REQUESTS,
        kind => status(kind),
    };
    error_answer(error, status, &body(error))
}

/// The body for an error. A provider's own sentence is handed on.
pub(crate) fn body(error: &Error) -> Body<'_> {
    let (r#type, code) = words(error.kind());
    let said = error.provider();
    let context =
        || error.context().iter().find(|(key, _)| *key == "parameter").map(|(_, path)| path.as_str());
    Body {
        error: Fault {
            message: said.and_then(|said| said.message.as_deref()).unwrap_or(error.message()),
            r#type,
            param: said.and_then(|said| said.param.as_deref()).or_else(context),
            code,
        },
    }
}

/// Type and code. `content_filter` is Azure's.
fn words(kind: ErrorKind) -> (&'static str, Option<&'static str>) {
    const REQUEST: &str = "invalid_request_error";
    const SERVER: &str = "server_error";
    match kind {
        ErrorKind::InvalidRequest => (REQUEST, None),
        ErrorKind::ContextTooLong => (REQUEST, Some("context_length_exceeded")),
        ErrorKind::Unsupported => (REQUEST, Some("unsupported_parameter")),
        ErrorKind::ContentFiltered | ErrorKind::Blocked => (REQUEST, Some("content_filter")),
        ErrorKind::Unauthorized => (REQUEST, Some("invalid_api_key")),
        ErrorKind::Forbidden => (REQUEST, Some("permission_denied")),
        ErrorKind::ModelNotFound => (REQUEST, Some("model_not_found")),
        ErrorKind::RateLimited => ("rate_limit_error", Some("rate_limit_exceeded")),
        ErrorKind::QuotaExhausted | ErrorKind::BudgetExceeded => {
            ("insufficient_quota", Some("insufficient_quota"))
        }
        ErrorKind::Timeout(_) => (SERVER, Some("timeout")),
        ErrorKind::Overloaded | ErrorKind::CircuitOpen => (SERVER, Some("overloaded")),
        _ => (SERVER, None),
    }
}
