//! A whole answer: the fold of its events, and their unfold.

mod run;
mod unfold;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::context::Attempt;
use crate::event::{Event, Finish, FinishReason, Model, Notice, Source};
use crate::events::{EndKind, Events};
use crate::message::{MediaSource, Message, Part, Role, ToolBy};
use crate::usage::Usage;
use run::Kind;
pub(crate) use run::Run;
pub(crate) use unfold::{unfold, unfold_open};

/// A whole answer. `collect(into_events(c)) == c` for every answer that was folded from events.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Completion {
    /// The provider's id of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<SmolStr>,
    /// The model that answered, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<SmolStr>,
    /// The answers, by index; one unless more were asked for.
    pub choices: Vec<Choice>,
    /// The vectors of an embedding request, by index.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub embeddings: Vec<Embedding>,
    /// The models of a list request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Model>,
    /// What it used; `None` when the provider did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Arc<Usage>>,
    /// What the pipeline did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// The attempts it took, each with what it used and how it ended. A client's answers have it; it is no part of
    /// the answer itself, and its unfold leaves it out.
    #[serde(skip_serializing_if = "is_plain")]
    pub attempts: Vec<Attempt>,
    /// The frames of the wire, when `Options::raw` asked for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raw: Vec<RawFrame>,
}

/// Answers are equal when they say the same, whatever attempts they took.
impl PartialEq for Completion {
    fn eq(&self, other: &Self) -> bool {
        let Completion { id, model, choices, embeddings, models, usage, notices, attempts: _, raw } = self;
        (id, model, choices, embeddings) == (&other.id, &other.model, &other.choices, &other.embeddings)
            && (models, usage, notices, raw) == (&other.models, &other.usage, &other.notices, &other.raw)
    }
}

/// One attempt that answered says nothing that the answer does not.
fn is_plain(attempts: &[Attempt]) -> bool {
    attempts.len() < 2 && attempts.iter().all(|attempt| attempt.end == Some(EndKind::Finished))
}

/// One answer of a completion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Choice {
    /// Its index.
    pub index: u32,
    /// What it says, in order.
    pub parts: Vec<Part>,
    /// What it cites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Log probabilities as the provider gave them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logprobs: Vec<Value>,
    /// Why it ended; `None` while it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
}

/// One embedding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// The index of the input it belongs to.
    pub index: u32,
    /// The vector.
    pub vector: Arc<[f64]>,
}

/// A frame of the wire as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawFrame {
    /// The event name it carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<SmolStr>,
    /// Its payload; base64 in JSON.
    #[serde(with = "crate::message::base64_bytes")]
    pub data: Bytes,
}

/// A tool call of an answer, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolCall<'a> {
    /// The call's id.
    pub id: &'a str,
    /// The tool's name.
    pub name: &'a str,
    /// The arguments as JSON text; see [`arguments`](crate::message::arguments).
    pub input: &'a str,
}

impl Completion {
    /// An answer of one text, finished with `stop`.
    pub fn of_text(text: impl Into<String>) -> Self {
        let finish = Finish { reason: Some(FinishReason::Stop), ..Finish::default() };
        let choice = Choice { parts: vec![Part::text(text)], finish: Some(finish), ..Choice::default() };
        Completion { choices: vec![choice], ..Completion::default() }
    }

    fn first(&self) -> impl Iterator<Item = &Part> {
        self.choices.first().into_iter().flat_map(|c| &c.parts)
    }

    /// The visible text of the first choice, parts joined with nothing between.
    pub fn text(&self) -> String {
        self.first().filter_map(Part::as_text).collect()
    }

    /// The thinking of the first choice; `None` when there is none.
    pub fn reasoning(&self) -> Option<String> {
        joined(self.first(), |p| match p {
            Part::Reasoning { text, .. } => Some(text),
            _ => None,
        })
    }

    /// The words in which the first choice declines; `None` when it does not.
    pub fn refusal(&self) -> Option<String> {
        joined(self.first(), |p| match p {
            Part::Refusal { text } => Some(text),
            _ => None,
        })
    }

