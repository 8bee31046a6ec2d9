//! Errors in Google's form, <https://cloud.google.com/apis/design/errors>.

use belvedere_core::error::{Error, ErrorKind};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::endpoint::{error_answer, status};

/// The answer that tells an error.
pub(super) fn answer(error: &Error) -> Response<Bytes> {
    error_answer(error, status_of(error.kind()), &body(error))
}

/// The status of an error. Google has no other for what is used up than for a rate limit.
fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::QuotaExhausted | ErrorKind::BudgetExceeded => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Network | ErrorKind::Truncated | ErrorKind::Malformed => StatusCode::SERVICE_UNAVAILABLE,
        kind => status(kind),
    }
}

/// The body of an error, and an error inside a stream. A provider's own sentence is handed on. How long to wait is a
/// detail of the kind `RetryInfo`.
pub(super) fn body(error: &Error) -> Value {
    let code = status_of(error.kind());
    let message = error.provider().and_then(|said| said.message.as_deref()).unwrap_or(error.message());
    let mut inner = json!({"code": code.as_u16(), "message": message, "status": word(code)});
    let delay = error.retry_after().filter(|_| !error.retry_after_is_hint());
    if let (Some(delay), Value::Object(inner)) = (delay, &mut inner) {
        let delay = format!("{}s", delay.as_secs_f64());
        let info = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay});
        inner.insert("details".into(), json!([info]));
    }
    json!({ "error": inner })
}

/// `google.rpc.Code`'s word for a status.
fn word(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "INVALID_ARGUMENT",
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::FORBIDDEN => "PERMISSION_DENIED",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        StatusCode::GATEWAY_TIMEOUT => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}
