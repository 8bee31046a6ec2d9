//! One candidate in the making: its parts become parts of the answer.

use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::{Event, Finish, FinishReason, Source};
use belvedere_core::message::{Media, ToolBy};
use serde_json::{Map, Value};

use super::media;
use super::pieces::Pieces;
use super::wire::{Candidate, FunctionCall, Part, is_true};
use super::{WIRE, finish, sources};

/// How a body gives its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Cut anywhere: neighbours of one kind are one part.
    Pieces,
    /// Part by part.
    Whole,
}

/// What is known of one candidate.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) index: u32,
    form: Form,
    /// The number of the next part.
    next: u32,
    open: Option<Open>,
    has_calls: bool,
    /// The provider's word for its end, once it came.
    pub(super) finish: Option<SmolStr>,
    sources: Vec<Source>,
    /// Searches of the web; a stream may tell of them again.
    pub(super) searches: u64,
}

/// The part that may still grow.
#[derive(Debug)]
struct Open {
    part: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thought,
    Sound(SmolStr),
    Call { id: SmolStr, pieces: Pieces },
}

impl Choice {
    pub(super) fn new(index: u32, form: Form) -> Self {
        Choice {
            index,
            form,
            next: 0,
            open: None,
            has_calls: false,
            finish: None,
            sources: Vec::new(),
            searches: 0,
        }
    }

    /// Takes in what a frame says of this candidate. `raw` gives a part by its position as an object, for parts of
    /// a kind that is not read here.
    ///
    /// # Errors
    /// `Malformed` when a piece of a call belongs to none.
    pub(super) fn take(
        &mut self,
        candidate: &Candidate<'_>,
        raw: impl Fn(usize) -> Option<Map<String, Value>>,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let parts =
            candidate.content.0.as_ref().map(|content| content.parts.0.as_slice()).unwrap_or_default();
        for (at, part) in parts.iter().enumerate() {
            self.part(part, || raw(at), out)?;
        }
        let mut logprobs = Map::new();
        for (key, value) in
            [("avgLogprobs", candidate.avg_logprobs), ("logprobsResult", candidate.logprobs_result)]
        {
            let value = value.and_then(|value| serde_json::from_str(value.get()).ok());
            logprobs.extend(value.map(|value: Value| (key.to_owned(), value)));
        }
        if !logprobs.is_empty() {
            out.push(Event::Logprobs { choice: self.index, data: Box::new(Value::Object(logprobs)) });
        }
        let (mut sources, searches) = sources::of(candidate);
        // A stream may tell again what it told before.
        sources.retain(|source| !self.sources.contains(source));
        self.sources.extend(sources.iter().cloned());
        out.extend(sources::events(self.index, sources));
        if let Some(word) = finish::word(candidate.finish_reason) {
            self.finish = Some(word);
        }
        self.searches = self.searches.max(searches);
        Ok(())
    }

    fn part(
        &mut self,
        part: &Part<'_>,
        raw: impl FnOnce() -> Option<Map<String, Value>>,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        if let Some(call) = &part.function_call.0 {
            return self.call(call, part, out);
        }
        if let Some(media) = media::of(part) {
            self.media(media, part, out);
        } else if let Some(code) = part.executable_code.filter(|code| code.get().starts_with('{')) {
            #[derive(serde::Deserialize)]
            struct Code {
                id: Option<SmolStr>,
            }
            let id =
                serde_json::from_str::<Code>(code.get()).ok().and_then(|code| code.id).unwrap_or_default();
            let name = SmolStr::new_static(super::EXECUTABLE_CODE);
            self.provider_call(id, name, Some(code.get()), part, out);
        } else if let Some(call) = part.tool_call.0.as_ref().filter(|call| call.tool_type.get().is_some()) {
            let (id, name) = (call.id.0.as_ref().into(), call.tool_type.0.as_ref().into());
            self.provider_call(id, name, call.args.map(|args| args.get()), part, out);
        } else if let Some(text) = &part.text {
            self.text(&text.0, part, out);
        } else if let Some((kind, data)) = raw().and_then(opaque) {
            let part = self.open_part(out);
            let data = Box::new(Value::Object(data));
            let wire = SmolStr::new_static(WIRE);
            out.push(Event::Opaque { choice: self.index, part, kind, data, wire });
            out.push(Event::PartEnd { choice: self.index, part });
        }
        Ok(())
    }

