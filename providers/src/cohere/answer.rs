//! The answer in the making: one place turns blocks into parts, whether they come whole or piece by piece.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish};
use belvedere_core::message::ToolBy;
use serde_json::{Map, Value, json};

use super::wire::{Block, Call, Kind, Raw};
use super::{TOOL_PLAN, WIRE, finish, source, usage};
use crate::lax::Text;

/// What is known of the answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    parts: u32,
    blocks: Vec<Opened>,
}

/// A block and the part it became, if it said anything. The wire counts content and tool calls apart.
#[derive(Debug)]
struct Opened {
    what: What,
    index: Option<u32>,
    part: Option<u32>,
    closed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Plan,
    Content(Kind),
    Call,
}

impl Answer {
    /// Begins the answer, once.
    pub(super) fn start(&mut self, id: &Text<'_>, model: &Text<'_>, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            let text = |text: &Text<'_>| text.get().map(SmolStr::from);
            out.push(Event::Start { id: text(id), model: text(model) });
        }
    }

    /// True once something of the answer was received.
    pub(super) fn has_begun(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Opens a block of content. One with the same index that is still open is complete. `whole` reads it as a value,
    /// for a block of a type that is not known.
    pub(super) fn open(
        &mut self,
        index: Option<u32>,
        block: &Block<'_>,
        whole: impl FnOnce() -> Option<Value>,
        out: &mut Vec<Event>,
    ) {
        self.close_plan(out);
        self.close_content(index, out);
        let kind = block.kind();
        self.blocks.push(Opened { what: What::Content(kind), index, part: None, closed: false });
        let at = self.blocks.len() - 1;
        match (kind, whole_of(kind, whole)) {
            (Kind::Other, Some(data)) => {
                let part = self.part(at);
                let kind = block.kind.get().unwrap_or_default().into();
                let wire = SmolStr::new_static(WIRE);
                out.push(Event::Opaque { choice: 0, part, kind, data: Box::new(data), wire });
            }
            _ => self.say(at, block.words(), out),
        }
    }

    /// Adds to a block of content; one that was not announced begins here. Words are never added to thoughts.
    pub(super) fn delta(&mut self, index: Option<u32>, block: &Block<'_>, out: &mut Vec<Event>) {
        let takes = |what: What| [What::Content(block.kind()), What::Content(Kind::Other)].contains(&what);
        match self.place(takes, index) {
            Some(at) => self.say(at, block.words(), out),
            None if block.words().is_empty() => {}
            None => self.open(index, block, || None, out),
        }
    }

    /// Completes a block of content.
    pub(super) fn close_content(&mut self, index: Option<u32>, out: &mut Vec<Event>) {
        if let Some(at) = self.place(|what| matches!(what, What::Content(_)), index) {
            self.close(at, out);
        }
    }

    /// Adds to the plan for tools.
    pub(super) fn plan(&mut self, words: &str, out: &mut Vec<Event>) {
        if words.is_empty() {
            return;
        }
        let at = self.place(|what| what == What::Plan, None).unwrap_or_else(|| {
            self.blocks.push(Opened { what: What::Plan, index: None, part: None, closed: false });
            self.blocks.len() - 1
        });
        let is_new = self.blocks.get(at).is_some_and(|block| block.part.is_none());
        self.say(at, words, out);
        if is_new {
            let part = self.part(at);
            let extra = Map::from_iter([(WIRE.to_owned(), json!({ "type": TOOL_PLAN }))]);
            out.push(Event::Extra { choice: 0, part, extra: Box::new(extra) });
        }
    }

    /// Opens a tool call. One with the same index that is still open is complete.
    pub(super) fn open_call(&mut self, index: Option<u32>, call: &Call<'_>, out: &mut Vec<Event>) {
        self.close_plan(out);
        self.close_call(index, out);
        self.blocks.push(Opened { what: What::Call, index, part: None, closed: false });
        let part = self.part(self.blocks.len() - 1);
        let word = |text: Option<&str>| text.map(SmolStr::from).unwrap_or_default();
        let function = call.function.0.as_ref();
        let (id, name) = (word(call.id.get()), word(function.and_then(|f| f.name.get())));
        out.push(Event::ToolStart { choice: 0, part, id, name, by: ToolBy::Client });
        input(part, call, out);
    }

    /// Adds to the arguments of a tool call.
    ///
    /// # Errors
    /// `Malformed` when there is none they could belong to.
    pub(super) fn call(&mut self, index: Option<u32>, call: &Call<'_>, out: &mut Vec<Event>) -> Result<()> {
        let orphan = || Error::new(ErrorKind::Malformed, "tool input came for no open tool call");
        let at = self.place(|what| what == What::Call, index).ok_or_else(orphan)?;
        let part = self.part(at);
        input(part, call, out);
        Ok(())
    }

    /// Completes a tool call.
    pub(super) fn close_call(&mut self, index: Option<u32>, out: &mut Vec<Event>) {
        if let Some(at) = self.place(|what| what == What::Call, index) {
            self.close(at, out);
        }
    }

    /// Takes a citation in, or a list of them.
    pub(super) fn cite(&mut self, citations: Raw<'_>, out: &mut Vec<Event>) {
        let citations = citations.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let list = match citations {
            Some(Value::Array(list)) => list,
            Some(one @ Value::Object(_)) => vec![one],
            _ => return,
        };
        for citation in list.into_iter().filter(Value::is_object) {
            let part = self.cited(&citation);
            out.push(Event::Source { choice: 0, source: Box::new(source::read(citation, part)) });
        }
    }

    /// The part a citation is of.
    fn cited(&self, citation: &Value) -> Option<u32> {
        let what = match citation.get("type").and_then(Value::as_str) {
            Some("PLAN") => What::Plan,
            Some("THINKING_CONTENT") => What::Content(Kind::Thinking),
            _ => What::Content(Kind::Text),
        };
        let index = citation.get("content_index").and_then(Value::as_u64);
        let matches =
            |block: &&Opened| block.what == what && (index.is_none() || block.index.map(u64::from) == index);
        let of_index = self.blocks.iter().rev().find(matches);
        let of_kind = || self.blocks.iter().rev().find(|block| block.what == what);
        of_index.or_else(of_kind)?.part
    }

    /// Takes log probabilities in: an entry, or a list of them.
    pub(super) fn logprobs(&self, entries: Raw<'_>, out: &mut Vec<Event>) {
        let entries = match entries.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok()) {
            Some(Value::Array(list)) => list,
            Some(one @ Value::Object(_)) => vec![one],
            _ => return,
        };
        out.extend(entries.into_iter().map(|data| Event::Logprobs { choice: 0, data: Box::new(data) }));
    }

    /// Takes the counters in.
    pub(super) fn usage(&self, counters: Raw<'_>, out: &mut Vec<Event>) {
        let counters = counters.and_then(|raw| serde_json::from_str::<Map<String, Value>>(raw.get()).ok());
        out.extend(counters.and_then(usage::read).map(|usage| Event::Usage(Arc::new(usage))));
    }

    /// Ends the answer.
    pub(super) fn finish(&mut self, word: &Text<'_>, out: &mut Vec<Event>) {
        self.close_all(out);
        let finish = Finish {
            reason: word.get().map(finish::read),
            raw: word.get().map(SmolStr::from),
            stop_sequence: None,
        };
        out.push(Event::Finish { choice: 0, finish });
    }

    /// Completes every block.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event>) {
        (0..self.blocks.len()).for_each(|at| self.close(at, out));
    }

    fn close_plan(&mut self, out: &mut Vec<Event>) {
        if let Some(at) = self.place(|what| what == What::Plan, None) {
            self.close(at, out);
        }
    }

    fn close(&mut self, at: usize, out: &mut Vec<Event>) {
        let Some(block) = self.blocks.get_mut(at).filter(|block| !block.closed) else { return };
        block.closed = true;
        out.extend(block.part.map(|part| Event::PartEnd { choice: 0, part }));
    }

    /// The latest open block of a sort with this index; any, where the wire tells no index.
    fn place(&self, sort: impl Fn(What) -> bool, index: Option<u32>) -> Option<usize> {
        self.blocks
            .iter()
            .rposition(|block| sort(block.what) && !block.closed && (index.is_none() || block.index == index))
    }

    /// The part of a block: the next, when it has said nothing so far.
    fn part(&mut self, at: usize) -> u32 {
        let next = self.parts;
        let Some(block) = self.blocks.get_mut(at) else { return next };
        if block.part.is_none() {
            self.parts = next.saturating_add(1);
        }
        *block.part.get_or_insert(next)
    }

    fn say(&mut self, at: usize, words: &str, out: &mut Vec<Event>) {
        let Some(what) = self.blocks.get(at).map(|block| block.what).filter(|_| !words.is_empty()) else {
            return;
        };
        let (choice, delta) = (0, SmolStr::from(words));
        match what {
            What::Content(Kind::Text) => out.push(Event::Text { choice, part: self.part(at), delta }),
            What::Plan | What::Content(Kind::Thinking) => {
                out.push(Event::Reasoning { choice, part: self.part(at), delta });
            }
            What::Content(Kind::Other) | What::Call => {}
        }
    }
}

fn whole_of(kind: Kind, whole: impl FnOnce() -> Option<Value>) -> Option<Value> {
    if kind == Kind::Other { whole() } else { None }
}

fn input(part: u32, call: &Call<'_>, out: &mut Vec<Event>) {
    let arguments = call.function.0.as_ref().map(|function| &*function.arguments.0).unwrap_or_default();
    if !arguments.is_empty() {
        out.push(Event::ToolInput { choice: 0, part, delta: arguments.into() });
    }
}
