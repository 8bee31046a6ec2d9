//! Answers that come as one JSON object: a message, or the list of models.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, Model};
use belvedere_core::provider::{Decoder, Frame};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::wire::{self, Message};
use crate::fault::{self, Head};
use crate::lax::{self, Object};

/// Reads a whole message.
#[derive(Debug)]
pub(crate) struct Whole {
    head: Head,
    answer: Answer,
}

impl Whole {
    pub(crate) fn new(head: Head) -> Self {
        Whole { head, answer: Answer::default() }
    }
}

impl Decoder for Whole {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let text = lax::text_of(frame.data);
        let Object(message) = wire::read::<Object<Message<'_>>>(&text, "the answer")?;
        let message = message.unwrap_or_default();
        let kind = message.kind.get();
        if message.error.is_some() || kind == Some("error") {
            return Err(fault::of_body(&self.head, frame.data));
        }
        if kind != Some("message") && message.content.is_none() && message.stop_reason.is_none() {
            return Err(Error::new(ErrorKind::Malformed, "the answer is not a message"));
        }
        self.answer.start(Some(&message), out);
        let content = message.content.map(|raw| wire::read::<Vec<&RawValue>>(raw.get(), "the content"));
        for block in content.transpose()?.into_iter().flatten() {
            self.answer.open(None, block, out)?;
            self.answer.stop_block(None, out);
        }
        self.answer.stop(message.stop_reason.as_ref(), &message.stop_sequence);
        self.answer.usage(message.usage.0, out);
        self.answer.finish(out);
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(empty())
    }
}

/// Reads a list of models.
#[derive(Debug)]
pub(super) struct Models(pub(super) Head);

impl Decoder for Models {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        #[derive(Deserialize)]
        struct List {
            data: Option<Vec<Value>>,
        }
        let text = String::from_utf8_lossy(frame.data);
        let list: List = wire::read(&text, "the model list")?;
        let Some(models) = list.data else { return Err(fault::of_body(&self.0, frame.data)) };
        out.push(Event::Start { id: None, model: None });
        for raw in models {
            let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
            let Some(id) = text("id") else { continue };
            let mut model = Model::default();
            model.id = id;
            model.name = text("display_name");
            model.raw = raw;
            out.push(Event::Model(Box::new(model)));
        }
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(empty())
    }
}

fn empty() -> Error {
    Error::new(ErrorKind::Truncated, "the body ended before the answer was whole")
}
