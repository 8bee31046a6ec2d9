//! Reads embeddings.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish};
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;

use super::answer::{broken_body, filled};
use super::hosts::Vectors;
use super::usage;
use super::wire::Raw;
use crate::fault;
use crate::lax::{Int, Text};

/// Reads an answer of embeddings, which is one frame: OpenAI's shape, or Google's batch.
pub(crate) struct Embeddings {
    head: fault::Head,
    vectors: Vectors,
    over: bool,
}

impl Embeddings {
    pub(crate) fn new(head: fault::Head, vectors: Vectors) -> Self {
        Embeddings { head, vectors, over: false }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Body<'a> {
    id: Text<'a>,
    model: Text<'a>,
    /// OpenAI's list.
    data: Option<Vec<Row<'a>>>,
    /// Google's list.
    embeddings: Option<Vec<Values>>,
    usage: Raw<'a>,
    #[serde(rename = "usageMetadata")]
    metadata: Raw<'a>,
    error: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Row<'a> {
    #[serde(default)]
    index: Int,
    embedding: Vector<'a>,
}

#[derive(Deserialize)]
struct Values {
    values: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(untagged, bound(deserialize = "'de: 'a"))]
enum Vector<'a> {
    Numbers(Vec<f64>),
    Base64(Text<'a>),
}

impl Vector<'_> {
    fn read(self, vectors: Vectors) -> Result<Arc<[f64]>> {
        let text = match self {
            Vector::Numbers(numbers) => return Ok(numbers.into()),
            Vector::Base64(text) => text,
        };
        let wrong = || Error::new(ErrorKind::Malformed, "an embedding is neither numbers nor base64 of them");
        let bytes = STANDARD.decode(&*text.0).map_err(|_| wrong())?;
        if bytes.is_empty() {
            return Err(wrong());
        }
        match vectors {
            Vectors::Bytes => Ok(bytes.iter().map(|byte| f64::from(byte.cast_signed())).collect()),
            Vectors::Floats => {
                let (floats, []) = bytes.as_chunks::<4>() else { return Err(wrong()) };
                Ok(floats.iter().map(|float| f64::from(f32::from_le_bytes(*float))).collect())
            }
        }
    }
}

impl Embeddings {
    fn body(&self, data: &[u8], out: &mut Vec<Event>) -> Result<()> {
        let body: Body<'_> = match serde_json::from_slice(data) {
            Ok(body) => body,
            Err(error) => return Err(self.fault(data).unwrap_or_else(|| broken_body(&error))),
        };
        if filled(body.error).is_some() {
            return Err(fault::of_body(&self.head, data));
        }
        let text = |text: &Text<'_>| text.get().map(SmolStr::new);
        let start = Event::Start { id: text(&body.id), model: text(&body.model) };
        let vectors: Vec<(Option<u32>, Arc<[f64]>)> = match (body.data, body.embeddings) {
            (Some(rows), _) => rows
                .into_iter()
                .map(|row| Ok((row.index.0, row.embedding.read(self.vectors)?)))
                .collect::<Result<_>>()?,
            (None, Some(rows)) => rows.into_iter().map(|row| (None, row.values.into())).collect(),
            (None, None) => {
                let none = || Error::new(ErrorKind::Malformed, "the answer has no embeddings");
                return Err(self.fault(data).unwrap_or_else(none));
            }
        };
        let mut told: Vec<_> = vectors.iter().filter_map(|(index, _)| *index).collect();
        told.sort_unstable();
        // Some servers give every vector the same index.
        let is_told = told.is_sorted_by(|one, next| one < next);
        out.push(start);
        out.extend(vectors.into_iter().zip(0u32..).map(|((index, vector), position)| Event::Embedding {
            index: index.filter(|_| is_told).unwrap_or(position),
            vector,
        }));
        let counters = filled(body.usage).or_else(|| filled(body.metadata));
        let usage = counters.and_then(|raw| serde_json::from_str(raw).ok()).and_then(usage::of_embeddings);
        out.extend(usage.map(|usage| Event::Usage(Arc::new(usage))));
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn fault(&self, data: &[u8]) -> Option<Error> {
        fault::of_value(&self.head, &serde_json::from_slice(data).ok()?)
    }
}

impl Decoder for Embeddings {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        if self.over || data.is_empty() {
            return Ok(());
        }
        self.over = true;
        self.body(data, out)
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        match self.over {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Truncated, "the body is empty")),
        }
    }
}
