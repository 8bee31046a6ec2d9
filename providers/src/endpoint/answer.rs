//! What the answers of all endpoints have in common: status and headers of errors, bodies, frames and ids.

use std::hash::Hasher;
use std::time::Duration;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, RetryWhen, Status};
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

/// The HTTP status an error of this kind is answered with. A wire may have another word for some.
pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::ContextTooLong
        | ErrorKind::Unsupported
        | ErrorKind::ContentFiltered
        | ErrorKind::Blocked => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::QuotaExhausted | ErrorKind::BudgetExceeded => StatusCode::PAYMENT_REQUIRED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::ModelNotFound => StatusCode::NOT_FOUND,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Network | ErrorKind::Truncated | ErrorKind::Malformed => StatusCode::BAD_GATEWAY,
        ErrorKind::Overloaded | ErrorKind::CircuitOpen => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to a failed call: `status`, what the clients read beside it, and the wire's own body.
///
/// The official clients of OpenAI and Anthropic (`_base_client.py`, `client.ts`) obey `x-should-retry` before the
/// status, and `retry-after-ms` before `retry-after`. The error itself knows whether another attempt can help: one
/// that was retried here to the end is not retried once more by each client.
pub(crate) fn error_answer(error: &Error, status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let mut response = json(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let retry = if error.status() == Status::Temporary { "true" } else { "false" };
    headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static(retry));
    retry_after(error, headers);
    let id = error.provider().and_then(|said| said.request_id.as_deref());
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), id.clone());
        // Anthropic's clients read this one.
        headers.insert(HeaderName::from_static("request-id"), id);
    }
    response
}

/// `Retry-After` (RFC 9110, section 10.2.3) in whole seconds, and to the millisecond. Both are rounded up: nobody
/// comes back too early. A mere hint is no promise, and stays in the message it was found in.
fn retry_after(error: &Error, headers: &mut HeaderMap) {
    let Some(retry) = error.retry_when().filter(|retry| !retry.hint) else { return };
    match retry.when {
        RetryWhen::In(delay) => {
            let seconds = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
            headers.insert(RETRY_AFTER, seconds.into());
            let millis = delay.saturating_add(Duration::from_nanos(999_999)).as_millis();
            let millis = u64::try_from(millis).unwrap_or(u64::MAX);
            headers.insert(HeaderName::from_static("retry-after-ms"), millis.into());
        }
        RetryWhen::At(date) => {
            if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(date)) {
                headers.insert(RETRY_AFTER, date);
            }
        }
    }
}

/// A whole answer in JSON.
pub(crate) fn json(body: &impl Serialize) -> Response<Bytes> {
    let mut out = BytesMut::new();
    write_json(body, &mut out);
    let mut response = Response::new(out.freeze());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The head of a stream of this content type. It is not for caches to keep.
pub(crate) fn stream_head(content_type: &'static str) -> Response<()> {
    let mut response = Response::new(());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Appends a server-sent event without a name (WHATWG HTML, "Server-sent events").
pub(crate) fn frame(data: &impl Serialize, out: &mut BytesMut) {
    out.put_slice(b"data: ");
    write_json(data, out);
    out.put_slice(b"\n\n");
}

/// Appends a server-sent event with a name.
#[cfg(any(feature = "anthropic", feature = "cohere", feature = "responses"))]
pub(crate) fn event(name: &str, data: &impl Serialize, out: &mut BytesMut) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\n");
    frame(data, out);
}

/// Appends JSON. What is written here has text keys and finite numbers, so that it can't fail.
fn write_json(body: &impl Serialize, out: &mut BytesMut) {
    let written = serde_json::to_writer((&mut *out).writer(), body);
    debug_assert!(written.is_ok(), "the body of an answer is JSON");
}

/// What ends a stream whose answer was begun anew after some of it was sent: no wire can take it back, and two
/// answers must not become one.
pub(crate) fn restarted() -> Error {
    Error::new(ErrorKind::Truncated, "the answer broke off and was begun anew; a part of it was already sent")
}

/// An id for what has none, since clients ask for one: `prefix` and a hash of `of`, the same for the same.
pub(crate) fn derived_id(prefix: &str, of: &[&str]) -> SmolStr {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for text in of {
        hash.write(text.as_bytes());
        hash.write_u8(0xff);
    }
    SmolStr::from(format!("{prefix}{:016x}", hash.finish()))
}

/// FNV-1a in 64 bits (draft-eastlake-fnv, section 2): stable on every target, as std's hasher is not.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belvedere_core::error::RetryAfter;

    fn headers(error: &Error) -> HeaderMap {
        error_answer(error, status(error.kind()), &()).headers().clone()
    }

    #[test]
    fn every_kind_has_an_error_status() {
        for kind in ErrorKind::ALL {
            assert!(status(kind).as_u16() >= 400, "{kind}");
        }
    }

    #[test]
    fn delays_are_rounded_up() {
        let error = Error::new(ErrorKind::RateLimited, "x")
            .with_retry_after(RetryAfter::after(Duration::from_micros(1_500_001)));
        let headers = headers(&error);
        assert_eq!(
            (&headers["retry-after"], &headers["retry-after-ms"]),
            (&"2".parse().unwrap(), &"1501".parse().unwrap())
        );
    }

    #[test]
    fn hints_are_no_promises_and_dates_stay_dates() {
        let hint = Error::new(ErrorKind::RateLimited, "x")
            .with_retry_after(RetryAfter::hint(Duration::from_secs(3)));
        assert!(!headers(&hint).contains_key("retry-after"));
        let date = std::time::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let dated = Error::new(ErrorKind::RateLimited, "x").with_retry_after(RetryAfter::at(date));
        assert_eq!(headers(&dated)["retry-after"], "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn clients_are_told_whether_to_try_again() {
        let error = Error::new(ErrorKind::Overloaded, "x");
        assert_eq!(headers(&error)["x-should-retry"], "true");
        assert_eq!(headers(&error.into_persistent())["x-should-retry"], "false");
        assert_eq!(headers(&Error::new(ErrorKind::ConfigInvalid, "x"))["x-should-retry"], "false");
    }

    #[test]
    fn derived_ids_are_stable() {
        assert_eq!(derived_id("a-", &["x"]), derived_id("a-", &["x"]));
        assert_ne!(derived_id("a-", &["x", "y"]), derived_id("a-", &["xy"]));
        assert_eq!(derived_id("", &[]), "cbf29ce484222325");
    }
}
