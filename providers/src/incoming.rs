//! What the answers of several wires share: how a body is cut, and what is said of one that can't be read.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::provider::Framing;
use http::header::CONTENT_TYPE;

/// Types that say nothing of a body.
const UNTOLD: [&str; 4] = ["", "text/plain", "application/octet-stream", "binary/octet-stream"];

/// How a body is cut. The content type decides, by `streams`: gateways answer a stream with one body and the other
/// way round. Other JSON is one body. A type that says nothing is read as what was `asked` for: sloppy proxies lose
/// the type or call everything plain text.
///
/// # Errors
/// `Malformed` when the type is neither JSON nor one of `streams`, which are `what`.
pub(crate) fn framing(
    head: &http::response::Parts,
    streams: &[(&str, Framing)],
    asked: Framing,
    what: &str,
) -> Result<Framing> {
    let header = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let kind = header.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if let Some((_, framing)) = streams.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)) {
        return Ok(*framing);
    }
    if UNTOLD.iter().any(|name| name.eq_ignore_ascii_case(kind)) {
        return Ok(asked);
    }
    let ending = kind.len().checked_sub("/json".len()).and_then(|at| kind.get(at..)).unwrap_or_default();
    if ["/json", "+json"].iter().any(|json| json.eq_ignore_ascii_case(ending)) {
        return Ok(Framing::Json);
    }
    let fault = format!("the answer is neither JSON nor {what}");
    Err(Error::new(ErrorKind::Malformed, fault).with("content_type", kind.to_ascii_lowercase()))
}

/// Reads JSON. What it says stays out of the error.
///
/// # Errors
/// `Truncated` when the text ends too early, `Malformed` when it is not what the wire allows.
#[cfg(any(feature = "anthropic", feature = "cohere", feature = "google"))]
pub(crate) fn read<'a, T: serde::Deserialize<'a>>(text: &'a str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| broken(what, &error))
}

/// The error of a text that can't be read: `Truncated` when it ends too early, else `Malformed`.
pub(crate) fn broken(what: &str, error: &serde_json::Error) -> Error {
    if error.is_eof() { truncated(what, error) } else { malformed(what, error) }
}

/// The error of a text that ends too early. The text is not quoted.
pub(crate) fn truncated(what: &str, error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    Error::new(ErrorKind::Truncated, format!("{what} ends too early, at line {line} column {column}"))
}

/// The error of a text that is not what the wire allows. The text is not quoted.
pub(crate) fn malformed(what: &str, error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let fault = format!("{what} is not what the wire allows, at line {line} column {column}");
    Error::new(ErrorKind::Malformed, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_decides_and_what_was_asked_where_it_says_nothing() {
        let of = |kind: &str, asked| {
            let head = http::Response::builder().header(CONTENT_TYPE, kind).body(()).unwrap().into_parts().0;
            framing(&head, &[("text/event-stream", Framing::Sse)], asked, "a stream of events")
        };
        assert_eq!(of("Text/Event-Stream; charset=utf-8", Framing::Json).unwrap(), Framing::Sse);
        for json in ["application/json", "application/problem+json; charset=utf-8", "text/json"] {
            assert_eq!(of(json, Framing::Sse).unwrap(), Framing::Json, "{json}");
        }
        for nothing in ["", "text/plain", "application/octet-stream"] {
            assert_eq!(of(nothing, Framing::Sse).unwrap(), Framing::Sse, "{nothing}");
            assert_eq!(of(nothing, Framing::Json).unwrap(), Framing::Json, "{nothing}");
        }
        let fault = of("text/html", Framing::Sse).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Malformed);
        assert_eq!(fault.message(), "the answer is neither JSON nor a stream of events");
    }

    #[test]
    fn a_text_that_ends_too_early_is_truncated_and_any_other_malformed() {
        let of = |text: &str| broken("a frame", &serde_json::from_str::<Vec<u8>>(text).unwrap_err());
        assert_eq!((of("[1,").kind(), of("[x]").kind()), (ErrorKind::Truncated, ErrorKind::Malformed));
        assert_eq!(of("[x]").message(), "a frame is not what the wire allows, at line 1 column 2");
    }
}
