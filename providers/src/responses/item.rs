//! One output item in the making, and the parts it becomes.
//!
//! A message becomes a part for each of its texts and refusals, reasoning one for each of its summaries and
//! thoughts, with the encrypted form as the signature of the last. A call is one part. Any other item is an opaque
//! part, given when it is complete. Further fields of an item (`id`, `status`, ...) stand in the extra of each of
//! its parts: by them the item is put together again when it goes back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::event::Event;
use belvedere_core::message::{Media, MediaKind, MediaSource, ToolBy};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::answer::{is_search, read};
use super::wire::{self, Content};
use super::{IMAGE, WIRE};
use crate::openai::answer::filled;
use crate::openai::sources;

/// An item.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) index: u32,
    pub(super) id: SmolStr,
    pub(super) shape: Shape,
    pub(super) done: bool,
    /// It was found in the whole answer.
    pub(super) is_matched: bool,
    /// It searched the web.
    pub(super) is_search: bool,
    parts: Vec<Part>,
    /// How much text was given, in bytes.
    given: usize,
    /// Arguments that came with the item's begin. They count when no others follow.
    early: String,
    is_signed: bool,
    /// Further fields as the item began with them. They count when its end never comes.
    rest: Map<String, Value>,
}

/// What xAI calls when it searches X. It runs these itself, <https://docs.x.ai/docs/guides/tools/search-tools>.
const X_SEARCH: [&str; 5] =
    ["x_keyword_search", "x_semantic_search", "x_user_search", "x_thread_fetch", "view_x_video"];

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Message,
    Reasoning,
    Call,
    /// A call whose input is free text.
    CustomCall,
    Opaque,
}

/// The kinds of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Text,
    Refusal,
    /// A summary of the thinking.
    Summary,
    /// The thinking itself.
    Thought,
}

/// A part that has begun.
#[derive(Debug)]
struct Part {
    number: u32,
    voice: Voice,
    /// Its index among the texts of its kind.
    at: u32,
    has_input: bool,
    has_sources: bool,
    has_logprobs: bool,
    annotations: Option<Value>,
}

impl Shape {
    /// True for what the client has to run.
    pub(super) fn is_call(self) -> bool {
        matches!(self, Shape::Call | Shape::CustomCall)
    }

    fn of(kind: &str, name: &str) -> Self {
        match kind {
            "custom_tool_call" if X_SEARCH.contains(&name) => Shape::Opaque,
            "message" => Shape::Message,
            "reasoning" => Shape::Reasoning,
            "function_call" => Shape::Call,
            "custom_tool_call" => Shape::CustomCall,
            _ => Shape::Opaque,
        }
    }
}

impl Item {
    pub(super) fn new(index: u32, kind: &wire::Kind<'_>) -> Self {
        Item::of(index, kind.id.get().unwrap_or_default(), Shape::of(&kind.kind.0, &kind.name.0))
    }

    pub(super) fn of(index: u32, id: &str, shape: Shape) -> Self {
        Item {
            index,
            id: id.into(),
            shape,
            done: false,
            is_matched: false,
            is_search: false,
            parts: Vec::new(),
            given: 0,
            early: String::new(),
            is_signed: false,
            rest: Map::new(),
        }
    }

    /// Reads what an item begins with. A call tells its name.
    ///
    /// # Errors
    /// `Malformed` when it is no object.
    pub(super) fn begin(&mut self, raw: &RawValue, parts: &mut u32, out: &mut Vec<Event>) -> Result<()> {
        if self.shape == Shape::Opaque {
            return Ok(());
        }
        let item: wire::Item<'_> = read(raw, "an item")?;
        if self.shape.is_call() && item.name.get().is_some() {
            self.call(&item, parts, out);
            self.early = self.arguments(&item).to_owned();
        }
        self.rest = item.rest;
        self.rest.remove("status");
        Ok(())
    }

    /// Gives a piece of text.
    pub(super) fn say(&mut self, voice: Voice, at: u32, text: &str, parts: &mut u32, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let known = self.parts.iter().rev().find(|part| part.voice == voice && part.at == at);
        let part = known.map(|part| part.number).unwrap_or_else(|| self.part(voice, at, parts));
        self.given += text.len();
        let delta = SmolStr::new(text);
        out.push(match voice {
            Voice::Text => Event::Text { choice: 0, part, delta },
            Voice::Refusal => Event::Refusal { choice: 0, part, delta },
            Voice::Summary | Voice::Thought => Event::Reasoning { choice: 0, part, delta },
        });
    }

    /// True when something of this text was given.
    pub(super) fn has_said(&self, voice: Voice, at: u32) -> bool {
        self.parts.iter().any(|part| part.voice == voice && part.at == at)
    }

