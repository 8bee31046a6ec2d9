//! One choice of an answer: which part a piece belongs to.
//!
//! A message has one text, one reasoning and one refusal, however often a stream switches between them: a part
//! stays open until the end, so that a streamed and a whole answer fold to the same message. Only the items of a
//! content list (Mistral) have an order of their own; there a change of kind closes the part.

use belvedere_core::SmolStr;
use belvedere_core::error::Result;
use belvedere_core::event::{Event, Finish};
use belvedere_core::message::ToolBy;
use serde_json::{Map, Value, json};

use super::answer::filled;
use super::calls::{Call, Calls, Fragment, Route};
use super::details::{self, Details};
use super::filters::Filters;
use super::media::{self, Sound};
use super::wire::{self, Content, Delta, Item};
use super::{finish, sources};

/// What is known of a choice.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) index: u32,
    pub(crate) finish: Option<Finish>,
    next: u32,
    open: Vec<u32>,
    text: Option<u32>,
    reasoning: Option<u32>,
    /// It has come in pieces: a whole message after them says it all again.
    in_pieces: bool,
    /// The thinking has a field of its own: what the details have of it is the same again.
    thinks_aloud: bool,
    refusal: Option<u32>,
    sound_part: Option<u32>,
    sound: Sound,
    /// The kind of the latest item of a content list.
    latest: Option<Kind>,
    calls: Calls,
    /// Further fields of calls whose part is not open yet, by part.
    extras: Vec<(u32, Box<Map<String, Value>>)>,
    /// The position of the legacy `function_call`.
    function: Option<usize>,
    details: Details,
    pub(crate) filters: Filters,
    /// Tools that Groq ran, the latest state of each.
    executed: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

/// Whether a message comes in pieces or as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Pieces: `delta`.
    Pieces,
    /// A whole: `message`.
    Whole,
}

impl Choice {
    pub(crate) fn new(index: u32) -> Self {
        Choice { index, ..Choice::default() }
    }

    /// Takes a choice of a chunk in.
    ///
    /// # Errors
    /// `Malformed` when a fragment of a tool call belongs to none, or media are not base64.
    pub(crate) fn take(
        &mut self,
        choice: &wire::Choice<'_>,
        form: Form,
        mime: &SmolStr,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let (first, second, form) = match form {
            Form::Pieces if choice.delta.0.is_some() => (&choice.delta, &choice.message, form),
            // A gateway may send a whole answer as one event.
            _ => (&choice.message, &choice.delta, Form::Whole),
        };
        let is_again = self.in_pieces && form == Form::Whole;
        if let Some(delta) = first.0.as_ref().or(second.0.as_ref()).filter(|_| !is_again) {
            self.delta(delta, form, mime, out)?;
        }
        self.in_pieces |= form == Form::Pieces && self.next > 0;
        if let Some(raw) = choice.logprobs {
            self.logprobs(raw.get(), out);
        }
        self.filters.add(choice.content_filter_results);
        if let Some(finish) = finish::of(choice) {
            self.finish = Some(finish);
        }
        Ok(())
    }

    fn delta(&mut self, delta: &Delta<'_>, form: Form, mime: &SmolStr, out: &mut Vec<Event>) -> Result<()> {
        match delta.thinking() {
            Some(text) => {
                self.thinks_aloud = true;
                self.say_reasoning(text, out);
            }
            None if self.thinks_aloud => {}
            None => {
                let texts = delta.reasoning_details.0.iter().filter_map(|detail| detail.text.get());
                texts.for_each(|text| self.say_reasoning(text, out));
            }
        }
        delta.reasoning_details.0.iter().for_each(|detail| self.details.add(detail));
        match &delta.content {
            Content::Text(text) => text.get().into_iter().for_each(|text| self.say_text(text, out)),
            Content::Items(items) => items.iter().try_for_each(|item| self.item(item, out))?,
        }
        if let Some(text) = delta.refusal.get() {
            self.say_refusal(text, out);
        }
        if let Some(raw) = delta.annotations {
            sources::annotations(self.index, self.text, raw.get(), out);
        }
        if let Some(audio) = &delta.audio.0 {
            self.audio(audio, mime, out)?;
        }
        delta.images.0.iter().try_for_each(|item| self.item(item, out))?;
        for call in &delta.tool_calls.0 {
            self.call(call, form, out)?;
        }
        if let Some(function) = &delta.function_call.0 {
            self.function(function, out)?;
        }
        if let Some(raw) = delta.executed_tools {
            self.executed(raw.get());
        }
        Ok(())
    }

    /// Opens a part.
    fn part(&mut self) -> u32 {
        let part = self.next;
        self.next = part.saturating_add(1);
        self.open.push(part);
        part
    }

