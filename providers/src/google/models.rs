//! Model lists, <https://ai.google.dev/api/models> and Vertex AI's `publishers.models`.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, Model};
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::Value;

use super::wire;
use crate::fault::{self, Head};

/// Reads a list of models.
#[derive(Debug)]
pub(super) struct Models(pub(super) Head);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    models: Option<Vec<Value>>,
    publisher_models: Option<Vec<Value>>,
}

impl Decoder for Models {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = String::from_utf8_lossy(frame.data);
        let value: Value = wire::read(&text, "the model list")?;
        if let Some(error) = fault::of_value(&self.0, &value) {
            return Err(error);
        }
        // A list without models is `{}`.
        let page: Page = wire::read(&text, "the model list")?;
        out.push(Event::Start { id: None, model: None });
        for raw in page.models.or(page.publisher_models).unwrap_or_default() {
            let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
            let Some(name) = text("name") else { continue };
            let mut model = Model::default();
            // `models/x` and `publishers/google/models/x` are asked for as `x`; a tuned model by its whole name.
            model.id = match name.rsplit_once("models/") {
                Some((before, id)) if before.is_empty() || before.ends_with('/') => id.to_owned(),
                _ => name,
            };
            model.name = text("displayName");
            model.raw = raw;
            out.push(Event::Model(Box::new(model)));
        }
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the body ended before the list was whole"))
    }
}