    /// A text or a thought. What is signed is a part of its own: the provider wants each signature back in the
    /// part that it came in (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
    fn text(&mut self, text: &str, wire_part: &Part<'_>, out: &mut Vec<Event>) {
        let choice = self.index;
        let thought = is_true(wire_part.thought);
        let signature = wire_part.thought_signature.get().filter(|_| thought);
        let extra = extra(wire_part, thought);
        let alone = signature.is_some() || extra.is_some();
        if text.is_empty() && !alone {
            return;
        }
        let open = self.open.as_ref().filter(|open| match open.kind {
            Kind::Text => !thought,
            Kind::Thought => thought,
            _ => false,
        });
        let part = match open.filter(|_| !alone) {
            Some(open) => open.part,
            None => self.open_part(out),
        };
        let delta = SmolStr::from(text);
        match thought {
            true if text.is_empty() && signature.is_some() => {}
            true => out.push(Event::Reasoning { choice, part, delta }),
            false => out.push(Event::Text { choice, part, delta }),
        }
        let wire = SmolStr::new_static(WIRE);
        out.extend(signature.map(|delta| Event::Signature { choice, part, delta: delta.into(), wire }));
        out.extend(extra.map(|extra| Event::Extra { choice, part, extra }));
        match alone || self.form == Form::Whole {
            true => out.push(Event::PartEnd { choice, part }),
            false => self.open = Some(Open { part, kind: if thought { Kind::Thought } else { Kind::Text } }),
        }
    }

    /// Pictures come whole. Sound of one type that comes in a row is one part.
    fn media(&mut self, mut media: Media, wire_part: &Part<'_>, out: &mut Vec<Event>) {
        let choice = self.index;
        let sound = media::sound(&media).filter(|_| self.form == Form::Pieces);
        let same = |open: &&Open| matches!((&open.kind, &sound), (Kind::Sound(a), Some(b)) if a == b);
        let part = match self.open.as_ref().filter(same).map(|open| open.part) {
            Some(part) => part,
            None => self.open_part(out),
        };
        if let Some(extra) = extra(wire_part, false) {
            media.extra.extend(*extra);
        }
        out.push(Event::Media { choice, part, media: Box::new(media) });
        match sound {
            Some(mime) => self.open = Some(Open { part, kind: Kind::Sound(mime) }),
            None => out.push(Event::PartEnd { choice, part }),
        }
    }

    /// A call of one of the provider's own tools, which comes whole.
    fn provider_call(
        &mut self,
        id: SmolStr,
        name: SmolStr,
        input: Option<&str>,
        wire_part: &Part<'_>,
        out: &mut Vec<Event>,
    ) {
        let (choice, part) = (self.index, self.open_part(out));
        out.push(Event::ToolStart { choice, part, id, name, by: ToolBy::Provider });
        out.extend(extra(wire_part, false).map(|extra| Event::Extra { choice, part, extra }));
        out.extend(input.map(|input| Event::ToolInput { choice, part, delta: input.into() }));
        out.push(Event::PartEnd { choice, part });
    }

