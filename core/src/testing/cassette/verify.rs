//! Checking that a cassette still says what the wire reads.

use bytes::Bytes;

use super::form::{Answered, Sent};
use super::{Cassette, Matching};
use crate::completion::{Completion, Fold};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Limits;
use crate::laws::Laws;
use crate::provider::Provider;
use crate::reader::{Outcome, Reader};
use crate::request::Request;

/// Reads every exchange of a cassette through a wire and gives what each came to: the answer, or its error.
///
/// For each it checks that the request is read by `endpoint` and written the same by `provider`, that the events of
/// the answer keep the stream laws, and that the answer is the expected one, where one is noted.
///
/// # Errors
/// `Unexpected` naming the exchange and what does not hold.
pub fn verify(
    cassette: &Cassette,
    provider: &dyn Provider,
    endpoint: &dyn Endpoint,
) -> Result<Vec<Result<Completion>>> {
    let exchanges = cassette.exchanges.iter().enumerate();
    exchanges
        .map(|(i, exchange)| {
            let fault =
                |what: String| Error::new(ErrorKind::Unexpected, format!("cassette: exchanges[{i}].{what}"));
            let request = request(&exchange.request, provider, endpoint).map_err(fault)?;
            let Some(response) = &exchange.response else {
                return Ok(Err(Error::new(ErrorKind::Network, "no answer came")));
            };
            let answer = answer(response, provider, &request).map_err(fault)?;
            match (&answer, &exchange.expected) {
                (Ok(found), Some(expected)) => {
                    let found = serde_json::to_value(found).unwrap_or_default();
                    if found != *expected {
                        return Err(fault("expected: the wire reads another answer".into()));
                    }
                }
                (Err(error), Some(_)) => {
                    return Err(fault(format!(
                        "expected: there is no answer but an error: {}",
                        error.message()
                    )));
                }
                (_, None) => {}
            }
            Ok(answer)
        })
        .collect()
}

/// The request, read from what was sent. What is written again must be the same.
fn request(
    sent: &Sent,
    provider: &dyn Provider,
    endpoint: &dyn Endpoint,
) -> std::result::Result<Request, String> {
    let mut incoming = http::Request::builder().method(sent.method.as_str()).uri(sent.url.as_str());
    for (name, value) in &sent.headers {
        incoming = incoming.header(name, value);
    }
    let incoming = incoming.body(sent.body.0.clone()).map_err(|e| format!("request: {e}"))?;
    let request = endpoint.request(&incoming).map_err(|e| format!("request: {}", e.message()))?;
    let written: http::Request<Bytes> =
        provider.encode(&request).map_err(|e| format!("request: {}", e.message()))?;
    let again = Sent { body: super::Content(written.into_body()), ..sent.clone() };
    match Matching::default().differences(&again, sent).first() {
        Some(place) => Err(format!("request: is written otherwise in {place}")),
        None => Ok(request),
    }
}

fn answer(
    response: &Answered,
    provider: &dyn Provider,
    request: &Request,
) -> std::result::Result<Result<Completion>, String> {
    let mut head = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        head = head.header(name, value);
    }
    let head = head.body(()).map_err(|e| format!("response: {e}"))?.into_parts().0;
    let mut reader = match Reader::new(provider, request, &head, &Limits::default()) {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    response.chunks.iter().for_each(|chunk| reader.feed(&chunk.body.0));
    reader.eof();
    let (mut laws, mut fold) = (Laws::default(), Fold::default());
    while let Some(event) = reader.next() {
        laws.event(&event).map_err(|law| format!("response: {law}"))?;
        fold.event(&event);
    }
    match reader.outcome() {
        Outcome::Failed(error) => Ok(Err(error)),
        _ => {
            laws.finished().map_err(|law| format!("response: {law}"))?;
            Ok(Ok(fold.into_completion()))
        }
    }
}
