//! What an endpoint writes.

use belvedere_core::endpoint::Endpoint;
use belvedere_core::error::Error;
use belvedere_core::event::Event;
use belvedere_core::request::Request;
use bytes::{Bytes, BytesMut};

/// The streamed answer to a request, which ends in this error if any.
pub(crate) fn streamed(
    endpoint: &dyn Endpoint,
    request: &Request,
    events: &[Event],
    error: Option<&Error>,
) -> http::Response<Bytes> {
    let (head, mut encoder) = endpoint.stream(request);
    let mut out = BytesMut::new();
    events.iter().for_each(|event| encoder.event(event, &mut out));
    encoder.end(error, &mut out);
    head.map(|()| out.freeze())
}