    /// The calls of the first choice that the client has to run.
    pub fn tool_calls(&self) -> impl Iterator<Item = ToolCall<'_>> {
        self.first().filter_map(|p| match p {
            Part::ToolCall { id, name, input, by: ToolBy::Client, .. } => Some(ToolCall { id, name, input }),
            _ => None,
        })
    }

    /// Why the first choice ended.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.choices.first()?.finish.as_ref()?.reason
    }

    /// The first choice as a message to carry on with.
    pub fn message(&self) -> Message {
        Message::new(Role::Assistant, self.first().cloned().collect())
    }

    /// The events of this answer, as a stream that is already complete.
    pub fn into_events(self) -> Events {
        Events::from_events(unfold(self))
    }
}

fn joined<'a>(
    parts: impl Iterator<Item = &'a Part>,
    text: impl Fn(&'a Part) -> Option<&'a String>,
) -> Option<String> {
    parts.filter_map(text).fold(None, |all: Option<String>, text| {
        let mut all = all.unwrap_or_default();
        all.push_str(text);
        Some(all)
    })
}

/// Folds events into an answer, one at a time. What it holds at any moment is the partial answer.
#[derive(Debug, Default)]
pub struct Fold {
    completion: Completion,
    /// For each choice of `completion.choices`: the wire's part numbers, by position.
    numbers: Vec<Vec<u32>>,
    /// The parts that have begun and not ended, in the order they began.
    open: Vec<OpenPart>,
    started: bool,
}

/// A part of a partial answer that has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OpenPart {
    /// The index of its choice.
    pub choice: u32,
    /// Its number in the events.
    pub part: u32,
    /// Its place among the parts of its choice.
    pub at: usize,
}