    fn part(&mut self, voice: Voice, at: u32, parts: &mut u32) -> u32 {
        let number = *parts;
        *parts += 1;
        self.parts.push(Part {
            number,
            voice,
            at,
            has_input: false,
            has_sources: false,
            has_logprobs: false,
            annotations: None,
        });
        number
    }

    fn call(&mut self, item: &wire::Item<'_>, parts: &mut u32, out: &mut Vec<Event>) {
        if !self.parts.is_empty() {
            return;
        }
        let part = self.part(Voice::Text, 0, parts);
        // A server without call ids pairs by the item's own.
        let id = item.call_id.get().map(SmolStr::new).unwrap_or_else(|| self.id.clone());
        let name = SmolStr::new(&*item.name.0);
        out.push(Event::ToolStart { choice: 0, part, id, name, by: ToolBy::Client });
    }

    fn arguments<'i>(&self, item: &'i wire::Item<'_>) -> &'i str {
        match self.shape {
            Shape::CustomCall => &item.input.0,
            _ => &item.arguments.0,
        }
    }

    /// Gives a piece of a call's arguments, or all of them unless some came before.
    /// Where the name has not come yet there is no part; the item's end then brings both.
    pub(super) fn input(&mut self, text: &str, is_whole: bool, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        for part in self.parts.iter_mut().filter(|part| !(is_whole && part.has_input)) {
            part.has_input = true;
            out.push(Event::ToolInput { choice: 0, part: part.number, delta: text.into() });
        }
    }

    /// Gives log probabilities, one event each, in the form that chat has them.
    pub(super) fn logprobs(&mut self, at: u32, raw: &str, out: &mut Vec<Event>) {
        let Some(part) = self.parts.iter_mut().find(|part| part.voice == Voice::Text && part.at == at) else {
            return;
        };
        let entries: Vec<Value> = serde_json::from_str(raw).unwrap_or_default();
        part.has_logprobs |= !entries.is_empty();
        for entry in entries {
            out.push(Event::Logprobs { choice: 0, data: Box::new(json!({ "content": [entry] })) });
        }
    }

    /// Gives citations, a list of them.
    pub(super) fn cite(&mut self, at: u32, raw: &str, out: &mut Vec<Event>) {
        let part = self.parts.iter_mut().find(|part| part.voice == Voice::Text && part.at == at);
        if let Some(part) = part {
            part.has_sources = true;
            sources::annotations(0, Some(part.number), raw, out);
        }
    }

    /// Takes the whole item in and closes its parts.
    ///
    /// # Errors
    /// `Malformed` when it is no object.
    pub(super) fn complete(&mut self, raw: &RawValue, parts: &mut u32, out: &mut Vec<Event>) -> Result<()> {
        if self.shape == Shape::Opaque {
            self.done = true;
            self.opaque(read(raw, "an item")?, parts, out);
            return Ok(());
        }
        let item: wire::Item<'_> = read(raw, "an item")?;
        match self.shape {
            Shape::Message | Shape::Reasoning => {
                self.texts(&item, parts, out);
                self.sign(&item, parts, out);
            }
            _ => {
                self.call(&item, parts, out);
                self.input(self.arguments(&item), true, out);
            }
        }
        self.rest = item.rest;
        self.close(out);
        Ok(())
    }

    /// Gives what was not given yet of an item's texts, with their citations and log probabilities. Servers may
    /// number the pieces otherwise than the whole, so the length tells whether anything is missing.
    fn texts(&mut self, item: &wire::Item<'_>, parts: &mut u32, out: &mut Vec<Event>) {
        let thought = if self.shape == Shape::Message { None } else { Some(Voice::Thought) };
        let summaries = (0u32..).zip(&item.summary.0).map(|(at, content)| (Voice::Summary, at, content));
        let contents = (0u32..).zip(&item.content.0).map(|(at, content)| {
            let plain = if &*content.kind.0 == "refusal" { Voice::Refusal } else { Voice::Text };
            (thought.unwrap_or(plain), at, content)
        });
        let texts: Vec<_> = summaries.chain(contents).collect();
        let whole: usize = texts.iter().map(|(_, _, content)| content.words().len()).sum();
        let missing = self.given < whole;
        for (voice, at, content) in texts {
            if missing && !self.has_said(voice, at) {
                self.say(voice, at, content.words(), parts, out);
            }
            if voice == Voice::Text {
                self.details(at, content, out);
            }
        }
    }

