//! A client as the server of a wire: requests in, answers out, so that official SDKs can stand on a pipeline.

mod body;
mod patience;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use belvedere::completion::Completion;
use belvedere::endpoint::Endpoint;
use belvedere::request::Scope;
use belvedere::{Client, Error, ErrorKind, Request};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pyo3::exceptions::{PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

pub(crate) use body::{Body, Head, Piece};
use patience::Patience;

use crate::slot::Outcome;
use crate::work::Work;

/// Method, target, headers and body of a request, as a transport has them.
pub(crate) type Raw<'a> = (&'a str, &'a str, Vec<(Vec<u8>, Vec<u8>)>, &'a [u8]);

/// A request of an SDK.
pub(crate) struct Asked {
    request: http::Request<Bytes>,
    scope: Scope,
    /// How long the SDK waits for something to come.
    patience: Option<Duration>,
}

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
}

/// Answers a request: gives status, headers and body. The body is bytes, or a [`Body`] that is still to come.
///
/// # Errors
/// What the interpreter raises; what is wrong with the request is an answer, too.
pub(crate) fn serve(py: Python<'_>, client: Client, asked: Asked) -> PyResult<Work> {
    let Some(endpoint) = find(&asked.request) else { return told(py, &unknown(&asked.request)) };
    let mut request = match py.detach(|| endpoint.request(&asked.request)) {
        Ok(request) => request,
        Err(error) => return told(py, &endpoint.error(&error)),
    };
    let options = request.options.get_or_insert_default();
    options.scope = asked.scope;
    if let Some(key) = asked.request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()) {
        options.idempotency_key = Some(key.into());
    }
    let patience = asked.patience.map(|limit| Patience::new(limit, client.lent().clock.clone()));
    if request.stream {
        let (head, encoder) = endpoint.stream(&request);
        let passed = patience.as_ref().map(Patience::passed);
        let call = async move {
            match patience {
                Some(patience) => patience.stream(client.stream(request)).await,
                None => client.stream(request).await,
            }
        };
        let body = Body::new(call.boxed(), encoder, passed);
        return Ok(Work::Head(Head { endpoint, head: head.into_parts().0, body: Py::new(py, body)? }));
    }
    Ok(Work::new(async move {
        let call = client.complete(request.clone());
        match patience {
            Some(patience) => match patience.wait(call).await {
                Some(answer) => whole(&*endpoint, &request, answer),
                None => Box::new(|_: Python<'_>| Err(timed_out())),
            },
            None => whole(&*endpoint, &request, call.await),
        }
    }))
}

/// What an SDK's own limit becomes.
fn timed_out() -> PyErr {
    PyTimeoutError::new_err("nothing came for as long as the request allows")
}

fn whole(endpoint: &dyn Endpoint, request: &Request, answer: belvedere::Result<Completion>) -> Outcome {
    let response = match answer {
        Ok(answer) => endpoint.whole(request, &answer),
        Err(error) => endpoint.error(&error),
    };
    Box::new(move |py| response_of(py, &response))
}

/// The endpoint of a request. Where two have the same path, the header of Anthropic's clients decides.
fn find(request: &http::Request<Bytes>) -> Option<Arc<dyn Endpoint>> {
    static ALL: OnceLock<Vec<Arc<dyn Endpoint>>> = OnceLock::new();
    let all = ALL.get_or_init(belvedere::providers::endpoints);
    let anthropic = request.headers().contains_key("anthropic-version");
    let accepting = || all.iter().filter(|e| e.accepts(request.method(), request.uri().path()));
    let preferred = accepting().find(|endpoint| endpoint.wire().starts_with("anthropic.") == anthropic);
    preferred.or_else(|| accepting().next()).cloned()
}

/// The answer to a request that no wire knows, in OpenAI's words.
fn unknown(request: &http::Request<Bytes>) -> http::Response<Bytes> {
    let (method, path) = (request.method(), request.uri().path());
    let error =
        Error::new(ErrorKind::Unsupported, format!("no operation of the pipeline is at {method} {path}"));
    let mut response = match belvedere::providers::endpoint("openai.chat") {
        Ok(endpoint) => endpoint.error(&error),
        Err(_) => http::Response::new(Bytes::new()),
    };
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// An answer that is at hand.
fn told(py: Python<'_>, response: &http::Response<Bytes>) -> PyResult<Work> {
    Ok(Work::Ready(Some(response_of(py, response)?)))
}

/// Status, headers and the whole body.
fn response_of(py: Python<'_>, response: &http::Response<Bytes>) -> PyResult<Py<PyAny>> {
    let body = PyBytes::new(py, response.body());
    triple(py, response.status(), response.headers(), body.into_any())
}

fn triple(
    py: Python<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let list = PyList::empty(py);
    for (name, value) in headers {
        list.append((PyBytes::new(py, name.as_ref()), PyBytes::new(py, value.as_bytes())))?;
    }
    Ok((status.as_u16(), list, body).into_pyobject(py)?.into_any().unbind())
}
