//! Embeddings: <https://ai.google.dev/api/embeddings> of AI Studio, and Vertex AI's `predict`
//! (<https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>).

use std::sync::Arc;

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish};
use belvedere_core::provider::{Decoder, Frame};
use belvedere_core::request::Request;
use belvedere_core::usage::{Class, Reported, Usage};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::wire;
use super::{Backend, usage};
use crate::fault::{self, Head};
use crate::lax::Object;

/// The body of a request for embeddings. Fields of the request's `extra` go to each text (`taskType`, `title`), on
/// Vertex AI those that are not a text's own (`autoTruncate`) to the parameters.
pub(super) fn body(backend: &Backend, model: &str, request: &Request) -> Value {
    // A name with a dot holds what one wire's own side has to remember.
    let extra = || request.extra.iter().filter(|(key, _)| !key.contains('.'));
    let with = |mut map: Value, extra: &mut dyn Iterator<Item = (&String, &Value)>| {
        if let Value::Object(map) = &mut map {
            map.extend(extra.map(|(key, value)| (key.clone(), value.clone())));
        }
        map
    };
    match backend {
        Backend::AiStudio => {
            let requests = request.input.iter().map(|text| {
                let mut one = json!({"model": model, "content": {"parts": [{"text": text}]}});
                if let (Some(n), Value::Object(one)) = (request.dimensions, &mut one) {
                    one.insert("outputDimensionality".into(), n.into());
                }
                with(one, &mut extra())
            });
            json!({"requests": requests.collect::<Vec<_>>()})
        }
        Backend::Vertex { .. } => {
            let own = |key: &str| matches!(key, "task_type" | "taskType" | "title");
            let instances = request
                .input
                .iter()
                .map(|text| with(json!({"content": text}), &mut extra().filter(|(key, _)| own(key))));
            let mut body = json!({"instances": instances.collect::<Vec<_>>()});
            let mut parameters = Map::new();
            parameters.extend(request.dimensions.map(|n| ("outputDimensionality".to_owned(), n.into())));
            let further = extra().filter(|(key, _)| !own(key));
            parameters.extend(further.map(|(key, value)| (key.clone(), value.clone())));
            if let (false, Value::Object(body)) = (parameters.is_empty(), &mut body) {
                body.insert("parameters".into(), parameters.into());
            }
            body
        }
    }
}

/// Reads embeddings of either form.
#[derive(Debug)]
pub(super) struct Embeddings(pub(super) Head);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    embeddings: Option<Vec<Vector>>,
    embedding: Option<Vector>,
    predictions: Option<Vec<Prediction>>,
    #[serde(default)]
    usage_metadata: Object<Map<String, Value>>,
    #[serde(default)]
    metadata: Object<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f64>,
    #[serde(default)]
    statistics: Object<Statistics>,
}

#[derive(Deserialize)]
struct Prediction {
    embeddings: Vector,
}

#[derive(Deserialize)]
struct Statistics {
    token_count: Option<Value>,
}

impl Decoder for Embeddings {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let fault = || fault::of_value(&self.0, &serde_json::from_str(&text).ok()?);
        let body: Body = match wire::read(&text, "the answer") {
            Ok(body) => body,
            Err(error) => return Err(fault().unwrap_or(error)),
        };
        let predictions = body.predictions.map(|list| list.into_iter().map(|p| p.embeddings).collect());
        let vectors = body.embeddings.or(predictions).or(body.embedding.map(|one| vec![one]));
        let Some(vectors) = vectors else {
            let none = || Error::new(ErrorKind::Malformed, "the answer has no embeddings");
            return Err(fault().unwrap_or_else(none));
        };
        out.push(Event::Start { id: None, model: None });
        let counts: Option<Vec<u64>> = vectors.iter().map(Vector::tokens).collect();
        out.extend(
            vectors
                .into_iter()
                .zip(0u32..)
                .map(|(vector, index)| Event::Embedding { index, vector: vector.values.into() }),
        );
        let usage = match (body.usage_metadata.0, counts) {
            (Some(metadata), _) => Some(usage::level(metadata)),
            (None, Some(counts)) if !counts.is_empty() => {
                Some(counted(counts.iter().sum(), body.metadata.0.unwrap_or_default()))
            }
            _ => None,
        };
        out.extend(usage.map(|usage| Event::Usage(Arc::new(usage))));
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body is empty"))
    }
}

impl Vector {
    /// The tokens of its text, which Vertex AI writes as a floating-point number.
    fn tokens(&self) -> Option<u64> {
        let count = self.statistics.0.as_ref()?.token_count.as_ref()?.as_f64()?;
        format!("{count:.0}").parse().ok()
    }
}

/// The usage that the statistics of each text add up to.
fn counted(tokens: u64, raw: Map<String, Value>) -> Usage {
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(tokens));
    let mut reported = Reported::default();
    reported.input_tokens = Some(tokens);
    usage.reported = Some(reported);
    usage.raw = raw;
    usage
}
