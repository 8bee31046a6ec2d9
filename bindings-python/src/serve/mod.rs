//! A client as the server of a wire: requests in, answers out, so that official SDKs can stand on a pipeline.

mod asked;
mod body;
mod models;
mod patience;

use std::sync::{Arc, OnceLock};

use belvedere::endpoint::Endpoint;
use belvedere::providers::asked_at;
use belvedere::request::Operation;
use belvedere::{Client, Error, ErrorKind, Request};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, StatusCode};
use pyo3::exceptions::PyTimeoutError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

pub(crate) use asked::{Asked, Raw};
pub(crate) use body::{Body, Head, Piece};
use patience::Patience;

use crate::slot::Outcome;
use crate::work::Work;

/// Answers a request: gives status, headers and body. The body is bytes, or a [`Body`] that is still to come.
///
/// # Errors
/// What the interpreter raises; what is wrong with the request is an answer, too.
pub(crate) fn serve(py: Python<'_>, client: Client, mut asked: Asked) -> PyResult<Work> {
    let one = models::one(&asked.request).map(|(list, id)| {
        *asked.request.uri_mut() = list;
        id
    });
    let Some(endpoint) = find(&asked.request) else { return told(py, &unknown(&asked.request)) };
    let read = || {
        let mut request = endpoint.request(&asked.request)?;
        request.options = Some(Box::new(asked.options()?));
        Ok(request)
    };
    let request: Request = match py.detach(read) {
        Ok(request) => request,
        Err(error) => return told(py, &endpoint.error(&error)),
    };
    let clock = client.lent().clock.clone();
    // The one that the answer is written for; the one that is sent knows no time.
    let mut dated = request.clone();
    asked_at(&mut dated, clock.wall());
    let patience = asked.patience.map(|limit| Patience::new(limit, clock));
    if request.stream {
        let (head, encoder) = endpoint.stream(&dated);
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
        let call = async {
            match (&one, request.operation) {
                (Some(id), _) => models::find(&client, &endpoint, request, id).await,
                (None, Operation::Models) => {
                    models::list(&client, request).await.map(|list| endpoint.whole(&dated, &list))
                }
                _ => client.complete(request).await.map(|answer| endpoint.whole(&dated, &answer)),
            }
        };
        let outcome = match patience {
            Some(patience) => patience.wait(call).await,
            None => Some(call.await),
        };
        match outcome {
            Some(answer) => whole(&*endpoint, answer),
            None => Box::new(|_: Python<'_>| Err(timed_out())),
        }
    }))
}

/// What an SDK's own limit becomes.
fn timed_out() -> PyErr {
    PyTimeoutError::new_err("nothing came for as long as the request allows")
}

fn whole(endpoint: &dyn Endpoint, answer: belvedere::Result<http::Response<Bytes>>) -> Outcome {
    let response = answer.unwrap_or_else(|error| endpoint.error(&error));
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
    let what = format!(
        "no operation of the pipeline is at {method} {path}; \
         chat completions, responses, embeddings and models are, and messages of Anthropic"
    );
    let error = Error::new(ErrorKind::Unsupported, what);
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
