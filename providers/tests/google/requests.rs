//! Requests, and what they become on Google's wire.

use belvedere_core::error::ErrorKind;
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_providers::google::Google;
use serde_json::Value;

pub(crate) fn request(body: Value) -> Request {
    serde_json::from_value(body).unwrap()
}

pub(crate) fn encoded(request: &Request) -> Value {
    serde_json::from_slice(Google::new("gemini-x").encode(request).unwrap().body()).unwrap()
}

/// The body for this OpenAI-style request.
pub(crate) fn body(value: Value) -> Value {
    encoded(&request(value))
}

/// The error, as its kind and sentence.
pub(crate) fn refused(request: &Request) -> (ErrorKind, String) {
    let error = Google::new("gemini-x").encode(request).unwrap_err();
    (error.kind(), error.message().to_owned())
}