impl Fold {
    /// Takes one event in. Deltas of a part append; usage replaces; a restart voids everything since `Start`.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Start { id, model } => {
                self.started = true;
                self.completion.id.clone_from(id);
                self.completion.model.clone_from(model);
            }
            Event::Text { .. }
            | Event::Reasoning { .. }
            | Event::Refusal { .. }
            | Event::ToolInput { .. } => {
                if let Some((run, delta)) = Run::of(event) {
                    self.append(run, delta);
                }
            }
            Event::Signature { choice, part, delta, wire: of } => {
                if let Some(Part::Reasoning { signature, wire, .. }) =
                    self.part(*choice, *part, || Part::reasoning(""))
                {
                    wire.clone_from(of);
                    signature.get_or_insert_default().push_str(delta);
                }
            }
            Event::ToolStart { choice, part, id, name, by } => {
                let call = Part::ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    input: String::new(),
                    by: *by,
                    extra: Map::new(),
                };
                self.part(*choice, *part, || call);
            }
            Event::Media { choice, part, media } => self.media(*choice, *part, media),
            Event::Opaque { choice, part, kind, data, wire } => {
                self.part(*choice, *part, || Part::opaque(wire.clone(), kind.clone(), (**data).clone()));
            }
            Event::Extra { choice, part, extra } => self.extra(*choice, *part, extra),
            Event::Source { choice, source } => self.choice(*choice).sources.push((**source).clone()),
            Event::Logprobs { choice, data } => self.choice(*choice).logprobs.push((**data).clone()),
            Event::PartEnd { choice, part } => {
                self.open.retain(|open| (open.choice, open.part) != (*choice, *part));
            }
            Event::Usage(usage) => self.completion.usage = Some(usage.clone()),
            Event::Embedding { index, vector } => {
                let list = &mut self.completion.embeddings;
                let at = list.partition_point(|other| other.index <= *index);
                list.insert(at, Embedding { index: *index, vector: vector.clone() });
            }
            Event::Model(model) => self.completion.models.push((**model).clone()),
            Event::Notice(notice) => {
                if matches!(notice, Notice::Restart { .. }) {
                    self.numbers.clear();
                    self.open.clear();
                    self.started = false;
                    let notices = std::mem::take(&mut self.completion.notices);
                    let raw = std::mem::take(&mut self.completion.raw);
                    self.completion = Completion { notices, raw, ..Completion::default() };
                }
                self.completion.notices.push(notice.clone());
            }
            Event::Raw { name, data } => {
                self.completion.raw.push(RawFrame { name: name.clone(), data: data.clone() });
            }
            Event::Finish { choice, finish } => self.choice(*choice).finish = Some(finish.clone()),
        }
    }

    /// The answer as far as it is known.
    pub fn into_completion(self) -> Completion {
        self.completion
    }

    /// The answer as far as it is known.
    pub fn completion(&self) -> &Completion {
        &self.completion
    }

    /// The parts that have begun and not ended, in the order they began.
    pub fn open(&self) -> &[OpenPart] {
        &self.open
    }

    /// Whether the provider has begun to answer.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// The number of the part at this place of a choice.
    pub fn number(&self, choice: u32, at: usize) -> Option<u32> {
        let of = self.completion.choices.binary_search_by_key(&choice, |c| c.index).ok()?;
        self.numbers.get(of)?.get(at).copied()
    }

    fn position(&mut self, choice: u32) -> usize {
        match self.completion.choices.binary_search_by_key(&choice, |c| c.index) {
            Ok(at) => at,
            Err(at) => {
                if self.numbers.is_empty() {
                    // Most answers have one choice: there is no room for more until they come.
                    self.completion.choices.reserve_exact(1);
                    self.numbers.reserve_exact(1);
                }
                self.completion.choices.insert(at, Choice { index: choice, ..Choice::default() });
                self.numbers.insert(at, Vec::new());
                at
            }
        }
    }

    fn choice(&mut self, choice: u32) -> &mut Choice {
        let at = self.position(choice);
        #[expect(clippy::indexing_slicing, reason = "`position` has just found or made it")]
        &mut self.completion.choices[at]
    }

    /// The part with this number, made by `new` when there is none yet. The latest is looked at first.
    fn part(&mut self, choice: u32, number: u32, new: impl FnOnce() -> Part) -> Option<&mut Part> {
        let at = self.position(choice);
        let numbers = self.numbers.get_mut(at)?;
        let parts = &mut self.completion.choices.get_mut(at)?.parts;
        match numbers.iter().rposition(|n| *n == number) {
            Some(found) => parts.get_mut(found),
            None => {
                self.open.push(OpenPart { choice, part: number, at: parts.len() });
                numbers.push(number);
                if parts.is_empty() {
                    parts.reserve_exact(1);
                }
                parts.push(new());
                parts.last_mut()
            }
        }
    }

    /// Appends to a part, which begins with it where there is none yet.
    pub(crate) fn append(&mut self, run: Run, more: &str) {
        let part = self.part(run.choice, run.part, || match run.kind {
            Kind::Text => Part::text(""),
            Kind::Reasoning => Part::reasoning(""),
            Kind::Refusal => Part::Refusal { text: String::new() },
            Kind::ToolInput => Part::opaque("", "", Value::Null),
        });
        match (run.kind, part) {
            (Kind::Text, Some(Part::Text { text, .. }))
            | (Kind::Reasoning, Some(Part::Reasoning { text, .. }))
            | (Kind::Refusal, Some(Part::Refusal { text }))
            | (Kind::ToolInput, Some(Part::ToolCall { input: text, .. })) => text.push_str(more),
            _ => {}
        }
    }

    /// Joins further fields to a part that is there.
    fn extra(&mut self, choice: u32, number: u32, more: &Map<String, Value>) {
        let fields = match self.part(choice, number, || Part::text("")) {
            Some(Part::Text { extra, .. } | Part::Reasoning { extra, .. } | Part::ToolCall { extra, .. }) => {
                extra
            }
            Some(Part::Media(media)) => &mut media.extra,
            _ => return,
        };
        fields.extend(more.clone());
    }

    fn media(&mut self, choice: u32, number: u32, media: &crate::message::Media) {
        let mut fresh = false;
        let part = self.part(choice, number, || {
            fresh = true;
            Part::Media(media.clone())
        });
        if fresh {
            return;
        }
        let Some(Part::Media(old)) = part else { return };
        if let (MediaSource::Data { data: all, .. }, MediaSource::Data { data: new, .. }) =
            (&mut old.source, &media.source)
        {
            let mut joined = BytesMut::with_capacity(all.len() + new.len());
            joined.extend_from_slice(all);
            joined.extend_from_slice(new);
            *all = joined.freeze();
        }
    }
}

#[cfg(test)]
#[path = "completion_tests.rs"]
mod tests;
