//! The answer in the making: one place turns items into parts, whether they come whole or piece by piece.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use serde_json::Value;
use serde_json::value::RawValue;

use super::item::{Item, Shape, Voice};
use super::wire::{self, Response};
use super::{finish, usage};
use crate::openai::answer::filled;

/// What is known of the answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    items: Vec<Item>,
    /// Parts given out so far: the next part's number.
    parts: u32,
}

/// Where a piece belongs. Servers differ in what they keep: some give each event another item id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) index: Option<u32>,
    pub(super) id: Option<&'a str>,
}

impl Answer {
    /// Begins the answer, once.
    pub(super) fn start(&mut self, response: Option<&Response<'_>>, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let id = response.and_then(|r| r.id.get()).map(SmolStr::new);
        let model = response.and_then(|r| r.model.get()).map(SmolStr::new);
        out.push(Event::Start { id, model });
    }

    /// True once something of the answer was received.
    pub(super) fn has_begun(&self) -> bool {
        !self.items.is_empty()
    }

    /// Opens an item. Two items may have one index: another id is another item.
    ///
    /// # Errors
    /// `Malformed` when it is no object.
    pub(super) fn open(&mut self, index: Option<u32>, raw: &RawValue, out: &mut Vec<Event>) -> Result<()> {
        self.start(None, out);
        let kind: wire::Kind<'_> = read(raw, "an item")?;
        let index = index.unwrap_or_else(|| number(self.items.len()));
        let known =
            |item: &Item| item.index == index && !item.done && Some(item.id.as_str()) == kind.id.get();
        if self.items.iter().any(known) {
            return Ok(());
        }
        let mut item = Item::new(index, &kind);
        item.begin(raw, &mut self.parts, out)?;
        self.items.push(item);
        Ok(())
    }

    /// Takes a piece of text in. An item that no event has opened is opened by it.
    ///
    /// # Errors
    /// `Malformed` when the item is of a kind that has no such text.
    pub(super) fn say(
        &mut self,
        place: Place<'_>,
        voice: Voice,
        at: Option<u32>,
        text: &str,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        self.start(None, out);
        let position = match self.find(place) {
            Some(position) => position,
            None => {
                let index = place.index.unwrap_or_else(|| number(self.items.len()));
                self.items.push(Item::of(index, place.id.unwrap_or_default(), voice.shape()));
                self.items.len() - 1
            }
        };
        let Some(item) = self.items.get_mut(position) else { return Ok(()) };
        if item.shape != voice.shape() {
            return Err(misplaced());
        }
        item.say(voice, at.unwrap_or_default(), text, &mut self.parts, out);
        Ok(())
    }

    /// Takes the whole text of a piece in, of which nothing may have come before.
    ///
    /// # Errors
    /// As [`Answer::say`].
    pub(super) fn said(
        &mut self,
        place: Place<'_>,
        voice: Voice,
        at: Option<u32>,
        text: &str,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let place_of = |item: &Item| item.has_said(voice, at.unwrap_or_default());
        let known = self.find(place).or_else(|| self.find_done(place));
        if text.is_empty() || known.and_then(|position| self.items.get(position)).is_some_and(place_of) {
            return Ok(());
        }
        self.say(place, voice, at, text, out)
    }

    /// Takes a piece of a call's arguments in, or all of them. A call that the server runs has them at its end.
    ///
    /// # Errors
    /// `Malformed` when no call is open that it could belong to: a guess would give it to the wrong one.
    pub(super) fn input(
        &mut self,
        place: Place<'_>,
        text: &str,
        is_whole: bool,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let found = self.find(place).and_then(|position| self.items.get_mut(position));
        let found = found.filter(|item| item.shape.is_call() || item.shape == Shape::Opaque);
        let Some(item) = found else { return Err(misplaced()) };
        item.input(text, is_whole, out);
        Ok(())
    }

    /// Takes log probabilities of a text in.
    pub(super) fn logprobs(&mut self, place: Place<'_>, at: Option<u32>, raw: &str, out: &mut Vec<Event>) {
        if let Some(item) = self.find(place).and_then(|position| self.items.get_mut(position)) {
            item.logprobs(at.unwrap_or_default(), raw, out);
        }
    }

    /// Takes a citation of a text in.
    pub(super) fn cite(&mut self, place: Place<'_>, at: Option<u32>, raw: &str, out: &mut Vec<Event>) {
        if let Some(item) = self.find(place).and_then(|position| self.items.get_mut(position)) {
            item.cite(at.unwrap_or_default(), &format!("[{raw}]"), out);
        }
    }

    /// Takes an item in that is complete. What of it came before is not given again.
    ///
    /// # Errors
    /// `Malformed` when it is no object.
    pub(super) fn complete(
        &mut self,
        index: Option<u32>,
        raw: &RawValue,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        self.start(None, out);
        let kind: wire::Kind<'_> = read(raw, "an item")?;
        let place = Place { index, id: kind.id.get() };
        let again = |item: &Item| {
            item.done
                && place.index.is_none_or(|index| index == item.index)
                && place.id.is_none_or(|id| id == item.id)
        };
        match self.find(place) {
            Some(position) => self.finish(position, raw, out),
            None if self.items.iter().any(again) => Ok(()),
            None => self.add(index.unwrap_or_else(|| number(self.items.len())), raw, out),
        }
    }