    fn details(&mut self, at: u32, content: &Content<'_>, out: &mut Vec<Event>) {
        let Some(part) = self.parts.iter_mut().find(|part| part.voice == Voice::Text && part.at == at) else {
            return;
        };
        let (has_sources, has_logprobs) = (part.has_sources, part.has_logprobs);
        let annotations = filled(content.annotations);
        part.annotations = annotations.and_then(|raw| serde_json::from_str(raw).ok());
        if let (Some(raw), false) = (annotations, has_sources) {
            self.cite(at, raw, out);
        }
        if let (Some(raw), false) = (filled(content.logprobs), has_logprobs) {
            self.logprobs(at, raw, out);
        }
    }

    /// Gives the encrypted form, which belongs to the item's last part. Reasoning of which nothing is shown is a
    /// part without text.
    fn sign(&mut self, item: &wire::Item<'_>, parts: &mut u32, out: &mut Vec<Event>) {
        if self.shape != Shape::Reasoning {
            return;
        }
        let signature = item.encrypted_content.get();
        if self.parts.is_empty() && (signature.is_some() || item.rest.contains_key("id")) {
            let part = self.part(Voice::Summary, 0, parts);
            if signature.is_none() {
                out.push(Event::Reasoning { choice: 0, part, delta: SmolStr::default() });
            }
        }
        if let (Some(part), Some(signature)) = (self.parts.last(), signature) {
            let wire = SmolStr::new_static(WIRE);
            self.is_signed = true;
            out.push(Event::Signature { choice: 0, part: part.number, delta: signature.into(), wire });
        }
    }

    /// Hands an item on whole. An image that it made is a part of its own.
    fn opaque(&mut self, mut data: Value, parts: &mut u32, out: &mut Vec<Event>) {
        self.is_search = is_search(&data);
        let kind: SmolStr = data.get("type").and_then(Value::as_str).unwrap_or_default().into();
        let image = if kind == IMAGE { take_image(&mut data) } else { None };
        let part = self.part(Voice::Text, 0, parts);
        let wire = SmolStr::new_static(WIRE);
        out.push(Event::Opaque { choice: 0, part, kind, data: Box::new(data), wire });
        out.push(Event::PartEnd { choice: 0, part });
        if let Some(media) = image {
            let part = self.part(Voice::Text, 1, parts);
            out.push(Event::Media { choice: 0, part, media: Box::new(media) });
            out.push(Event::PartEnd { choice: 0, part });
        }
    }

    /// Closes what is open.
    pub(super) fn close(&mut self, out: &mut Vec<Event>) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        let early = std::mem::take(&mut self.early);
        let last = self.parts.last().map(|part| part.number);
        for part in &mut self.parts {
            if self.shape.is_call() && !part.has_input && !early.is_empty() {
                out.push(Event::ToolInput { choice: 0, part: part.number, delta: early.as_str().into() });
            }
            let mut own = self.rest.clone();
            match (self.shape, part.voice) {
                (Shape::CustomCall, _) => drop(own.insert("type".into(), "custom_tool_call".into())),
                (Shape::Reasoning, Voice::Thought) => {
                    drop(own.insert("type".into(), "reasoning_text".into()))
                }
                _ => {}
            }
            own.extend(part.annotations.take().map(|list| ("annotations".to_owned(), list)));
            // Reasoning of this wire is known by its signature, or by its extra, even an empty one. A refusal has
            // no place for it.
            let is_signed = self.is_signed && last == Some(part.number);
            let is_marked = self.shape == Shape::Reasoning && !is_signed;
            if (!own.is_empty() || is_marked) && part.voice != Voice::Refusal {
                let extra = Map::from_iter([(WIRE.to_owned(), Value::Object(own))]);
                out.push(Event::Extra { choice: 0, part: part.number, extra: Box::new(extra) });
            }
            out.push(Event::PartEnd { choice: 0, part: part.number });
        }
    }
}

/// Takes the image out of an `image_generation_call`. What is not base64 stays where it is.
pub(super) fn take_image(data: &mut Value) -> Option<Media> {
    let item = data.as_object_mut()?;
    let bytes = STANDARD.decode(item.get("result")?.as_str()?).ok()?;
    item.remove("result");
    let mime = match item.get("output_format").and_then(Value::as_str).unwrap_or("png") {
        "svg" => SmolStr::new_static("image/svg+xml"),
        format => format!("image/{format}").into(),
    };
    let source = MediaSource::Data { mime, data: bytes.into() };
    let mut media = Media::new(MediaKind::Image, source);
    let own = item.get("id").map(|id| json!({ "id": id })).unwrap_or_else(|| json!({}));
    media.extra.insert(WIRE.into(), own);
    Some(media)
}
