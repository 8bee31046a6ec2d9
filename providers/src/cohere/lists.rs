//! Reads embeddings and the list of models, which are one body each.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, Model};
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::usage;
use super::wire::{Raw, read};
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
struct Body<'a> {
    #[serde(default)]
    id: Text<'a>,
    embeddings: &'a RawValue,
    #[serde(default)]
    meta: Raw<'a>,
}

/// The vectors in each form that was asked for.
#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Named<'a> {
    float: Option<Vec<Vec<f64>>>,
    base64: Option<Vec<Text<'a>>>,
    int8: Option<Vec<Vec<f64>>>,
    uint8: Option<Vec<Vec<f64>>>,
    binary: Option<Vec<Vec<f64>>>,
    ubinary: Option<Vec<Vec<f64>>>,
}

impl Named<'_> {
    /// The vectors in the most exact form there is; bits stay packed as they came.
    fn vectors(self) -> Option<Vec<Vec<f64>>> {
        let packed = || self.base64?.iter().map(|text| unpacked(&text.0)).collect();
        let bytes = || self.int8.or(self.uint8).or(self.binary).or(self.ubinary);
        self.float.or_else(packed).or_else(bytes)
    }
}

/// The vectors of an answer: bare, or in each form that was asked for.
fn vectors(embeddings: &RawValue) -> Option<Vec<Vec<f64>>> {
    match embeddings.get() {
        list if list.starts_with('[') => serde_json::from_str(list).ok(),
        forms => serde_json::from_str::<Named<'_>>(forms).ok()?.vectors(),
    }
}

/// The numbers whose bytes, one after the other, a text is base64 of: 32 bits each, the lowest byte first.
fn unpacked(text: &str) -> Option<Vec<f64>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (floats, []) = bytes.as_chunks::<4>() else { return None };
    Some(floats.iter().map(|float| f64::from(f32::from_le_bytes(*float))).collect())
}

impl Decoder for Embeddings {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let body: Body<'_> = body(&self.head, &text, "the embeddings")?;
        let none = || Error::new(ErrorKind::Malformed, "the answer has no embeddings");
        let vectors = vectors(body.embeddings).ok_or_else(none)?;
        out.push(Event::Start { id: body.id.get().map(SmolStr::from), model: None });
        let vectors = vectors.into_iter().zip(0u32..);
        out.extend(vectors.map(|(vector, index)| Event::Embedding { index, vector: vector.into() }));
        let meta = body.meta.and_then(|raw| serde_json::from_str::<Map<String, Value>>(raw.get()).ok());
        let counters = meta.map(|mut meta| {
            meta.retain(|name, _| matches!(name.as_str(), "billed_units" | "tokens" | "cached_tokens"));
            meta
        });
        out.extend(counters.and_then(usage::read).map(|usage| Event::Usage(Arc::new(usage))));
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body is empty"))
    }
}

/// Reads the list of models.
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
        let list: List = body(&self.head, &text, "the list of models")?;
        out.push(Event::Start { id: None, model: None });
        for raw in list.models {
            let Some(name) = raw.get("name").and_then(Value::as_str) else { continue };
            let mut model = Model::default();
            model.id = name.to_owned();
            model.raw = raw;
            out.push(Event::Model(Box::new(model)));
        }
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body is empty"))
    }
}

/// Reads a body.
///
/// # Errors
/// The error it stands for, or what is wrong with it.
fn body<'a, T: Deserialize<'a>>(head: &Head, text: &'a str, what: &str) -> Result<T> {
    #[derive(Default, Deserialize)]
    struct Sentence {
        message: String,
    }
    read(text, what).map_err(|fault| {
        let said = || fault::of_value(head, &serde_json::from_str(text).ok()?);
        let is_sentence = serde_json::from_str::<Sentence>(text).is_ok_and(|said| !said.message.is_empty());
        said().or_else(|| is_sentence.then(|| fault::of_body(head, text.as_bytes()))).unwrap_or(fault)
    })
}