    /// Takes an item of the whole answer in. Each item that came in pieces is one of them: by its place, or else by
    /// its id, which xAI gives to several.
    fn reconcile(&mut self, index: u32, raw: &RawValue, out: &mut Vec<Event>) -> Result<()> {
        let kind: wire::Kind<'_> = read(raw, "an item")?;
        let free = |item: &Item| !item.is_matched;
        let of_id = |item: &Item| free(item) && kind.id.get() == Some(item.id.as_str());
        let position = self.items.iter().position(|item| free(item) && item.index == index);
        let position = position.or_else(|| self.items.iter().position(of_id));
        let position = match position {
            Some(position) => {
                if self.items.get(position).is_some_and(|item| !item.done) {
                    self.finish(position, raw, out)?;
                }
                position
            }
            None => {
                self.add(index, raw, out)?;
                self.items.len() - 1
            }
        };
        if let Some(item) = self.items.get_mut(position) {
            item.is_matched = true;
        }
        Ok(())
    }

    fn add(&mut self, index: u32, raw: &RawValue, out: &mut Vec<Event>) -> Result<()> {
        self.items.push(Item::new(index, &read(raw, "an item")?));
        self.finish(self.items.len() - 1, raw, out)
    }

    fn finish(&mut self, position: usize, raw: &RawValue, out: &mut Vec<Event>) -> Result<()> {
        match self.items.get_mut(position) {
            Some(item) => item.complete(raw, &mut self.parts, out),
            None => Ok(()),
        }
    }

    /// Ends the answer: with what the response has and no event brought, its usage, and why it ended.
    ///
    /// # Errors
    /// `Malformed` when one of its items is no object.
    pub(super) fn end(&mut self, response: &Response<'_>, out: &mut Vec<Event>) -> Result<()> {
        self.start(Some(response), out);
        for (index, raw) in (0u32..).zip(response.items()) {
            if raw.get().starts_with('{') {
                self.reconcile(index, raw, out)?;
            }
        }
        self.items.iter_mut().for_each(|item| item.close(out));
        self.usage(response, out);
        let calls = self.items.iter().any(|item| item.shape.is_call());
        out.push(Event::Finish { choice: 0, finish: finish::of(response, calls) });
        Ok(())
    }

    fn usage(&self, response: &Response<'_>, out: &mut Vec<Event>) {
        let counts = filled(response.usage).and_then(|raw| serde_json::from_str(raw).ok());
        let searches = self.items.iter().filter(|item| item.is_search).count();
        let usage =
            counts.and_then(|counts| usage::read(counts, u64::try_from(searches).unwrap_or(u64::MAX)));
        out.extend(usage.map(|usage| Event::Usage(Arc::new(usage))));
    }

    /// What an answer used that began and failed.
    pub(super) fn usage_of_failed(&self, response: &Response<'_>, out: &mut Vec<Event>) {
        if self.started {
            self.usage(response, out);
        }
    }

    /// The open item with this index and id; with one of them when the other is not told or differs everywhere.
    fn find(&self, place: Place<'_>) -> Option<usize> {
        let of_id = |item: &&Item| place.id == Some(item.id.as_str());
        let of_index = |item: &&Item| place.index == Some(item.index);
        let open = || self.items.iter().enumerate().rev().filter(|(_, item)| !item.done);
        let both = open().find(|(_, item)| of_id(item) && of_index(item));
        let found = match (place.index, place.id) {
            (Some(_), _) => both
                .or_else(|| open().find(|(_, item)| of_index(item)))
                .or_else(|| open().find(|(_, item)| of_id(item))),
            (None, Some(_)) => open().find(|(_, item)| of_id(item)),
            (None, None) => open().next(),
        };
        found.map(|(position, _)| position)
    }

    /// The item with this id, or this index, that is complete already.
    fn find_done(&self, place: Place<'_>) -> Option<usize> {
        let of_id = |item: &Item| item.done && place.id == Some(item.id.as_str());
        let of_index = |item: &Item| item.done && place.index == Some(item.index);
        self.items.iter().position(of_id).or_else(|| self.items.iter().position(of_index))
    }
}

impl Voice {
    /// The kind of item that has texts of this kind.
    fn shape(self) -> Shape {
        match self {
            Voice::Text | Voice::Refusal => Shape::Message,
            Voice::Summary | Voice::Thought => Shape::Reasoning,
        }
    }
}

fn misplaced() -> Error {
    Error::new(ErrorKind::Malformed, "a piece came for an item that is not open or of another kind")
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Reads a part of a frame that is JSON already.
pub(super) fn read<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue, what: &str) -> Result<T> {
    serde_json::from_str(raw.get())
        .map_err(|_| Error::new(ErrorKind::Malformed, format!("{what} is not what the wire allows")))
}

/// True for an item that is a search of the web; pages that are only opened are not billed as one.
/// <https://platform.openai.com/docs/guides/tools-web-search>
pub(super) fn is_search(item: &Value) -> bool {
    let action = item.get("action").and_then(|action| action.get("type")).and_then(Value::as_str);
    item.get("type").is_some_and(|kind| kind == "web_search_call") && action.is_none_or(|a| a == "search")
}
