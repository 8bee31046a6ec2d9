//! Errors of the network in our words.

use std::error::Error as StdError;
use std::io;

use belvedere_core::credentials::Origin;
use belvedere_core::{Error, ErrorKind};
use http::Uri;
use hyper_util::client::legacy;

use super::dns::Unresolved;

/// The error of a request whose address nothing can be sent to.
pub(super) fn of_address() -> Error {
    let message = "the request cannot be sent: its address is no http or https address";
    Error::new(ErrorKind::InvalidRequest, message)
}

/// The error of a request that got no response.
pub(super) fn of_send(error: legacy::Error, uri: &Uri) -> Error {
    let (phase, message) = if causes(&error).any(|cause| cause.is::<Unresolved>()) {
        ("dns", "the host's name could not be resolved; check the provider's address and the network")
    } else if tls_cause(&error).is_some() {
        (
            "tls",
            "the TLS handshake failed; if an authority of your own signs the server's certificate, name its \
             certificate in the transport's ca_file",
        )
    } else if error.is_connect() {
        ("connect", "no connection could be made; check that the host is up and whether a proxy is needed")
    } else {
        ("send", "the connection broke before the response came")
    };
    told(Error::new(ErrorKind::Network, message), phase, error, uri)
}

/// The error of a body that broke.
pub(super) fn of_body(error: hyper::Error, uri: &Uri) -> Error {
    let ours = match io_cause(&error).map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => {
            Error::new(ErrorKind::Truncated, "the connection ended inside the response")
        }
        _ => Error::new(ErrorKind::Network, "the connection broke inside the response"),
    };
    told(ours, "read", error, uri)
}

/// Adds where it happened. The address is cut to its origin: path, query and user may hold secrets.
fn told(ours: Error, phase: &'static str, error: impl StdError + Send + Sync + 'static, uri: &Uri) -> Error {
    let cause = match (tls_cause(&error), io_cause(&error)) {
        (Some(tls), _) => Some(tls.to_string()),
        (None, Some(io)) => Some(io.kind().to_string()),
        (None, None) => None,
    };
    let ours = ours.with("phase", phase);
    let ours = Origin::of(uri).into_iter().fold(ours, |e, origin| e.with("host", origin.to_string()));
    let ours = cause.into_iter().fold(ours, |e, cause| e.with("cause", cause));
    ours.with_source(error)
}

/// An error and its causes, outermost first. An `io::Error` hides the error it wraps from `source`.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause: &&'a (dyn StdError + 'static)| {
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
            None => cause.source(),
        }
    })
}

fn tls_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    causes(error).find_map(|e| e.downcast_ref())
}

/// The innermost I/O error: it knows more than those around it.
fn io_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    causes(error).filter_map(|e| e.downcast_ref::<io::Error>()).last()
}
