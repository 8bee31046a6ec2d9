//! A request of an SDK, and what of it is not in its body.

use std::time::Duration;

use belvedere::request::{Options, Scope};
use belvedere::{Error, ErrorKind, Result};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderName, HeaderValue, Method};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Method, target, headers and body of a request, as a transport has them.
pub(crate) type Raw<'a> = (&'a str, &'a str, Vec<(Vec<u8>, Vec<u8>)>, &'a [u8]);

/// A request of an SDK.
pub(crate) struct Asked {
    pub(super) request: http::Request<Bytes>,
    pub(super) scope: Scope,
    /// How long the SDK waits for something to come.
    pub(super) patience: Option<Duration>,
}

/// Headers of the connection, of the body, and of the provider that the SDK takes itself to be talking to.
const OWN: [HeaderName; 10] = [
    ACCEPT,
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
    USER_AGENT,
];
/// The same, of single SDKs: keys, accounts, versions, and the idempotency key, which is an option of its own.
const OF_SDKS: [&str; 7] = [
    "anthropic-version",
    "api-key",
    "idempotency-key",
    "openai-organization",
    "openai-project",
    "x-api-key",
    "x-goog-api-key",
];
/// What the SDKs that Stainless made say of themselves.
const OF_STAINLESS: &str = "x-stainless-";
/// Parameters of the address that SDKs add by themselves: Azure's version, and the mark of Anthropic's betas.
const OF_ADDRESSES: [&str; 2] = ["api-version", "beta"];
/// Which page of a list is wanted. All of it is on the first one.
const OF_PAGES: [&str; 5] = ["after", "after_id", "before_id", "limit", "order"];

impl Asked {
    /// From what a transport is handed.
    ///
    /// # Errors
    /// `ValueError` for what is no HTTP.
    pub(crate) fn new(
        (method, target, headers, body): Raw<'_>,
        scope: Scope,
        patience: Option<Duration>,
    ) -> PyResult<Self> {
        let no_http = |what: http::Error| PyValueError::new_err(what.to_string());
        let mut request = http::Request::builder()
            .method(method)
            .uri(target)
            .body(Bytes::copy_from_slice(body))
            .map_err(no_http)?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(&name).map_err(|e| no_http(e.into()))?;
            let value = HeaderValue::from_bytes(&value).map_err(|e| no_http(e.into()))?;
            request.headers_mut().append(name, value);
        }
        Ok(Asked { request, scope, patience })
    }

    /// The options of its call: who asks, and the headers that are none of the SDK's own.
    ///
    /// # Errors
    /// `InvalidRequest` for what has no place in a pipeline.
    pub(super) fn options(&self) -> Result<Options> {
        self.check_query()?;
        let mut options = Options::default();
        options.scope = self.scope.clone();
        for (name, value) in self.request.headers() {
            let text = || {
                let what = format!("the value of the header `{name}` has characters no header takes");
                value.to_str().map_err(|_| Error::new(ErrorKind::InvalidRequest, what))
            };
            if name == "idempotency-key" {
                options.idempotency_key = Some(text()?.to_owned());
            } else if !is_own(name) {
                let all = options.headers.entry(name.as_str().to_owned()).or_default();
                if !all.is_empty() {
                    all.push_str(", ");
                }
                all.push_str(text()?);
            }
        }
        Ok(options)
    }

    /// A parameter of the address would be lost.
    fn check_query(&self) -> Result<()> {
        let is_list = self.request.method() == Method::GET;
        let query = self.request.uri().query().unwrap_or_default();
        let names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
        let is_known = |name: &str| {
            OF_ADDRESSES.contains(&name) || (is_list && OF_PAGES.contains(&name)) || name.is_empty()
        };
        match names.into_iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "query: `{name}` has no place in a pipeline; write it into the `base_url` of the provider, \
                     or, where the provider reads it there, into the body by `extra_body`"
                ),
            )),
        }
    }
}

fn is_own(name: &HeaderName) -> bool {
    OWN.contains(name) || OF_SDKS.contains(&name.as_str()) || name.as_str().starts_with(OF_STAINLESS)
}
