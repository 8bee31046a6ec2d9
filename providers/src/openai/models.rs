//! Reads model lists.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, Model};
use belvedere_core::provider::{Decoder, Frame};
use serde_json::Value;

use super::answer::broken_body;
use crate::fault;

/// Reads a list of models, which is one frame: `{data: [...]}`, `{models: [...]}`, or the bare list (Together).
pub(crate) struct Models {
    head: fault::Head,
    over: bool,
}

impl Models {
    pub(crate) fn new(head: fault::Head) -> Self {
        Models { head, over: false }
    }

    fn body(&self, data: &[u8], out: &mut Vec<Event>) -> Result<()> {
        let mut body: Value = serde_json::from_slice(data).map_err(|error| broken_body(&error))?;
        if let Some(error) = fault::of_value(&self.head, &body) {
            return Err(error);
        }
        let list = match &mut body {
            Value::Array(list) => Some(std::mem::take(list)),
            Value::Object(map) => ["data", "models"].into_iter().find_map(|key| match map.get_mut(key) {
                Some(Value::Array(list)) => Some(std::mem::take(list)),
                _ => None,
            }),
            _ => None,
        };
        let list =
            list.ok_or_else(|| Error::new(ErrorKind::Malformed, "the answer has no list of models"))?;
        out.push(Event::Start { id: None, model: None });
        out.extend(list.into_iter().filter_map(model).map(|model| Event::Model(Box::new(model))));
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }
}

/// A model; `None` when it has no name to ask for.
fn model(raw: Value) -> Option<Model> {
    let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut model = Model::default();
    model.name = text("display_name").or_else(|| text("name"));
    model.id = text("id").or_else(|| text("model")).or_else(|| model.name.clone())?;
    model.raw = raw;
    Some(model)
}

impl Decoder for Models {
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
