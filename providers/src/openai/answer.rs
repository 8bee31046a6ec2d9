//! An answer as it grows: what chunks of a stream and a whole body have in common.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, Result};
use belvedere_core::event::{Event, Finish};
use serde_json::value::RawValue;

use super::choice::{Choice, Form};
use super::usage;
use super::wire::{self, Chunk};
use crate::incoming;

/// What is known of an answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The media type of sound in the answer; empty when it is unknown.
    mime: SmolStr,
    id: Option<SmolStr>,
    model: Option<SmolStr>,
    started: bool,
    choices: Vec<Choice>,
    /// The latest usage object, as text: servers that repeat it in every chunk cost no second reading.
    usage: String,
    search_results: String,
    citations: String,
    prompt_filters: String,
}

impl Answer {
    /// An answer whose sound, if any, has this media type.
    pub(crate) fn new(mime: SmolStr) -> Self {
        Answer { mime, ..Answer::default() }
    }

    /// Takes a chunk in; errors inside it were looked for before.
    ///
    /// # Errors
    /// `Malformed` when a piece belongs nowhere.
    pub(crate) fn take(&mut self, chunk: &Chunk<'_>, form: Form, out: &mut Vec<Event>) -> Result<()> {
        let choices = chunk.choices.as_ref().map(|list| list.0.as_slice()).unwrap_or_default();
        let usage = counters(chunk, choices);
        self.start(chunk, !choices.is_empty() || usage.is_some(), out);
        for (held, new) in [
            (&mut self.search_results, chunk.search_results),
            (&mut self.citations, chunk.citations),
            (&mut self.prompt_filters, chunk.prompt_filter_results),
        ] {
            if let Some(new) = new.map(RawValue::get).filter(|new| new != held) {
                new.clone_into(held);
            }
        }
        for (position, choice) in choices.iter().enumerate() {
            let index = match form {
                Form::Pieces => 0,
                Form::Whole => u32::try_from(position).unwrap_or_default(),
            };
            let index = choice.index.0.unwrap_or(index);
            let at = self.position(index);
            if let Some(state) = self.choices.get_mut(at) {
                state.take(choice, form, &self.mime, out)?;
            }
        }
        if let Some(raw) = usage.filter(|raw| *raw != self.usage) {
            if form == Form::Pieces {
                raw.clone_into(&mut self.usage);
            }
            let read = serde_json::from_str(raw).ok().and_then(usage::read);
            out.extend(read.map(|usage| Event::Usage(Arc::new(usage))));
        }
        Ok(())
    }

    /// `Start` comes with the first chunk that says something: Azure's and Copilot's very first one has no id.
    fn start(&mut self, chunk: &Chunk<'_>, speaks: bool, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.id = self.id.take().or_else(|| chunk.id.get().map(SmolStr::new));
        self.model = self.model.take().or_else(|| chunk.model.get().map(SmolStr::new));
        if speaks {
            self.started = true;
            out.push(Event::Start { id: self.id.take(), model: self.model.take() });
        }
    }

    fn position(&mut self, index: u32) -> usize {
        match self.choices.binary_search_by_key(&index, |choice| choice.index) {
            Ok(at) => at,
            Err(at) => {
                if self.choices.is_empty() {
                    self.choices.reserve_exact(1);
                }
                self.choices.insert(at, Choice::new(index));
                at
            }
        }
    }

    /// True when there is a choice and each has told its end.
    pub(crate) fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some())
    }

    /// True when no choice has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Closes every part and gives each choice its `Finish`.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        let first = self.choices.first().map(|choice| choice.index).unwrap_or_default();
        super::sources::searched(first, &self.search_results, &self.citations, out);
        if let Some(choice) = self.choices.first_mut() {
            choice.filters.add_prompt(&self.prompt_filters);
        }
        self.choices.iter_mut().for_each(|choice| choice.end(out));
        out.extend(self.choices.drain(..).map(|choice| Event::Finish {
            choice: choice.index,
            finish: choice.finish.unwrap_or_else(Finish::default),
        }));
    }
}

/// The usage object, wherever the server has it.
fn counters<'a>(chunk: &Chunk<'a>, choices: &[wire::Choice<'a>]) -> Option<&'a str> {
    let groq = chunk.x_groq.0.as_ref().and_then(|groq| groq.usage);
    [chunk.usage, groq].into_iter().chain(choices.iter().map(|choice| choice.usage)).find_map(filled)
}

/// A raw value that is neither null nor empty.
pub(crate) fn filled(raw: wire::Raw<'_>) -> Option<&str> {
    let text = raw?.get();
    let inner = text.trim_start_matches(['{', '[', '"']).trim_end_matches(['}', ']', '"']);
    let empty = inner.trim().is_empty() || matches!(text, "null" | "false" | "0");
    (!empty).then_some(text)
}

/// True when a chunk carries an error object, whatever else is in it.
pub(crate) fn has_error(chunk: &Chunk<'_>) -> bool {
    let groq = chunk.x_groq.0.as_ref().and_then(|groq| groq.error);
    let choices = chunk.choices.iter().flat_map(|list| &list.0).map(|choice| choice.error);
    [chunk.error, groq].into_iter().chain(choices).any(|raw| filled(raw).is_some())
}

/// The error of a frame that is not JSON.
pub(crate) fn broken_frame(error: &serde_json::Error) -> Error {
    incoming::malformed("a frame", error)
}

/// The error of a whole body that is not JSON, or not all of it.
pub(crate) fn broken_body(error: &serde_json::Error) -> Error {
    incoming::broken("the body", error)
}
