//! The server's side of embeddings.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::completion::{Completion, Embedding};
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::request::{Operation, Request};
use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ends, fault, gathered, model_of, usage};
use crate::endpoint::{Fields, json};

/// The name of the wire.
const WIRE: &str = "embeddings";

/// Beside the wire's name in `extra`: what a request says to the endpoint alone. No wire is sent it.
const OWN: &str = "embeddings.endpoint";

/// The server's side of OpenAI's embeddings: `POST .../embeddings`.
///
/// The form of the vectors, numbers or base64 of 32-bit floats, is up to the client's `encoding_format`; upstream is
/// asked for numbers. Inputs that are no texts, such as lists of tokens, stay in `extra`.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmbeddingsEndpoint;

impl Endpoint for EmbeddingsEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        *method == Method::POST && ends(path, "/embeddings")
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        let mut body = Fields::of_body(request)?;
        let mut out = Request::default();
        out.operation = Operation::Embed;
        out.model = body.text("model")?.map(Into::into);
        out.input = Arc::new(input(&mut body)?);
        out.dimensions = body.take("dimensions", "a whole number that is not negative")?;
        out.user = body.text("user")?.map(Into::into);
        let format = body.get("encoding_format").and_then(Value::as_str);
        let (known, base64) = (matches!(format, Some("float" | "base64")), format == Some("base64"));
        if known {
            body.value("encoding_format");
        }
        out.extra = body.rest();
        if base64 {
            out.extra.insert(OWN.to_owned(), json!({ "encoding_format": "base64" }));
        }
        Ok(out)
    }

    fn whole(&self, request: &Request, answer: &Completion) -> http::Response<Bytes> {
        json(&Body::of(request, answer))
    }

    fn stream(&self, request: &Request) -> (http::Response<()>, Box<dyn Encoder>) {
        gathered(*self, request)
    }

    fn error(&self, error: &Error) -> http::Response<Bytes> {
        fault::answer(error)
    }
}

/// A text or several.
fn input(body: &mut Fields) -> Result<Vec<String>> {
    const WHAT: &str = "must be a string, or an array of strings or tokens";
    match body.value("input") {
        None => Err(body.fault("input", "is missing; a string or an array of strings is needed")),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            Ok(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Some(items @ Value::Array(_)) => {
            body.put("input", items);
            Ok(Vec::new())
        }
        Some(_) => Err(body.fault("input", WHAT)),
    }
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    model: SmolStr,
    data: Vec<Row<'a>>,
    usage: Value,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    object: &'static str,
    index: u32,
    embedding: Vector<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Vector<'a> {
    Numbers(&'a [f64]),
    Base64(String),
}

impl<'a> Body<'a> {
    fn of(request: &Request, answer: &'a Completion) -> Self {
        let format = request.extra.get(OWN).and_then(|own| own.get("encoding_format"));
        let base64 = format.is_some_and(|format| format == "base64");
        Body {
            object: "list",
            id: answer.id.as_deref(),
            model: model_of(request, answer.model.as_deref()),
            data: answer.embeddings.iter().map(|embedding| Row::of(embedding, base64)).collect(),
            usage: usage::embeddings(answer.usage.as_deref().unwrap_or(&Default::default())),
        }
    }
}

impl<'a> Row<'a> {
    fn of(embedding: &'a Embedding, base64: bool) -> Self {
        let vector = &embedding.vector;
        Row {
            object: "embedding",
            index: embedding.index,
            embedding: if base64 { Vector::Base64(floats(vector)) } else { Vector::Numbers(vector) },
        }
    }
}

/// 32-bit floats, little-endian, in base64.
fn floats(vector: &[f64]) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the wire's base64 has this precision and no other")]
    let bytes: Vec<u8> = vector.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect();
    STANDARD.encode(bytes)
}