    /// The part that `slot` remembers; opens it when there is none.
    fn part_of(&mut self, slot: fn(&mut Choice) -> &mut Option<u32>) -> u32 {
        if let Some(part) = *slot(self) {
            return part;
        }
        let part = self.part();
        *slot(self) = Some(part);
        part
    }

    fn close(&mut self, part: u32, out: &mut Vec<Event>) {
        self.open.retain(|open| *open != part);
        out.push(Event::PartEnd { choice: self.index, part });
    }

    fn say_text(&mut self, text: &str, out: &mut Vec<Event>) {
        let part = self.part_of(|c| &mut c.text);
        out.push(Event::Text { choice: self.index, part, delta: text.into() });
    }

    fn say_reasoning(&mut self, text: &str, out: &mut Vec<Event>) {
        let part = self.reasoning_part();
        out.push(Event::Reasoning { choice: self.index, part, delta: text.into() });
    }

    fn reasoning_part(&mut self) -> u32 {
        self.part_of(|c| &mut c.reasoning)
    }

    fn say_refusal(&mut self, text: &str, out: &mut Vec<Event>) {
        let part = self.part_of(|c| &mut c.refusal);
        out.push(Event::Refusal { choice: self.index, part, delta: text.into() });
    }

    /// An item of a content list. Its kind shows in its fields: `thinking`, `text`, `refusal` or `image_url`.
    fn item(&mut self, item: &Item<'_>, out: &mut Vec<Event>) -> Result<()> {
        let thought: Vec<&str> = match &item.thinking {
            Content::Text(text) => text.get().into_iter().collect(),
            Content::Items(items) => items.iter().filter_map(|i| i.text.get()).collect(),
        };
        if !thought.is_empty() || item.signature.get().is_some() {
            self.turn_to(Kind::Reasoning, out);
            thought.into_iter().for_each(|text| self.say_reasoning(text, out));
            if let Some(signature) = item.signature.get() {
                let part = self.reasoning_part();
                out.push(Event::Signature {
                    choice: self.index,
                    part,
                    delta: signature.into(),
                    wire: SmolStr::new_static(super::WIRE),
                });
            }
        }
        if let Some(text) = item.text.get() {
            self.turn_to(Kind::Text, out);
            self.say_text(text, out);
        }
        if let Some(text) = item.refusal.get() {
            self.say_refusal(text, out);
        }
        if let Some(ids) = item.reference_ids {
            sources::references(self.index, self.text, ids.get(), out);
        }
        if let Some(url) = item.image_url.0.get() {
            let media = Box::new(media::image(url)?);
            let part = self.part();
            out.push(Event::Media { choice: self.index, part, media });
            self.close(part, out);
        }
        Ok(())
    }

    /// Closes the part of the kind that comes now when items of another kind came between.
    fn turn_to(&mut self, kind: Kind, out: &mut Vec<Event>) {
        if self.latest.replace(kind).is_some_and(|latest| latest != kind) {
            let part = match kind {
                Kind::Text => self.text.take(),
                Kind::Reasoning => self.reasoning.take(),
            };
            if let Some(part) = part {
                self.close(part, out);
            }
        }
    }

    /// Sound; its transcript is the text of the answer.
    fn audio(&mut self, audio: &wire::Audio<'_>, mime: &SmolStr, out: &mut Vec<Event>) -> Result<()> {
        if let Some(text) = audio.transcript.get() {
            self.say_text(text, out);
        }
        if let Some(media) = self.sound.take(audio, mime)? {
            let part = self.part_of(|c| &mut c.sound_part);
            out.push(Event::Media { choice: self.index, part, media: Box::new(media) });
        }
        Ok(())
    }

    fn call(&mut self, call: &wire::Call<'_>, form: Form, out: &mut Vec<Event>) -> Result<()> {
        // Snowflake sends an empty `custom` beside `function`.
        let function = call.function.0.as_ref();
        let custom = call.custom.0.as_ref();
        let input = function.map(|f| &*f.arguments.0).filter(|input| !input.is_empty());
        let name = function.and_then(|f| f.name.get());
        let fragment = Fragment {
            index: call.index.0,
            id: call.id.get(),
            name: name.or_else(|| custom.and_then(|c| c.name.get())),
            input: input.or_else(|| custom.map(|c| &*c.input.0)).unwrap_or_default(),
        };
        let route = match form {
            Form::Pieces => self.calls.route(&fragment)?,
            Form::Whole if fragment.id.or(fragment.name).is_none() && fragment.input.is_empty() => {
                Route::Nowhere
            }
            Form::Whole => Route::New,
        };
        let at = match route {
            Route::Nowhere => return Ok(()),
            Route::To(at) => at,
            Route::New => self.begin(&fragment),
        };
        self.call_piece(at, &fragment, out);
        self.extra_content(at, call, out);
        Ok(())
    }

