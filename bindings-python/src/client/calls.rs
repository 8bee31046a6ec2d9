//! The calls of a client, not begun yet.

use std::any::Any;
use std::pin::pin;
use std::time::Duration;

use belvedere::completion::Completion;
use belvedere::middleware::budget::Budget;
use belvedere::request::{Operation, Request, Scope};
use belvedere::{ErrorKind, Result};
use futures_util::FutureExt;
use futures_util::future::select;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::Configured;
use super::arguments::Named;
use crate::answer::Answer;
use crate::checkpoint::Checkpoint;
use crate::convert::read;
use crate::record;
use crate::request;
use crate::serve::{self, Asked, Raw};
use crate::slot::{Outcome, failed};
use crate::stream::Opening;
use crate::work::Work;

fn core(client: &Bound<'_, Configured>) -> PyResult<belvedere::Client> {
    client.get().0.client(client.py())
}

/// A whole answer.
pub(super) fn complete(
    client: &Bound<'_, Configured>,
    asked: Option<&Bound<'_, PyAny>>,
    fields: Named<'_, '_>,
) -> PyResult<Work> {
    let request = request::request(client.py(), asked, fields)?;
    whole(client, request)
}

/// The vectors of texts.
pub(super) fn embed(
    client: &Bound<'_, Configured>,
    texts: &Bound<'_, PyAny>,
    fields: Named<'_, '_>,
) -> PyResult<Work> {
    let request = request::embed(client.py(), texts, fields)?;
    whole(client, request)
}

/// The models on offer.
pub(super) fn models(client: &Bound<'_, Configured>, options: Named<'_, '_>) -> PyResult<Work> {
    let mut request = Request::default();
    request.operation = Operation::Models;
    request.options = request::options(client.py(), options)?.map(Box::new);
    whole(client, request)
}

fn whole(client: &Bound<'_, Configured>, request: Request) -> PyResult<Work> {
    let client = core(client)?;
    Ok(Work::new(async move { answered(client.complete(request).await) }))
}

fn answered(answer: Result<Completion>) -> Outcome {
    match answer {
        Ok(completion) => Box::new(|py| Ok(Py::new(py, Answer::new(completion))?.into_any())),
        Err(error) => failed(error),
    }
}

/// The end of a client; gives how many calls had to be cancelled.
pub(super) fn close(client: &Bound<'_, Configured>, deadline: Duration) -> PyResult<Work> {
    let ears = client.get().0.ears();
    let client = core(client)?;
    Ok(Work::new(async move {
        let cancelled = client.close(deadline).await;
        // Hooks hear of the last call, too, where they are not slower than that.
        if let Some(ears) = ears {
            let limit = client.lent().clock.sleep(deadline);
            select(pin!(ears.quiet()), limit).await;
        }
        Box::new(move |py: Python<'_>| Ok(cancelled.into_pyobject(py)?.into_any().unbind())) as Outcome
    }))
}

/// The answer to a request of an SDK.
pub(super) fn serve(
    client: &Bound<'_, Configured>,
    http: Raw<'_>,
    of: Option<&Bound<'_, PyAny>>,
    patience: Option<f64>,
) -> PyResult<Work> {
    let patience = patience.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let asked = Asked::new(http, scope(of)?, patience)?;
    serve::serve(client.py(), core(client)?, asked)
}

/// What is left of the budgets for a scope.
pub(super) fn budgets(client: &Bound<'_, Configured>, of: Option<&Bound<'_, PyAny>>) -> PyResult<Work> {
    let (client, scope) = (core(client)?, scope(of)?);
    Ok(Work::new(async move {
        let mut found = Vec::new();
        for layer in client.layers() {
            let Some(budget) = (layer.as_ref() as &dyn Any).downcast_ref::<Budget>() else { continue };
            match budget.ledger().balance(&*client.lent().clock, &scope).await {
                Ok(balance) => found.push((budget.clone(), balance)),
                Err(error) => return failed(error),
            }
        }
        Box::new(move |py: Python<'_>| {
            let list = PyList::empty(py);
            for (budget, balance) in &found {
                list.append(record::balance(py, budget, balance)?)?;
            }
            Ok(list.into_any().unbind())
        }) as Outcome
    }))
}

fn scope(scope: Option<&Bound<'_, PyAny>>) -> PyResult<Scope> {
    let scope = scope.filter(|scope| !scope.is_none());
    Ok(scope.map(|scope| read(scope, ErrorKind::InvalidRequest)).transpose()?.unwrap_or_default())
}

/// An answer as it comes.
pub(super) fn stream(
    client: &Bound<'_, Configured>,
    asked: Option<&Bound<'_, PyAny>>,
    fields: Named<'_, '_>,
) -> PyResult<Opening> {
    let request = request::request(client.py(), asked, fields)?;
    let client = core(client)?;
    Ok(async move { client.stream(request).await }.boxed())
}

/// A stream that was left.
pub(super) fn resume(client: &Bound<'_, Configured>, checkpoint: &Checkpoint) -> PyResult<Opening> {
    let (client, checkpoint) = (core(client)?, checkpoint.core().clone());
    Ok(async move { client.resume(checkpoint).await }.boxed())
}

/// A stream that somebody else opened.
pub(super) fn attach(
    client: &Bound<'_, Configured>,
    id: String,
    offset: u64,
    of: Option<&Bound<'_, PyAny>>,
) -> PyResult<Opening> {
    let (client, scope) = (core(client)?, scope(of)?);
    Ok(async move { client.attach(&id, offset, &scope).map(|cursor| cursor.into_events()) }.boxed())
}