    /// A call of a function: whole, or a piece of one. A name begins a call; what has none continues the open one.
    fn call(&mut self, call: &FunctionCall<'_>, wire_part: &Part<'_>, out: &mut Vec<Event>) -> Result<()> {
        let more = is_true(call.will_continue);
        let args = call.args.map(|args| args.get()).filter(|args| *args != "null");
        let pieces = call.partial_args.as_ref().map(|list| list.0.as_slice()).unwrap_or_default();
        if call.name.get().is_none() {
            let known = |id: &str| call.id.get().is_none_or(|new| new == id);
            match &mut self.open {
                Some(Open { part, kind: Kind::Call { id, pieces: all } }) if known(id) => {
                    pieces.iter().try_for_each(|piece| all.take(piece))?;
                    let (choice, part) = (self.index, *part);
                    out.extend(extra(wire_part, false).map(|extra| Event::Extra { choice, part, extra }));
                    if !more {
                        self.close(false, out);
                    }
                    return Ok(());
                }
                _ if !pieces.is_empty() => {
                    let what = "a piece of a function call belongs to no open call";
                    return Err(Error::new(ErrorKind::Malformed, what));
                }
                // An end without a beginning says nothing.
                _ if args.is_none() && call.id.get().is_none() => return Ok(()),
                _ => {}
            }
        }
        let (choice, part) = (self.index, self.open_part(out));
        let (id, name): (SmolStr, SmolStr) = (call.id.0.as_ref().into(), call.name.0.as_ref().into());
        self.has_calls = true;
        out.push(Event::ToolStart { choice, part, id: id.clone(), name, by: ToolBy::Client });
        out.extend(extra(wire_part, false).map(|extra| Event::Extra { choice, part, extra }));
        if !more && pieces.is_empty() {
            out.extend(args.map(|args| Event::ToolInput { choice, part, delta: args.into() }));
            out.push(Event::PartEnd { choice, part });
            return Ok(());
        }
        let mut all = Pieces::of(args);
        pieces.iter().try_for_each(|piece| all.take(piece))?;
        self.open = Some(Open { part, kind: Kind::Call { id, pieces: all } });
        if !more {
            self.close(false, out);
        }
        Ok(())
    }

    /// The number of a new part; the open one is complete.
    fn open_part(&mut self, out: &mut Vec<Event>) -> u32 {
        self.close(false, out);
        let part = self.next;
        self.next += 1;
        part
    }

    /// Completes the open part. `cut`: the answer ended in it.
    fn close(&mut self, cut: bool, out: &mut Vec<Event>) {
        let choice = self.index;
        let Some(Open { part, kind }) = self.open.take() else { return };
        if let Kind::Call { pieces, .. } = kind {
            out.push(Event::ToolInput { choice, part, delta: pieces.into_text(cut).into() });
        }
        out.push(Event::PartEnd { choice, part });
    }

    /// Closes what is open.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        let cut = self.finish.as_deref().is_some_and(|word| word != "STOP");
        self.close(cut, out);
    }

    /// Why it ended.
    pub(super) fn into_finish(self) -> Finish {
        let reason: Option<FinishReason> = self.finish.as_deref().map(|w| finish::reason(w, self.has_calls));
        Finish { reason, raw: self.finish, stop_sequence: None }
    }
}

/// The further fields of a part that have to be carried back. The signature of a thought has a place of its own.
fn extra(part: &Part<'_>, thought: bool) -> Option<Box<Map<String, Value>>> {
    let mut own = Map::new();
    if let Some(signature) = part.thought_signature.get().filter(|_| !thought) {
        own.insert("thoughtSignature".into(), signature.into());
    }
    // Of a text `thought` tells the kind; of media it is a further field.
    if !thought && is_true(part.thought) {
        own.insert("thought".into(), true.into());
    }
    for (key, value) in [
        ("mediaResolution", part.media_resolution),
        ("partMetadata", part.part_metadata),
        ("videoMetadata", part.video_metadata),
    ] {
        let value = value.and_then(|value| serde_json::from_str::<Value>(value.get()).ok());
        own.extend(value.map(|value| (key.to_owned(), value)));
    }
    (!own.is_empty()).then(|| Box::new(Map::from_iter([(WIRE.to_owned(), Value::Object(own))])))
}

/// The kind of a part that is carried as it is: the name of the field that tells it.
fn opaque(part: Map<String, Value>) -> Option<(SmolStr, Map<String, Value>)> {
    const FURTHER: [&str; 6] =
        ["text", "thought", "thoughtSignature", "mediaResolution", "partMetadata", "videoMetadata"];
    let told = |(name, value): &(&String, &Value)| !value.is_null() && !FURTHER.contains(&name.as_str());
    let kind = part.iter().find(told).map(|(name, _)| SmolStr::from(name));
    let kind = kind.or_else(|| part.contains_key("thoughtSignature").then(|| "thoughtSignature".into()))?;
    Some((kind, part))
}