    /// What goes back with a call. It needs an open part: until then it is held.
    fn extra_content(&mut self, at: usize, call: &wire::Call<'_>, out: &mut Vec<Event>) {
        let Some(raw) = call.extra_content.and_then(|raw| filled(Some(raw))) else { return };
        let (Ok(content), Some(call)) = (serde_json::from_str::<Value>(raw), self.calls.get_mut(at)) else {
            return;
        };
        let own = json!({ "extra_content": content });
        let extra = Box::new(Map::from_iter([(super::WIRE.to_owned(), own)]));
        match call.started {
            true => out.push(Event::Extra { choice: self.index, part: call.part, extra }),
            false => self.extras.push((call.part, extra)),
        }
    }

    /// The call of the time before `tool_calls`: one, without an id. An empty name counts as none.
    fn function(&mut self, function: &wire::Function<'_>, out: &mut Vec<Event>) -> Result<()> {
        let fragment =
            Fragment { name: function.name.get(), input: &function.arguments.0, ..Fragment::default() };
        let at = match self.function {
            Some(at) => at,
            None => match self.calls.route(&fragment)? {
                Route::Nowhere => return Ok(()),
                Route::To(at) => at,
                Route::New => self.begin(&fragment),
            },
        };
        self.function = Some(at);
        self.call_piece(at, &fragment, out);
        Ok(())
    }

    fn begin(&mut self, fragment: &Fragment<'_>) -> usize {
        let part = self.part();
        self.calls.begin(fragment, part)
    }

    fn call_piece(&mut self, at: usize, fragment: &Fragment<'_>, out: &mut Vec<Event>) {
        let Some(call) = self.calls.get_mut(at) else { return };
        call.take(fragment);
        if !call.started && call.name.is_empty() {
            call.held.push_str(fragment.input);
            return;
        }
        start(call, self.index, out);
        if !fragment.input.is_empty() {
            out.push(Event::ToolInput { choice: self.index, part: call.part, delta: fragment.input.into() });
        }
    }

    fn executed(&mut self, raw: &str) {
        for tool in serde_json::from_str::<Vec<Value>>(raw).unwrap_or_default() {
            let same =
                |old: &&mut Value| tool.get("index").is_some() && old.get("index") == tool.get("index");
            match self.executed.iter_mut().find(same) {
                Some(old) => *old = tool,
                None => self.executed.push(tool),
            }
        }
    }

    /// One event for each entry, `{section: [entry]}`, so that pieces and a whole give the same list.
    fn logprobs(&self, raw: &str, out: &mut Vec<Event>) {
        let Ok(Value::Object(map)) = serde_json::from_str(raw) else { return };
        for section in ["reasoning_content", "content", "refusal"] {
            for entry in map.get(section).and_then(Value::as_array).into_iter().flatten() {
                let data = Box::new(json!({ section: [entry] }));
                out.push(Event::Logprobs { choice: self.index, data });
            }
        }
        // The older completions' shape, which some servers kept.
        if map.get("tokens").is_some_and(Value::is_array) {
            out.push(Event::Logprobs { choice: self.index, data: Box::new(Value::Object(map)) });
        }
    }

    /// Gives what was held back and closes every part.
    pub(crate) fn end(&mut self, out: &mut Vec<Event>) {
        for call in self.calls.iter_mut().filter(|call| !call.started) {
            start(call, self.index, out);
        }
        let choice = self.index;
        out.extend(self.extras.drain(..).map(|(part, extra)| Event::Extra { choice, part, extra }));
        if let Some(data) = self.details.opaque() {
            self.opaque(details::KIND, data, out);
        }
        if !self.executed.is_empty() {
            let data = Value::Array(std::mem::take(&mut self.executed));
            self.opaque("executed_tools", data, out);
        }
        let choice = self.index;
        let text = self.text.filter(|part| self.open.contains(part));
        if let (Some(part), Some(extra)) = (text.or(self.open.first().copied()), self.filters.take()) {
            out.push(Event::Extra { choice, part, extra: Box::new(extra) });
        }
        out.extend(self.open.drain(..).map(|part| Event::PartEnd { choice, part }));
    }

    fn opaque(&mut self, kind: &'static str, data: Value, out: &mut Vec<Event>) {
        let part = self.part();
        let (kind, data) = (SmolStr::new_static(kind), Box::new(data));
        out.push(Event::Opaque {
            choice: self.index,
            part,
            kind,
            data,
            wire: SmolStr::new_static(super::WIRE),
        });
    }
}

/// Begins a call, with the input that waited for its name.
fn start(call: &mut Call, choice: u32, out: &mut Vec<Event>) {
    if std::mem::replace(&mut call.started, true) {
        return;
    }
    let (id, name) = (call.id.clone(), call.name.clone());
    out.push(Event::ToolStart { choice, part: call.part, id, name, by: ToolBy::Client });
    if !call.held.is_empty() {
        out.push(Event::ToolInput { choice, part: call.part, delta: std::mem::take(&mut call.held).into() });
    }
}
