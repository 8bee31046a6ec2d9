//! The answer in the making: what lines of a stream and a whole body have in common.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::event::{Event, Finish, FinishReason};
use belvedere_core::message::{Part, ToolBy};
use serde_json::{Map, Value, json};

use super::wire::{Call, Chunk, Raw, Spoken};
use super::{CHAT, GENERATE, picture, usage};
use crate::lax::Text;

/// What is known of the answer. Its text is one part and its thinking another, however they take turns: a whole
/// answer has one field for each.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    parts: u32,
    thinking: Option<u32>,
    text: Option<u32>,
    calls: bool,
}

impl Answer {
    /// True once something of the answer was received.
    pub(super) fn has_begun(&self) -> bool {
        self.started
    }

    /// Takes a piece in.
    pub(super) fn take(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            out.push(Event::Start { id: None, model: chunk.model.get().map(SmolStr::from) });
        }
        if let Some(Spoken { content, thinking, images, tool_calls }) =
            chunk.message.as_ref().and_then(|message| message.0.as_ref())
        {
            self.say(thinking, content, out);
            self.pictures(*images, out);
            tool_calls.0.iter().for_each(|call| self.call(call, out));
        }
        let response = chunk.response.and_then(|raw| serde_json::from_str::<Text<'_>>(raw.get()).ok());
        self.say(&chunk.thinking, &response.unwrap_or_default(), out);
        self.picture(&chunk.image, out);
        chunk.tool_calls.0.iter().for_each(|call| self.call(call, out));
        if let Some(logprobs) = chunk.logprobs {
            let entries: Vec<Value> = serde_json::from_str(logprobs.get()).unwrap_or_default();
            out.extend(entries.into_iter().map(|data| Event::Logprobs { choice: 0, data: Box::new(data) }));
        }
    }

    /// Ends the answer. `text` is its last piece, for the counters in it.
    pub(super) fn finish(&mut self, chunk: &Chunk<'_>, text: &str, out: &mut Vec<Event>) {
        let context = chunk.context.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        if let (Some(part), Some(context @ Value::Array(_))) = (self.text, context) {
            let extra = Map::from_iter([(GENERATE.to_owned(), json!({ "context": context }))]);
            out.push(Event::Extra { choice: 0, part, extra: Box::new(extra) });
        }
        let mut open = [self.thinking.take(), self.text.take()];
        open.sort_unstable();
        out.extend(open.into_iter().flatten().map(|part| Event::PartEnd { choice: 0, part }));
        out.extend(usage::of(text).map(|usage| Event::Usage(Arc::new(usage))));
        let raw = chunk.done_reason.get().map(SmolStr::from);
        let reason = raw.as_deref().map(|word| match word {
            "stop" if self.calls => FinishReason::ToolCalls,
            "stop" => FinishReason::Stop,
            "length" => FinishReason::Length,
            // `load` and `unload` among them: the model went into memory or out of it, and nothing was asked.
            _ => FinishReason::Other,
        });
        out.push(Event::Finish { choice: 0, finish: Finish { reason, raw, stop_sequence: None } });
    }

    fn next(&mut self) -> u32 {
        let part = self.parts;
        self.parts = self.parts.saturating_add(1);
        part
    }

    fn say(&mut self, thinking: &Text<'_>, text: &Text<'_>, out: &mut Vec<Event>) {
        if let Some(delta) = thinking.get() {
            let part = self.thinking.unwrap_or_else(|| self.next());
            self.thinking = Some(part);
            out.push(Event::Reasoning { choice: 0, part, delta: delta.into() });
        }
        if let Some(delta) = text.get() {
            let part = self.text.unwrap_or_else(|| self.next());
            self.text = Some(part);
            out.push(Event::Text { choice: 0, part, delta: delta.into() });
        }
    }

    fn pictures(&mut self, images: Raw<'_>, out: &mut Vec<Event>) {
        let images = images.and_then(|raw| serde_json::from_str::<Vec<Text<'_>>>(raw.get()).ok());
        images.unwrap_or_default().iter().for_each(|image| self.picture(image, out));
    }

    fn picture(&mut self, image: &Text<'_>, out: &mut Vec<Event>) {
        let Some(data) = image.get().and_then(|text| STANDARD.decode(text).ok()) else { return };
        let Part::Media(media) = picture::part(data.into()) else { return };
        let part = self.next();
        out.push(Event::Media { choice: 0, part, media: Box::new(media) });
        out.push(Event::PartEnd { choice: 0, part });
    }

    fn call(&mut self, call: &Call<'_>, out: &mut Vec<Event>) {
        let Some(function) = &call.function.0 else { return };
        self.calls = true;
        let (choice, part) = (0, self.next());
        let word = |text: &Text<'_>| text.get().map(SmolStr::from).unwrap_or_default();
        let (id, name) = (word(&call.id), word(&function.name));
        out.push(Event::ToolStart { choice, part, id, name, by: ToolBy::Client });
        if let Some(index) = function.index.0 {
            let extra = Map::from_iter([(CHAT.to_owned(), json!({ "index": index }))]);
            out.push(Event::Extra { choice, part, extra: Box::new(extra) });
        }
        let input = function.input();
        if !input.is_empty() {
            out.push(Event::ToolInput { choice, part, delta: input.into() });
        }
        out.push(Event::PartEnd { choice, part });
    }
}
