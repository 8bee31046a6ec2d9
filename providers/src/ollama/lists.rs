//! Reads embeddings and model lists, which are one body each.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, Model};
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::Value;

use super::usage;
use super::wire::broken;
use crate::fault::{self, Head};
use crate::lax::Text;

/// Reads an answer of embeddings.
#[derive(Debug)]
pub(super) struct Embeddings {
    head: Head,
}

impl Embeddings {
    pub(super) fn new(head: Head) -> Self {
        Embeddings { head }
    }
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Vectors<'a> {
    #[serde(default)]
    model: Text<'a>,
    embeddings: Vec<Vec<f64>>,
}

impl Decoder for Embeddings {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let body: Vectors<'_> = read(&self.head, &text)?;
        out.push(Event::Start { id: None, model: body.model.get().map(SmolStr::from) });
        let vectors = body.embeddings.into_iter().zip(0u32..);
        out.extend(vectors.map(|(vector, index)| Event::Embedding { index, vector: vector.into() }));
        out.extend(usage::of(&text).map(|usage| Event::Usage(Arc::new(usage))));
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body is empty"))
    }
}

/// Reads the models at hand.
#[derive(Debug)]
pub(super) struct Models {
    head: Head,
}

impl Models {
    pub(super) fn new(head: Head) -> Self {
        Models { head }
    }
}

impl Decoder for Models {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        #[derive(Deserialize)]
        struct List {
            models: Vec<Value>,
        }
        let text = String::from_utf8_lossy(frame.data);
        let list: List = read(&self.head, &text)?;
        out.push(Event::Start { id: None, model: None });
        out.extend(list.models.into_iter().filter_map(model).map(|model| Event::Model(Box::new(model))));
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body is empty"))
    }
}

/// A model; `None` when it has no name to ask for.
fn model(raw: Value) -> Option<Model> {
    let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut model = Model::default();
    model.name = text("name");
    model.id = text("model").or_else(|| model.name.clone())?;
    model.raw = raw;
    Some(model)
}

/// Reads a body.
///
/// # Errors
/// The error it stands for, or what is wrong with it.
fn read<'a, T: Deserialize<'a>>(head: &Head, text: &'a str) -> Result<T> {
    let said = || fault::of_value(head, &serde_json::from_str(text).ok()?);
    serde_json::from_str(text).map_err(|error| said().unwrap_or_else(|| broken(text, &error)))
}
