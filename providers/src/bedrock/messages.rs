//! What a server of the runtime writes: errors, with the name of an exception, and the messages of a stream.

use belvedere_core::error::{Error, ErrorKind};
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::json;

use belvedere_core::framing::aws_message;

use crate::endpoint::error_answer;

/// Status and name of the exception that stands for a kind
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>, "Errors").
fn exception(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::ContextTooLong
        | ErrorKind::Unsupported
        | ErrorKind::ContentFiltered
        | ErrorKind::Blocked => (StatusCode::BAD_REQUEST, "ValidationException"),
        ErrorKind::QuotaExhausted | ErrorKind::BudgetExceeded => {
            (StatusCode::BAD_REQUEST, "ServiceQuotaExceededException")
        }
        ErrorKind::Unauthorized => (StatusCode::FORBIDDEN, "UnrecognizedClientException"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "AccessDeniedException"),
        ErrorKind::ModelNotFound => (StatusCode::NOT_FOUND, "ResourceNotFoundException"),
        ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "ThrottlingException"),
        ErrorKind::Timeout(_) => (StatusCode::REQUEST_TIMEOUT, "ModelTimeoutException"),
        ErrorKind::Overloaded | ErrorKind::CircuitOpen => {
            (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException")
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException"),
    }
}

/// The sentence: the provider's where there is one, with the words that a client tells the kind by.
fn message(error: &Error) -> String {
    let said = error.provider().and_then(|provider| provider.message.as_deref());
    let said = said.unwrap_or_else(|| error.message());
    match error.kind() {
        ErrorKind::ContextTooLong => format!("Input is too long for requested model. {said}"),
        ErrorKind::ContentFiltered => format!("The content filter refused the request. {said}"),
        ErrorKind::ModelNotFound => format!("The requested model was not found. {said}"),
        _ => said.to_owned(),
    }
}

/// An error instead of an answer.
pub(super) fn answer(error: &Error) -> Response<Bytes> {
    let (status, name) = exception(error.kind());
    let mut response = error_answer(error, status, &json!({ "message": message(error) }));
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(name));
    response
}

/// Appends the exception that ends a stream. There its name begins in lower case.
pub(super) fn exception_message(error: &Error, out: &mut BytesMut) {
    let (_, name) = exception(error.kind());
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    let name = format!("{}{rest}", first.to_ascii_lowercase());
    let headers = [
        (":exception-type", name.as_str()),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    aws_message(&headers, json!({ "message": message(error) }).to_string().as_bytes(), out);
}

/// Appends an event.
pub(super) fn event_message(name: &str, payload: &serde_json::Value, out: &mut BytesMut) {
    let headers = [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    aws_message(&headers, payload.to_string().as_bytes(), out);
}
