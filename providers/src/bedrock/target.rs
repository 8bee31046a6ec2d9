//! Where requests of the runtime go: the region's address, and the model in the path.

use std::fmt::Write;

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::provider::Framing;
use belvedere_core::request::Request;
use bytes::Bytes;
use http::Uri;

use crate::incoming;
use crate::outgoing::{self, JSON};

/// The content type of a streamed answer.
pub(super) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// The runtime's address in a region, such as `eu-central-1`
/// (<https://docs.aws.amazon.com/general/latest/gr/bedrock.html>).
///
/// # Errors
/// `ConfigInvalid` when the text is no region's name.
pub(super) fn address(region: &str) -> Result<Uri> {
    let invalid = || Error::new(ErrorKind::ConfigInvalid, "region: is not a region, such as us-east-1");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || !region.chars().all(plain) {
        return Err(invalid());
    }
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://bedrock-runtime.{region}.{domain}").parse().map_err(|_| invalid())
}

/// A `POST` of a JSON body to an action of a model. The model, which may be an ARN, is one segment of the path.
///
/// # Errors
/// `ConfigInvalid` when the address is none.
pub(super) fn post(
    base: &Uri,
    model: &str,
    action: &str,
    accept: &'static str,
    body: Bytes,
) -> Result<http::Request<Bytes>> {
    let base = base.to_string();
    let uri: Uri = format!("{}/model/{}/{action}", base.trim_end_matches('/'), escaped(model))
        .parse()
        .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "base_url: is not an address"))?;
    Ok(outgoing::ask(uri, accept, body))
}

/// What the `accept` header says.
pub(super) fn accept(stream: bool) -> &'static str {
    if stream { EVENT_STREAM } else { JSON }
}

/// The framing of an answer, by its content type; what was asked tells where a proxy lost the type.
///
/// # Errors
/// `Malformed` when it is neither JSON nor an event stream.
pub(super) fn framing(request: &Request, head: &http::response::Parts) -> Result<Framing> {
    let streams = [(EVENT_STREAM, Framing::AwsEventStream), ("application/x-amz-json-1.1", Framing::Json)];
    let asked = if request.stream { Framing::AwsEventStream } else { Framing::Json };
    incoming::framing(head, &streams, asked, "Amazon's event stream")
}

/// A text as one segment of a path: all but unreserved characters escaped (RFC 3986, section 2.3).
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            // Writing to a `String` does not fail.
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The model and the action of a path such as `/model/{model}/converse`, whatever stands before it; `None` when
/// the path is another.
pub(super) fn route(path: &str) -> Option<(String, &str)> {
    let (rest, action) = path.rsplit_once('/')?;
    let (_, model) = rest.rsplit_once("/model/").or_else(|| rest.split_once("model/"))?;
    let model = unescaped(model)?;
    (!model.is_empty()).then_some((model, action))
}

/// The mirror of [`escaped`]; `None` when it is not UTF-8 or an escape is none.
fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let value = digit()? * 16 + digit()?;
                out.push(u8::try_from(value).ok()?);
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_an_address() {
        assert_eq!(address("us-east-1").unwrap(), "https://bedrock-runtime.us-east-1.amazonaws.com");
        assert_eq!(address("cn-north-1").unwrap(), "https://bedrock-runtime.cn-north-1.amazonaws.com.cn");
        for bad in ["", "us east", "evil.example/", "US-EAST-1"] {
            assert_eq!(address(bad).unwrap_err().kind(), ErrorKind::ConfigInvalid, "{bad}");
        }
    }

    #[test]
    fn a_model_is_one_segment_of_the_path() {
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b-v1:0";
        let path = format!("/prefix/model/{}/converse", escaped(arn));
        assert_eq!(path.matches('/').count(), 4);
        assert_eq!(route(&path), Some((arn.to_owned(), "converse")));
        assert_eq!(
            route("/model/a.b-v1:0/converse-stream"),
            Some(("a.b-v1:0".to_owned(), "converse-stream"))
        );
        for none in ["/model//converse", "/models", "/model/a%zz/converse", "/model/%ff/converse", ""] {
            assert_eq!(route(none), None, "{none}");
        }
    }
}
