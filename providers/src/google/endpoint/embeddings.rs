//! Embeddings: three methods that ask for the same in bodies of their own.

use std::sync::Arc;

use belvedere_core::completion::Completion;
use belvedere_core::error::Result;
use belvedere_core::message::Part;
use belvedere_core::request::{Operation, Request};
use belvedere_core::usage::Class;
use serde_json::{Map, Value, json};

use super::super::{WIRE, usage};
use super::Method;
use super::field::{self, inner};
use super::{parts, settings};
use crate::endpoint::{Fields, invalid};

/// The field of a request's `extra`, under the wire's name, that says which form its answer has. Several texts in one
/// body are the form that goes without saying.
const FORM: &str = "form";

/// Reads the body of one of the methods. What has no place in a request of ours is `extra`, the same for all texts.
///
/// # Errors
/// `InvalidRequest` naming the field.
pub(super) fn read(method: Method, mut body: Fields, request: &mut Request) -> Result<()> {
    request.operation = Operation::Embed;
    let mut parameters = Map::new();
    let texts = match method {
        Method::EmbedOne => vec![text_of(body)?],
        Method::Predict => {
            parameters = inner(&mut body, "parameters")?.map(Fields::rest).unwrap_or_default();
            let instances = body.list("instances")?.map(|(path, one)| instance(Fields::of(one, path)?));
            instances.collect::<Result<_>>()?
        }
        _ => {
            let requests = field::list(&mut body, "requests")?.into_iter();
            requests.map(|(path, one)| text_of(field::object(one, path)?)).collect::<Result<_>>()?
        }
    };
    let list = if method == Method::Predict { "instances" } else { "requests" };
    if texts.is_empty() {
        return Err(invalid(list, "is missing; texts to embed are needed"));
    }
    let extra = texts.first().map(|(_, own)| own.clone()).unwrap_or_default();
    if let Some(at) = texts.iter().position(|(_, own)| *own != extra) {
        return Err(invalid(&format!("{list}[{at}]"), "must ask for the same as the first one"));
    }
    request.input = Arc::new(texts.into_iter().map(|(text, _)| text).collect());
    parameters.extend(extra);
    let mut fields = Fields::of(parameters.into(), "")?;
    request.dimensions = field::read(&mut fields, "outputDimensionality", "a whole number", settings::small)?;
    request.extra = fields.rest();
    let form = match method {
        Method::EmbedOne => Some("one"),
        Method::Predict => Some("predictions"),
        _ => None,
    };
    request.extra.extend(form.map(|form| (WIRE.to_owned(), json!({ FORM: form }))));
    Ok(())
}

/// A text to embed, and what else is asked of it. Vertex AI has that in an object of its own.
fn text_of(mut fields: Fields) -> Result<(String, Map<String, Value>)> {
    let mut content = inner(&mut fields, "content")?
        .ok_or_else(|| fields.fault("content", "is missing; an object is needed"))?;
    let mut text = String::new();
    for (path, part) in field::list(&mut content, "parts")? {
        match parts::read((path.clone(), part))? {
            Part::Text { text: more, .. } => text.push_str(&more),
            _ => return Err(invalid(&path, "must be text")),
        }
    }
    // AI Studio takes the model in the body, too; the path has told it.
    fields.value("model");
    let mut own = inner(&mut fields, "embedContentConfig")?.map(Fields::rest).unwrap_or_default();
    own.extend(fields.rest());
    Ok((text, own))
}

fn instance(mut fields: Fields) -> Result<(String, Map<String, Value>)> {
    let text = fields.need_text("content")?;
    Ok((text, fields.rest()))
}

/// The answer, in the form of the method that asked.
pub(super) fn whole(request: &Request, answer: &Completion) -> Value {
    let mut vectors = answer.embeddings.iter().map(|one| json!({ "values": &*one.vector }));
    let counts = answer.usage.as_deref();
    let form = request.extra.get(WIRE).and_then(|own| own.get(FORM)).and_then(Value::as_str);
    let mut body = match form {
        Some("predictions") => {
            // A count is told for each text; only of a single one is it known.
            let count = counts.and_then(|usage| usage.get(&Class::Input));
            let count = count.filter(|_| answer.embeddings.len() == 1);
            let predictions = vectors.map(|mut vector| {
                if let (Some(count), Value::Object(vector)) = (count, &mut vector) {
                    vector.insert("statistics".into(), json!({"token_count": count, "truncated": false}));
                }
                json!({ "embeddings": vector })
            });
            return json!({ "predictions": predictions.collect::<Vec<_>>() });
        }
        Some("one") => json!({ "embedding": vectors.next() }),
        _ => json!({ "embeddings": vectors.collect::<Vec<_>>() }),
    };
    if let (Some(counts), Value::Object(body)) = (counts, &mut body) {
        body.insert("usageMetadata".into(), usage::write(counts).into());
    }
    body
}
