//! An answer as it grows: what the frames of a stream and a whole body have in common.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::event::{Event, Finish, FinishReason};
use belvedere_core::usage::{Class, Usage};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::choice::{Choice, Form};
use super::wire::Frame;
use super::{finish, usage};

/// What is known of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    form: Form,
    started: bool,
    choices: Vec<Choice>,
    /// Why the prompt was not answered.
    blocked: Option<SmolStr>,
    /// The latest counts as they came. A stream repeats them in every frame: they are read in the first frame, for
    /// the prompt's, and at the end.
    counts: String,
    counted: bool,
}

impl Answer {
    pub(super) fn new(form: Form) -> Self {
        Answer {
            form,
            started: false,
            choices: Vec::new(),
            blocked: None,
            counts: String::new(),
            counted: false,
        }
    }

    /// Takes a frame in; errors inside it were looked for before. `text` is the frame.
    ///
    /// # Errors
    /// `Malformed` when a piece belongs nowhere.
    pub(super) fn take(&mut self, frame: &Frame<'_>, text: &str, out: &mut Vec<Event>) -> Result<()> {
        if !self.started {
            self.started = true;
            let word = |text: Option<&str>| text.map(SmolStr::new);
            out.push(Event::Start {
                id: word(frame.response_id.get()),
                model: word(frame.model_version.get()),
            });
        }
        let candidates = frame.candidates.as_ref().map(|list| list.0.as_slice()).unwrap_or_default();
        for (position, candidate) in candidates.iter().enumerate() {
            let index = candidate.index.0.or_else(|| u32::try_from(position).ok()).unwrap_or_default();
            let at = self.position(index);
            if let Some(choice) = self.choices.get_mut(at) {
                choice.take(candidate, |part| as_object(text, position, part), out)?;
            }
        }
        let feedback = frame.prompt_feedback.0.as_ref();
        self.blocked = finish::word(feedback.and_then(|f| f.block_reason)).or_else(|| self.blocked.take());
        self.count(frame.usage_metadata, out);
        Ok(())
    }

    fn position(&mut self, index: u32) -> usize {
        match self.choices.binary_search_by_key(&index, |choice| choice.index) {
            Ok(at) => at,
            Err(at) => {
                self.choices.insert(at, Choice::new(index, self.form));
                at
            }
        }
    }

    /// Keeps the latest counts. Metadata without any takes none away.
    fn count(&mut self, counts: Option<&RawValue>, out: &mut Vec<Event>) {
        let Some(counts) = counts.map(RawValue::get).filter(|counts| counts.starts_with('{')) else { return };
        let tells = |counts: &str| counts.contains("TokenCount\"");
        if !tells(counts) && tells(&self.counts) {
            return;
        }
        counts.clone_into(&mut self.counts);
        if self.form == Form::Pieces && !self.counted && tells(counts) {
            self.counted = true;
            out.extend(self.usage());
        }
    }

    fn usage(&self) -> Option<Event> {
        let searches = self.choices.iter().fold(0u64, |sum, choice| sum.saturating_add(choice.searches));
        let counts = serde_json::from_str::<Map<String, Value>>(&self.counts).ok();
        let mut usage = match counts {
            Some(counts) if !counts.is_empty() => usage::level(counts),
            _ if searches == 0 => return None,
            _ => Usage::default(),
        };
        usage.set(Class::WebSearchCalls, Some(searches).filter(|n| *n > 0));
        Some(Event::Usage(Arc::new(usage)))
    }

    /// True when the prompt was blocked, or there is a candidate and each has told its end.
    pub(super) fn is_finished(&self) -> bool {
        let each = self.choices.iter().all(|choice| choice.finish.is_some());
        each && (self.blocked.is_some() || !self.choices.is_empty())
    }

    /// True once something of the answer was received.
    pub(super) fn has_begun(&self) -> bool {
        !self.choices.is_empty()
    }

    /// Closes every part and gives each choice its `Finish`. An answer without any candidate has one choice, which
    /// says why: the prompt was blocked, or nothing.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        self.choices.iter_mut().for_each(|choice| choice.end(out));
        out.extend(self.usage());
        if self.choices.is_empty() {
            let raw = self.blocked.take();
            let reason = raw.is_some().then_some(FinishReason::ContentFilter);
            out.push(Event::Finish { choice: 0, finish: Finish { reason, raw, stop_sequence: None } });
        }
        out.extend(
            self.choices
                .drain(..)
                .map(|choice| Event::Finish { choice: choice.index, finish: choice.into_finish() }),
        );
    }
}

/// A part of a frame as an object: the frame is read again, which only parts of a rare kind cost.
fn as_object(frame: &str, candidate: usize, part: usize) -> Option<Map<String, Value>> {
    let mut frame: Value = serde_json::from_str(frame).ok()?;
    let list = frame.get_mut("candidates")?.as_array_mut()?;
    let candidate = list.iter_mut().filter(|item| item.is_object()).nth(candidate)?;
    let parts = candidate.get_mut("content")?.get_mut("parts")?.as_array_mut()?;
    match parts.iter_mut().filter(|item| item.is_object()).nth(part)?.take() {
        Value::Object(part) => Some(part),
        _ => None,
    }
}
