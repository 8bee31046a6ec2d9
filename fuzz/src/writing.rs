//! Requests that an endpoint reads, and a provider writes again.

use belvedere_core::endpoint::Endpoint;
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use bytes::Bytes;
use serde_json::Value;

/// What a body asks for at a path; `None` when the endpoint refuses it.
pub fn asked(endpoint: &dyn Endpoint, path: &str, body: &[u8]) -> Option<Request> {
    let posted = http::Request::post(path).body(Bytes::copy_from_slice(body)).expect("a request");
    endpoint.request(&posted).ok()
}

/// A request as the provider writes it, and as the endpoint reads that; `None` when the provider refuses it.
///
/// # Panics
/// When the endpoint does not read what the provider wrote.
pub fn assert_read_again(
    endpoint: &dyn Endpoint,
    provider: &dyn Provider,
    request: &Request,
) -> Option<(http::Request<Bytes>, Request)> {
    let written = provider.encode(request).ok()?;
    let again = endpoint.request(&written).expect("what was written is read");
    Some((written, again))
}

/// Asserts that what a body asks for at a path is refused, or is written again and then reads the same.
///
/// # Panics
/// When it is not.
pub fn assert_settles(endpoint: &dyn Endpoint, provider: &dyn Provider, path: &str, body: &[u8]) {
    let Some(request) = asked(endpoint, path, body) else { return };
    let Some((written, again)) = assert_read_again(endpoint, provider, &request) else { return };
    let twice = provider.encode(&again).expect("what was read is written");
    let value = |body: &[u8]| serde_json::from_slice::<Value>(body).expect("a body is JSON");
    assert_eq!(value(twice.body()), value(written.body()), "reading and writing change nothing more");
}
