//! The list of models, and one of them: what the provider lists, and the model of the configuration.

use std::sync::Arc;

use belvedere::completion::Completion;
use belvedere::endpoint::Endpoint;
use belvedere::event::Model;
use belvedere::{Client, Error, ErrorKind, Request, Result};
use bytes::Bytes;
use http::{Method, Response, Uri};
use serde_json::Value;

/// What stands before the id of a model.
const LIST: &str = "/models";

/// The address of the list, and the id of the one model that a request asks for.
pub(super) fn one(request: &http::Request<Bytes>) -> Option<(Uri, String)> {
    let (before, id) = request.uri().path().rsplit_once(LIST)?;
    let id = decoded(id.strip_prefix('/')?);
    if request.method() != Method::GET || id.is_empty() {
        return None;
    }
    Some((format!("{before}{LIST}").parse().ok()?, id))
}

/// The models on offer. A provider that can't list them has that of its configuration.
///
/// # Errors
/// Those of asking.
pub(super) async fn list(client: &Client, request: Request) -> Result<Completion> {
    let own = client.info().model.map(|model| model.to_string());
    match (client.complete(request).await, own) {
        (Err(error), Some(own)) if error.kind() == ErrorKind::Unsupported => {
            let mut answer = Completion::default();
            answer.models = vec![plain(own)];
            Ok(answer)
        }
        (answer, _) => answer,
    }
}

/// One model of those on offer, or that of the configuration, in the words of the wire.
pub(super) async fn find(
    client: &Client,
    endpoint: &Arc<dyn Endpoint>,
    request: Request,
    id: &str,
) -> Result<Response<Bytes>> {
    let mut answer = list(client, request.clone()).await?;
    let own = client.info().model.map(|model| model.to_string());
    if let Some(own) = own.filter(|own| answer.models.iter().all(|model| &model.id != own)) {
        answer.models.push(plain(own));
    }
    let known: Vec<String> = answer.models.iter().map(|model| model.id.clone()).collect();
    answer.models.retain(|model| model.id == id);
    let listed = endpoint.whole(&request, &answer);
    let body: Value = serde_json::from_slice(listed.body()).unwrap_or_default();
    match body.get("data").and_then(|data| data.get(0)) {
        Some(model) => Ok(listed.map(|_| Bytes::from(model.to_string()))),
        None => {
            let what = format!("there is no model `{id}`; there are: {}", known.join(", "));
            Err(Error::new(ErrorKind::ModelNotFound, what))
        }
    }
}

fn plain(id: String) -> Model {
    let mut model = Model::default();
    model.id = id;
    model
}

/// A segment of a path without its escapes (RFC 3986, section 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let mut digit = || ahead.next().and_then(|digit| char::from(digit).to_digit(16));
        match (byte, digit(), digit()) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
